//! Values as JSON text.

use smol_str::SmolStr;

/// A key, or a value as JSON text. A short one needs no allocation, and clones share a long one.
pub(crate) type Raw = SmolStr;
