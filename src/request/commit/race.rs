//! Counts the time of a commit that lost races.

use std::time::{Duration, Instant};

use super::{Commit, Error, Event};

impl Commit<'_> {
    /// Records a lost race. Fails if other requests have been faster for longer than `commit_timeout`.
    pub(super) fn lose(&mut self) -> Result<(), Error> {
        let since = *self.contended_since.get_or_insert_with(Instant::now);
        if since.elapsed() > self.config.commit_timeout { Err(self.contended()) } else { Ok(()) }
    }

    pub(super) fn contended(&self) -> Error {
        if let Some(id) = self.opening.id() {
            self.config.emit(&Event::Contended { id });
        }
        Error::contended()
    }

    /// Returns the time that is left of `commit_timeout`.
    pub(super) fn patience(&self) -> Duration {
        let spent = self.contended_since.map_or(Duration::ZERO, |since| since.elapsed());
        self.config.commit_timeout.saturating_sub(spent)
    }
}
