//! The compact form of a record, for sessions in cookies.

use std::{sync::Arc, time::Duration};

use super::{Body, Parts, Record, Rest};
use crate::store::{CookieLife, Credentials, Extend, Lifetime, State, Timestamp, millis};

/// The bytes of a session's own lifetime.
const LIFETIME: usize = 20;

impl Record {
    /// Appends everything but the credentials and the nonce.
    pub(crate) fn write_body(&self, bytes: &mut Vec<u8>) {
        self.body().write_meta(bytes);
        bytes.extend_from_slice(self.state().as_bytes());
    }

    /// Returns the number of bytes that [`Record::write_body`] appends.
    pub(crate) fn body_len(&self) -> usize {
        let Parts { owner, label, lifetime, .. } = &*self.body().rest;
        let texts = [owner, label].into_iter().flatten().map(|text| text.len()).sum::<usize>();
        let lifetime = if lifetime.is_some() { LIFETIME } else { 0 };
        4 * size_of::<u64>() + 3 * size_of::<u32>() + texts + lifetime + self.state().size()
    }

    /// Reads what [`Record::write_body`] wrote, and adds these credentials.
    pub(crate) fn from_body(bytes: &[u8], credentials: Credentials) -> Option<Self> {
        Reader(bytes).body(credentials)
    }
}

impl Body {
    /// Appends everything but the credentials, the nonce, the trail and the state.
    fn write_meta(&self, bytes: &mut Vec<u8>) {
        let admitted = self.rest.admitted.map_or(u64::MAX, Timestamp::as_millis);
        let times = [self.created_at, self.last_used, self.expires_at].map(Timestamp::as_millis);
        for time in times.into_iter().chain([admitted]) {
            bytes.extend_from_slice(&time.to_le_bytes());
        }
        for text in [&self.rest.owner, &self.rest.label] {
            put_option(bytes, text.as_deref().map(str::as_bytes));
        }
        put_option(
            bytes,
            self.rest.lifetime.as_deref().map(Lifetime::to_bytes).as_ref().map(<[u8; LIFETIME]>::as_slice),
        );
    }
}

impl Lifetime {
    /// Returns `idle ms, absolute ms or all ones, cookie, extension, threshold`, little-endian.
    fn to_bytes(&self) -> [u8; LIFETIME] {
        let cookie = match self.cookie {
            CookieLife::BrowserSession => 0,
            CookieLife::Persistent => 1,
            CookieLife::WhileUsed => 2,
        };
        let (extend, threshold) = match self.extend {
            Extend::Change => (0, 0),
            Extend::Use { threshold } => (1, threshold),
            Extend::Write => (2, 0),
        };
        let [idle, absolute] = [millis(self.idle), self.absolute.map_or(u64::MAX, millis)].map(u64::to_le_bytes);
        let mut bytes = [0; LIFETIME];
        let parts = idle.into_iter().chain(absolute).chain([cookie, extend]).chain(threshold.to_le_bytes());
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let idle = Duration::from_millis(reader.u64()?);
        let absolute = Some(reader.u64()?).filter(|millis| *millis != u64::MAX).map(Duration::from_millis);
        let cookie = match reader.u8()? {
            0 => CookieLife::BrowserSession,
            1 => CookieLife::Persistent,
            2 => CookieLife::WhileUsed,
            _ => return None,
        };
        let extend = reader.u8()?;
        let threshold = u16::from_le_bytes(*reader.chunk()?);
        let extend = match extend {
            0 => Extend::Change,
            1 => Extend::Use { threshold },
            2 => Extend::Write,
            _ => return None,
        };
        reader.0.is_empty().then_some(Self { idle, absolute, cookie, extend })
    }
}

/// Appends a part after its length. A part that is missing has a length that no part can have.
fn put_option(bytes: &mut Vec<u8>, part: Option<&[u8]>) {
    let length = part.map_or(NONE, |part| u32::try_from(part.len()).unwrap_or(NONE - 1));
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(part.unwrap_or_default());
}

const NONE: u32 = u32::MAX;

