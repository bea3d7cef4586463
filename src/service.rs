//! One request, top to bottom.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    core::Core,
    error::Error,
    lazy::LazySession,
    policy::{Answer, Attach, Failure, HeadLines, Http},
};

/// The service that [`SessionLayer`](crate::SessionLayer) puts around another one.
#[derive(Clone)]
pub struct SessionService<S, P = Http> {
    inner: S,
    core: Arc<Core>,
    policy: P,
}

impl<S, P> SessionService<S, P> {
    pub(crate) fn new(inner: S, core: Arc<Core>, policy: P) -> Self {
        Self { inner, core, policy }
    }
}

impl<S, P, ReqBody, ResBody> Service<Request<ReqBody>> for SessionService<S, P>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    P: Attach<ReqBody> + Answer<ResBody, S::Error> + Clone,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody, P>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let presented = self.core.transport.read(&self.core.backend, |name| self.policy.header(&request, name));
        let session = LazySession::new(Arc::clone(&self.core), presented);
        let step = match self.policy.attach(&mut request, session.clone()) {
            Ok(()) => Step::Handle { response: self.inner.call(request) },
            Err(error) => Step::Refuse { failure: Some(Failure::from(error)) },
        };
        ResponseFuture { session, policy: self.policy.clone(), step }
    }
}

pin_project! {
    /// The response, once the session is committed.
    pub struct ResponseFuture<F, B, P = Http> {
        session: LazySession,
        policy: P,
        #[pin]
        step: Step<F, B>,
    }
}

pin_project! {
    #[project = StepProjection]
    enum Step<F, B> {
        Handle { #[pin] response: F },
        Commit { response: Option<Response<B>>, commit: CommitFuture },
        Refuse { failure: Option<Failure> },
    }
}

type CommitFuture = Pin<Box<dyn Future<Output = (HeadLines, Result<(), Error>)> + Send>>;

impl<F, B, P, E> Future for ResponseFuture<F, B, P>
where
    F: Future<Output = Result<Response<B>, E>>,
    P: Answer<B, E>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let (response, lines, result) = match this.step.as_mut().project() {
                StepProjection::Handle { response } => {
                    // Without a response there is no head to send a cookie with: what was asked for is dropped.
                    let response = ready!(response.poll(cx))?;
                    match this.session.shared.finish_now() {
                        Some(lines) => (response, lines, Ok(())),
                        None => {
                            let commit = Arc::clone(&this.session.shared).finish(response.status());
                            this.step.set(Step::Commit { response: Some(response), commit: Box::pin(commit) });
                            continue;
                        }
                    }
                }
                StepProjection::Commit { response, commit } => {
                    let (lines, result) = ready!(commit.as_mut().poll(cx));
                    // Polled again after it was ready, there is no response; it stays pending, as `Future` allows.
                    let Some(response) = response.take() else { return Poll::Pending };
                    (response, lines, result)
                }
                StepProjection::Refuse { failure } => {
                    let Some(failure) = failure.take() else { return Poll::Pending };
                    tracing::error!(error = %failure.error(), "session layer");
                    return Poll::Ready(this.policy.answer(failure));
                }
            };
            return Poll::Ready(answer(this.session, this.policy, response, lines, result));
        }
    }
}

fn answer<B, P: Answer<B, E>, E>(
    session: &LazySession,
    policy: &P,
    mut response: Response<B>,
    lines: HeadLines,
    result: Result<(), Error>,
) -> Result<Response<B>, E> {
    let Some(core) = &session.shared.core else { return Ok(response) };
    if let Err(error) = result {
        return policy.answer(Failure::new(core, error, lines));
    }
    // A handler may have answered a failure of the session: an own policy decides what that looks like.
    if policy.is_own()
        && let Some(failure) = response.extensions_mut().remove::<Failure>()
    {
        response = policy.answer(failure)?;
    }
    match lines.write(core, response.headers_mut()) {
        Ok(()) => Ok(response),
        Err(error) => policy.answer(Failure::new(core, error, HeadLines::nothing())),
    }
}

impl<S: fmt::Debug, P: fmt::Debug> fmt::Debug for SessionService<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService")
            .field("inner", &self.inner)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl<F, B, P> fmt::Debug for ResponseFuture<F, B, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("session", &self.session).finish_non_exhaustive()
    }
}
