//! MACs under the key in a session's record.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::store::{MacKey, SessionId};

/// The thing that a MAC is over. Its text is part of the format.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Challenge,
    Proof,
}

/// Makes a MAC of 128 bits over a purpose, a session and a text.
pub(super) fn mac(key: &MacKey, purpose: Purpose, id: &SessionId, text: &str) -> [u8; 16] {
    let MacKey(key) = key;
    // HMAC takes keys of every length.
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(key) else { return crate::store::random() };
    hmac.update(match purpose {
        Purpose::Challenge => b"cloakroom v1 device challenge\0",
        Purpose::Proof => b"cloakroom v1 device proof\0",
    });
    hmac.update(id.as_bytes());
    hmac.update(text.as_bytes());
    let whole: [u8; 32] = hmac.finalize().into_bytes().into();
    std::array::from_fn(|at| whole.get(at).copied().unwrap_or_default())
}