/// The bytes that are not read yet.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn body(&mut self, credentials: Credentials) -> Option<Record> {
        let (current, superseded) = credentials.into_parts();
        let (created_at, last_used, expires_at) = (self.time()?, self.time()?, self.time()?);
        let admitted = Some(self.u64()?).filter(|millis| *millis != u64::MAX).map(Timestamp::from_millis);
        let rest = Rest::of(Parts {
            superseded,
            admitted,
            owner: self.text()?,
            label: self.text()?,
            lifetime: match self.option()? {
                Some(bytes) => Some(Arc::new(Lifetime::from_bytes(bytes)?)),
                None => None,
            },
            ..Parts::default()
        });
        let state = State::from_bytes(self.0)?;
        Some(Record::of(Body { state, current, created_at, last_used, expires_at, nonce: 0, rest }))
    }

    fn chunk<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (chunk, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(chunk)
    }

    fn u8(&mut self) -> Option<u8> {
        self.chunk().map(|[byte]| *byte)
    }

    fn u64(&mut self) -> Option<u64> {
        self.chunk().copied().map(u64::from_le_bytes)
    }

    fn time(&mut self) -> Option<Timestamp> {
        self.u64().map(Timestamp::from_millis)
    }

    fn option(&mut self) -> Option<Option<&'a [u8]>> {
        let length = u32::from_le_bytes(*self.chunk()?);
        if length == NONE {
            return Some(None);
        }
        let (part, rest) = self.0.split_at_checked(length as usize)?;
        self.0 = rest;
        Some(Some(part))
    }

    fn text(&mut self) -> Option<Option<Arc<str>>> {
        match self.option()? {
            Some(bytes) => std::str::from_utf8(bytes).ok().map(|text| Some(text.into())),
            None => Some(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SecretHash;

    fn credentials() -> Credentials {
        let now = Timestamp::from_millis(1_000);
        Credentials::new(SecretHash::from_bytes([7; 32])).rotated(SecretHash::from_bytes([8; 32]), now)
    }

    fn record() -> Record {
        let now = Timestamp::from_millis(1_000);
        let state = [("cart", "[1,2]"), ("user", "\"bob\"")].into_iter().collect();
        let mut record = Record::new(credentials(), state, now, now.plus(Duration::from_secs(60)));
        record.body_mut().rest.owner = Some("bob".into());
        record.body_mut().rest.lifetime = Some(Arc::new(Lifetime::default()));
        record
    }

    fn body(record: &Record) -> Vec<u8> {
        let mut bytes = Vec::new();
        record.write_body(&mut bytes);
        bytes
    }

    #[test]
    fn reads_back_what_it_wrote() {
        let mut record = record();
        let mut check = |change: fn(&mut Parts)| {
            change(&mut record.body_mut().rest);
            let bytes = body(&record);
            assert_eq!(Record::from_body(&bytes, credentials()), Some(record.clone()));
            assert_eq!(bytes.len(), record.body_len());
        };
        check(|_| {});
        check(|parts| parts.admitted = Some(Timestamp::from_millis(0)));
        check(|parts| parts.admitted = Some(Timestamp::MAX));
        check(|parts| parts.lifetime = None);
        check(|parts| parts.owner = None);
        check(|parts| parts.label = Some(String::new().into()));
        check(|parts| {
            let other = Lifetime::builder().persistent_while_used().extend_on_write().build().unwrap();
            parts.lifetime = Some(Arc::new(other));
        });
    }

    #[test]
    fn the_nonce_is_not_a_part() {
        let mut record = record();
        record.body_mut().nonce = 42;
        let read = Record::from_body(&body(&record), credentials()).unwrap();
        assert_eq!(read.nonce(), 0);
    }

    #[test]
    fn damaged_bytes_are_refused_and_never_panic() {
        let bytes = body(&record());
        for at in 0..bytes.len() {
            assert_eq!(Record::from_body(&bytes[..at], credentials()), None, "cut at {at}");
            for byte in [0, 1, 0x7f, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] = byte;
                let _ = Record::from_body(&damaged, credentials());
            }
        }
    }
}
