//! The slots of a cluster, and their masters.

use ::redis::Value;

/// The number of slots.
const SLOTS: u16 = 16384;

/// Returns the slot of a key: the CRC16 of the text in its first braces. Without braces, or with empty ones, it is the
/// CRC16 of the whole key.
pub(super) fn slot(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = key.get(open + 1..)?;
        let close = rest.iter().position(|byte| *byte == b'}')?;
        rest.get(..close).filter(|tag| !tag.is_empty())
    });
    crc16(tag.unwrap_or(key)) % SLOTS
}

/// Computes CRC-16/XMODEM, which Redis uses.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(
            crc ^ (u16::from(*byte) << 8),
            |crc: u16, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
            },
        )
    })
}

/// The ranges of slots, first to last, with their masters' hosts and ports.
#[derive(Debug, Default)]
pub(super) struct Slots {
    ranges: Vec<(u16, u16, (String, u16))>,
}

impl Slots {
    /// Reads the answer of the node at `asked` to `CLUSTER SLOTS`. Each range has its first and its last slot, the master and
    /// the replicas.
    pub(super) fn read(answer: Value, asked: &str) -> Option<Self> {
        let ranges = answer.into_sequence().ok()?.into_iter();
        let ranges: Vec<_> = ranges.map(|part| range(part, asked)).collect::<Option<_>>()?;
        (!ranges.is_empty()).then_some(Self { ranges })
    }

    pub(super) fn master(&self, slot: u16) -> Option<(String, u16)> {
        let range = self.ranges.iter().find(|(first, last, _)| (*first..=*last).contains(&slot));
        range.map(|(_, _, master)| master.clone())
    }

    /// Returns each master, once for each of its ranges.
    pub(super) fn masters(&self) -> impl Iterator<Item = (String, u16)> {
        self.ranges.iter().map(|(_, _, master)| master.clone())
    }
}

fn range(range: Value, asked: &str) -> Option<(u16, u16, (String, u16))> {
    let mut parts = range.into_sequence().ok()?.into_iter();
    let (first, last) = (number(parts.next()?)?, number(parts.next()?)?);
    let mut master = parts.next()?.into_sequence().ok()?.into_iter();
    let host = match master.next()? {
        Value::BulkString(host) => String::from_utf8(host).ok()?,
        _ => String::new(),
    };
    // A node that does not know its own name means the address at which it was asked.
    let host = if host.is_empty() { asked.to_owned() } else { host };
    Some((first, last, (host, number(master.next()?)?)))
}

fn number(value: Value) -> Option<u16> {
    match value {
        Value::Int(number) => number.try_into().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis() {
        // The values of `CLUSTER KEYSLOT`.
        let table = [("", 0), ("123456789", 0x31c3), ("foo", 12182), ("{foo}bar", 12182), ("a{foo}{bar}", 12182)];
        for (key, expected) in table {
            assert_eq!(slot(key.as_bytes()), expected, "{key}");
        }
        assert_eq!(slot(b"foo{}{bar}"), crc16(b"foo{}{bar}") % SLOTS);
    }
}
