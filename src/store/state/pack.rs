//! Packing a state: of another one what stays, and what is new.

use super::{State, WORD, number};

/// Most states are packed on the stack: what is kept is allocated once, and copied at once.
const ON_STACK: usize = 1536;
/// Of a small one no more than this is cleared before.
const SMALL: usize = 192;

/// A part from which a state is packed.
pub(crate) enum Run<'a> {
    /// Entries of another state: their ends, where the first begins, and all of them.
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
    /// The entries from `first` on, before `last`, to be packed as they are.
    pub(crate) fn run(&self, first: usize, last: usize) -> Run<'_> {
        let parts = self.parts();
        let (start, end) = (parts.start(2 * first), parts.start(2 * last));
        Run::Kept {
            ends: parts.ends.get(2 * first..2 * last).unwrap_or_default(),
            start,
            body: parts.body.get(start..end).unwrap_or_default(),
        }
    }

    /// Packs what makes sorted, unique keys with their values, all of them text.
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

    /// Packs them into the first `len` bytes of `place`.
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

/// A record is limited to far less than 4 GiB before it comes here.
fn word_of(number: usize) -> [u8; WORD] {
    u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes()
}
