//! The binding of a session to a device, as its record keeps it.

use std::fmt;

use crate::store::{Timestamp, random};

/// Bytes of a modulus of RS256 (RFC 7518 section 3.3 asks for 2048 bits at least).
const MODULUS: std::ops::RangeInclusive<usize> = 256..=512;
/// Bytes of a public exponent of RS256.
const EXPONENT: std::ops::RangeInclusive<usize> = 1..=4;

/// The binding of a session to a device. A login makes one; a device comes to it when a browser registers one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Binding {
    pub(crate) key: MacKey,
    pub(crate) device: Option<BoundDevice>,
}

impl Binding {
    /// Makes a binding that waits for a device.
    pub(crate) fn new() -> Self {
        Self { key: MacKey(random()), device: None }
    }
}

/// The key of the MACs over a session's challenges and proofs.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct MacKey(pub(crate) [u8; 32]);

/// It makes proofs, so it is not shown.
impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(..)")
    }
}

/// The device that a session is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BoundDevice {
    pub(crate) public_key: PublicKey,
    pub(crate) bound_at: Timestamp,
    /// The time at which it last proved that it has its key.
    pub(crate) proved_at: Timestamp,
    /// The newest challenge that was accepted. Each is used once, because only later ones are accepted.
    pub(crate) accepted: ChallengeStamp,
}

/// The parts of a challenge that tell it from others. Later challenges are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ChallengeStamp {
    pub(crate) at: Timestamp,
    pub(crate) random: u64,
}

/// A device's public key. Both kinds have one spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PublicKey {
    /// The coordinates of a point on P-256.
    Es256 { x: [u8; 32], y: [u8; 32] },
    /// Unsigned numbers without leading zeros, the most significant byte first.
    Rs256 { modulus: Box<[u8]>, exponent: Box<[u8]> },
}

impl PublicKey {
    /// Returns an RSA key of a modulus and an exponent; `None` if a length is out of bounds or a number has another spelling.
    pub(crate) fn rs256(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let has_one_spelling = |number: &[u8]| number.first().is_some_and(|first| *first != 0);
        let is_sound = MODULUS.contains(&modulus.len())
            && EXPONENT.contains(&exponent.len())
            && [modulus, exponent].into_iter().all(has_one_spelling);
        is_sound.then(|| Self::Rs256 { modulus: modulus.into(), exponent: exponent.into() })
    }
}
