//! Real databases. The tests fail if one is not installed: `tests/run` installs them.

pub mod mariadb;
pub mod pgbouncer;
pub mod postgres;
pub mod process;
#[allow(dead_code)] // These tests use a part of it.
#[path = "../../../../../tests/support/proxy.rs"]
pub mod proxy;
pub mod sqlite;

use std::sync::atomic::{AtomicU32, Ordering};

/// The name of a table that no other test uses.
pub fn table() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("sessions_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
