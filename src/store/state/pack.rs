//! Packs a state from the entries of another state that stay, and from new ones.

use super::{State, WORD, number};

/// The size up to which a state is packed on the stack. It is then allocated and copied once. Most states are smaller.
const ON_STACK: usize = 1536;
/// The bytes of the stack that are cleared for a small state.
const SMALL: usize = 192;

/// A part from which a state is packed.
pub(crate) enum Run<'a> {
    /// Entries of another state: their ends, the start of the first one, and their bytes.
    Kept { ends: &'a [[u8; WORD]], start: usize, body: &'a [u8] },
    /// A key and its value.
    New(&'a [u8], &'a [u8]),
}

impl Run<'_> {
    fn count(&self) -> usize {
        match self {
            Self::Kept { ends, .. } => ends.len() / 2,
            Self::New(..) => 1,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Kept { body, .. } => body.len(),
            Self::New(key, value) => key.len() + value.len(),
        }
    }
}

impl State {
    /// Returns the entries from `first` up to `last`, which is not included, to be packed unchanged.
    pub(crate) fn run(&self, first: usize, last: usize) -> Run<'_> {
        let parts = self.parts();
        let (start, end) = (parts.start(2 * first), parts.start(2 * last));
        Run::Kept {
            ends: parts.ends.get(2 * first..2 * last).unwrap_or_default(),
            start,
            body: parts.body.get(start..end).unwrap_or_default(),
        }
    }

    /// Packs runs of sorted, unique keys with their values. All of them must be UTF-8.
    pub(crate) fn pack(runs: &[Run<'_>]) -> Self {
        let count = runs.iter().map(Run::count).sum();
        let len = WORD * (1 + 2 * count) + runs.iter().map(Run::len).sum::<usize>();
        if len <= SMALL {
            Self::filled(&mut [0; SMALL], len, count, runs)
        } else if len <= ON_STACK {
            Self::filled(&mut [0; ON_STACK], len, count, runs)
        } else {
            Self::filled(&mut vec![0; len], len, count, runs)
        }
    }

    /// Packs the runs into the first `len` bytes of `place`.
    fn filled(place: &mut [u8], len: usize, count: usize, runs: &[Run<'_>]) -> Self {
        let packed = place.get_mut(..len).unwrap_or_default();
        let (head, mut body) = packed.split_at_mut(WORD * (1 + 2 * count));
        let mut put = |part: &[u8]| {
            if let Some((here, rest)) = std::mem::take(&mut body).split_at_mut_checked(part.len()) {
                here.copy_from_slice(part);
                body = rest;
            }
        };
        let mut words = head.as_chunks_mut().0.iter_mut();
        if let Some(word) = words.next() {
            *word = word_of(count);
        }
        let mut end = 0;
        for run in runs {
            match *run {
                Run::Kept { ends, start, body } => {
                    for (old, word) in ends.iter().zip(words.by_ref()) {
                        *word = word_of(end + number(*old).saturating_sub(start));
                    }
                    end += body.len();
                    put(body);
                }
                Run::New(key, value) => {
                    for (part, word) in [key, value].into_iter().zip(words.by_ref()) {
                        end += part.len();
                        *word = word_of(end);
                        put(part);
                    }
                }
            }
        }
        Self::of(packed)
    }
}

/// The limit of a record's size is checked before, and is far below 4 GiB.
fn word_of(number: usize) -> [u8; WORD] {
    u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes()
}
