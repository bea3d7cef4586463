//! The attempts to connect to one server.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::failure::Failure;

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// The first pause. Each attempt that fails doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(8);
/// The time in which calls fail at once, after an attempt that timed out. If the server hangs, a request that makes several
/// calls waits only for the first one or two.
const QUIET: Duration = Duration::from_millis(250);

/// The attempts so far.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// The number of attempts that failed since the last one that succeeded.
    failed: u32,
    last_start: Option<Instant>,
    last_failure: Option<(Instant, Failure)>,
}

/// An attempt in progress.
pub(super) struct Attempt<'a> {
    attempts: &'a mut Attempts,
    started: Instant,
    limit: Duration,
    is_over: bool,
}

impl Attempts {
    /// Returns the failure of the last attempt, if a call that asked for a connection at `asked` shares it.
    pub(super) fn failure_since(&self, asked: Instant) -> Option<Failure> {
        let (at, failure) = self.last_failure.as_ref()?;
        let quiet = if failure.is_no_connection() { QUIET } else { Duration::ZERO };
        (asked <= *at + quiet).then(|| failure.clone())
    }

    /// Begins the next attempt, after a pause if the last one failed. It may take `limit`.
    pub(super) async fn begin(&mut self, limit: Duration) -> Attempt<'_> {
        if let Some(start) = self.last_start {
            sleep_until(start + pause(self.failed)).await;
        }
        let started = Instant::now();
        self.last_start = Some(started);
        self.failed += 1;
        Attempt { attempts: self, started, limit, is_over: false }
    }
}

impl Attempt<'_> {
    pub(super) fn succeeds(mut self) {
        self.attempts.failed = 0;
        self.attempts.last_failure = None;
        self.is_over = true;
    }

    pub(super) fn fails(mut self, failure: Failure) -> Failure {
        self.attempts.last_failure = Some((Instant::now(), failure.clone()));
        self.is_over = true;
        failure
    }
}

/// Records an attempt that its call dropped, because the call's time was over. If the attempt took more than half of
/// its own time, it counts as timed out.
impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        if !self.is_over && now.duration_since(self.started) > self.limit / 2 {
            self.attempts.last_failure = Some((now, Failure::no_connection(self.limit)));
        }
    }
}

/// Returns the time from the start of the last attempt to the next one. It is random, so that clients do not all connect at
/// the same time.
fn pause(failed: u32) -> Duration {
    if failed == 0 {
        return Duration::ZERO;
    }
    let full = FIRST_PAUSE.saturating_mul(1 << failed.min(10)).min(LONGEST_PAUSE);
    full.mul_f64(rand::random_range(0.5..=1.0))
}
