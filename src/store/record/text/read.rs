//! Reads the text form in one pass.

use std::{collections::BTreeSet, sync::Arc};

use smallvec::SmallVec;

use super::{
    LINES, VERSION,
    error::Kind,
    fields,
    reader::{Fault, Reader},
};
use crate::store::{Body, Parts, Record, Rest, Run, SecretHash, State, Timestamp};

/// Reads a whole record.
pub(super) fn record(text: &str) -> Result<Record, Kind> {
    let mut reader = Reader::new(text);
    let head = Head::read(&mut reader)?;
    let rest = rest(&mut reader)?;
    let state = state(&mut reader)?;
    Ok(head.into_record(rest, state))
}

/// Reads a record up to its state.
pub(super) fn without_state(text: &str) -> Result<Record, Kind> {
    let mut reader = Reader::new(text);
    let head = Head::read(&mut reader)?;
    let rest = rest(&mut reader)?;
    Ok(head.into_record(rest, State::default()))
}

/// The fields of the first line.
struct Head {
    nonce: u64,
    expires_at: Timestamp,
    last_used: Timestamp,
    created_at: Timestamp,
    current: SecretHash,
}

impl Head {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Kind> {
        version(reader)?;
        Ok(Self {
            nonce: field(reader, "nonce", " ", fields::hex_from)?,
            expires_at: field(reader, "expires", " ", fields::time_from)?,
            last_used: field(reader, "used", " ", fields::time_from)?,
            created_at: field(reader, "created", " ", fields::time_from)?,
            current: field(reader, "secret", "\n", fields::hash_from)?,
        })
    }

    fn into_record(self, rest: Rest, state: State) -> Record {
        let Self { nonce, expires_at, last_used, created_at, current } = self;
        Record::of(Body { state, current, created_at, last_used, expires_at, nonce, rest })
    }
}

/// Reads `cloakroom=1` and the space behind it.
fn version(reader: &mut Reader<'_>) -> Result<(), Kind> {
    let mut version = || {
        reader.literal("cloakroom=")?;
        reader.number(b' ')
    };
    match version().map_err(|fault| fault.of(Kind::NotARecord))? {
        VERSION => Ok(()),
        0 => Err(Kind::NotARecord),
        newer => Err(Kind::Newer(newer)),
    }
}

/// Reads `name "=" value`, and `end` behind it.
#[inline]
fn field<const N: usize, T>(
    reader: &mut Reader<'_>,
    name: &'static str,
    end: &str,
    read: impl FnOnce(&[u8; N]) -> Option<T>,
) -> Result<T, Kind> {
    let field = || {
        reader.literal(name)?;
        reader.literal("=")?;
        let value = read(reader.chunk()?).ok_or(Fault::Malformed)?;
        reader.literal(end)?;
        Ok(value)
    };
    field().map_err(|fault: Fault| fault.of(Kind::Field(name)))
}

/// Reads the lines before the state, and the empty line after them.
fn rest(reader: &mut Reader<'_>) -> Result<Rest, Kind> {
    if reader.skip("\n") {
        return Ok(Rest::default());
    }
    // The fields are read in the order of `LINES`.
    let parts = Parts {
        trail: line(reader, "trail", fields::trail_from)?,
        superseded: line(reader, "superseded", fields::superseded_from)?.unwrap_or_default(),
        owner: line(reader, "owner", shared)?,
        label: line(reader, "label", shared)?,
        lifetime: line(reader, "lifetime", |text| text.parse().ok().map(Arc::new))?,
        admitted: line(reader, "admitted", fields::short_time_from)?,
        #[cfg(feature = "device-bound")]
        binding: super::device::read(reader)?,
        unknown: unknown_lines(reader)?,
        #[cfg(feature = "formats")]
        foreign: None,
    };
    reader.literal("\n").map_err(|fault| fault.of(Kind::UnknownLine))?;
    Ok(Rest::of(parts))
}

#[allow(clippy::unnecessary_wraps)] // Other texts can be malformed.
fn shared(text: &str) -> Option<Arc<str>> {
    Some(text.into())
}

/// Reads a line if it has this name.
#[inline]
pub(super) fn line<T>(
    reader: &mut Reader<'_>,
    name: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Kind> {
    let is_there = reader.rest().strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
    if !is_there {
        return Ok(None);
    }
    let line = || {
        reader.literal(name)?;
        reader.literal("=")?;
        read(reader.text_line()?).ok_or(Fault::Malformed)
    };
    line().map(Some).map_err(|fault| fault.of(Kind::Line(name)))
}

/// Reads the lines that this version does not know.
fn unknown_lines(reader: &mut Reader<'_>) -> Result<Option<Arc<str>>, Kind> {
    let start = reader.rest();
    let mut names = BTreeSet::new();
    while !reader.rest().starts_with('\n') {
        let name = reader.name().map_err(|fault| fault.of(Kind::UnknownLine))?;
        if let Some(known) = LINES.iter().find(|known| **known == name) {
            return Err(Kind::LineOrder(known));
        }
        if name.starts_with('!') {
            return Err(Kind::NeededLine(name.into()));
        }
        if !names.insert(name) {
            return Err(Kind::UnknownLine);
        }
        reader.text_line().map_err(|fault| fault.of(Kind::UnknownLine))?;
    }
    let lines = start.get(..start.len() - reader.rest().len()).unwrap_or_default();
    Ok((!lines.is_empty()).then(|| lines.into()))
}

/// Reads the entries, to the end.
fn state(reader: &mut Reader<'_>) -> Result<State, Kind> {
    let mut runs = SmallVec::<[Run<'_>; 16]>::new();
    let mut last = None;
    while !reader.rest().is_empty() {
        let (key, value) = reader.entry().map_err(|fault| fault.of(Kind::Entry(runs.len() + 1)))?;
        if last.is_some_and(|last| last >= key) {
            return Err(Kind::KeyOrder);
        }
        last = Some(key);
        runs.push(Run::New(key.as_bytes(), value.as_bytes()));
    }
    Ok(State::pack(&runs))
}

impl Fault {
    /// Returns the error for this fault in a part whose malformed form is the error `malformed`.
    fn of(self, malformed: Kind) -> Kind {
        match self {
            Self::Cut => Kind::Cut,
            Self::Malformed => malformed,
        }
    }
}
