//! The time-outs, and the time that a call has left.

use std::time::Duration;

use tokio::time::Instant;

/// The longest time-out. Longer ones are cut to a year, so that no sum of times overflows.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The time-outs of a store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    pub(super) connection: Duration,
    pub(super) response: Duration,
}

impl Timeouts {
    pub(super) fn connection(self, limit: Duration) -> Self {
        Self { connection: limit.min(LONGEST), ..self }
    }

    pub(super) fn response(self, limit: Duration) -> Self {
        Self { response: limit.min(LONGEST), ..self }
    }

    /// Returns the time budget of a call of the store that begins now.
    pub(super) fn budget(self) -> Budget {
        let now = Instant::now();
        Budget { now, ends: now + self.connection + self.response }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connection: Duration::from_secs(1), response: Duration::from_secs(1) }
    }
}

/// The time that one call of the store has for all its commands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// The time at which the command is sent. The clock is read once for each command.
    now: Instant,
    pub(super) ends: Instant,
}

impl Budget {
    /// Returns the budget of the next command of the same call.
    pub(super) fn next(self) -> Self {
        Self { now: Instant::now(), ..self }
    }

    /// Returns the time at which the wait for a reply ends.
    pub(super) fn reply_by(self, response: Duration) -> Instant {
        self.ends.min(self.now + response)
    }

    pub(super) fn is_spent(self) -> bool {
        self.now >= self.ends
    }
}
