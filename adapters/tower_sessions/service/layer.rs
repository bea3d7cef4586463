//! The layer, which is its own builder.

use std::{borrow::Cow, fmt, marker::PhantomData, sync::Arc};

use ::tower_cookies::cookie::SameSite;
use http::StatusCode;

use super::{CookieController, PlaintextCookie, SessionManager, config::Config};
#[cfg(feature = "tower-sessions-signed")]
use super::{PrivateCookie, SignedCookie};
use crate::{
    Owners, SessionLayer,
    tower_sessions::{Expiry, SessionStore, session::lifetime},
};

/// Puts sessions around services, with the options and defaults of tower-sessions.
///
/// | option | default |
/// |---|---|
/// | [`with_name`](Self::with_name) | `id` |
/// | [`with_secure`](Self::with_secure), [`with_http_only`](Self::with_http_only) | yes |
/// | [`with_same_site`](Self::with_same_site) | `Strict` |
/// | [`with_path`](Self::with_path) | `/` |
/// | [`with_domain`](Self::with_domain) | none: this host only |
/// | [`with_expiry`](Self::with_expiry) | [`Expiry::OnSessionEnd`] |
/// | [`with_always_save`](Self::with_always_save) | no |
/// | `with_signed`, `with_private` | no: plain tokens |
///
/// There is no absolute limit, and none of size. A store that fails is answered with an empty 500.
/// [`with_options`](Self::with_options) reaches the options that [`SessionLayer`] has besides.
///
/// Clones share one set of sessions, so it can be put on each route.
///
/// # Panics
///
/// When it is put around a service, it panics if browsers would drop the cookie, with the text of the
/// [`CookieError`](crate::CookieError), or if the span of [`Expiry::OnInactivity`] is not positive. tower-sessions has no
/// `Result` to return.
#[must_use]
pub struct SessionManagerLayer<Store: SessionStore, C: CookieController = PlaintextCookie> {
    base: SessionLayer,
    config: Config,
    controller: C,
    more: Vec<Options>,
    store: PhantomData<fn() -> Store>,
}

type Options = Arc<dyn Fn(SessionLayer) -> SessionLayer + Send + Sync>;

impl<Store: SessionStore> SessionManagerLayer<Store> {
    /// Makes a layer over `session_store`, with the defaults.
    pub fn new(session_store: Store) -> Self {
        Self {
            base: Arc::new(session_store).into_session_layer(),
            config: Config::default(),
            controller: PlaintextCookie,
            more: Vec::new(),
            store: PhantomData,
        }
    }
}

