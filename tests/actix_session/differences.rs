//! The intended differences from actix-session. There is a test for each row of the table in
//! `docs/from-actix-session.md`. If a test is elsewhere, the row says so; `page.rs` checks that each exists.

mod api;
mod cookies;
mod writes;
