//! Captures the log of a test.

use std::{
    collections::HashMap,
    fmt::Debug,
    io,
    sync::{Arc, LazyLock, Mutex, Once, PoisonError},
    thread::ThreadId,
};

use tracing_subscriber::filter::LevelFilter;

/// The log lines of a thread, and everything else that a test adds.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

/// The logs of the capturing threads.
static LOGS: LazyLock<Mutex<HashMap<ThreadId, Log>>> = LazyLock::new(Mutex::default);

impl Log {
    /// Captures everything that this thread logs from now on.
    ///
    /// The subscriber is the whole program's, because `tracing` caches per line of code whether a subscriber wants it,
    /// and other tests run at the same time.
    pub fn capture() -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            let writer = || OfThread;
            let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(writer);
            tracing::subscriber::set_global_default(subscriber.with_ansi(false).finish()).expect("the only one");
        });
        let log = Self::default();
        lock(&LOGS).insert(std::thread::current().id(), log.clone());
        log
    }

    /// Adds both `Debug` forms of a value.
    #[allow(dead_code)] // Not every program shows something.
    pub fn show(&self, what: impl Debug) {
        lock(&self.0).extend_from_slice(format!("{what:?} {what:#?}\n").as_bytes());
    }

    /// Adds bytes as they are.
    #[allow(dead_code)] // Not every program adds any.
    pub fn add(&self, bytes: &[u8]) {
        lock(&self.0).extend_from_slice(bytes);
    }

    /// Returns true if it contains `needle`.
    #[allow(dead_code)] // Not every program looks for something.
    pub fn has(&self, needle: impl AsRef<[u8]>) -> bool {
        let needle = needle.as_ref();
        self.bytes().windows(needle.len()).any(|window| window == needle)
    }

    /// Returns everything until now.
    pub fn bytes(&self) -> Vec<u8> {
        lock(&self.0).clone()
    }

    /// Returns everything until now as text.
    #[allow(dead_code)] // Not every program reads text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// Returns the number of lines with this text, and forgets everything.
    #[allow(dead_code)] // Not every program counts.
    pub fn take_count(&self, text: &str) -> usize {
        String::from_utf8(std::mem::take(&mut *lock(&self.0))).expect("text").matches(text).count()
    }
}

/// Writes to the log of the calling thread.
struct OfThread;

impl io::Write for OfThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(Log(lines)) = lock(&LOGS).get(&std::thread::current().id()) {
            lock(lines).extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
