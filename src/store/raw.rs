//! Values as JSON text.

use serde::{Serialize, ser::Error as _};
use smallvec::SmallVec;
use smol_str::SmolStr;

use self::checked::Checked;

mod checked;

/// A key, or a value as JSON text. A short one is no allocation, and clones share a long one.
pub(crate) type Raw = SmolStr;

/// Writes a value as JSON text, from which the same value is read back.
///
/// # Errors
///
/// The value would be read back as another one, or not at all.
pub(crate) fn raw_of<T: Serialize + ?Sized>(value: &T) -> Result<Raw, serde_json::Error> {
    // On the stack: what is kept is allocated once, and no larger than it is.
    let mut text = SmallVec::<[u8; 256]>::new();
    serde_json::to_writer(&mut text, &Checked::new(value))?;
    std::str::from_utf8(&text).map(Raw::new).map_err(serde_json::Error::custom)
}
