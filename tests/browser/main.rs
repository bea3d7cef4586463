//! The rules of browsers, checked with Chromium: the cookies that it keeps, and the requests with which it sends them.

mod attributes;
#[cfg(all(feature = "device-bound", feature = "redis-rustls"))]
#[path = "../../examples/fleet/certificate.rs"]
mod certificate;
mod chromium;
mod cross_site;
#[cfg(all(feature = "device-bound", feature = "redis-rustls"))]
mod device_bound; // Its site takes the cryptography of `redis-rustls`.
mod fleet;
mod refused;
#[cfg(all(feature = "device-bound", feature = "redis-rustls"))]
mod secure_site;
mod site;
#[cfg(all(feature = "device-bound", feature = "redis-rustls"))]
#[path = "../support/mod.rs"]
mod support;

#[path = "../support/program.rs"]
mod program;
