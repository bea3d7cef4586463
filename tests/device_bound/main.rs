//! Device-bound sessions: a browser that is simulated here registers its device's key and proves it, on every framework.

#[path = "../support/mod.rs"]
mod support;

mod device;
mod guard;
mod house;
mod limits;
mod moving;
mod races;
mod refusals;
mod registration;
mod secrets;
mod theft;
