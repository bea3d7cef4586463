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

mod backends;
#[cfg(feature = "device-bound")]
mod device;
mod exchange;
mod failure_response;
mod service;
#[cfg(feature = "testing")]
mod test_cookie;

#[cfg(feature = "device-bound")]
pub use self::device::DevicePolicy;
pub use self::{
    exchange::{AnswerFuture, CommitFuture, Exchange},
    failure_response::{EmptyResponse, FailureResponse, OnFailure},
    service::{ResponseFuture, SessionService},
};
#[cfg(feature = "formats")]
use crate::config::ForeignSessions;
use crate::{
    client::PlainTokens,
    config::{
        Backend, Clock, Config, CookieOptions, Event, OnStoreError, OverLimit, OwnerKey, Quota, Scope, ValidFrom,
    },
    error::Error,
    request::{Failure, Headers, RequestState},
    session::{LazySession, Owners},
    store::{Lifetime, SessionStore, State, StoreError},
};

/// Gives every request a [`LazySession`](crate::LazySession), and commits what handlers did with it before the
/// response's head leaves.
///
/// The layer is its own builder. Options that cannot work are refused when they are set. Clones share one set of
/// sessions.
///
/// | option | default |
/// |---|---|
/// | [`cookie`](Self::cookie) | `__Host-Http-id; Path=/; Secure; HttpOnly; SameSite=Lax` |
/// | [`header`](Self::header), [`bearer`](Self::bearer) | none |
/// | [`scope`](Self::scope) | none |
/// | `signed`, of the feature `secure-cookies` | no |
/// | [`also`](Self::also) | no other stores |
/// | `moving`, `moved`, of the feature `secure-cookies` | no |
/// | [`lifetime`](Self::lifetime) | idle 24 hours, absolute 30 days, browser-session cookie |
/// | [`owner_key`](Self::owner_key), [`owner_from`](Self::owner_from) | none |
/// | [`max_per_owner`](Self::max_per_owner) | no limit |
/// | [`valid_from`](Self::valid_from), [`owner_valid_from`](Self::owner_valid_from) | none |
/// | [`max_bytes`](Self::max_bytes) | 64 KiB |
/// | [`commit_if`](Self::commit_if) | always |
/// | [`commit_timeout`](Self::commit_timeout) | 5 s |
/// | [`on_store_error`](Self::on_store_error) | [`OnStoreError::Fail`] |
/// | [`failure_status`](Self::failure_status) | 503 |
///
/// # Beside other layers
///
/// The layer answers a failure with an empty body, so the body of the service inside of it must implement `Default`. Axum's, hyper's
/// `Empty` and `Full`, and that of `RequestBodyLimitLayer` do. Two do not: that of `TraceLayer`, and `hyper::body::Incoming`, which a
/// proxy passes on. With Axum's `Router::layer` it is never in the way, because the router makes each body its own. In a
/// `ServiceBuilder`, the compiler says that the trait bound `tower_http::trace::ResponseBody<..>: Default` is not satisfied:
///
/// ```compile_fail,E0277
/// # use std::convert::Infallible;
/// # use cloakroom::{MemoryStore, SessionLayer};
/// # use http::{Request, Response};
/// # use tower::{Service, ServiceBuilder, service_fn};
/// # use tower_http::trace::TraceLayer;
/// # async fn page(_: Request<String>) -> Result<Response<http_body_util::Full<bytes::Bytes>>, Infallible> { Ok(Response::default()) }
/// # fn serves(_: impl Service<Request<String>>) {}
/// let session = SessionLayer::new(MemoryStore::new());
/// serves(ServiceBuilder::new().layer(session).layer(TraceLayer::new_for_http()).service(service_fn(page)));
/// ```
///
/// Put the session inside of the trace, where it is traced, too:
///
/// ```
/// # use std::convert::Infallible;
/// # use cloakroom::{MemoryStore, SessionLayer};
/// # use http::{Request, Response};
/// # use tower::{Service, ServiceBuilder, service_fn};
/// # use tower_http::{limit::RequestBodyLimitLayer, trace::TraceLayer};
/// # type Body = http_body_util::Full<bytes::Bytes>;
/// # async fn page<B>(_: Request<B>) -> Result<Response<Body>, Infallible> { Ok(Response::default()) }
/// # fn serves(_: impl Service<Request<Body>>) {}
/// let session = SessionLayer::new(MemoryStore::new());
/// serves(
///     ServiceBuilder::new()
///         .layer(TraceLayer::new_for_http())
///         .layer(session)
///         .layer(RequestBodyLimitLayer::new(64 * 1024))
///         .service(service_fn(page)),
/// );
/// ```
///
/// For a proxy, put its body into one that can be empty:
///
/// ```
/// # use std::convert::Infallible;
/// # use cloakroom::{MemoryStore, SessionLayer};
/// # use http::{Request, Response};
/// # use hyper::body::Incoming;
/// # use tower::{Service, ServiceBuilder, service_fn};
/// # async fn forward(_: Request<Incoming>) -> Result<Response<Incoming>, Infallible> { unimplemented!() }
/// # fn serves(_: impl Service<Request<Incoming>>) {}
/// use axum::body::Body; // Or a body of `http_body_util`.
///
/// let session = SessionLayer::new(MemoryStore::new());
/// let boxed = |response: Response<Incoming>| response.map(Body::new);
/// serves(ServiceBuilder::new().layer(session).map_response(boxed).service(service_fn(forward)));
/// ```
///
/// Or make the body yourself, in [`on_failure`](Self::on_failure).
#[derive(Clone)]
#[must_use]
pub struct SessionLayer<P = EmptyResponse> {
    pub(crate) config: Arc<Config>,
    pub(crate) policy: P,
}

