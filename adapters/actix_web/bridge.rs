//! An Actix service as a tower service over `http` types.
//!
//! The Actix request travels as the body of an `http` one, and what comes of it, a response or an error, as the body of the
//! answer. Nothing is copied: Actix has `http` 0.2 types, and the session layer asks for the header values it needs.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
};

use ::actix_web::{
    Error, HttpMessage as _, HttpResponse,
    dev::{Service, ServiceRequest, ServiceResponse},
    http::header::HeaderValue,
};
use http::{HeaderName, Request, Response, StatusCode};
use pin_project_lite::pin_project;

use super::{error::Hooked, middleware::Loading};
use crate::{Answer, Attach, Error as SessionError, Failure, LazySession, Placed, ScopedSessions, Session};

/// What came of an Actix request.
pub(super) type Outcome<B> = Result<ServiceResponse<B>, Error>;

/// The policy for Actix Web: the session stands in the Actix request's extensions, and a failure is an
/// [`actix_web::Error`](::actix_web::Error).
#[derive(Clone, Default)]
pub struct Actix {
    pub(super) on_failure: Option<Arc<FailureHook>>,
}

/// Builds the response to a failure.
pub(super) type FailureHook = dyn Fn(&Failure) -> HttpResponse + Send + Sync;

impl fmt::Debug for Actix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actix").finish_non_exhaustive()
    }
}

impl Attach<ServiceRequest> for Actix {
    fn header<'a>(&self, request: &'a Request<ServiceRequest>, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
        request.body().headers().get_all(name.as_str()).map(HeaderValue::as_bytes)
    }

    fn attach(&self, request: &mut Request<ServiceRequest>, session: LazySession) -> Result<(), SessionError> {
        let mut extensions = request.body().extensions_mut();
        let default = extensions.get::<LazySession>().cloned();
        match ScopedSessions::add(extensions.get_mut(), default.as_ref(), session)? {
            Placed::Added => {}
            Placed::First(sessions) => drop(extensions.insert(sessions)),
            Placed::Default(session) => drop(extensions.insert(session)),
        }
        Ok(())
    }
}

impl<B> Answer<Outcome<B>, Infallible> for Actix {
    fn answer(&self, failure: Failure) -> Result<Response<Outcome<B>>, Infallible> {
        let error = match &self.on_failure {
            Some(hook) => Hooked::new(failure, Arc::clone(hook)).into(),
            None => failure.into(),
        };
        Ok(Response::new(Err(error)))
    }

    fn is_own(&self) -> bool {
        self.on_failure.is_some()
    }
}

/// The innermost tower service: loads the session where that is to be done early, then calls Actix.
pub(super) struct Bridge<S> {
    pub(super) service: Rc<S>,
    pub(super) loading: Loading,
}

impl<S> Clone for Bridge<S> {
    fn clone(&self) -> Self {
        Self { service: Rc::clone(&self.service), loading: self.loading }
    }
}

impl<S, B> tower_service::Service<Request<ServiceRequest>> for Bridge<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = Response<Outcome<B>>;
    type Error = Infallible;
    type Future = BridgeFuture<S>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Actix asks the middleware itself, see there.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ServiceRequest>) -> BridgeFuture<S> {
        let request = request.into_body();
        let session = match self.loading {
            Loading::Eager => request.extensions().get::<LazySession>().filter(|lazy| lazy.has_token()).cloned(),
            Loading::Lazy => None,
        };
        let step = match session {
            Some(session) => Step::Load {
                load: Box::pin(async move { session.extract().await }),
                service: Rc::clone(&self.service),
                request: Some(request),
            },
            None => Step::Call { future: self.service.call(request) },
        };
        BridgeFuture { step }
    }
}

pin_project! {
    pub(super) struct BridgeFuture<S>
    where
        S: Service<ServiceRequest>,
    {
        #[pin]
        step: Step<S, S::Future>,
    }
}

pin_project! {
    #[project = StepProjection]
    enum Step<S, F> {
        Load { load: Load, service: Rc<S>, request: Option<ServiceRequest> },
        Call { #[pin] future: F },
    }
}

type Load = Pin<Box<dyn Future<Output = Result<Session, Failure>> + Send>>;

impl<S, B> Future for BridgeFuture<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Output = Result<Response<Outcome<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut step = self.project().step;
        loop {
            let next = match step.as_mut().project() {
                StepProjection::Load { load, service, request } => {
                    if let Err(failure) = ready!(load.as_mut().poll(cx)) {
                        return Poll::Ready(Ok(lift(Err(failure.into()))));
                    }
                    // Taken once: the next step replaces this one.
                    let Some(request) = request.take() else { return Poll::Pending };
                    Step::Call { future: service.call(request) }
                }
                StepProjection::Call { future } => return Poll::Ready(Ok(lift(ready!(future.poll(cx))))),
            };
            step.set(next);
        }
    }
}

/// The outcome with its status, which decides what is kept. An error is a response that nobody has made yet: its changes
/// count like any other's. A failure of ours goes where the layer looks for it.
fn lift<B>(outcome: Outcome<B>) -> Response<Outcome<B>> {
    let (status, error) = match &outcome {
        // Actix makes a response of an extractor's error before any middleware sees it.
        Ok(response) => (response.status(), response.response().error()),
        Err(error) => (error.as_response_error().status_code(), Some(error)),
    };
    let failure = error.and_then(|error| error.as_error::<Failure>()).cloned();
    let mut response = Response::new(outcome);
    if let Some(failure) = failure {
        response.extensions_mut().insert(failure);
    }
    *response.status_mut() = StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}
