//! The lifetime of sessions and the protection of their cookies, under the names of actix-session 0.11.

use ::actix_web::cookie::time::Duration;

mod builder;

pub use self::builder::SessionMiddlewareBuilder;
use crate::{Lifetime, LifetimeBuilder, LifetimeError};

/// The lifetime of the cookie. Default: [`BrowserSession`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SessionLifecycle {
    /// For the browser session.
    BrowserSession(BrowserSession),
    /// For as long as the session may go unused.
    PersistentSession(PersistentSession),
}

/// A cookie that ends with the browser session.
///
/// | option | default |
/// |---|---|
/// | [`state_ttl`](Self::state_ttl) | 1 day |
/// | [`state_ttl_extension_policy`](Self::state_ttl_extension_policy) | [`TtlExtensionPolicy::OnStateChanges`] |
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct BrowserSession(Ttl);

/// A cookie with a `Max-Age`, which is the TTL, and is sent again whenever the TTL is extended.
///
/// | option | default |
/// |---|---|
/// | [`session_ttl`](Self::session_ttl) | 1 day |
/// | [`session_ttl_extension_policy`](Self::session_ttl_extension_policy) | [`TtlExtensionPolicy::OnStateChanges`] |
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct PersistentSession(Ttl);

/// The uses that extend a session's TTL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TtlExtensionPolicy {
    /// Every request that presents the session's token; under [`lazy`](super::SessionMiddleware::lazy), every one that asks for the
    /// session. Each costs a write to the store, and with a [`PersistentSession`] a
    /// cookie. [`SessionLayer`](crate::SessionLayer) has a threshold for that: by default it writes once in a fifth of the limit.
    OnEveryRequest,
    /// A request that writes to the session, or renews it.
    #[default]
    OnStateChanges,
}

/// The protection of the cookie. Default: [`CookieContentSecurity::Private`].
///
/// It matters for [`CookieSessionStore`](super::storage::CookieSessionStore). With any other store the cookie holds a token with a
/// MAC in either case: there is nothing in it to hide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CookieContentSecurity {
    /// Sealed: AES-256-GCM-SIV (RFC 8452).
    #[default]
    Private,
    /// Signed, and readable by whoever gets hold of the cookie: HMAC-SHA256.
    Signed,
}

#[derive(Clone, Debug)]
struct Ttl {
    limit: Duration,
    extended: TtlExtensionPolicy,
}

impl BrowserSession {
    /// Sets the lifetime of a session that is not used.
    pub fn state_ttl(mut self, ttl: Duration) -> Self {
        self.0.limit = ttl;
        self
    }

    /// Sets the uses that extend the TTL.
    pub fn state_ttl_extension_policy(mut self, policy: TtlExtensionPolicy) -> Self {
        self.0.extended = policy;
        self
    }
}

impl PersistentSession {
    /// Sets the lifetime of a session that is not used, and of its cookie. Browsers keep no cookie for more than 400 days (RFC 6265bis
    /// section 5.5).
    pub fn session_ttl(mut self, ttl: Duration) -> Self {
        self.0.limit = ttl;
        self
    }

    /// Sets the uses that extend the TTL.
    pub fn session_ttl_extension_policy(mut self, policy: TtlExtensionPolicy) -> Self {
        self.0.extended = policy;
        self
    }
}

impl SessionLifecycle {
    /// The TTL of a persistent cookie.
    fn cookie_ttl(&self) -> Option<Duration> {
        match self {
            Self::BrowserSession(_) => None,
            Self::PersistentSession(PersistentSession(ttl)) => Some(ttl.limit),
        }
    }

    fn lifetime(&self) -> Result<Lifetime, LifetimeError> {
        match self {
            Self::BrowserSession(BrowserSession(ttl)) => ttl.lifetime().build(),
            Self::PersistentSession(PersistentSession(ttl)) => ttl.lifetime().persistent_while_used().build(),
        }
    }
}

impl Ttl {
    fn lifetime(&self) -> LifetimeBuilder {
        // A negative one is no time at all, which `build` refuses.
        let idle = self.limit.try_into().unwrap_or_default();
        let builder = Lifetime::builder().idle(idle).insecure_no_absolute();
        match self.extended {
            TtlExtensionPolicy::OnEveryRequest => builder.extend_on_use(1.0),
            TtlExtensionPolicy::OnStateChanges => builder.extend_on_write(),
        }
    }
}

impl Default for Ttl {
    fn default() -> Self {
        Self { limit: Duration::days(1), extended: TtlExtensionPolicy::default() }
    }
}

impl Default for SessionLifecycle {
    fn default() -> Self {
        Self::BrowserSession(BrowserSession::default())
    }
}

impl From<BrowserSession> for SessionLifecycle {
    fn from(session: BrowserSession) -> Self {
        Self::BrowserSession(session)
    }
}

impl From<PersistentSession> for SessionLifecycle {
    fn from(session: PersistentSession) -> Self {
        Self::PersistentSession(session)
    }
}
