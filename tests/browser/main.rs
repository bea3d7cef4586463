//! What browsers decide, decided by Chromium: which cookies it keeps, and which it sends where.

mod attributes;
mod chromium;
mod cross_site;
mod fleet;
mod refused;
mod site;
