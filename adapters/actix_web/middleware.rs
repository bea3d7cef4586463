//! The middleware.

use std::{
    fmt,
    future::{Ready, ready},
    marker::PhantomData,
    sync::Arc,
};

use ::actix_web::{
    Error, HttpResponse,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
};

use super::service::{FailureHook, Loading, SessionMiddlewareService};
use crate::{Failure, Owners, SessionLayer};

/// A [`SessionLayer`] as an Actix middleware: `App::new().wrap(SessionMiddleware::from(layer))`.
///
/// Make the layer once, outside the factory of `HttpServer`, and clone it in: workers then share one set of sessions.
///
/// `Store` is no more than a name, for functions that return a `SessionMiddleware<CookieSessionStore>`, say.
pub struct SessionMiddleware<Store = ()> {
    layer: SessionLayer,
    loading: Loading,
    on_failure: Option<Arc<FailureHook>>,
    store: PhantomData<fn() -> Store>,
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
    pub(super) fn of(layer: SessionLayer) -> Self {
        Self { layer, loading: Loading::Eager, on_failure: None, store: PhantomData }
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
        self.on_failure = Some(Arc::new(hook));
        self
    }
}

impl From<SessionLayer> for SessionMiddleware {
    fn from(layer: SessionLayer) -> Self {
        Self::of(layer)
    }
}

#[cfg(feature = "device-bound")]
#[cfg_attr(docsrs, doc(cfg(feature = "device-bound")))]
impl From<SessionLayer<crate::device_bound::DevicePolicy>> for SessionMiddleware {
    fn from(layer: SessionLayer<crate::device_bound::DevicePolicy>) -> Self {
        Self::of(layer.without_policy())
    }
}

impl<Store> Clone for SessionMiddleware<Store> {
    fn clone(&self) -> Self {
        let Self { layer, loading, on_failure, store } = self;
        Self { layer: layer.clone(), loading: *loading, on_failure: on_failure.clone(), store: *store }
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
        let loading = if self.layer.is_scoped() { Loading::Lazy } else { self.loading };
        ready(Ok(SessionMiddlewareService::new(service, self.layer.clone(), loading, self.on_failure.clone())))
    }
}
