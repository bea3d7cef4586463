//! Sessions of other crates, read and written in their own formats.

mod byte_store;

pub use self::byte_store::{ByteStore, Stored};
