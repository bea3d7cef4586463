//! A session's keys and values, packed.

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use serde_json::{Map, Value};

/// Bytes of the header's count, and of each offset after it.
const WORD: usize = 4;

/// A session's top-level keys, each with its value as raw JSON text. Immutable, and cheap to clone.
///
/// It is one block of memory: loading a session parses nothing, reading one key is a binary search and touches that
/// key only. Keys are sorted and unique.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// `count, (key end, value end) x count, key, value, key, value, ..`; words are little-endian `u32`, and ends
    /// count from the first key on.
    packed: Arc<[u8]>,
}

impl State {
    /// The state without keys.
    pub(crate) fn empty() -> &'static Self {
        static EMPTY: LazyLock<State> = LazyLock::new(|| State::pack(std::iter::empty()));
        &EMPTY
    }

    /// The raw JSON text under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.find(key).and_then(|at| self.entry(at)).map(|(_, value)| text(value))
    }

    /// Whether there is such a key.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.word(0)
    }

    /// Whether there is no key at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every key with its raw JSON text, in the keys' order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries().map(|(key, value)| (text(key), text(value)))
    }

    /// The same, as bytes.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        (0..self.len()).filter_map(|at| self.entry(at))
    }

    /// Whether it is the same block of memory.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.packed, &other.packed)
    }

    /// The whole as a JSON object, parsed.
    #[must_use]
    pub fn to_map(&self) -> Map<String, Value> {
        self.iter().map(|(key, raw)| (key.to_owned(), serde_json::from_str(raw).unwrap_or_default())).collect()
    }

    /// How many bytes it takes, packed.
    #[must_use]
    pub fn size(&self) -> usize {
        self.packed.len()
    }

    /// The packed form.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.packed
    }

    /// Takes the packed form back; `None` unless every byte of it is in order.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (count, _) = bytes.split_first_chunk::<WORD>()?;
        let words = (u32::from_le_bytes(*count) as usize).checked_mul(2)?.checked_add(1)?;
        let (head, body) = bytes.split_at_checked(words.checked_mul(WORD)?)?;
        // Checked once: text that is cut between characters is text.
        let body = std::str::from_utf8(body).ok()?;
        let mut ends = head.as_chunks().0.iter().skip(1).map(|word| u32::from_le_bytes(*word) as usize);
        let (mut start, mut last) = (0, None);
        while let (Some(middle), Some(end)) = (ends.next(), ends.next()) {
            let (key, _value) = (body.get(start..middle)?, body.get(middle..end)?);
            if last.is_some_and(|last| last >= key) {
                return None;
            }
            (start, last) = (end, Some(key));
        }
        (start == body.len()).then(|| Self { packed: bytes.into() })
    }

    /// Packs sorted, unique keys with their values, all of them text.
    pub(crate) fn pack<'a>(entries: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone) -> Self {
        let sizes = entries.clone().map(|(key, value)| key.len() + value.len());
        let (count, body) = sizes.fold((0, 0), |(count, body), size| (count + 1, body + size));
        let header = WORD * (1 + 2 * count);
        // Collecting an exact-size iterator allocates once; a `Vec` would be copied into its `Arc`.
        let mut packed: Arc<[u8]> = std::iter::repeat_n(0, header + body).collect();
        if let Some(bytes) = Arc::get_mut(&mut packed) {
            let (head, body) = bytes.split_at_mut(header);
            let mut words = head.chunks_exact_mut(WORD);
            let mut put = |number: usize| {
                if let Some(word) = words.next() {
                    // A record is limited to far less than 4 GiB before it comes here.
                    word.copy_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
                }
            };
            put(count);
            let mut end = 0;
            for part in entries.flat_map(|(key, value)| [key, value]) {
                let start = end;
                end += part.len();
                put(end);
                if let Some(place) = body.get_mut(start..end) {
                    place.copy_from_slice(part);
                }
            }
        }
        Self { packed }
    }

    fn find(&self, key: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.entry(middle)?.0.cmp(key.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    fn entry(&self, at: usize) -> Option<(&[u8], &[u8])> {
        let body = self.packed.get(WORD * (1 + 2 * self.len())..)?;
        let start = if at == 0 { 0 } else { self.word(2 * at) };
        let (middle, end) = (self.word(2 * at + 1), self.word(2 * at + 2));
        Some((body.get(start..middle)?, body.get(middle..end)?))
    }

    fn word(&self, at: usize) -> usize {
        let word = self.packed.get(WORD * at..).and_then(<[u8]>::first_chunk);
        word.map_or(0, |word| u32::from_le_bytes(*word) as usize)
    }
}

impl Default for State {
    fn default() -> Self {
        Self::empty().clone()
    }
}

/// Collects keys with their raw JSON texts; of two values of a key, the last one stays.
impl<K: AsRef<str>, V: AsRef<str>> FromIterator<(K, V)> for State {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut entries: Vec<(K, V)> = entries.into_iter().collect();
        entries.sort_by(|(a, _), (b, _)| a.as_ref().cmp(b.as_ref()));
        // The one before, of which the sort has kept the order, makes room for the later one.
        entries.dedup_by(|later, kept| {
            let is_again = later.0.as_ref() == kept.0.as_ref();
            if is_again {
                std::mem::swap(later, kept);
            }
            is_again
        });
        Self::pack(entries.iter().map(|(key, value)| (key.as_ref().as_bytes(), value.as_ref().as_bytes())))
    }
}

/// Shows the keys only: values are the users'.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|(key, _)| key)).finish()
    }
}

/// Both halves were text when they were packed, or were checked when they were read.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_key_and_no_other() {
        for count in [0, 1, 2, 3, 10, 1000] {
            let state: State = (0..count).map(|n| (format!("k{n}"), n.to_string())).collect();
            assert_eq!(state.len(), count);
            for n in 0..count {
                assert_eq!(state.get(&format!("k{n}")), Some(n.to_string().as_str()));
            }
            assert_eq!(state.get("k"), None);
            assert_eq!(state.get(&format!("k{count}")), None);
            assert_eq!(State::from_bytes(state.as_bytes()), Some(state));
        }
    }

    #[test]
    fn damaged_bytes_are_refused_and_never_panic() {
        let state: State = [("a", "1"), ("b", "\"x\""), ("c", "{}")].into_iter().collect();
        let bytes = state.as_bytes();
        for at in 0..bytes.len() {
            assert_eq!(State::from_bytes(&bytes[..at]), None, "cut at {at}");
            for byte in 0..=255 {
                let mut damaged = bytes.to_vec();
                damaged[at] = byte;
                if let Some(read) = State::from_bytes(&damaged) {
                    assert_eq!(read.iter().count(), 3);
                }
            }
        }
    }
    #[test]
    fn a_cut_within_a_character_is_refused() {
        let state: State = [("ä", "\"ö\""), ("ö", "1")].into_iter().collect();
        // Into the first key, and into its value.
        for (at, by) in [(WORD, 1), (2 * WORD, 2)] {
            let mut damaged = state.as_bytes().to_vec();
            damaged[at] -= by;
            assert_eq!(State::from_bytes(&damaged), None, "{at}");
        }
        assert_eq!(State::from_bytes(state.as_bytes()), Some(state));
    }
}
