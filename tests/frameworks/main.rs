//! The behaviour that tower, hyper, Axum and Actix Web share, and the parts that only one of them has.

#[path = "../support/mod.rs"]
mod support;

mod actix_web;
mod axum;
mod cookies;
mod damaged;
mod failures;
mod races;
mod scenarios;
mod secrets;
mod timeouts;
mod upkeep;
