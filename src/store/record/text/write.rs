//! Writes the text form.

use std::io::Write as _;

use smallvec::SmallVec;

use super::fields;
use crate::store::{Body, Lifetime, Parts, Record, SUPERSEDED_MAX, State, Superseded};

/// The bytes of the first line.
const HEAD: usize = 155;
/// The most bytes of a line without its text.
const AROUND: usize = 32;
/// The bytes of a superseded secret's text, with a comma.
const SUPERSEDED: usize = fields::HASH + fields::TIME + 2;
/// The most bytes of a lifetime's text.
const LIFETIME: usize = 96;
/// The digits of the longest number.
const DIGITS: usize = 20;

/// Writes the whole record.
pub(super) fn record(record: &Record) -> Vec<u8> {
    let Body { state, rest, .. } = record.body();
    let mut writer = Writer(Vec::with_capacity(HEAD + parts_len(rest) + state_len(state)));
    writer.head(record.body());
    writer.parts(rest);
    writer.put(b"\n");
    for (key, value) in state.entries() {
        writer.text(key);
        writer.put(b"=");
        writer.text_line(value);
    }
    writer.0
}

/// Returns the most bytes of the lines before the state, with the empty line.
fn parts_len(parts: &Parts) -> usize {
    let Parts { trail, superseded, owner, label, lifetime, admitted, unknown, .. } = parts;
    #[cfg(feature = "device-bound")]
    let binding = parts.binding.as_ref().map_or(0, |binding| 2 * AROUND + super::device::len(binding));
    #[cfg(not(feature = "device-bound"))]
    let binding = 0;
    let line = |length: usize| AROUND + length;
    trail.map_or(0, |trail| line(trail.len() * fields::NONCE))
        + line(superseded.len() * SUPERSEDED)
        + [owner, label].into_iter().flatten().map(|text| line(text.len())).sum::<usize>()
        + lifetime.as_ref().map_or(0, |_| line(LIFETIME))
        + admitted.map_or(0, |_| line(fields::TIME))
        + binding
        + unknown.as_ref().map_or(0, |lines| lines.len())
}

/// Returns the most bytes of the entries.
fn state_len(state: &State) -> usize {
    // Packed, an entry takes two words of 4 bytes. As text, it takes two lengths and 4 characters.
    let digits = state.size().checked_ilog10().map_or(1, |log| log as usize + 1);
    (state.size() + 2 * digits * state.len()).saturating_sub(4 * state.len())
}

struct Writer(Vec<u8>);

impl Writer {
    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn head(&mut self, body: &Body) {
        self.put(b"cloakroom=1 nonce=");
        self.put(&fields::hex(body.nonce));
        self.put(b" expires=");
        self.put(&fields::time(body.expires_at));
        self.put(b" used=");
        self.put(&fields::time(body.last_used));
        self.put(b" created=");
        self.put(&fields::time(body.created_at));
        self.put(b" secret=");
        self.put(&fields::hash(&body.current));
        self.put(b"\n");
    }

    /// Writes the lines before the state, in the order of [`LINES`](super::LINES).
    fn parts(&mut self, parts: &Parts) {
        let Parts { trail, superseded, owner, label, lifetime, admitted, unknown, .. } = parts;
        if let Some(trail) = trail {
            self.line("trail", trail.map(fields::hex).as_flattened());
        }
        if !superseded.is_empty() {
            self.line("superseded", &superseded_text(superseded));
        }
        for (name, text) in [("owner", owner), ("label", label)] {
            if let Some(text) = text {
                self.line(name, text.as_bytes());
            }
        }
        if let Some(lifetime) = lifetime {
            self.line("lifetime", &lifetime_text(lifetime));
        }
        if let Some(admitted) = admitted {
            self.line("admitted", short(admitted.as_millis(), &mut [0; DIGITS]));
        }
        #[cfg(feature = "device-bound")]
        if let Some(binding) = &parts.binding {
            self.line("devicekey", super::device::key(binding).as_bytes());
            if let Some(device) = &binding.device {
                self.line("!device", super::device::text(device).as_bytes());
            }
        }
        self.put(unknown.as_deref().unwrap_or_default().as_bytes());
    }

    /// Writes `name "=" text LF`.
    fn line(&mut self, name: &str, text: &[u8]) {
        self.put(name.as_bytes());
        self.put(b"=");
        self.text_line(text);
    }

    /// Writes `text LF`.
    fn text_line(&mut self, text: &[u8]) {
        self.text(text);
        self.put(b"\n");
    }

    /// Writes `length ":" bytes`.
    fn text(&mut self, text: &[u8]) {
        self.put(short(text.len() as u64, &mut [0; DIGITS]));
        self.put(b":");
        self.put(text);
    }
}

/// Writes a decimal number without leading zeros, at the end of `place`.
fn short(mut number: u64, place: &mut [u8; DIGITS]) -> &[u8] {
    let mut start = DIGITS;
    for digit in place.iter_mut().rev() {
        let [value, ..] = (number % 10).to_le_bytes();
        *digit = b'0' + value;
        number /= 10;
        start -= 1;
        if number == 0 {
            break;
        }
    }
    place.get(start..).unwrap_or_default()
}

/// Writes superseded secrets: each is a hash, a space and a time, and a comma separates two.
fn superseded_text(superseded: &[Superseded]) -> SmallVec<[u8; SUPERSEDED_MAX * SUPERSEDED]> {
    let mut text = SmallVec::new();
    for Superseded { hash, until } in superseded {
        if !text.is_empty() {
            text.push(b',');
        }
        text.extend_from_slice(&fields::hash(hash));
        text.push(b' ');
        text.extend_from_slice(&fields::time(*until));
    }
    text
}

fn lifetime_text(lifetime: &Lifetime) -> SmallVec<[u8; LIFETIME]> {
    let mut text = SmallVec::new();
    let written = write!(text, "{lifetime}");
    debug_assert!(written.is_ok());
    text
}
