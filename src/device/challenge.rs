//! Challenges, which a device signs. No server remembers them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq as _;

use super::mac::{Purpose, mac};
use crate::store::{ChallengeStamp, MacKey, SessionId, Timestamp, random_nonce};

/// Reads and writes challenges of one session: `millis "." 16HEX "." mac`.
pub(crate) struct Challenge<'a> {
    pub(crate) key: &'a MacKey,
    pub(crate) id: &'a SessionId,
}

impl Challenge<'_> {
    /// Makes a challenge that is later than `accepted`, also if another server's clock made that one.
    pub(crate) fn issue(&self, now: Timestamp, accepted: Option<ChallengeStamp>) -> String {
        let after = accepted.map_or(0, |accepted| accepted.at.as_millis() + 1);
        let stamp = ChallengeStamp { at: Timestamp::from_millis(now.as_millis().max(after)), random: random_nonce() };
        let text = format!("{}.{:016x}", stamp.at.as_millis(), stamp.random);
        let mac = URL_SAFE_NO_PAD.encode(mac(self.key, Purpose::Challenge, self.id, &text));
        format!("{text}.{mac}")
    }

    /// Reads a challenge that [`issue`](Self::issue) made with this key for this session.
    pub(crate) fn read(&self, text: &str) -> Option<ChallengeStamp> {
        let (text, given) = text.rsplit_once('.')?;
        let given = URL_SAFE_NO_PAD.decode(given).ok()?;
        let is_ours: bool = mac(self.key, Purpose::Challenge, self.id, text).as_slice().ct_eq(&given).into();
        if !is_ours {
            return None;
        }
        let (at, random) = text.split_once('.')?;
        Some(ChallengeStamp {
            at: Timestamp::from_millis(at.parse().ok()?),
            random: u64::from_str_radix(random, 16).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_with_its_own_key_and_session_only() {
        let (key, other) = (MacKey([1; 32]), MacKey([2; 32]));
        let (id, neighbour) = (SessionId::from_bytes([3; 16]), SessionId::from_bytes([4; 16]));
        let challenge = Challenge { key: &key, id: &id };
        let now = Timestamp::from_millis(1_000);
        let text = challenge.issue(now, None);
        let stamp = challenge.read(&text).unwrap();
        assert_eq!(stamp.at, now);
        assert_eq!(Challenge { key: &other, id: &id }.read(&text), None);
        assert_eq!(Challenge { key: &key, id: &neighbour }.read(&text), None);
        for damaged in
            [text.replacen("1000", "1001", 1), text[..text.len() - 1].to_owned(), "1000.0.".into(), String::new()]
        {
            assert_eq!(challenge.read(&damaged), None, "{damaged}");
        }
        assert_ne!(challenge.issue(now, None), text);
    }

    #[test]
    fn a_challenge_is_later_than_the_one_that_was_accepted() {
        let (key, id) = (MacKey([1; 32]), SessionId::from_bytes([3; 16]));
        let challenge = Challenge { key: &key, id: &id };
        // By a server whose clock is ahead.
        let accepted = ChallengeStamp { at: Timestamp::from_millis(5_000), random: u64::MAX };
        let stamp = challenge.read(&challenge.issue(Timestamp::from_millis(1_000), Some(accepted))).unwrap();
        assert!(stamp > accepted);
    }
}
