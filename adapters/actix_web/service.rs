//! One Actix request, top to bottom.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
};

use ::actix_web::{
    Error, HttpMessage as _, HttpResponse,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse},
};
use pin_project_lite::pin_project;

use super::{
    beside::Watch,
    bridge::{Outcome, failure, status},
    error::{Hooked, Own, with_head},
};
use crate::{
    Failure, SessionLayer,
    adapter::{AnswerFuture, CommitFuture, Exchange, Head},
};

/// The service that [`SessionMiddleware`](super::SessionMiddleware) makes.
pub struct SessionMiddlewareService<S> {
    shared: Rc<Shared<S>>,
}

/// The state that a worker's requests share.
struct Shared<S> {
    inner: S,
    layer: SessionLayer,
    loading: Loading,
    on_failure: Option<Arc<FailureHook>>,
    watch: Option<Watch>,
}

/// The time at which the session is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loading {
    /// Before the handler, where the request presents a token. Sessions of a scope have nobody who cannot wait.
    Eager,
    /// An extractor loads it.
    Lazy,
}

/// Builds the response to a failure.
pub(super) type FailureHook = dyn Fn(&Failure) -> HttpResponse + Send + Sync;

impl<S> SessionMiddlewareService<S> {
    pub(super) fn new(inner: S, layer: SessionLayer, loading: Loading, on_failure: Option<Arc<FailureHook>>) -> Self {
        Self { shared: Rc::new(Shared { inner, layer, loading, on_failure, watch: Watch::over::<S>() }) }
    }
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
        self.shared.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        #[cfg(feature = "device-bound")]
        if let Some(answer) = self.shared.layer.answer(request.method().as_str(), request.path(), request.headers()) {
            let exchange = self.shared.layer.begin(&http::HeaderMap::new());
            return MiddlewareFuture { shared: Rc::clone(&self.shared), exchange, step: Step::Own { answer } };
        }
        let exchange = self.shared.layer.begin(request.headers());
        let attached = exchange.attach(&mut *request.extensions_mut());
        if let Some(watch) = &self.shared.watch {
            watch.attach(&mut request.extensions_mut());
        }
        let step = match attached {
            Ok(()) if self.shared.loading == Loading::Eager && exchange.session().has_token() => {
                let session = exchange.session().clone();
                // A load that fails is an error where the session is used, and only there.
                let load = Box::pin(async move { drop(session.load().await) });
                Step::Load { load, request: Some(request) }
            }
            Ok(()) => Step::Handle { outcome: self.shared.inner.call(request) },
            Err(failure) => Step::Refuse { failure: Some(failure) },
        };
        MiddlewareFuture { shared: Rc::clone(&self.shared), exchange, step }
    }
}

pin_project! {
    /// The response, once the session is committed.
    pub struct MiddlewareFuture<S, B>
    where
        S: Service<ServiceRequest>,
    {
        shared: Rc<Shared<S>>,
        exchange: Exchange,
        #[pin]
        step: Step<S::Future, B>,
    }
}

pin_project! {
    #[project = StepProjection]
    #[allow(dead_code)] // Only the feature `device-bound` makes the last variant.
    enum Step<F, B> {
        Load { load: Load, request: Option<ServiceRequest> },
        Handle { #[pin] outcome: F },
        Commit { outcome: Option<Outcome<B>>, commit: CommitFuture },
        Refuse { failure: Option<Failure> },
        Own { answer: AnswerFuture },
    }
}

type Load = Pin<Box<dyn Future<Output = ()> + Send>>;

impl<S, B> Future for MiddlewareFuture<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Output = Outcome<B>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<B>> {
        let mut this = self.project();
        let outcome = loop {
            match this.step.as_mut().project() {
                StepProjection::Load { load, request } => {
                    ready!(load.as_mut().poll(cx));
                    // Taken once: the next step replaces this one.
                    let Some(request) = request.take() else { return Poll::Pending };
                    this.step.set(Step::Handle { outcome: this.shared.inner.call(request) });
                }
                StepProjection::Handle { outcome } => break ready!(outcome.poll(cx)),
                StepProjection::Commit { outcome, commit } => {
                    let head = ready!(Pin::new(commit).poll(cx));
                    // Polled again after it was ready, there is no outcome; it stays pending, as `Future` allows.
                    let Some(outcome) = outcome.take() else { return Poll::Pending };
                    return Poll::Ready(this.shared.answer(outcome, head));
                }
                StepProjection::Refuse { failure } => {
                    let Some(failure) = failure.take() else { return Poll::Pending };
                    return Poll::Ready(Err(this.shared.error(failure)));
                }
                StepProjection::Own { answer } => {
                    let answer = ready!(Pin::new(answer).poll(cx));
                    // A middleware cannot make a body of its application's type, and the server makes one of an error.
                    return Poll::Ready(Err(Own(answer).into()));
                }
            }
        };
        if let Some(watch) = &this.shared.watch {
            watch.check();
        }
        let mut commit = this.exchange.commit(status(&outcome));
        match Pin::new(&mut commit).poll(cx) {
            Poll::Ready(head) => Poll::Ready(this.shared.answer(outcome, head)),
            Poll::Pending => {
                this.step.set(Step::Commit { outcome: Some(outcome), commit });
                Poll::Pending
            }
        }
    }
}

impl<S> Shared<S> {
    fn answer<B>(&self, mut outcome: Outcome<B>, head: Result<Head, Failure>) -> Outcome<B> {
        let head = match head {
            Ok(head) => head,
            Err(failure) => return Err(self.error(failure)),
        };
        // A handler may have answered a failure of the session: an own hook decides what that looks like.
        if self.on_failure.is_some()
            && let Some(failure) = failure(&outcome).cloned()
        {
            outcome = Err(self.error(failure));
        }
        if head.is_empty() {
            return outcome;
        }
        match outcome {
            Ok(mut response) => {
                head.write(response.headers_mut());
                Ok(response)
            }
            Err(error) => Err(with_head(error, head)),
        }
    }

    fn error(&self, failure: Failure) -> Error {
        match &self.on_failure {
            Some(hook) => Hooked::new(failure, Arc::clone(hook)).into(),
            None => failure.into(),
        }
    }
}

impl<S> fmt::Debug for SessionMiddlewareService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionMiddlewareService").finish_non_exhaustive()
    }
}
