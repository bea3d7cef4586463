//! [`cloakroom`] under the name of `actix-session`, as version 0.11 and as version 0.10.
//!
//! Not published. Cargo's patch table puts it in the place of the crate of that name, so that crates that link `actix-session`, such as
//! `actix-identity` (0.11) and `actix-web-flash-messages` (0.10), run on `cloakroom`, unmodified. A patch replaces one version, so there
//! are two packages of this one source:
//!
//! ```toml
//! [patch.crates-io]
//! # a checkout of cloakroom
//! actix-session = { path = "../cloakroom/compat/actix-session" }
//! actix-session-0-10 = { package = "actix-session", path = "../cloakroom/compat/actix-session-0.10" }
//! ```

pub use cloakroom::actix_web::*;
