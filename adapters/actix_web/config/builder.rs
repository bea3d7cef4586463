//! The builder of the middleware.

use std::{fmt, sync::Once};

use ::actix_web::cookie::{Key, SameSite, time::Duration};
use http::StatusCode;

use super::{CookieContentSecurity, SessionLifecycle};
use crate::{
    CookieError, CookieOptions, SessionLayer,
    actix_web::{SessionMiddleware, storage::SessionStore},
    keys::{self, Keyring},
};

/// Makes a [`SessionMiddleware`], with the options and defaults of actix-session 0.11.
///
/// | option | default |
/// |---|---|
/// | [`cookie_name`](Self::cookie_name) | `id` |
/// | [`cookie_secure`](Self::cookie_secure), [`cookie_http_only`](Self::cookie_http_only) | yes |
/// | [`cookie_same_site`](Self::cookie_same_site) | `Lax` |
/// | [`cookie_path`](Self::cookie_path) | `/` |
/// | [`cookie_domain`](Self::cookie_domain) | none: this host only |
/// | [`cookie_content_security`](Self::cookie_content_security) | [`CookieContentSecurity::Private`] |
/// | [`session_lifecycle`](Self::session_lifecycle) | [`BrowserSession`](super::BrowserSession): 1 day, extended by changes |
///
/// There is no absolute limit and none of size, and a store that fails is answered with an empty 500. [`layer`](Self::layer) reaches the options that
/// [`SessionLayer`] has besides.
#[must_use]
pub struct SessionMiddlewareBuilder<Store: SessionStore> {
    store: Store,
    key: Key,
    cookie: Cookie,
    content: CookieContentSecurity,
    lifecycle: SessionLifecycle,
    more: Vec<Box<dyn FnOnce(SessionLayer) -> SessionLayer>>,
}

struct Cookie {
    name: String,
    is_secure: bool,
    is_http_only: bool,
    same_site: SameSite,
    path: String,
    domain: Option<String>,
}

impl<Store: SessionStore> SessionMiddlewareBuilder<Store> {
    pub(in crate::actix_web) fn new(store: Store, key: Key) -> Self {
        let cookie = Cookie {
            name: "id".to_owned(),
            is_secure: true,
            is_http_only: true,
            same_site: SameSite::Lax,
            path: "/".to_owned(),
            domain: None,
        };
        let (content, lifecycle) = (CookieContentSecurity::default(), SessionLifecycle::default());
        Self { store, key, cookie, content, lifecycle, more: Vec::new() }
    }

    /// The cookie's name. `__Host-Http-id` is a safer one: see [`CookieOptionsBuilder::name`](crate::CookieOptionsBuilder::name).
    pub fn cookie_name(mut self, name: String) -> Self {
        self.cookie.name = name;
        self
    }

    /// Returns whether the cookie goes over https only. Without, anyone on the way can read it.
    pub fn cookie_secure(mut self, secure: bool) -> Self {
        self.cookie.is_secure = secure;
        self
    }

    /// Returns whether scripts in the page are kept from the cookie. Where they are not, one injected script steals sessions.
    pub fn cookie_http_only(mut self, http_only: bool) -> Self {
        self.cookie.is_http_only = http_only;
        self
    }

    /// Sets the cross-site requests with which a browser sends the cookie.
    pub fn cookie_same_site(mut self, same_site: SameSite) -> Self {
        self.cookie.same_site = same_site;
        self
    }

    /// The path below which the cookie is sent.
    pub fn cookie_path(mut self, path: String) -> Self {
        self.cookie.path = path;
        self
    }

    /// Shares the cookie with every host below this one. A dot in front changes nothing (RFC 6265bis section 5.6.3).
    pub fn cookie_domain(mut self, domain: Option<String>) -> Self {
        self.cookie.domain = domain;
        self
    }

    /// Returns whether a session in the cookie can be read there.
    pub fn cookie_content_security(mut self, content_security: CookieContentSecurity) -> Self {
        self.content = content_security;
        self
    }

