//! The options of a session layer, and their defaults.

use std::{
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{
    HeaderName, Response, StatusCode,
    header::{self, InvalidHeaderName},
};
use tower_layer::Layer;
use triomphe::UniqueArc;

#[cfg(feature = "device-bound")]
mod device;
mod exchange;
mod failure_response;
mod service;

#[cfg(feature = "device-bound")]
pub use self::device::DevicePolicy;
pub use self::{
    exchange::{AnswerFuture, CommitFuture, Exchange},
    failure_response::{EmptyResponse, FailureResponse, OnFailure},
    service::{ResponseFuture, SessionService},
};
use crate::{
    client::PlainTokens,
    config::{Backend, Clock, Config, CookieOptions, Event, OnStoreError, OverLimit, Quota, Scope, ValidFrom},
    error::Error,
    request::{Failure, Headers, RequestState},
    session::{LazySession, Owners},
    store::{Lifetime, SessionStore, StoreError},
};

/// Gives every request a [`LazySession`](crate::LazySession), and commits what handlers did with it before the
/// response's head leaves.
///
/// It is its own builder, and cannot fail at request time for how it was built. Clones share one set of sessions.
///
/// | option | default |
/// |---|---|
/// | [`cookie`](Self::cookie) | `__Host-id; Path=/; Secure; HttpOnly; SameSite=Lax` |
/// | [`header`](Self::header), [`bearer`](Self::bearer) | none |
/// | [`scope`](Self::scope) | none |
/// | `signed`, of the feature `secure-cookies` | no |
/// | [`lifetime`](Self::lifetime) | idle 24 hours, absolute 30 days, browser-session cookie |
/// | [`owner_key`](Self::owner_key) | none |
/// | [`max_per_owner`](Self::max_per_owner) | no limit |
/// | [`valid_from`](Self::valid_from), [`owner_valid_from`](Self::owner_valid_from) | none |
/// | [`max_bytes`](Self::max_bytes) | 64 KiB |
/// | [`commit_if`](Self::commit_if) | always |
/// | [`commit_timeout`](Self::commit_timeout) | 5 s |
/// | [`on_store_error`](Self::on_store_error) | [`OnStoreError::Fail`] |
/// | [`failure_status`](Self::failure_status) | 503 |
#[derive(Clone)]
#[must_use]
pub struct SessionLayer<P = EmptyResponse> {
    pub(crate) config: Arc<Config>,
    pub(crate) policy: P,
}

impl SessionLayer {
    /// Makes a layer over `store`, with the defaults.
    ///
    /// With any store but [`MemoryStore`](crate::MemoryStore), requests run in a `tokio` runtime that has timers, as those of
    /// `#[tokio::main]`, Axum and Actix Web have: writers of one session wait for each other, and a commit whose client went
    /// away goes on as a task.
    pub fn new(store: impl SessionStore) -> Self {
        Self::over(Backend::records(store, Arc::new(PlainTokens)))
    }

    /// Makes a layer that keeps each session in its client's cookie, and nowhere else: see [`CookieStore`](crate::client::CookieStore) for
    /// what such sessions cannot do.
    #[cfg(feature = "secure-cookies")]
    pub fn cookie_store(store: crate::client::CookieStore) -> Self {
        Self::over(Backend::client_side(Arc::new(store.into_format())))
    }

    fn over(backend: Backend) -> Self {
        let mut config = Config::new(backend);
        config.bind();
        Self { config: Arc::new(config), policy: EmptyResponse }
    }
}

impl<P> SessionLayer<P> {
    /// Sets the session cookie's name and attributes. Default: [`CookieOptions::default`].
    pub fn cookie(self, options: CookieOptions) -> Self {
        self.with(|config| config.transport.cookie = Some(options))
    }

    /// Takes tokens from this request header, too, for clients that keep no cookies. Default: none.
    ///
    /// Cookies come first. A new token goes where the old one came from; to a client that presented none, into the header
    /// if it sends it, be it empty, else into the cookie. The response header is marked sensitive. In `authorization`, the scheme
    /// is `Bearer`: see [`bearer`](Self::bearer).
    ///
    /// # Errors
    ///
    /// The name is not a header name.
    pub fn header(self, name: &str) -> Result<Self, InvalidHeaderName> {
        let name = HeaderName::from_bytes(name.as_bytes())?;
        Ok(self.with(|config| config.transport.header = Some(name)))
    }

    /// Takes tokens from `Authorization: Bearer <token>`, too, for clients that keep no cookies: [`header`](Self::header) with
    /// the name `authorization`. An `Authorization` of another scheme is ignored, so a browser that sends one keeps its
    /// cookie. A new token goes out as a header of the same form. Default: no.
    pub fn bearer(self) -> Self {
        self.with(|config| config.transport.header = Some(header::AUTHORIZATION))
    }

    /// Takes tokens from this request header only, for an API: [`header`](Self::header) without a cookie.
    ///
    /// # Errors
    ///
    /// The name is not a header name.
    pub fn header_only(self, name: &str) -> Result<Self, InvalidHeaderName> {
        Ok(self.header(name)?.with(|config| config.transport.cookie = None))
    }

    /// Keeps this layer's sessions apart from those of other layers around the same handler, under the type `T`. They are
    /// extracted as [`Scoped<T>`](crate::Scoped). Give each layer a cookie name of its own; the same scope or the same name
    /// twice fails every request. Default: no scope, extracted as [`Session`](crate::Session).
    pub fn scope<T: 'static>(self) -> Self {
        self.with(|config| config.scope = Scope::of::<T>())
    }

    /// Returns whether it has a scope, so that [`Session`](crate::Session) as an extractor does not mean its sessions.
    #[must_use]
    pub fn is_scoped(&self) -> bool {
        !self.config.scope.is_default()
    }

    /// Sends the cookie over plain http, for development: see
    /// [`CookieOptionsBuilder::insecure_http`](crate::CookieOptionsBuilder::insecure_http). Everybody on the network path can
    /// read the cookie then.
    pub fn insecure_http(self) -> Self {
        self.with(|config| {
            config.transport.cookie = config.transport.cookie.take().map(CookieOptions::into_insecure_http);
        })
    }

    /// Signs tokens: a MAC of 128 bits (HMAC-SHA256) stands behind each, and is checked before any store call. So forged and
    /// damaged tokens never reach the store, and nobody who can write to it can make one. Default: no MAC.
    ///
    /// A token under a key of the ring that is not the current one is accepted, and the same token sent again under the current
    /// one with the response, unless a newer token has come up meanwhile. Tokens under other keys, and those without a MAC, are
    /// dropped like forged ones ([`Event::Forged`]): so the first `signed` ends all sessions, and so does the removal of a key
    /// that was still in use. [`keys`](crate::keys) says how to replace keys without that.
    ///
    /// A token is bound to the name of its cookie, or of its header where there is no cookie. Sessions in a
    /// [`CookieStore`](crate::client::CookieStore) are authentic already: for them it changes nothing.
    #[cfg(feature = "secure-cookies")]
    pub fn signed(self, keyring: impl Into<crate::keys::Keyring>) -> Self {
        let format = crate::client::SignedTokens::new(keyring.into(), self.config.transport.name());
        self.with(|config| config.backend.format(Arc::new(format)))
    }

    /// Sets the lifetime of sessions. Default: [`Lifetime::default`]. Lower limits hold for existing sessions, too.
    pub fn lifetime(self, lifetime: Lifetime) -> Self {
        self.with(|config| config.lifetime = lifetime)
    }

    /// Names the state key that holds the owner, for services that do not call [`Session::login`](crate::Session::login): when a
    /// request writes this key, the session's owner becomes its value, and another owner, or none, renews the session. Default:
    /// none.
    ///
    /// The value is a string or a whole number, whose digits are taken as they are; `null`, and a key that is removed, mean no
    /// owner. A commit that would store another value there fails with [`Error::is_no_owner`].
    pub fn owner_key(self, key: impl Into<String>) -> Self {
        let key = key.into();
        self.with(|config| config.owner_key = Some(key.into()))
    }

    /// Limits the sessions that an owner may have at once. `over` says what becomes of a login beyond the limit. Default: no
    /// limit.
    ///
    /// # Errors
    ///
    /// The limit is 0, or the store has no index of owners ([`Error::is_unsupported`]).
    pub fn max_per_owner(self, max: usize, over: OverLimit) -> Result<Self, Error> {
        if max == 0 {
            return Err(Error::no_limit());
        }
        if self.config.backend.owner_index().is_none() {
            return Err(Error::no_owner_index());
        }
        Ok(self.with(|config| config.quota = Some(Quota { max, over })))
    }

    /// Ends every session that was made before a time: after a leak, for example. Give it a [`ValidFrom`] to move that time
    /// while the server runs, or a fixed `SystemTime`. Default: none.
    pub fn valid_from(self, time: impl Into<ValidFrom>) -> Self {
        self.with(|config| config.valid_from = time.into())
    }

    /// Ends every session of an owner when the value that the application gives for this owner moves on: the time of the last
    /// change of the password, for example. Default: none.
    ///
    /// No clocks are compared. A login keeps the value that held for it ([`Session::login_at`](crate::Session::login_at)), and
    /// the session is valid as long as the value has not become a later one. A session whose owner was set before there was
    /// this option is valid as long as its owner has no value.
    ///
    /// For "log out everywhere" and a change of the password, move the value first, in the transaction that changes the
    /// password, and call [`Owners::revoke_all`] then: the value also ends a login that is under way.
    ///
    /// It is asked at every load of a session with an owner, so answer from memory if you can. An error fails the load.
    ///
    /// ```
    /// # use cloakroom::{MemoryStore, SessionLayer, StoreError};
    /// # use std::time::SystemTime;
    /// # async fn password_changed_at(user: &str) -> Result<Option<SystemTime>, std::io::Error> { Ok(None) }
    /// let layer = SessionLayer::new(MemoryStore::new())
    ///     .owner_valid_from(|user| async move { password_changed_at(&user).await.map_err(StoreError::new) });
    /// ```
    pub fn owner_valid_from<F, Fut>(self, ask: F) -> Self
    where
        F: Fn(String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<SystemTime>, StoreError>> + Send + 'static,
    {
        self.with(|config| config.owner_valid_from = Some(Arc::new(move |owner| Box::pin(ask(owner)))))
    }

    /// Limits the size of a session in bytes: its packed state, its owner and its label. A commit that would make a session
    /// larger than that fails with [`Error::is_too_large`](crate::Error::is_too_large) and stores nothing. A commit that makes
    /// the session smaller never fails with it. Default: 64 KiB.
    pub fn max_bytes(self, limit: u32) -> Self {
        self.with(|config| config.max_bytes = limit as usize)
    }

    /// Keeps a request's writes only if `is_kept` returns true for the status of its response. Renewals and purges are done in
    /// any case. Default: all writes are kept, because a counter of failed logins must survive a 401.
    pub fn commit_if(self, is_kept: impl Fn(StatusCode) -> bool + Send + Sync + 'static) -> Self {
        self.with(|config| config.commit_if = Some(Arc::new(is_kept)))
    }

    /// Limits the time for which a commit tries again: while other requests keep changing the session, and while the outcome of a
    /// write is unknown. After it, the request fails with [`Error::is_conflict`] and [`Event::Contended`], or with the store's
    /// error. Each call of the store has the store's own time-outs, which should be shorter. Default: 5 s.
    pub fn commit_timeout(self, limit: Duration) -> Self {
        self.with(|config| config.commit_timeout = limit)
    }

    /// Sets what a request gets if the store cannot load its session. Default: [`OnStoreError::Fail`].
    pub fn on_store_error(self, what: OnStoreError) -> Self {
        self.with(|config| config.on_store_error = what)
    }

    /// Sets the status of the empty response to a request whose session failed, if trying again can help
    /// ([`Error::is_temporary`]). Other failures are answered 403 or 500: see [`Failure`]. Default: 503.
    pub fn failure_status(self, status: StatusCode) -> Self {
        self.with(|config| config.failure_status = status)
    }

    /// Builds the response to a request whose session failed. The hook gets the cause, and must not show it to the client. The
    /// layer adds the headers that the failure needs: a purged session's cookie, and `Cache-Control: no-store`. Default: an empty
    /// response with [`failure_status`](Self::failure_status).
    ///
    /// For Actix Web, `SessionMiddleware` has a hook of its own.
    pub fn on_failure<B, F>(self, hook: F) -> SessionLayer<OnFailure<F>>
    where
        F: Fn(&Failure) -> Response<B> + Clone,
    {
        SessionLayer { config: self.config, policy: OnFailure(hook) }
    }

    /// Sets the clock for deadlines. Default: `SystemTime::now`.
    pub fn clock(self, clock: impl Clock) -> Self {
        self.with(|config| config.clock = Arc::new(clock))
    }

    /// Sets a hook that gets every [`Event`], for metrics and alarms. It runs on the request's path, so it must be quick.
    pub fn on_event(self, hook: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.with(|config| config.on_event = Some(Arc::new(hook)))
    }

    /// Returns the handle of sessions by owner, for "log out everywhere" and "your devices". `None`: the store has no index of
    /// owners.
    #[must_use]
    pub fn owners(&self) -> Option<Owners> {
        Owners::new(Arc::clone(&self.config))
    }

    /// Reads the tokens of a request. No store is asked: that is left to who loads the session.
    ///
    /// A tower service needs none of this. An adapter calls, in this order, `begin`, [`Exchange::attach`], the handler, and
    /// [`Exchange::commit`], and writes the [`Head`] that comes of it into the response:
    ///
    /// ```
    /// use cloakroom::{Failure, MemoryStore, SessionLayer, adapter::Head};
    /// use http::{Request, Response, StatusCode};
    ///
    /// async fn answer<B: Default>(layer: &SessionLayer, mut request: Request<B>) -> Result<Response<B>, Failure> {
    ///     let exchange = layer.begin(request.headers());
    ///     exchange.attach(request.extensions_mut())?;
    ///     let mut response = Response::new(B::default()); // Here the handler runs.
    ///     let head: Head = exchange.commit(response.status()).await?;
    ///     head.write(response.headers_mut());
    ///     Ok(response)
    /// }
    /// # let layer = SessionLayer::new(MemoryStore::new());
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # assert!(runtime.block_on(answer(&layer, Request::new(String::new()))).unwrap().headers().is_empty());
    /// ```
    pub fn begin(&self, headers: &impl Headers) -> Exchange {
        let config = &self.config;
        let mut request = UniqueArc::new(RequestState::new(Some(config.clone())));
        request.presented.read(config, |name| headers.values(name));
        Exchange::new(LazySession { request: request.shareable() })
    }

    fn with(mut self, set: impl FnOnce(&mut Config)) -> Self {
        let config = Arc::make_mut(&mut self.config);
        set(config);
        config.bind();
        self
    }
}

impl<S, P: Clone> Layer<S> for SessionLayer<P> {
    type Service = SessionService<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService::new(inner, self.clone())
    }
}

impl<P> fmt::Debug for SessionLayer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer")
            .field("transport", &self.config.transport)
            .field("lifetime", &self.config.lifetime)
            .finish_non_exhaustive()
    }
}