impl SessionLayer {
    /// Makes a layer over `store`, with the defaults.
    ///
    /// With any store but [`MemoryStore`](crate::MemoryStore), requests must run in a `tokio` runtime with timers, such
    /// as the one of `#[tokio::main]`, Axum or Actix Web: writers of one session wait for each other, and a commit goes
    /// on as a task if its client disconnects.
    pub fn new(store: impl SessionStore) -> Self {
        Self::over(Backend::records(store, Arc::new(PlainTokens)))
    }

    /// Makes a layer that keeps each session in its client's cookie, without a store.
    /// [`CookieStore`](crate::client::CookieStore) lists the limits of such sessions.
    #[cfg(feature = "secure-cookies")]
    pub fn cookie_store(store: crate::client::CookieStore) -> Self {
        Self::over(Backend::client_side(Arc::new(store.into_format())))
    }

    /// Makes a layer whose sessions are in the format of another crate, so that nodes of both share them.
    ///
    /// [`formats`](crate::formats) says what holds for such sessions. The cookie must have the name that the other crate gives
    /// it, and the idle limit must be its time to live.
    #[cfg(feature = "formats")]
    pub fn foreign(sessions: impl ForeignSessions) -> Self {
        Self::over(sessions.into_backend().0)
    }

    /// Builds the response that is sent when a session fails. Default: an empty response with
    /// [`failure_status`](Self::failure_status).
    ///
    /// The hook gets the cause, and must not show it to the client. The layer adds the headers that the failure needs:
    /// `Cache-Control: no-store`, and the removal of a purged session's cookie.
    ///
    /// For Actix Web, `SessionMiddleware` has a hook of its own.
    pub fn on_failure<B, F>(self, hook: F) -> SessionLayer<OnFailure<F>>
    where
        F: Fn(&Failure) -> Response<B> + Clone,
    {
        SessionLayer { config: self.config, policy: OnFailure(hook) }
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
    /// The layer looks at cookies first. It sends a new token the way the old one came. If the client presented no
    /// token, it sends the new one in the header if the request has this header, even an empty one; otherwise in the
    /// cookie. The response header is marked sensitive. In `authorization`, the scheme is `Bearer`: see
    /// [`bearer`](Self::bearer).
    ///
    /// # Errors
    ///
    /// The name is not a header name.
    pub fn header(self, name: &str) -> Result<Self, InvalidHeaderName> {
        let name = HeaderName::from_bytes(name.as_bytes())?;
        Ok(self.with(|config| config.transport.header = Some(name)))
    }

    /// Takes tokens from `Authorization: Bearer <token>`, too, for clients that keep no cookies. This is
    /// [`header`](Self::header) with the name `authorization`. Default: no.
    ///
    /// A new token is sent in a response header of the same form. An `Authorization` of another scheme is ignored, so a
    /// browser that sends one keeps its cookie.
    pub fn bearer(self) -> Self {
        self.with(|config| config.transport.header = Some(header::AUTHORIZATION))
    }

    /// Takes tokens from this request header only, for an API. This is [`header`](Self::header) without a cookie.
    ///
    /// # Errors
    ///
    /// The name is not a header name.
    pub fn header_only(self, name: &str) -> Result<Self, InvalidHeaderName> {
        Ok(self.header(name)?.with(|config| config.transport.cookie = None))
    }

    /// Keeps this layer's sessions apart from those of other layers around the same handler. Default: no scope.
    ///
    /// The type `T` names the scope. Handlers extract such a session as [`Scoped<T>`](crate::Scoped), and one without a
    /// scope as [`Session`](crate::Session). Give each layer a cookie name of its own: two layers with the same scope
    /// or the same name fail every request.
    pub fn scope<T: 'static>(self) -> Self {
        self.with(|config| config.scope = Scope::of::<T>())
    }

