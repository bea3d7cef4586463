//! The helpers of the tests: one small application, a driver for each framework, a browser, and a naive store.

#![allow(dead_code, unused_imports, unreachable_pub)] // Each test binary uses a part of it.

pub mod app;
pub mod browser;
pub mod drivers;
pub mod futures;
pub mod history;
pub mod log;
#[cfg(feature = "testing")]
pub mod naive;
pub mod scenarios;

#[cfg(all(feature = "actix-web", feature = "axum"))]
pub use self::drivers::in_process;
pub use self::{
    browser::{Browser, Page, Sent},
    drivers::App,
    futures::{all, caught, soon},
};
