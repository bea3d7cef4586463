//! Several layers in one application, each with sessions of its own.

use std::{
    any::{TypeId, type_name},
    fmt,
    marker::PhantomData,
    ops::Deref,
};

use http::Extensions;

use crate::{
    config::Scope,
    error::Error,
    request::Failure,
    session::{LazySession, Session},
};

/// A session of the scope `T`: see [`SessionLayer::scope`](crate::SessionLayer::scope). It derefs to [`Session`].
pub struct Scoped<T> {
    session: Session,
    scope: PhantomData<fn() -> T>,
}

impl<T: 'static> Scoped<T> {
    /// Loads the session of this scope. `sessions` comes from the request's extensions.
    ///
    /// # Errors
    ///
    /// The store failed, or no layer of this scope stands around the handler. The caller logs that, with the request's method
    /// and path.
    pub async fn extract(sessions: Option<&ScopedSessions>) -> Result<Self, Failure> {
        let lazy = sessions.and_then(ScopedSessions::get::<T>);
        let lazy = lazy.ok_or_else(|| Error::missing_scope(type_name::<T>()))?;
        Ok(Self { session: lazy.extract().await?, scope: PhantomData })
    }

    /// Returns the session, without its scope.
    #[must_use]
    pub fn into_inner(self) -> Session {
        self.session
    }
}

impl<T> Deref for Scoped<T> {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl<T> Clone for Scoped<T> {
    fn clone(&self) -> Self {
        Self { session: self.session.clone(), scope: PhantomData }
    }
}

impl<T> fmt::Debug for Scoped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scoped").field(&self.session).finish()
    }
}

/// The sessions of a request that have scopes. Layers with a scope put it into the request's extensions.
#[derive(Clone, Debug, Default)]
pub struct ScopedSessions(Vec<LazySession>);

impl ScopedSessions {
    /// Returns the session of the scope `T`, not loaded.
    #[must_use]
    pub fn get<T: 'static>(&self) -> Option<&LazySession> {
        self.0.iter().find(|session| session.scope().is_some_and(|scope| scope.id == TypeId::of::<T>()))
    }

    /// Returns the error of an extractor that needs the session without a scope, and finds these.
    #[must_use]
    pub fn missing_default(&self) -> Error {
        let scope = self.0.first().and_then(LazySession::scope);
        scope.map_or_else(Error::missing_layer, |scope| Error::only_scoped(scope.name))
    }
}

/// The extensions of a framework's requests, which carry one value of each type from middleware to handlers. An adapter
/// outside of this crate implements it for a type of its own that holds them.
pub trait RequestExtensions {
    /// Returns the value of this type.
    fn get_mut<T: Send + Sync + 'static>(&mut self) -> Option<&mut T>;

    /// Inserts a value, and returns the previous one of its type.
    fn insert<T: Clone + Send + Sync + 'static>(&mut self, value: T) -> Option<T>;
}

impl RequestExtensions for Extensions {
    fn get_mut<T: Send + Sync + 'static>(&mut self) -> Option<&mut T> {
        self.get_mut()
    }

    fn insert<T: Clone + Send + Sync + 'static>(&mut self, value: T) -> Option<T> {
        self.insert(value)
    }
}

/// Puts a session beside those of outer layers.
///
/// # Errors
///
/// An outer layer has the same scope, or the same cookie or header ([`Error::is_misconfigured`]).
pub(crate) fn attach(session: &LazySession, extensions: &mut impl RequestExtensions) -> Result<(), Error> {
    if session.scope().is_none_or(Scope::is_default) {
        if let Some(ScopedSessions(outer)) = extensions.get_mut() {
            session.check_beside(&*outer)?;
        }
        if let Some(outer) = extensions.insert(session.clone()) {
            let result = session.check_beside([&outer]);
            extensions.insert(outer);
            return result;
        }
        return Ok(());
    }
    session.check_beside(extensions.get_mut::<LazySession>().as_deref())?;
    if let Some(ScopedSessions(outer)) = extensions.get_mut() {
        session.check_beside(&*outer)?;
        outer.push(session.clone());
    } else {
        extensions.insert(ScopedSessions(vec![session.clone()]));
    }
    Ok(())
}

impl LazySession {
    fn scope(&self) -> Option<Scope> {
        self.request.config.as_ref().map(|config| config.scope)
    }

    fn check_beside<'a>(&self, outer: impl IntoIterator<Item = &'a Self>) -> Result<(), Error> {
        let Some(config) = &self.request.config else { return Ok(()) };
        for other in outer.into_iter().filter_map(|session| session.request.config.as_ref()) {
            if config.scope.id == other.scope.id {
                return Err(Error::layered_twice(config.scope.name));
            }
            if config.transport.overlaps(&other.transport) {
                return Err(Error::same_name(other.scope.name, config.scope.name));
            }
        }
        Ok(())
    }
}
