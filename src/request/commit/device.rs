//! Binds the session of a login to its device.

use std::sync::Arc;

use super::{Backend, Commit, Record};
use crate::{
    config::Way,
    request::device::registration,
    store::{Binding, SessionId},
};

impl Commit<'_> {
    /// Returns the binding that a login in this backend begins, if the client's way, the options and the records allow one.
    pub(super) fn new_binding(&self, backend: &Backend) -> Option<Arc<Binding>> {
        let is_cookie = self.opening.way.unwrap_or(self.way) == Way::Cookie;
        let registers = self.config.device.as_ref().is_some_and(|options| options.registers());
        (is_cookie && registers && self.config.proof_cookie.is_some() && !backend.is_foreign())
            .then(|| Arc::new(Binding::new()))
    }

    /// Asks the browser for its device's key, with the response's head.
    pub(super) fn ask_device(&mut self, id: &SessionId, record: &Record) {
        let binding = record.binding();
        self.registration = binding.and_then(|binding| registration(self.config, id, binding));
    }
}
