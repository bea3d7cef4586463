//! Several layers in one application, each with sessions of its own.

use std::{
    any::{TypeId, type_name},
    fmt,
    marker::PhantomData,
    ops::Deref,
};

use crate::{error::Error, lazy::LazySession, policy::Failure, session::Session};

/// Whose sessions a layer's are.
#[derive(Clone, Copy)]
pub(crate) struct Scope {
    id: TypeId,
    name: &'static str,
}

impl Scope {
    /// The scope of layers that name none.
    pub(crate) fn default_scope() -> Self {
        Self::of::<()>()
    }

    pub(crate) fn of<T: 'static>() -> Self {
        Self { id: TypeId::of::<T>(), name: type_name::<T>() }
    }

    pub(crate) fn is_default(self) -> bool {
        self.id == TypeId::of::<()>()
    }
}

/// A session of the scope `T`: see [`SessionLayer::scope`](crate::SessionLayer::scope). It derefs to [`Session`].
pub struct Scoped<T> {
    session: Session,
    scope: PhantomData<fn() -> T>,
}

impl<T: 'static> Scoped<T> {
    /// Loads the session of this scope, out of the request extensions that a framework has.
    ///
    /// # Errors
    ///
    /// The store failed, or no layer of this scope stands before.
    pub async fn extract(sessions: Option<&ScopedSessions>) -> Result<Self, Failure> {
        let lazy = sessions.and_then(ScopedSessions::get::<T>).ok_or_else(|| {
            let error = Error::missing_layer();
            tracing::error!(scope = type_name::<T>(), "{error}");
            error
        })?;
        Ok(Self { session: lazy.extract().await?, scope: PhantomData })
    }

    /// The session, without its scope.
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

/// The sessions of a request that belong to scopes: what layers with a scope put into its extensions.
#[derive(Clone, Debug, Default)]
pub struct ScopedSessions(Vec<LazySession>);

impl ScopedSessions {
    /// The session of the scope `T`, not loaded.
    #[must_use]
    pub fn get<T: 'static>(&self) -> Option<&LazySession> {
        self.0.iter().find(|session| session.scope().is_some_and(|scope| scope.id == TypeId::of::<T>()))
    }

    /// Adds a session to those of outer layers, of which `default` is the one without a scope; gives it back where it has no
    /// scope itself.
    ///
    /// # Errors
    ///
    /// [`Error::is_misconfigured`]: an outer layer has the same scope, or the same cookie or header.
    pub fn add(
        scoped: Option<&mut Self>,
        default: Option<&LazySession>,
        session: LazySession,
    ) -> Result<Placed, Error> {
        let outer = default.into_iter().chain(scoped.as_deref().into_iter().flat_map(|scoped| &scoped.0));
        for other in outer {
            session.check_beside(other)?;
        }
        if session.scope().is_none_or(Scope::is_default) {
            return Ok(Placed::Default(session));
        }
        match scoped {
            Some(scoped) => {
                scoped.0.push(session);
                Ok(Placed::Added)
            }
            None => Ok(Placed::First(Self(vec![session]))),
        }
    }
}

/// Where a session belongs in a request's extensions.
#[derive(Debug)]
#[must_use]
pub enum Placed {
    /// It stands there already.
    Added,
    /// As the first one with a scope: insert this.
    First(ScopedSessions),
    /// As the one without a scope: insert this.
    Default(LazySession),
}

impl LazySession {
    fn scope(&self) -> Option<Scope> {
        self.shared.core.as_ref().map(|core| core.scope)
    }

    fn check_beside(&self, other: &Self) -> Result<(), Error> {
        let (Some(core), Some(other)) = (&self.shared.core, &other.shared.core) else { return Ok(()) };
        if core.scope.id == other.scope.id {
            return Err(Error::layered_twice(core.scope.name));
        }
        if core.transport.overlaps(&other.transport) {
            return Err(Error::same_name(other.scope.name, core.scope.name));
        }
        Ok(())
    }
}
