//! The tower service: one request, from its headers to the response.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    layer::{AnswerFuture, CommitFuture, EmptyResponse, Exchange, FailureResponse, SessionLayer},
    request::{Failure, Head, OwnResponse},
};

/// The service that [`SessionLayer`] puts around another one.
#[derive(Clone)]
pub struct SessionService<S, P = EmptyResponse> {
    inner: S,
    layer: SessionLayer<P>,
}

impl<S, P> SessionService<S, P> {
    pub(crate) fn new(inner: S, layer: SessionLayer<P>) -> Self {
        Self { inner, layer }
    }
}

impl<S, P, ReqBody, ResBody> Service<Request<ReqBody>> for SessionService<S, P>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    P: FailureResponse<ResBody> + Clone,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody, P>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        #[cfg(feature = "device-bound")]
        if let Some(respond) = self.layer.policy.own()
            && let Some(answer) = self.layer.answer(request.method().as_str(), request.uri().path(), request.headers())
        {
            let (exchange, policy) = (self.layer.begin(&http::HeaderMap::new()), self.layer.policy.clone());
            return ResponseFuture { exchange, policy, step: Step::Own { answer, respond } };
        }
        let exchange = self.layer.begin(request.headers());
        let step = match exchange.attach(request.extensions_mut()) {
            Ok(()) => Step::Handle { response: self.inner.call(request) },
            Err(failure) => Step::Refuse { failure: Some(failure) },
        };
        ResponseFuture { exchange, policy: self.layer.policy.clone(), step }
    }
}

pin_project! {
    /// The response, after the session is committed.
    pub struct ResponseFuture<F, B, P = EmptyResponse> {
        exchange: Exchange,
        policy: P,
        #[pin]
        step: Step<F, B>,
    }
}

pin_project! {
    #[project = StepProjection]
    #[allow(dead_code)] // Only the feature `device-bound` makes the last variant.
    enum Step<F, B> {
        Handle { #[pin] response: F },
        Commit { response: Option<Response<B>>, commit: CommitFuture },
        Refuse { failure: Option<Failure> },
        Own { answer: AnswerFuture, respond: fn(OwnResponse) -> Response<B> },
    }
}

impl<F, B, P, E> Future for ResponseFuture<F, B, P>
where
    F: Future<Output = Result<Response<B>, E>>,
    P: FailureResponse<B>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let (response, head) = match this.step.as_mut().project() {
            StepProjection::Handle { response } => {
                let response = ready!(response.poll(cx))?;
                let mut commit = this.exchange.commit(response.status());
                match Pin::new(&mut commit).poll(cx) {
                    Poll::Ready(head) => (response, head),
                    Poll::Pending => {
                        this.step.set(Step::Commit { response: Some(response), commit });
                        return Poll::Pending;
                    }
                }
            }
            StepProjection::Commit { response, commit } => {
                let head = ready!(Pin::new(commit).poll(cx));
                // A future that is polled again after it was ready stays pending, as `Future` allows.
                let Some(response) = response.take() else { return Poll::Pending };
                (response, head)
            }
            StepProjection::Refuse { failure } => {
                let Some(failure) = failure.take() else { return Poll::Pending };
                return Poll::Ready(Ok(this.policy.answer(failure)));
            }
            StepProjection::Own { answer, respond } => {
                let answer = ready!(Pin::new(answer).poll(cx));
                return Poll::Ready(Ok(respond(answer)));
            }
        };
        Poll::Ready(Ok(answer(this.policy, response, head)))
    }
}

fn answer<B, P: FailureResponse<B>>(policy: &P, mut response: Response<B>, head: Result<Head, Failure>) -> Response<B> {
    let head = match head {
        Ok(head) => head,
        Err(failure) => return policy.answer(failure),
    };
    // An extractor may have made this response of a failure. An application's own response replaces it.
    if policy.is_own()
        && let Some(failure) = response.extensions_mut().remove::<Failure>()
    {
        response = policy.answer(failure);
    }
    head.write(response.headers_mut());
    response
}

impl<S: fmt::Debug, P> fmt::Debug for SessionService<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService").field("inner", &self.inner).field("layer", &self.layer).finish_non_exhaustive()
    }
}

impl<F, B, P> fmt::Debug for ResponseFuture<F, B, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}