    /// Returns true if the layer has a scope. [`Session`](crate::Session) as an extractor gives sessions of a layer
    /// without a scope only.
    #[must_use]
    pub fn is_scoped(&self) -> bool {
        !self.config.scope.is_default()
    }

    /// Sends the cookie over plain http, for development: see
    /// [`CookieOptionsBuilder::insecure_http`](crate::CookieOptionsBuilder::insecure_http). Everybody on the network
    /// path can then read the cookie.
    pub fn insecure_http(self) -> Self {
        self.with(|config| {
            config.transport.cookie = config.transport.cookie.take().map(CookieOptions::into_insecure_http);
        })
    }

    /// Signs tokens with a MAC of 128 bits (HMAC-SHA256), and checks it before any call of the store. Default: no MAC.
    ///
    /// Forged and damaged tokens never reach the store, and an attacker who can write to the store still cannot make a
    /// token.
    ///
    /// A token under an older key of the ring is accepted. The response sends the same token under the current key,
    /// unless a newer token was made meanwhile. Tokens without a MAC, and tokens under other keys, are refused as
    /// forged ([`Event::Forged`]). So the first use of `signed` ends all sessions, and so does the removal of a key
    /// that is still in use. [`keys`](crate::keys) says how to replace keys without that.
    ///
    /// A token is bound to the name of its cookie, or of its header if there is no cookie. Sessions in a
    /// [`CookieStore`](crate::client::CookieStore) are authenticated already: for them `signed` changes nothing.
    #[cfg(feature = "secure-cookies")]
    pub fn signed(self, keyring: impl Into<crate::keys::Keyring>) -> Self {
        let format = crate::client::SignedTokens::new(keyring.into(), self.config.transport.name());
        self.with(|config| config.set_tokens(Arc::new(format)))
    }

    /// Sets the lifetime of sessions. Default: [`Lifetime::default`]. Shorter limits also hold for existing sessions.
    pub fn lifetime(self, lifetime: Lifetime) -> Self {
        self.with(|config| config.lifetime = lifetime)
    }

    /// Takes the owner from this state key, for services that do not call [`Session::login`](crate::Session::login).
    /// Default: none.
    ///
    /// When a request writes this key, the session's owner becomes its value. A change of the owner renews the session,
    /// and so does its removal. The value must be a string or a whole number, whose digits become the owner. `null`, or
    /// no such key, means no owner. A commit of any other value fails with [`Error::is_no_owner`].
    ///
    /// If the owner is a field of an object, write the field's name after a dot. `axum-login.data.user_id` is the field
    /// `user_id` of the value under the key `axum-login.data`, or the value under a key of the whole name. If several
    /// keys fit, the longest one is used. A missing field means no owner.
    pub fn owner_key(self, key: impl Into<String>) -> Self {
        let key = key.into();
        self.with(|config| config.owner_key = Some(OwnerKey::Path(key.into())))
    }

    /// Finds the owner by a closure, for a state that [`owner_key`](Self::owner_key) cannot describe. When a request writes to the
    /// session and the closure's answer changes, the answer becomes the owner. It takes the place of `owner_key`. Default: none.
    ///
    /// `owner` gets the whole state, each value as raw JSON text. It must be a pure function of the state: it runs several times
    /// in a request, also when nothing of its keys was written.
    ///
    /// ```
    /// # use cloakroom::{MemoryStore, SessionLayer};
    /// let layer = SessionLayer::new(MemoryStore::new()).owner_from(|state| {
    ///     let user: serde_json::Value = serde_json::from_str(state.get("user")?).ok()?;
    ///     Some(user.get("id")?.get("$oid")?.as_str()?.to_owned())
    /// });
    /// ```
    pub fn owner_from(self, owner: impl Fn(&State) -> Option<String> + Send + Sync + 'static) -> Self {
        self.with(|config| config.owner_key = Some(OwnerKey::Closure(Arc::new(owner))))
    }

