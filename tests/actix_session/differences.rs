//! What differs from actix-session, and is meant to: a test for each row of the table in `docs/from-actix-session.md`. The rows say
//! where a test is elsewhere; `page.rs` checks that each is there.

mod api;
mod cookies;
mod writes;
