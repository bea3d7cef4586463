//! A serializer that refuses values that JSON would change.
//!
//! `serde_json` writes `NaN` and `Some(None)` as `null`, and writes trees that are too deep for it to read. Every other
//! value passes unchanged.

use std::{cell::RefCell, fmt};

use serde::{Serialize, Serializer};
use smallvec::SmallVec;

use self::parts::Parts;
use crate::store::Raw;

mod parts;

/// JSON text that is being written. It is on the stack, so that the result is allocated once, at its exact size.
type Text = SmallVec<[u8; 256]>;

/// Writes a value as JSON text that reads back as the same value.
///
/// # Errors
///
/// The text would read back as another value, or could not be read.
pub(super) fn raw_of<T: Serialize + ?Sized>(value: &T) -> Result<Raw, serde_json::Error> {
    let (mut text, plain) = (Text::new(), RefCell::new(Text::new()));
    let place = Place { depth: 0, in_some: false, plain: Some(&plain) };
    serde_json::to_writer(&mut text, &Checked { value, place })?;
    let plain = plain.borrow();
    let text = if plain.is_empty() { &text } else { &*plain };
    std::str::from_utf8(text).map(Raw::new).map_err(<serde_json::Error as serde::ser::Error>::custom)
}

/// Writes a string that needs no escapes. `serde_json` looks at its bytes one by one, and most values are such strings.
fn write_plain(string: &str, text: &mut Text) -> bool {
    let needs_escape = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    // Without an early exit, the compiler looks at many bytes at once.
    if string.bytes().fold(false, |found, byte| found | needs_escape(byte)) {
        return false;
    }
    text.reserve_exact(string.len() + 2);
    text.push(b'"');
    text.extend_from_slice(string.as_bytes());
    text.push(b'"');
    true
}

/// The depth of arrays and objects that `serde_json` can read.
const MAX_DEPTH: u8 = 127;

/// A value whose parts are checked while it is serialized.
struct Checked<'a, T> {
    value: T,
    place: Place<'a>,
}

/// The place of a value in the tree.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// The number of arrays and objects around it.
    depth: u8,
    /// True for the value of a `Some`: `null` would be read back as `None`.
    in_some: bool,
    /// The place of the text if the whole value is a string that needs no escapes.
    plain: Option<&'a RefCell<Text>>,
}

impl<T: Serialize> Serialize for Checked<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Checker { inner: serializer, place: self.place })
    }
}

struct Checker<'a, S> {
    inner: S,
    place: Place<'a>,
}

impl Place<'_> {
    /// Returns the place of this value's parts, `levels` deeper.
    fn below<E: serde::ser::Error>(self, levels: u8) -> Result<Place<'static>, E> {
        let depth = self.depth.saturating_add(levels);
        if depth > MAX_DEPTH {
            return Err(E::custom(
                "the value is nested more than 127 levels deep, and JSON that deep is not read back",
            ));
        }
        Ok(Place { depth, in_some: false, plain: None })
    }

    fn null<E: serde::ser::Error>(self) -> Result<(), E> {
        if self.in_some {
            return Err(E::custom("`Some` of an empty value is written as `null`, and read back as `None`"));
        }
        Ok(())
    }
}

macro_rules! pass {
    ($($method:ident: $kind:ty),* $(,)?) => {
        $(fn $method(self, value: $kind) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        })*
    };
}

impl<S: Serializer> Serializer for Checker<'_, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Parts<S::SerializeSeq>;
    type SerializeTuple = Parts<S::SerializeTuple>;
    type SerializeTupleStruct = Parts<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Parts<S::SerializeTupleVariant>;
    type SerializeMap = Parts<S::SerializeMap>;
    type SerializeStruct = Parts<S::SerializeStruct>;
    type SerializeStructVariant = Parts<S::SerializeStructVariant>;

    pass! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_u128: u128,
        serialize_char: char,
    }

    fn serialize_str(self, value: &str) -> Result<S::Ok, S::Error> {
        match self.place.plain {
            // The inner serializer's text is not used then.
            Some(plain) if write_plain(value, &mut plain.borrow_mut()) => self.inner.serialize_unit(),
            _ => self.inner.serialize_str(value),
        }
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<S::Ok, S::Error> {
        self.place.below::<S::Error>(1)?;
        self.inner.serialize_bytes(value)
    }

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        finite(value.is_finite())?;
        self.inner.serialize_f32(value)
    }

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        finite(value.is_finite())?;
        self.inner.serialize_f64(value)
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.place.null()?;
        self.inner.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_some(&Checked { value, place: Place { in_some: true, ..self.place } })
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.place.null()?;
        self.inner.serialize_unit()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        self.place.null()?;
        self.inner.serialize_unit_struct(name)
    }

    fn serialize_unit_variant(self, name: &'static str, index: u32, variant: &'static str) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_newtype_struct(name, &Checked { value, place: self.place })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let place = self.place.below(1)?;
        self.inner.serialize_newtype_variant(name, index, variant, &Checked { value, place })
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        let place = self.place.below(1)?;
        self.inner.serialize_seq(len).map(|inner| Parts { inner, place })
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        let place = self.place.below(1)?;
        self.inner.serialize_tuple(len).map(|inner| Parts { inner, place })
    }

    fn serialize_tuple_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeTupleStruct, S::Error> {
        let place = self.place.below(1)?;
        self.inner.serialize_tuple_struct(name, len).map(|inner| Parts { inner, place })
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        let place = self.place.below(2)?;
        self.inner.serialize_tuple_variant(name, index, variant, len).map(|inner| Parts { inner, place })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        let place = self.place.below(1)?;
        self.inner.serialize_map(len).map(|inner| Parts { inner, place })
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeStruct, S::Error> {
        let place = self.place.below(1)?;
        self.inner.serialize_struct(name, len).map(|inner| Parts { inner, place })
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        let place = self.place.below(2)?;
        self.inner.serialize_struct_variant(name, index, variant, len).map(|inner| Parts { inner, place })
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

fn finite<E: serde::ser::Error>(is_finite: bool) -> Result<(), E> {
    if is_finite { Ok(()) } else { Err(E::custom("JSON has no infinity and no NaN")) }
}

#[cfg(test)]
mod tests;
