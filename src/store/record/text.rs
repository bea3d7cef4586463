//! The text form of a record, for stores whose records people read.
//!
//! ```text
//! record = head *meta LF *entry
//! head   = "cloakroom=1 nonce=" 16HEX " expires=" 15DIGIT " used=" 15DIGIT " created=" 15DIGIT " secret=" 43B64URL LF
//! meta   = name "=" text LF    ; trail superseded owner label lifetime admitted devicekey !device, then the names
//!                              ; of later versions
//! entry  = text "=" text LF    ; a key and its raw JSON; keys ascend strictly, by their bytes
//! text   = length ":" bytes    ; decimal, without leading zeros, counts bytes; any UTF-8
//! name   = ["!"] 1*(a-z)
//! ```
//!
//! Every field of the head has a fixed place. A record has only one text, because stores compare records by their
//! bytes. Every other text is refused.

use std::ops::Range;

use self::error::Kind;
use super::Record;

#[cfg(feature = "device-bound")]
mod device;
mod error;
mod fields;
mod read;
mod reader;
mod write;

pub use self::error::DecodeError;

/// The version of the format that this module writes and reads.
const VERSION: u64 = 1;

/// The names of the lines between the head and the empty line, in their order.
const LINES: &[&str] = &[
    "trail",
    "superseded",
    "owner",
    "label",
    "lifetime",
    "admitted",
    #[cfg(feature = "device-bound")]
    "devicekey",
    #[cfg(feature = "device-bound")]
    "!device",
];

impl Record {
    /// The place of the nonce's 16 hexadecimal digits in the text form. A store that keeps bytes can compare nonces
    /// there.
    pub const NONCE: Range<usize> = 18..34;

    /// Returns the nonce's 16 hexadecimal digits, as the text form has them.
    #[must_use]
    pub fn nonce_digits(&self) -> [u8; 16] {
        fields::hex(self.nonce())
    }

    /// Writes the whole record as UTF-8 text, which [`Record::from_bytes`] reads.
    ///
    /// Equal records have equal bytes, so a store may compare bytes instead of nonces.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        write::record(self)
    }

    /// Reads what [`Record::to_bytes`] wrote.
    ///
    /// Lines that a later version of this crate added are kept, and written back.
    ///
    /// # Errors
    ///
    /// Returns an error for all other bytes: for damaged records, for a later version's format, and for lines that a later
    /// version marked as needed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        // A packed state holds its size in 32 bits.
        if u32::try_from(bytes.len()).is_err() {
            return Err(Kind::TooLong.into());
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => read::record(text).map_err(DecodeError::from),
            Err(error) => {
                let kind = if error.error_len().is_some() { Kind::NotUtf8 } else { Kind::Cut };
                // An earlier error says more: bytes that are not UTF-8 are rare.
                Self::from_prefix(bytes).and(Err(kind.into()))
            }
        }
    }

    /// Reads a record without its state from the first bytes of its text form. Returns `None` if they end before the state
    /// begins; the caller then loads the whole record.
    ///
    /// # Errors
    ///
    /// Returns an error if no record begins with these bytes. The state is not checked.
    pub fn from_prefix(bytes: &[u8]) -> Result<Option<Self>, DecodeError> {
        match read::without_state(text_at_start(bytes)) {
            Ok(record) => Ok(Some(record)),
            Err(Kind::Cut) => Ok(None),
            Err(kind) => Err(kind.into()),
        }
    }
}

/// Returns the text at the start of `bytes`. The last character may be cut.
fn text_at_start(bytes: &[u8]) -> &str {
    let end = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    bytes.get(..end).and_then(|start| std::str::from_utf8(start).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
