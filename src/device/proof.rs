//! The proof cookie: a device has proved lately that it has its key.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq as _;

use super::mac::{Purpose, mac};
use crate::store::{MacKey, SessionId, Timestamp};

/// Reads and writes proofs of one session: `millis "." mac`.
pub(crate) struct Proof<'a> {
    pub(crate) key: &'a MacKey,
    pub(crate) id: &'a SessionId,
}

impl Proof<'_> {
    /// Characters of a proof, at most.
    pub(crate) const MAX: usize = 15 + 1 + 22;

    /// Makes the cookie's value.
    pub(crate) fn issue(&self, now: Timestamp) -> String {
        let text = now.as_millis().to_string();
        let mac = URL_SAFE_NO_PAD.encode(mac(self.key, Purpose::Proof, self.id, &text));
        format!("{text}.{mac}")
    }

    /// Returns the time at which a proof was made. `None`: no server made it for this session and this device.
    pub(crate) fn read(&self, value: &[u8]) -> Option<Timestamp> {
        let (at, given) = std::str::from_utf8(value).ok()?.split_once('.')?;
        let given = URL_SAFE_NO_PAD.decode(given).ok()?;
        let is_ours: bool = mac(self.key, Purpose::Proof, self.id, at).as_slice().ct_eq(&given).into();
        if is_ours { at.parse().ok().map(Timestamp::from_millis) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Challenge;

    #[test]
    fn a_proof_is_read_with_its_own_key_and_session_only() {
        let (key, other) = (MacKey([1; 32]), MacKey([2; 32]));
        let (id, neighbour) = (SessionId::from_bytes([3; 16]), SessionId::from_bytes([4; 16]));
        let now = Timestamp::from_millis(1_000);
        let proof = Proof { key: &key, id: &id };
        let text = proof.issue(now);
        assert_eq!(proof.read(text.as_bytes()), Some(now));
        assert_eq!(Proof { key: &other, id: &id }.read(text.as_bytes()), None);
        assert_eq!(Proof { key: &key, id: &neighbour }.read(text.as_bytes()), None);
        let later = text.replacen("1000", "9999", 1);
        let challenge = Challenge { key: &key, id: &id }.issue(now, None);
        for other in ["", ".", "1000", "1000.", &later, &challenge, "\u{e9}.x"] {
            assert_eq!(proof.read(other.as_bytes()), None, "{other}");
        }
        assert_eq!(Proof { key: &key, id: &id }.issue(Timestamp::MAX).len(), Proof::MAX);
    }
}
