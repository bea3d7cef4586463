//! Names of values: a text, or a key that knows its type.

use std::{borrow::Cow, marker::PhantomData, sync::Arc};

/// Names a value of type `T` in a session. A text names a value of any type; a [`Key<T>`] names a `T`.
pub trait AsKey<T> {
    /// The key's text.
    fn as_key(&self) -> &str;
}

impl<T, K: AsKey<T> + ?Sized> AsKey<T> for &K {
    fn as_key(&self) -> &str {
        (**self).as_key()
    }
}

impl<T> AsKey<T> for str {
    fn as_key(&self) -> &str {
        self
    }
}

impl<T> AsKey<T> for String {
    fn as_key(&self) -> &str {
        self
    }
}

impl<T> AsKey<T> for Box<str> {
    fn as_key(&self) -> &str {
        self
    }
}

impl<T> AsKey<T> for Arc<str> {
    fn as_key(&self) -> &str {
        self
    }
}

impl<T> AsKey<T> for Cow<'_, str> {
    fn as_key(&self) -> &str {
        self
    }
}

/// A key that knows the type of its value.
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
/// A value of another type is refused when this compiles:
///
/// ```compile_fail,E0277
/// # use cloakroom::{Key, Session};
/// const VISITS: Key<u32> = Key::new("visits");
///
/// let _ = Session::new().insert(VISITS, "one");
/// ```
pub struct Key<T> {
    name: &'static str,
    // Not `T`: a key holds none, so it is `Send` and `Copy` whatever `T` is.
    value: PhantomData<fn() -> T>,
}

impl<T> Key<T> {
    /// A key with this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, value: PhantomData }
    }

    /// The key's text.
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
