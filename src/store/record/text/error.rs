//! Errors of the text form.

use std::fmt;

use smol_str::SmolStr;

use super::VERSION;

/// An error of bytes that are not a [`Record`](crate::store::Record).
///
/// Its text names the part at fault, and never shows a value.
#[derive(Clone, PartialEq, Eq)]
pub struct DecodeError(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    NotARecord,
    NotUtf8,
    TooLong,
    Cut,
    /// The version of the format.
    Newer(u64),
    /// A field of the head, by its name.
    Field(&'static str),
    /// A line of [`LINES`](super::LINES), by its name.
    Line(&'static str),
    /// A line of [`LINES`](super::LINES) that is not in its place, by its name.
    LineOrder(&'static str),
    /// A line with another name. The error does not show the name, because in a damaged record it can be a part of a
    /// value.
    UnknownLine,
    /// A line whose name begins with `!`, by its name.
    NeededLine(SmolStr),
    /// An entry, by its number: the first one is 1.
    Entry(usize),
    KeyOrder,
}

impl From<Kind> for DecodeError {
    fn from(kind: Kind) -> Self {
        Self(kind)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::NotARecord => f.write_str("not a cloakroom record"),
            Kind::NotUtf8 => f.write_str("it is not UTF-8"),
            Kind::TooLong => f.write_str("it is longer than 4 GiB"),
            Kind::Cut => f.write_str("it is cut off"),
            Kind::Newer(version) => write!(f, "format {version} is newer than this version reads ({VERSION})"),
            Kind::Field(name) => write!(f, "its field `{name}` is malformed"),
            Kind::Line(name) => write!(f, "its line `{name}` is malformed"),
            Kind::LineOrder(name) => write!(f, "its line `{name}` is repeated or out of order"),
            Kind::UnknownLine => f.write_str("one of its lines is malformed or repeated"),
            Kind::NeededLine(name) => write!(f, "its line `{name}` is required, and this version does not know it"),
            Kind::Entry(number) => write!(f, "its entry {number} is malformed"),
            Kind::KeyOrder => f.write_str("its keys are repeated or out of order"),
        }
    }
}

crate::chain::debug_like_display!(DecodeError);

impl std::error::Error for DecodeError {}
