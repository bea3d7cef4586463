//! A session's keys and values, packed.

use std::{cmp::Ordering, fmt, sync::LazyLock};

use serde_json::{Map, Value};
use triomphe::ThinArc;

use crate::store::Raw;

mod pack;

pub(crate) use self::pack::Run;

/// The bytes of the header's count, and of each offset after it.
const WORD: usize = 4;

/// A session's top-level keys, each with its value as raw JSON text. It cannot be changed, and is cheap to clone.
///
/// It is one block of memory. Loading a session parses nothing. Reading one key is a binary search, and parses only
/// that key's value. Keys are sorted and unique.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// `count, (key end, value end) x count, key, value, key, value, ..`. Numbers are little-endian `u32`, and ends
    /// count from the start of the first key.
    packed: ThinArc<(), u8>,
}

impl State {
    /// Returns the state without keys.
    pub(crate) fn empty() -> &'static Self {
        static EMPTY: LazyLock<State> = LazyLock::new(|| State::pack(&[]));
        &EMPTY
    }

    fn of(packed: &[u8]) -> Self {
        Self { packed: ThinArc::from_header_and_slice((), packed) }
    }

    /// Returns the raw JSON text under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.find(key).map(text)
    }

    /// Returns true if there is such a key.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.place(key.as_bytes()).is_ok()
    }

    /// Returns true if `value` is the value under `key`.
    pub(crate) fn has(&self, key: &str, value: Option<&Raw>) -> bool {
        self.find(key) == value.map(|value| value.as_bytes())
    }

    /// Returns the value at a [`place`](Self::place), or `None` for a place in which a key would be inserted.
    pub(crate) fn value_at(&self, place: Result<usize, usize>) -> Option<&[u8]> {
        place.ok().map(|at| self.parts().value(at))
    }

    /// Returns the number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts().len()
    }

    /// Returns true if there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns every key with its raw JSON text, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries().map(|(key, value)| (text(key), text(value)))
    }

    /// Returns every key with its raw JSON text, as bytes.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let parts = self.parts();
        (0..parts.len()).map(move |at| (parts.key(at), parts.value(at)))
    }

    /// Returns the keys and parsed values as a JSON object.
    #[must_use]
    pub fn to_map(&self) -> Map<String, Value> {
        self.iter().map(|(key, raw)| (key.to_owned(), serde_json::from_str(raw).unwrap_or_default())).collect()
    }

    /// Returns the size of the packed state in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.as_bytes().len()
    }

    /// Returns the packed form.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.packed.slice
    }

    /// Reads the packed form. Returns `None` if any part of it is wrong.
    #[cfg_attr(not(feature = "secure-cookies"), allow(dead_code))] // Only a `CookieStore` keeps this form.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (count, _) = bytes.split_first_chunk::<WORD>()?;
        let words = (u32::from_le_bytes(*count) as usize).checked_mul(2)?.checked_add(1)?;
        let (head, body) = bytes.split_at_checked(words.checked_mul(WORD)?)?;
        // The whole is checked as UTF-8 once. Each part is then UTF-8 if it is cut between characters.
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
        (start == body.len()).then(|| Self::of(bytes))
    }

    /// Returns the place of a key, or the place in which it would be inserted.
    pub(crate) fn place(&self, key: &[u8]) -> Result<usize, usize> {
        let parts = self.parts();
        let (mut low, mut high) = (0, parts.len());
        while low < high {
            let middle = low.midpoint(high);
            match parts.key(middle).cmp(key) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(middle),
            }
        }
        Err(low)
    }

    pub(crate) fn find(&self, key: &str) -> Option<&[u8]> {
        self.value_at(self.place(key.as_bytes()))
    }

    fn parts(&self) -> Parts<'_> {
        let (words, _) = self.as_bytes().as_chunks();
        let ends = words.get(1..=count(words).saturating_mul(2)).unwrap_or_default();
        Parts { ends, body: self.as_bytes().get(WORD * (1 + ends.len())..).unwrap_or_default() }
    }
}

/// The parts of the packed form.
#[derive(Clone, Copy)]
struct Parts<'a> {
    ends: &'a [[u8; WORD]],
    body: &'a [u8],
}

impl<'a> Parts<'a> {
    fn len(self) -> usize {
        self.ends.len() / 2
    }

    fn key(self, at: usize) -> &'a [u8] {
        self.part(2 * at)
    }

    fn value(self, at: usize) -> &'a [u8] {
        self.part(2 * at + 1)
    }

    /// Returns a part, or nothing if the ends are not in order.
    fn part(self, at: usize) -> &'a [u8] {
        self.body.get(self.start(at)..self.start(at + 1)).unwrap_or_default()
    }

    /// Returns the place at which a part begins and the previous one ends.
    fn start(self, at: usize) -> usize {
        at.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| number(*end))
    }
}

fn number(word: [u8; WORD]) -> usize {
    u32::from_le_bytes(word) as usize
}

fn count(words: &[[u8; WORD]]) -> usize {
    words.first().map_or(0, |count| number(*count))
}

impl Default for State {
    fn default() -> Self {
        Self::empty().clone()
    }
}

/// Collects keys with their raw JSON texts. If a key has two values, the last one stays.
impl<K: AsRef<str>, V: AsRef<str>> FromIterator<(K, V)> for State {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut entries: Vec<(K, V)> = entries.into_iter().collect();
        entries.sort_by(|(a, _), (b, _)| a.as_ref().cmp(b.as_ref()));
        // The sort kept the order of equal keys, so the later value replaces the earlier one.
        entries.dedup_by(|later, kept| {
            let is_again = later.0.as_ref() == kept.0.as_ref();
            if is_again {
                std::mem::swap(later, kept);
            }
            is_again
        });
        let runs = entries.iter().map(|(key, value)| Run::New(key.as_ref().as_bytes(), value.as_ref().as_bytes()));
        Self::pack(&runs.collect::<Vec<_>>())
    }
}

/// Shows the keys only, because values are private.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|(key, _)| key)).finish()
    }
}

/// Keys and values were text when they were packed, or were checked when they were read.
pub(crate) fn text(bytes: &[u8]) -> &str {
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
        // Places the cut inside the first key, and inside its value.
        for (at, by) in [(WORD, 1), (2 * WORD, 2)] {
            let mut damaged = state.as_bytes().to_vec();
            damaged[at] -= by;
            assert_eq!(State::from_bytes(&damaged), None, "{at}");
        }
        assert_eq!(State::from_bytes(state.as_bytes()), Some(state));
    }
}
