//! What browsers decide, decided by Chromium: which cookies it keeps, and which it sends where.

mod attributes;
mod chromium;
mod cross_site;
#[cfg(feature = "device-bound")]
mod device_bound;
mod fleet;
mod refused;
#[cfg(feature = "device-bound")]
mod secure_site;
mod site;
#[cfg(feature = "device-bound")]
#[path = "../support/mod.rs"]
mod support;
