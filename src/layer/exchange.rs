//! One request and its response at the layer. [`SessionService`](crate::service::SessionService) drives it, and so do
//! adapters of frameworks whose services are not tower services over `http` types.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::StatusCode;

use crate::{
    error::Error,
    request::{Failure, Head, HeadLines, Outlives, OwnResponse, RequestState, at_once},
    session::{LazySession, RequestExtensions, attach},
};

/// A request on its way through a [`SessionLayer`](crate::SessionLayer). See
/// [`SessionLayer::begin`](crate::SessionLayer::begin).
///
/// If it is dropped without a commit, it stores nothing.
#[derive(Debug)]
#[must_use]
pub struct Exchange {
    session: LazySession,
}

impl Exchange {
    pub(super) fn new(session: LazySession) -> Self {
        Self { session }
    }

    /// Puts the session into the extensions, in which handlers find it.
    ///
    /// # Errors
    ///
    /// An outer layer has the same scope, or the same cookie or header. The adapter must not call the handler then.
    pub fn attach(&self, extensions: &mut impl RequestExtensions) -> Result<(), Failure> {
        attach(&self.session, extensions).map_err(|error| {
            tracing::error!(%error, "session layer misconfigured");
            error.into()
        })
    }

    /// Returns the session, for an adapter that loads it before the handler.
    #[must_use]
    pub fn session(&self) -> &LazySession {
        &self.session
    }

    /// Commits the changes of the session. Call it with the status of the handler's response, before the response's
    /// head is sent.
    ///
    /// If the handler returns no response, its changes are discarded.
    pub fn commit(&self, status: StatusCode) -> CommitFuture {
        let session = &self.session;
        if let Some(lines) = session.request.finish_now() {
            return CommitFuture(Commit::Done(Some(head(&session.request, lines, Ok(())))));
        }
        // A commit that never waits is simply made again if it was dropped before it was ready.
        if session.request.is_immediate()
            && let Some((lines, result)) = at_once!(session.request.finish(status))
        {
            return CommitFuture(Commit::Done(Some(head(&session.request, lines, result))));
        }
        let session = session.clone();
        CommitFuture(Commit::Runs(Outlives::new(async move {
            let (lines, result) = session.request.finish(status).await;
            head(&session.request, lines, result)
        })))
    }
}

/// The commit of an [`Exchange`]. It resolves to the lines that the session adds to the response's head, or to a
/// [`Failure`], which the adapter must answer instead of the handler's response.
///
/// It is ready at the first poll if there is nothing to store. If it is dropped before it is ready, the commit goes on
/// as a task of the current `tokio` runtime.
#[must_use]
pub struct CommitFuture(Commit);

enum Commit {
    Done(Option<Result<Head, Failure>>),
    Runs(Outlives<Result<Head, Failure>>),
}

impl Future for CommitFuture {
    type Output = Result<Head, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            // A future that is polled again after it was ready stays pending, as `Future` allows.
            Commit::Done(result) => result.take().map_or(Poll::Pending, Poll::Ready),
            Commit::Runs(commit) => Pin::new(commit).poll(cx),
        }
    }
}

impl fmt::Debug for CommitFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommitFuture").finish_non_exhaustive()
    }
}

/// Resolves to the layer's own response to a request that is not for the application.
#[must_use]
pub struct AnswerFuture(pub(super) Pin<Box<dyn Future<Output = OwnResponse> + Send>>);

impl Future for AnswerFuture {
    type Output = OwnResponse;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<OwnResponse> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for AnswerFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerFuture").finish_non_exhaustive()
    }
}

/// Returns the lines of the response's head. A session without a layer adds none.
fn head(request: &RequestState, lines: HeadLines, result: Result<(), Error>) -> Result<Head, Failure> {
    request.config.as_ref().map_or_else(|| Ok(Head::nothing()), |config| lines.into_head(config, result))
}
