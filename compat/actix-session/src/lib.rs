//! [`cloakroom`] under the name of `actix-session` 0.11.
//!
//! Not published. Cargo's patch table puts it in the place of the crate of that name, so that what links `actix-session`, first of
//! all `actix-identity`, runs on `cloakroom`, unmodified:
//!
//! ```toml
//! [patch.crates-io]
//! # a checkout of cloakroom
//! actix-session = { path = "../cloakroom/compat/actix-session" }
//! ```

pub use cloakroom::actix_web::*;
