//! A whole struct under one key.

use std::{fmt, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{SessionGetError, SessionInsertError, SessionUpdateError},
    session::{Key, Session},
};

/// A type that has a key of its own in a session: see [`Typed`].
pub trait SessionValue: Serialize + DeserializeOwned + 'static {
    /// The key under which the value is kept.
    const KEY: Key<Self>;
}

/// One value of a session, as a whole struct under one key. It is an extractor in the frameworks in which [`Session`]
/// is one.
///
/// ```
/// use cloakroom::{Key, Session, SessionValue, Typed};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Cart {
///     items: Vec<String>,
/// }
///
/// impl SessionValue for Cart {
///     const KEY: Key<Self> = Key::new("cart");
/// }
///
/// fn add(cart: &Typed<Cart>, item: String) -> Result<(), cloakroom::SessionUpdateError> {
///     cart.update(move |mut cart| {
///         cart.items.push(item.clone());
///         cart
///     })
/// }
///
/// let cart = Typed::<Cart>::from(Session::new());
/// add(&cart, "umbrella".to_owned())?;
/// assert_eq!(cart.get()?.map(|cart| cart.items), Some(vec!["umbrella".to_owned()]));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Typed<T> {
    session: Session,
    value: PhantomData<fn() -> T>,
}

impl<T: SessionValue> Typed<T> {
    /// Returns the value, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// The stored value is not a `T`, or the session is not loaded.
    pub fn get(&self) -> Result<Option<T>, SessionGetError> {
        self.session.get(T::KEY)
    }

    /// Sets the value. The last writer wins, for all fields of the struct: see [`update`](Typed::update).
    ///
    /// # Errors
    ///
    /// The value cannot be written as JSON, or the session is not loaded.
    pub fn set(&self, value: T) -> Result<(), SessionInsertError> {
        self.session.insert(T::KEY, value)
    }

    /// Changes the value by `f`, which runs again if another request changed it meanwhile: see [`Session::update`]. If
    /// there is no value, `f` gets the default.
    ///
    /// # Errors
    ///
    /// As for [`Session::update`].
    pub fn update(&self, f: impl FnMut(T) -> T + Send + 'static) -> Result<(), SessionUpdateError>
    where
        T: Default,
    {
        self.session.update_or_default(T::KEY, f)
    }

    /// Removes the value, and gives it: see [`Session::take`].
    ///
    /// # Errors
    ///
    /// The stored value is not a `T`, or the session is not loaded.
    pub fn take(&self) -> Result<Option<T>, SessionGetError> {
        self.session.take(T::KEY)
    }

    /// Returns the session that the value is in.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }
}

impl<T> From<Session> for Typed<T> {
    fn from(session: Session) -> Self {
        Self { session, value: PhantomData }
    }
}

impl<T> Clone for Typed<T> {
    fn clone(&self) -> Self {
        self.session.clone().into()
    }
}

impl<T> fmt::Debug for Typed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Typed").field(&self.session).finish()
    }
}