    /// Limits how many sessions an owner has at once. `over` decides what happens to a login beyond the limit. Default:
    /// no limit.
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

    /// Ends every session that was created before a time, for example after a leak. Default: none.
    ///
    /// Pass a fixed `SystemTime`, or a [`ValidFrom`] to change the time while the server runs.
    pub fn valid_from(self, time: impl Into<ValidFrom>) -> Self {
        self.with(|config| config.valid_from = time.into())
    }

    /// Ends an owner's sessions when the time that the application returns for this owner becomes a later one: the time
    /// of the last change of the password, for example. Default: none.
    ///
    /// No clocks are compared. A login stores the value that `ask` returned for it
    /// ([`Session::login_at`](crate::Session::login_at)). The session is valid until `ask` returns a later value. A
    /// session that stores no value, because its owner was set before this option was used, is valid until `ask`
    /// returns one.
    ///
    /// For "log out everywhere" and for a change of the password, first move the value, in the transaction that changes
    /// the password, and then call [`Owners::revoke_all`]. The value also ends a login that is in progress at that
    /// moment.
    ///
    /// `ask` runs at every load of a session with an owner, so answer from memory if you can. An error fails the load.
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

    /// Limits the size of a session in bytes: its packed state, its owner and its label. Default: 64 KiB.
    ///
    /// A commit that would make a session larger than the limit fails with
    /// [`Error::is_too_large`](crate::Error::is_too_large) and stores nothing. A commit that makes the session smaller
    /// does not fail for its size.
    pub fn max_bytes(self, limit: u32) -> Self {
        self.with(|config| config.max_bytes = limit as usize)
    }

    /// Keeps a request's writes only if `is_kept` returns true for the status of its response. Default: all writes are
    /// kept, because a counter of failed logins must survive a 401.
    ///
    /// Renewals and purges are done in any case.
    pub fn commit_if(self, is_kept: impl Fn(StatusCode) -> bool + Send + Sync + 'static) -> Self {
        self.with(|config| config.commit_if = Some(Arc::new(is_kept)))
    }

    /// Limits how long a commit tries again. Default: 5 s.
    ///
    /// A commit tries again while other requests keep changing the session, and while the outcome of a write is
    /// unknown. After this time, the request fails with [`Error::is_conflict`] and [`Event::Contended`], or with the
    /// store's error. Each call of the store has time-outs of its own, which should be shorter.
    pub fn commit_timeout(self, limit: Duration) -> Self {
        self.with(|config| config.commit_timeout = limit)
    }

    /// Sets what a request gets if the store cannot load its session. Default: [`OnStoreError::Fail`].
    pub fn on_store_error(self, what: OnStoreError) -> Self {
        self.with(|config| config.on_store_error = what)
    }

    /// Sets the status of the empty response that is sent when a session fails and trying again can help
    /// ([`Error::is_temporary`]). Default: 503.
    ///
    /// Other failures are answered with 403 or 500: see [`Failure`].
    pub fn failure_status(self, status: StatusCode) -> Self {
        self.with(|config| config.failure_status = status)
    }

    /// Sets the clock that deadlines are checked with. Default: `SystemTime::now`.
    pub fn clock(self, clock: impl Clock) -> Self {
        self.with(|config| config.clock = Arc::new(clock))
    }

    /// Sets a hook that gets every [`Event`], for metrics and alarms. The hook runs while the request waits, so it must
    /// be quick.
    pub fn on_event(self, hook: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.with(|config| config.on_event = Some(Arc::new(hook)))
    }

    /// Returns the handle for the sessions of an owner ("log out everywhere", "your devices"), or `None` if the store
    /// has no index of owners.
    #[must_use]
    pub fn owners(&self) -> Option<Owners> {
        Owners::new(Arc::clone(&self.config))
    }

    /// Reads the tokens of a request. Does not call the store: loading the session does.
    ///
    /// Only adapters of frameworks call this. An adapter calls `begin`, [`Exchange::attach`], the handler and
    /// [`Exchange::commit`], in this order, and writes the [`Head`](crate::adapter::Head) that the commit
    /// returns into the response:
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
