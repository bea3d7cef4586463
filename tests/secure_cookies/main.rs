//! Keys: tokens that are signed, and sessions that live sealed in the cookie.

#[path = "../support/mod.rs"]
mod support;

mod actix_key;
mod forgery;
mod limits;
mod scenarios;
mod secrets;
mod signed;