impl<Store: SessionStore, C: CookieController> SessionManagerLayer<Store, C> {
    /// Sets the cookie's name. `__Host-id` is a safer one: see [`CookieOptionsBuilder::name`](crate::CookieOptionsBuilder::name).
    pub fn with_name<N: Into<Cow<'static, str>>>(mut self, name: N) -> Self {
        self.config.name = name.into();
        self
    }

    /// Sets whether scripts in the page are kept from the cookie. If they are not, one injected script steals sessions.
    pub fn with_http_only(mut self, http_only: bool) -> Self {
        self.config.is_http_only = http_only;
        self
    }

    /// Sets the cross-site requests with which a browser sends the cookie.
    pub fn with_same_site(mut self, same_site: SameSite) -> Self {
        self.config.same_site = same_site;
        self
    }

    /// Sets the lifetime of sessions and of the cookie.
    pub fn with_expiry(mut self, expiry: Expiry) -> Self {
        self.config.expiry = Some(expiry);
        self
    }

    /// Sets whether the cookie goes over https only. Without, anyone on the network path can read it.
    pub fn with_secure(mut self, secure: bool) -> Self {
        self.config.is_secure = secure;
        self
    }

    /// Sets the path below which the cookie is sent.
    pub fn with_path<P: Into<Cow<'static, str>>>(mut self, path: P) -> Self {
        self.config.path = path.into();
        self
    }

    /// Shares the cookie with every host below this one.
    pub fn with_domain<D: Into<Cow<'static, str>>>(mut self, domain: D) -> Self {
        self.config.domain = Some(domain.into());
        self
    }

    /// Pushes the deadline out with every request that presents a session, also if it changes nothing. Each costs a write to the
    /// store. [`Lifetime::builder`](crate::Lifetime::builder) has a threshold for that: by default it writes once in a fifth of
    /// the limit. A request whose session cannot be loaded for this is answered all the same.
    pub fn with_always_save(mut self, always_save: bool) -> Self {
        self.config.always_save = always_save;
        self
    }

    /// Signs tokens by a key: see [`SessionLayer::signed`].
    #[cfg(feature = "tower-sessions-signed")]
    pub fn with_signed(self, key: ::tower_cookies::Key) -> SessionManagerLayer<Store, SignedCookie> {
        self.with_controller(SignedCookie::new(&key))
    }

    /// Signs tokens by a key, as [`with_signed`](Self::with_signed) does: there is nothing in a token to hide.
    #[cfg(feature = "tower-sessions-signed")]
    pub fn with_private(self, key: ::tower_cookies::Key) -> SessionManagerLayer<Store, PrivateCookie> {
        self.with_controller(PrivateCookie::new(&key))
    }

    /// Sets what [`SessionLayer`] can do and tower-sessions cannot: an absolute limit, owners, an event hook. Applied last, each
    /// time that the layer is put around a service.
    ///
    /// ```
    /// use cloakroom::tower_sessions::{MemoryStore, SessionManagerLayer};
    ///
    /// let layer = SessionManagerLayer::new(MemoryStore::default())
    ///     .with_options(|layer| layer.owner_key("axum-login.data.user_id"));
    /// let owners = layer.owners();
    /// ```
    pub fn with_options(mut self, options: impl Fn(SessionLayer) -> SessionLayer + Send + Sync + 'static) -> Self {
        self.more.push(Arc::new(options));
        self
    }

    /// Returns the handle of sessions by owner, for "log out everywhere" and "your devices". `None`: the store has no index of
    /// owners, as a store that was written for tower-sessions.
    ///
    /// # Panics
    ///
    /// Panics if browsers would drop the cookie, or if the expiry is zero.
    #[must_use]
    pub fn owners(&self) -> Option<Owners> {
        self.finished().owners()
    }

    pub(super) fn manage<S>(&self, inner: S) -> SessionManager<S, Store, C> {
        let Config { expiry, always_save, .. } = self.config;
        SessionManager { inner, layer: self.finished(), expiry, always_save, kind: PhantomData }
    }

    /// Puts all options on the one layer that all clones share. Options that browsers would drop panic here, because the API of
    /// tower-sessions has no `Result` to return. It runs when a router or service is built, never for a request.
    fn finished(&self) -> SessionLayer {
        let cookie = self.config.cookie().unwrap_or_else(|error| panic!("{error}"));
        let lifetime = lifetime(self.config.expiry, self.config.always_save).unwrap_or_else(|error| panic!("{error}"));
        let layer = self.base.clone().cookie(cookie).lifetime(lifetime);
        let layer = layer
            .max_bytes(u32::MAX)
            .failure_status(StatusCode::INTERNAL_SERVER_ERROR)
            .commit_if(|status| !status.is_server_error());
        self.more.iter().fold(self.controller.protect(layer), |layer, options| options(layer))
    }

    #[cfg(feature = "tower-sessions-signed")]
    fn with_controller<D: CookieController>(self, controller: D) -> SessionManagerLayer<Store, D> {
        let Self { base, config, more, .. } = self;
        SessionManagerLayer { base, config, controller, more, store: PhantomData }
    }
}

impl<Store: SessionStore, C: CookieController> Clone for SessionManagerLayer<Store, C> {
    fn clone(&self) -> Self {
        let Self { base, config, controller, more, store } = self;
        Self {
            base: base.clone(),
            config: config.clone(),
            controller: controller.clone(),
            more: more.clone(),
            store: *store,
        }
    }
}

/// Shows no key.
impl<Store: SessionStore, C: CookieController> fmt::Debug for SessionManagerLayer<Store, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionManagerLayer").field("config", &self.config).finish_non_exhaustive()
    }
}
