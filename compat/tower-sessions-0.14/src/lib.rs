//! [`cloakroom`] under the name of `tower-sessions` 0.14.
//!
//! Not published. Cargo's patch table puts it in the place of the crate of that name, so that what links `tower-sessions`, first of
//! all `axum-login`, runs on `cloakroom`, unmodified. `docs/from-tower-sessions.md` has the lines of the patch table.

pub use cloakroom::tower_sessions::*;
