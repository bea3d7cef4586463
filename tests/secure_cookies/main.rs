//! Keys: signed tokens, and sessions in sealed cookies.

#[path = "../support/mod.rs"]
mod support;

mod actix_key;
mod forgery;
mod limits;
mod scenarios;
mod secrets;
mod signed;