    /// Sets the lifetime of sessions and cookies.
    pub fn session_lifecycle<S: Into<SessionLifecycle>>(mut self, session_lifecycle: S) -> Self {
        self.lifecycle = session_lifecycle.into();
        self
    }

    /// Sets what [`SessionLayer`] can do and actix-session cannot: an absolute limit, owners, an event hook. Applied last.
    ///
    /// ```
    /// use actix_web::cookie::Key;
    /// use cloakroom::{MemoryStore, actix_web::SessionMiddleware};
    ///
    /// let middleware = SessionMiddleware::builder(MemoryStore::new(), Key::generate())
    ///     .layer(|layer| layer.owner_key("actix_identity.user_id"))
    ///     .build();
    /// let owners = middleware.owners();
    /// ```
    pub fn layer(mut self, options: impl FnOnce(SessionLayer) -> SessionLayer + 'static) -> Self {
        self.more.push(Box::new(options));
        self
    }

    /// Makes the middleware.
    ///
    /// The log gets one warning for a `Max-Age` of more than 400 days, which browsers clamp, and one for a key that repeats a
    /// single byte.
    ///
    /// # Panics
    ///
    /// Panics if browsers would drop the cookie, with the text of the [`CookieError`], or if the TTL is zero, with the text of
    /// the [`LifetimeError`](crate::LifetimeError). actix-session's builder has no `Result` to return. It runs when the service
    /// starts, never for a request.
    #[must_use]
    pub fn build(self) -> SessionMiddleware<Store> {
        let Self { store, key, cookie, content, lifecycle, more } = self;
        warn_of_clamped(lifecycle.cookie_ttl());
        let options = cookie.options().unwrap_or_else(|error| panic!("{error}"));
        let lifetime = lifecycle.lifetime().unwrap_or_else(|error| panic!("{error}"));
        let layer = store
            .into_layer(keyring(&key), content)
            .cookie(options)
            .lifetime(lifetime)
            .max_bytes(u32::MAX)
            .failure_status(StatusCode::INTERNAL_SERVER_ERROR);
        SessionMiddleware::of(more.into_iter().fold(layer, |layer, options| options(layer)))
    }
}

impl Cookie {
    fn options(self) -> Result<CookieOptions, CookieError> {
        // First what changes other options, so that they are checked as they were asked for.
        let mut options =
            if self.is_secure { CookieOptions::builder() } else { CookieOptions::builder().insecure_http() };
        if !self.is_http_only {
            options = options.insecure_allow_scripts();
        }
        let domain = self.domain.as_deref().map(|domain| domain.strip_prefix('.').unwrap_or(domain));
        if let Some(domain) = domain.filter(|domain| !domain.is_empty()) {
            options = options.domain(domain);
        }
        let same_site = match self.same_site {
            SameSite::Strict => crate::SameSite::Strict,
            SameSite::Lax => crate::SameSite::Lax,
            SameSite::None => crate::SameSite::None,
        };
        options.name(self.name).path(self.path).same_site(same_site).build()
    }
}

fn keyring(key: &Key) -> Keyring {
    static WARNED: Once = Once::new();
    let key = keys::SecretKey::try_from(key).unwrap_or_else(|error| {
        WARNED.call_once(|| tracing::warn!("{error}: anyone can make a session of any user"));
        keys::SecretKey::insecure_from_bytes(key.master())
    });
    key.into()
}

fn warn_of_clamped(ttl: Option<Duration>) {
    static WARNED: Once = Once::new();
    if ttl.is_some_and(|ttl| ttl > Duration::days(400)) {
        WARNED.call_once(|| {
            tracing::warn!("browsers keep no cookie for more than 400 days: it ends then, the session later");
        });
    }
}

/// Shows no key.
impl<Store: SessionStore> fmt::Debug for SessionMiddlewareBuilder<Store> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionMiddlewareBuilder")
            .field("name", &self.cookie.name)
            .field("lifecycle", &self.lifecycle)
            .finish_non_exhaustive()
    }
}
