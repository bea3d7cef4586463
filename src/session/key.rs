//! Names of values: a text, or a key with the type of its value.

use std::{marker::PhantomData, ops::Deref};

/// The name of a value of type `T` in a session. A text names a value of any type. A [`Key<T>`] names a `T`.
///
/// Every type that derefs to `str` is a text: `String`, `&Rc<str>`, `&LazyLock<String>`, a newtype with
/// `Deref<Target = str>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name a session value of type `{T}`",
    note = "a name is a `cloakroom::Key`, or a text: `&str`, `String`, or a type that derefs to one",
    note = "convert a type that only converts into a text (`char`, an enum): `String::from(key)`"
)]
pub trait AsKey<T> {
    /// Returns the key's text.
    fn as_key(&self) -> &str;
}

impl<T> AsKey<T> for str {
    fn as_key(&self) -> &str {
        self
    }
}

impl<T, K: Deref> AsKey<T> for K
where
    K::Target: AsKey<T>,
{
    fn as_key(&self) -> &str {
        (**self).as_key()
    }
}

/// Names a session's value whatever its type is, where no value is read or written: a text, or a [`Key`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name a session value",
    note = "a name is a `cloakroom::Key`, or a text: `&str`, `String`, or a type that derefs to one",
    note = "convert a type that only converts into a text (`char`, an enum): `String::from(key)`"
)]
pub trait KeyName {
    /// The key's text.
    fn key_name(&self) -> &str;
}

impl KeyName for str {
    fn key_name(&self) -> &str {
        self
    }
}

impl<K: Deref> KeyName for K
where
    K::Target: KeyName,
{
    fn key_name(&self) -> &str {
        (**self).key_name()
    }
}

/// A key with the type of its value.
///
/// ```
/// use cloakroom::{Key, Session};
///
/// const VISITS: Key<u32> = Key::new("visits");
///
/// let session = Session::new();
/// session.insert(VISITS, 1)?;
/// session.update(VISITS, |visits| visits + 1)?;
/// assert_eq!(session.get(VISITS)?, Some(2));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// The compiler refuses a value of another type:
///
/// ```compile_fail,E0308
/// # use cloakroom::{Key, Session};
/// const VISITS: Key<u32> = Key::new("visits");
///
/// let _ = Session::new().insert(VISITS, "one");
/// ```
pub struct Key<T> {
    name: &'static str,
    // A function, because a key holds no `T`: so it is `Send` and `Copy` for every `T`.
    value: PhantomData<fn() -> T>,
}

impl<T> Key<T> {
    /// Makes a key with this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, value: PhantomData }
    }

    /// Returns the key's text.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<T> AsKey<T> for Key<T> {
    fn as_key(&self) -> &str {
        self.name
    }
}

impl<T> KeyName for Key<T> {
    fn key_name(&self) -> &str {
        self.name
    }
}

impl<T> AsRef<str> for Key<T> {
    fn as_ref(&self) -> &str {
        self.name
    }
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Key<T> {}

impl<T> std::fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({:?})", self.name)
    }
}
