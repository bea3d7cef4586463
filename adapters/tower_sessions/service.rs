//! The service, and its layer.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use ::tower_cookies::CookieManager;
use http::{Request, Response};
use tower_service::Service;

use super::{Expiry, Session, SessionStore};
use crate::{SessionLayer, adapter::Exchange};

mod config;
mod cookie;
mod layer;

#[cfg(feature = "tower-sessions-signed")]
pub use self::cookie::{PrivateCookie, SignedCookie};
pub use self::{
    cookie::{CookieController, PlaintextCookie},
    layer::SessionManagerLayer,
};

/// The service that [`SessionManagerLayer`] puts around another one. It gives each request a [`Session`], and commits it before the
/// response's head leaves.
///
/// If the commit fails, the response is an empty one with status 500. A response with a status of 500 and above stores no
/// writes; renewals and logouts are done in any case.
pub struct SessionManager<S, Store: SessionStore, C: CookieController = PlaintextCookie> {
    inner: S,
    layer: SessionLayer,
    expiry: Option<Expiry>,
    always_save: bool,
    kind: PhantomData<fn() -> (Store, C)>,
}

impl<S, Store: SessionStore> SessionManager<S, Store> {
    /// Puts sessions around `inner`, with the defaults of [`SessionManagerLayer::new`]. It has to be within a
    /// [`CookieManager`] only if the handlers need that.
    pub fn new(inner: S, session_store: Store) -> Self {
        SessionManagerLayer::new(session_store).manage(inner)
    }
}

/// Handles a request, and gives its response.
type Answering<R, E> = Pin<Box<dyn Future<Output = Result<R, E>> + Send>>;

impl<ReqBody, ResBody, S, Store: SessionStore, C: CookieController> Service<Request<ReqBody>>
    for SessionManager<S, Store, C>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send,
    ReqBody: Send + 'static,
    ResBody: Default + Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Answering<S::Response, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let exchange = self.layer.begin(request.headers());
        let session = Session::of(exchange.session().clone(), self.expiry);
        // As in tower-sessions, the innermost of several layers is the one that handlers see.
        request.extensions_mut().insert(exchange.session().clone());
        request.extensions_mut().insert(session.clone());
        let always_save = self.always_save;
        // The service that was polled is the one that is ready.
        let ready = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, ready);
        Box::pin(async move {
            let mut response = inner.call(request).await?;
            if !response.status().is_server_error() {
                settle(&exchange, &session, always_save).await;
            }
            match exchange.commit(response.status()).await {
                Ok(head) => head.write(response.headers_mut()),
                Err(failure) => response = failure.into_response(),
            }
            Ok(response)
        })
    }
}

/// Prepares the commit: the session gets its expiry, and is used if every request is to save it.
async fn settle(exchange: &Exchange, session: &Session, always_save: bool) {
    if let Err(error) = session.write_expiry().await {
        tracing::error!(%error, "a session's expiry cannot be set");
    }
    // A page that does not use the session is answered without it.
    if always_save
        && exchange.session().has_token()
        && let Err(error) = exchange.session().load().await
    {
        tracing::warn!(%error, "a session that every request saves cannot be loaded");
    }
}

impl<S: Clone, Store: SessionStore, C: CookieController> Clone for SessionManager<S, Store, C> {
    fn clone(&self) -> Self {
        let Self { inner, layer, expiry, always_save, kind } = self;
        Self { inner: inner.clone(), layer: layer.clone(), expiry: *expiry, always_save: *always_save, kind: *kind }
    }
}

impl<S: fmt::Debug, Store: SessionStore, C: CookieController> fmt::Debug for SessionManager<S, Store, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionManager").field("inner", &self.inner).field("layer", &self.layer).finish_non_exhaustive()
    }
}

/// The cookie manager is outermost, so that handlers have [`tower_cookies::Cookies`] as before. The session's own cookie does not
/// go through it.
impl<S, Store: SessionStore, C: CookieController> tower_layer::Layer<S> for SessionManagerLayer<Store, C> {
    type Service = CookieManager<SessionManager<S, Store, C>>;

    fn layer(&self, inner: S) -> Self::Service {
        CookieManager::new(self.manage(inner))
    }
}
