//! The times of many requests.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

use crate::app::nanos;

/// Nanoseconds.
#[derive(Default)]
pub(crate) struct Times {
    elapsed: Vec<f64>,
    /// The time that this thread itself ran, without the time of other processes.
    processor: Vec<f64>,
}

impl Times {
    /// Takes the time of a request.
    pub(crate) async fn of<T>(&mut self, request: impl Future<Output = T>) -> T {
        let (processor, start) = (processor(), Instant::now());
        let response = request.await;
        self.elapsed.push(nanos(start.elapsed()));
        self.processor.push(self::processor() - processor);
        response
    }

    /// Returns the time that this share of the requests did not exceed.
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "a rank")]
    pub(crate) fn at(&self, share: f64) -> f64 {
        let mut sorted = self.elapsed.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (sorted.len() as f64 * share).ceil() as usize;
        sorted[rank.clamp(1, sorted.len()) - 1]
    }

    pub(crate) fn longest_of_processor(&self) -> f64 {
        self.processor.iter().copied().fold(0.0, f64::max)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a thread that runs for months")]
fn processor() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
