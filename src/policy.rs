//! What frameworks differ in: how the session reaches a handler, and how a failure reaches the client.

use std::{fmt, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};

use crate::{
    commit::Ticket,
    core::Core,
    error::Error,
    lazy::LazySession,
    scope::{Placed, ScopedSessions},
    session::Session,
    transport::Way,
};

/// How the layer reads a framework's requests, and how handlers reach the session. One half of a policy; the other is
/// [`Answer`].
pub trait Attach<B> {
    /// The values of every header called `name`, in their order.
    fn header<'a>(&self, request: &'a Request<B>, name: &HeaderName) -> impl Iterator<Item = &'a [u8]>;

    /// Puts the session where handlers find it.
    ///
    /// # Errors
    ///
    /// Another layer stands there already: what [`ScopedSessions::add`] says.
    fn attach(&self, request: &mut Request<B>, session: LazySession) -> Result<(), Error>;
}

/// How a framework answers where a commit failed. One half of a policy; the other is [`Attach`].
pub trait Answer<B, E> {
    /// Answers in the place of the handler's response.
    ///
    /// # Errors
    ///
    /// Where the framework has failures as errors.
    fn answer(&self, failure: Failure) -> Result<Response<B>, E>;

    /// Whether a failure that an extractor has answered is answered again, in the application's own way. Default: no, so that
    /// what stands between keeps the headers that it added.
    fn is_own(&self) -> bool {
        false
    }
}

/// The policy for `http` types, which Axum, hyper and tower use: request extensions, and an empty response.
#[derive(Clone, Copy, Debug, Default)]
pub struct Http;

impl<B> Attach<B> for Http {
    fn header<'a>(&self, request: &'a Request<B>, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
        request.headers().get_all(name).into_iter().map(HeaderValue::as_bytes)
    }

    fn attach(&self, request: &mut Request<B>, session: LazySession) -> Result<(), Error> {
        let extensions = request.extensions_mut();
        let default = extensions.get::<LazySession>().cloned();
        match ScopedSessions::add(extensions.get_mut(), default.as_ref(), session)? {
            Placed::Added => {}
            Placed::First(sessions) => drop(extensions.insert(sessions)),
            Placed::Default(session) => drop(extensions.insert(session)),
        }
        Ok(())
    }
}

impl<B: Default, E> Answer<B, E> for Http {
    fn answer(&self, failure: Failure) -> Result<Response<B>, E> {
        Ok(failure.into_response())
    }
}

/// A session could not be committed, or loaded: what the client is told, and why.
///
/// The client is told nothing but a status, 503 by default: a response never depends on the cause.
///
/// Extractors leave it in the extensions of the response that they make, so that the layer's
/// [`on_failure`](crate::SessionLayer::on_failure) hook gets to see theirs, too.
#[derive(Clone, Debug)]
pub struct Failure {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    error: Arc<Error>,
}

impl Failure {
    pub(crate) fn new(core: &Core, error: Error, lines: HeadLines) -> Self {
        let mut headers = HeaderMap::new();
        // The cookie goes, come what may; what cannot be written here has already failed for itself.
        let _ = lines.write(core, &mut headers);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let status = if error.is_misconfigured() { StatusCode::INTERNAL_SERVER_ERROR } else { core.failure_status };
        Self { status, headers, error: Arc::new(error) }
    }

    /// A failure that happened before there was a session.
    fn bare(error: Error) -> Self {
        let status =
            if error.is_misconfigured() { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::SERVICE_UNAVAILABLE };
        let headers = vec![(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        Self { status, headers, error: Arc::new(error) }
    }

    /// The status to answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers to answer: `Cache-Control: no-store`, and the removal of a purged session's cookie.
    #[must_use]
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// The cause, for logs.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The answer, with an empty body.
    #[must_use]
    pub fn into_response<B: Default>(self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = self.status;
        self.write(response.headers_mut());
        response.extensions_mut().insert(self);
        response
    }

    /// Adds the failure's headers to those of a response.
    fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            if *name == header::SET_COOKIE || !headers.contains_key(name) {
                headers.append(name, value.clone());
            }
        }
    }
}

/// A policy with an answer of the application's own: what [`SessionLayer::on_failure`](crate::SessionLayer::on_failure)
/// makes.
#[derive(Clone, Copy)]
pub struct OnFailure<P, F> {
    pub(crate) policy: P,
    pub(crate) hook: F,
}

impl<B, P: Attach<B>, F> Attach<B> for OnFailure<P, F> {
    fn header<'a>(&self, request: &'a Request<B>, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
        self.policy.header(request, name)
    }

    fn attach(&self, request: &mut Request<B>, session: LazySession) -> Result<(), Error> {
        self.policy.attach(request, session)
    }
}

impl<B, E, P, F: Fn(&Failure) -> Response<B>> Answer<B, E> for OnFailure<P, F> {
    fn answer(&self, failure: Failure) -> Result<Response<B>, E> {
        let mut response = (self.hook)(&failure);
        failure.write(response.headers_mut());
        Ok(response)
    }

    fn is_own(&self) -> bool {
        true
    }
}

impl<P: fmt::Debug, F> fmt::Debug for OnFailure<P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnFailure").field(&self.policy).finish()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// What an error comes to that a handler passes on: 500 where the program is wrong, else 503.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::bare(error)
    }
}

impl LazySession {
    /// [`LazySession::load`] for extractors: a failure is answered as the layer's options say.
    ///
    /// # Errors
    ///
    /// The store failed, or the record cannot be read.
    pub async fn extract(&self) -> Result<Session, Failure> {
        self.load().await.map_err(|error| match &self.shared.core {
            Some(core) => Failure::new(core, error, HeadLines::nothing()),
            None => error.into(),
        })
    }
}

/// What a response's head says of the session.
#[derive(Debug)]
pub(crate) struct HeadLines {
    pub(crate) ticket: Ticket,
    pub(crate) way: Way,
    /// Whether the response may depend on the session.
    pub(crate) is_read: bool,
}

impl HeadLines {
    pub(crate) fn nothing() -> Self {
        Self { ticket: Ticket::Keep, way: Way::Cookie, is_read: false }
    }

    /// Writes `Set-Cookie`, `Vary` and `Cache-Control`; appends to what the application has, and never replaces it.
    pub(crate) fn write(&self, core: &Core, headers: &mut HeaderMap) -> Result<(), Error> {
        if self.is_read {
            core.transport.vary(headers);
        }
        core.transport.write(&self.ticket, self.way, headers)
    }
}
