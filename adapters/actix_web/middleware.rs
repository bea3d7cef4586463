//! The middleware.

use std::{
    convert::Infallible,
    fmt,
    future::{Future, Ready, ready},
    marker::PhantomData,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
};

use ::actix_web::{
    Error, HttpResponse,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
    http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, VARY},
};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer as _;
use tower_service::Service as _;

use super::{
    bridge::{Actix, Bridge, BridgeFuture, Outcome},
    error::WithHeaders,
};
use crate::{Failure, Http, Owners, ResponseFuture, SessionLayer, SessionService};

/// A [`SessionLayer`] as an Actix middleware: `App::new().wrap(SessionMiddleware::from(layer))`.
///
/// Make the layer once, outside the factory of `HttpServer`, and clone it in: workers then share one set of sessions.
///
/// `Store` is no more than a name, for functions that return a `SessionMiddleware<CookieSessionStore>`, say.
pub struct SessionMiddleware<Store = ()> {
    layer: SessionLayer<Http>,
    policy: Actix,
    loading: Loading,
    store: PhantomData<fn() -> Store>,
}

/// When the session is loaded.
#[derive(Clone, Copy, Debug)]
pub(super) enum Loading {
    /// Before the handler, where the request presents a token. Sessions of a scope have nobody who cannot wait.
    Eager,
    /// When an extractor asks.
    Lazy,
}

#[cfg(feature = "actix-session")]
#[cfg_attr(docsrs, doc(cfg(feature = "actix-session")))]
impl<Store: super::storage::SessionStore> SessionMiddleware<Store> {
    /// A middleware over `store`, with the defaults of actix-session 0.11: see
    /// [`SessionMiddlewareBuilder`](super::config::SessionMiddlewareBuilder).
    pub fn new(store: Store, key: ::actix_web::cookie::Key) -> Self {
        Self::builder(store, key).build()
    }

    /// Starts from these defaults.
    pub fn builder(store: Store, key: ::actix_web::cookie::Key) -> super::config::SessionMiddlewareBuilder<Store> {
        super::config::SessionMiddlewareBuilder::new(store, key)
    }
}

impl<Store> SessionMiddleware<Store> {
    pub(super) fn of(layer: SessionLayer<Http>) -> Self {
        Self { layer, policy: Actix::default(), loading: Loading::Eager, store: PhantomData }
    }

    /// The sessions by owner: see [`SessionLayer::owners`].
    #[must_use]
    pub fn owners(&self) -> Option<Owners> {
        self.layer.owners()
    }

    /// Leaves the load to who asks: a request whose handler does not use the session costs no store call, and works while
    /// the store does not.
    ///
    /// Take `Session` as an extractor, then. In guards, and wherever nobody has loaded it before,
    /// [`get_session`](super::SessionExt::get_session) gives a handle whose operations fail, with an error that says so.
    #[must_use]
    pub fn lazy(mut self) -> Self {
        self.loading = Loading::Lazy;
        self
    }

    /// Builds the response where the session failed; it gets the cause, and must not tell it. Headers that the failure needs
    /// (a purged session's cookie, `Cache-Control: no-store`) are added. Default: an empty one, with the layer's
    /// [`failure_status`](SessionLayer::failure_status).
    #[must_use]
    pub fn on_failure(mut self, hook: impl Fn(&Failure) -> HttpResponse + Send + Sync + 'static) -> Self {
        self.policy.on_failure = Some(Arc::new(hook));
        self
    }
}

impl From<SessionLayer<Http>> for SessionMiddleware {
    fn from(layer: SessionLayer<Http>) -> Self {
        Self::of(layer)
    }
}

impl<Store> Clone for SessionMiddleware<Store> {
    fn clone(&self) -> Self {
        let Self { layer, policy, loading, store } = self;
        Self { layer: layer.clone(), policy: policy.clone(), loading: *loading, store: *store }
    }
}

impl<Store> fmt::Debug for SessionMiddleware<Store> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionMiddleware")
            .field("layer", &self.layer)
            .field("loading", &self.loading)
            .finish_non_exhaustive()
    }
}

impl<S, B, Store> Transform<S, ServiceRequest> for SessionMiddleware<Store>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = SessionMiddlewareService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let service = Rc::new(service);
        let loading = if self.layer.is_scoped() { Loading::Lazy } else { self.loading };
        let bridge = Bridge { service: Rc::clone(&service), loading };
        let layer = self.layer.clone().policy(self.policy.clone());
        ready(Ok(SessionMiddlewareService { inner: service, service: layer.layer(bridge) }))
    }
}

/// The service that [`SessionMiddleware`] makes.
pub struct SessionMiddlewareService<S> {
    inner: Rc<S>,
    service: SessionService<Bridge<S>, Actix>,
}

impl<S, B> Service<ServiceRequest> for SessionMiddlewareService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = MiddlewareFuture<S, B>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        // Actix calls by `&self`, tower by `&mut self`: a clone is three reference counts.
        MiddlewareFuture { future: self.service.clone().call(Request::new(request)) }
    }
}

impl<S> fmt::Debug for SessionMiddlewareService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionMiddlewareService").finish_non_exhaustive()
    }
}

pin_project! {
    /// The response, once the session is committed.
    pub struct MiddlewareFuture<S, B>
    where
        S: Service<ServiceRequest>,
    {
        #[pin]
        future: ResponseFuture<BridgeFuture<S>, Outcome<B>, Actix>,
    }
}

impl<S, B> Future for MiddlewareFuture<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Output = Outcome<B>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<B>> {
        let answered: Result<Response<Outcome<B>>, Infallible> = ready!(self.project().future.poll(cx));
        let (head, outcome) = match answered {
            Ok(response) => response.into_parts(),
            Err(never) => match never {},
        };
        let headers = head.headers.iter().filter_map(|(name, value)| header(name, value));
        Poll::Ready(match outcome {
            Ok(mut response) => {
                headers.for_each(|(name, value)| put(response.headers_mut(), name, value));
                Ok(response)
            }
            Err(error) if head.headers.is_empty() => Err(error),
            Err(error) => Err(WithHeaders::new(error, headers.collect()).into()),
        })
    }
}

/// A header in Actix's types, as sensitive as it was: a token must not show where somebody logs the response.
pub(super) fn header(name: &http::HeaderName, value: &http::HeaderValue) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
    let mut made = HeaderValue::from_bytes(value.as_bytes()).ok()?;
    made.set_sensitive(value.is_sensitive());
    Some((name, made))
}

/// Adds what the session layer says to what the application has said.
pub(super) fn put(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    let is_said = match name {
        CACHE_CONTROL => headers.contains_key(CACHE_CONTROL),
        VARY => headers.get_all(VARY).any(|vary| {
            vary.as_bytes()
                .split(|byte| *byte == b',')
                .map(<[u8]>::trim_ascii)
                .any(|listed| listed == b"*" || listed.eq_ignore_ascii_case(value.as_bytes()))
        }),
        _ => false,
    };
    if !is_said {
        headers.append(name, value);
    }
}
