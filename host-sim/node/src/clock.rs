//! Processor time of the calling thread: what a stage really costs, however many threads share a core.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Processor time that this thread has used.
pub fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// Processor time that this process has used, over all its threads.
pub fn process_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// Measures from one call of [`Stopwatch::lap`] to the next.
pub struct Stopwatch(Duration);

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self(thread_time())
    }

    /// Forgets the time since the last lap: it was spent waiting or is counted elsewhere.
    pub fn skip(&mut self) {
        self.0 = thread_time();
    }

    /// Adds the time since the last lap to `sum`.
    pub fn lap(&mut self, sum: &mut Duration) {
        let now = thread_time();
        *sum += now.saturating_sub(self.0);
        self.0 = now;
    }
}
