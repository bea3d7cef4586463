//! The rules of browsers, checked with Chromium: the cookies that it keeps, and the requests with which it sends them.

mod attributes;
mod chromium;
mod cross_site;
mod fleet;
mod refused;
mod site;

#[path = "../support/program.rs"]
mod program;
