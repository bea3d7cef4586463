//! Values as JSON text.

use serde::{Serialize, ser::Error as _};
use smallvec::SmallVec;
use smol_str::SmolStr;

/// A key, or a value as JSON text. A short one is no allocation, and clones share a long one.
pub(crate) type Raw = SmolStr;

/// A value's JSON text.
pub(crate) fn raw_of<T: Serialize + ?Sized>(value: &T) -> Result<Raw, serde_json::Error> {
    // On the stack: what is kept is allocated once, and no larger than it is.
    let mut text = SmallVec::<[u8; 256]>::new();
    serde_json::to_writer(&mut text, value)?;
    std::str::from_utf8(&text).map(Raw::new).map_err(serde_json::Error::custom)
}
