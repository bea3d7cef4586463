//! Random numbers that a test can repeat.

use std::cell::Cell;

thread_local! {
    /// The number of the request that draws, and how many times it has drawn.
    static ROLLS: Cell<Option<(u8, u8)>> = const { Cell::new(None) };
}

/// Returns the next bytes, all different, if this thread is inside [`with`].
pub(crate) fn roll<const N: usize>() -> Option<[u8; N]> {
    let (who, count) = ROLLS.get()?;
    ROLLS.set(Some((who, count + 1)));
    let mut bytes = [0; N];
    (bytes[0], bytes[1]) = (who, count);
    Some(bytes)
}

/// Runs `f` with random bytes that are always the same for the same `who`.
pub(crate) fn with<R>(who: u8, f: impl FnOnce() -> R) -> R {
    let before = ROLLS.replace(Some((who, 0)));
    let result = f();
    ROLLS.set(before);
    result
}
