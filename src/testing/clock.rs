//! A clock that a test moves.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use crate::config::Clock;

/// A clock that stands still until a test moves it. Clones show the same time.
///
/// It starts at the machine's time. A store with an expiry of its own, such as a Redis server, uses that time, and
/// would drop the records of a clock that starts in the past.
///
/// ```
/// use std::time::Duration;
///
/// use cloakroom::{MemoryStore, SessionLayer, testing::TestClock};
///
/// let clock = TestClock::new();
/// let layer = SessionLayer::new(MemoryStore::new()).clock(clock.clone());
/// // .. log in ..
/// clock.advance(Duration::from_secs(25 * 60 * 60));
/// // .. and be logged out.
/// # let _ = layer;
/// ```
#[derive(Clone, Debug)]
pub struct TestClock {
    now: Arc<Mutex<SystemTime>>,
}

impl TestClock {
    /// Makes a clock that shows the machine's present time.
    #[must_use]
    pub fn new() -> Self {
        Self::starting_at(SystemTime::now())
    }

    /// Makes a clock that shows this time.
    #[must_use]
    pub fn starting_at(time: SystemTime) -> Self {
        Self { now: Arc::new(Mutex::new(time)) }
    }

    /// Moves the clock forward.
    ///
    /// # Panics
    ///
    /// The platform cannot represent the time.
    pub fn advance(&self, span: Duration) {
        self.change(|now| now + span);
    }

    /// Sets the clock, even back, as an administrator may set a server's clock.
    pub fn set(&self, time: SystemTime) {
        self.change(|_| time);
    }

    fn change(&self, to: impl FnOnce(SystemTime) -> SystemTime) -> SystemTime {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = to(*now);
        *now
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        self.change(|now| now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_only_when_it_is_moved_and_clones_move_with_it() {
        let start = SystemTime::UNIX_EPOCH;
        let clock = TestClock::starting_at(start);
        let other = clock.clone();
        assert_eq!(clock.now(), start);
        clock.advance(Duration::from_secs(5));
        assert_eq!(other.now(), start + Duration::from_secs(5));
        other.set(start);
        assert_eq!(clock.now(), start);
    }
}
