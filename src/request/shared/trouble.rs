//! The reasons for which a request fails although its handler went on.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use http::StatusCode;

use crate::{error::Error, store::StoreError};

/// A load that failed, and uses of the session that have no error to return.
#[derive(Default)]
pub(crate) struct Trouble {
    /// The error of the first load that failed.
    failed: OnceLock<StoreError>,
    /// An extractor was refused because of that error.
    is_refused: AtomicBool,
    /// A method without an error to return was called on a session that was not loaded.
    is_misused: AtomicBool,
}

impl Trouble {
    /// Takes note of a load that failed.
    pub(crate) fn noted<T>(&self, loaded: Result<T, Error>) -> Result<T, Error> {
        if let Some(error) = loaded.as_ref().err().and_then(Error::store_error) {
            let _ = self.failed.set(error.clone());
        }
        loaded
    }

    /// Returns the error of the load that failed.
    pub(crate) fn load_error(&self) -> Option<Error> {
        self.failed.get().cloned().map(Error::from)
    }

    /// Fails the request unless its response is an error: an extractor could not load the session, and the framework may
    /// have taken that for "no session".
    pub(crate) fn refuse(&self) {
        self.is_refused.store(true, Ordering::Release);
    }

    /// Fails the request: a method that has no error to return could not make its change.
    pub(crate) fn misuse(&self) {
        self.is_misused.store(true, Ordering::Release);
    }

    /// Returns whether [`fails`](Self::fails) has to be asked.
    pub(crate) fn is_told(&self) -> bool {
        self.is_misused.load(Ordering::Acquire) || self.is_refused.load(Ordering::Acquire)
    }

    /// Returns whether a response with this status must not leave.
    pub(crate) fn fails(&self, status: StatusCode) -> bool {
        let says_otherwise = self.is_refused.load(Ordering::Acquire) && status.as_u16() < 400;
        self.is_misused.load(Ordering::Acquire) || says_otherwise
    }
}
