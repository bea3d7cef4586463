//! A server of the fleet.

use std::time::Duration;

/// The time for which every node keeps a session that is not used.
pub const KEPT: Duration = Duration::from_hours(24);

/// A server on 127.0.0.1. It ends with its handle.
pub struct Node {
    pub name: String,
    pub port: u16,
    stop: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Node {
    pub fn new(name: impl Into<String>, port: u16, stop: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self { name: name.into(), port, stop: Some(Box::new(stop)) }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop();
        }
    }
}
