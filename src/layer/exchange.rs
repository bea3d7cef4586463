//! A request and its response at the layer, for whoever drives them: [`SessionService`](crate::service::SessionService), and the
//! adapters of frameworks whose services are no tower services over `http` types.

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

/// A request on its way through a [`SessionLayer`]: see [`SessionLayer::begin`].
///
/// Dropped without a commit, it stores nothing.
#[derive(Debug)]
#[must_use]
pub struct Exchange {
    session: LazySession,
}

impl Exchange {
    pub(super) fn new(session: LazySession) -> Self {
        Self { session }
    }

    /// Puts the session where handlers find it.
    ///
    /// # Errors
    ///
    /// An outer layer has the same scope, or the same cookie or header. The handler must not run then.
    pub fn attach(&self, extensions: &mut impl RequestExtensions) -> Result<(), Failure> {
        attach(&self.session, extensions).map_err(|error| {
            tracing::error!(%error, "session layer");
            error.into()
        })
    }

    /// The session, for an adapter that loads it before the handler.
    #[must_use]
    pub fn session(&self) -> &LazySession {
        &self.session
    }

    /// Stores what was done with the session, by the handler's response of this status; to be called before its head leaves.
    /// Without a response there is no head to send a cookie with: what was asked for is dropped.
    pub fn commit(&self, status: StatusCode) -> CommitFuture {
        let session = &self.session;
        if let Some(lines) = session.request.finish_now() {
            return CommitFuture(Commit::Done(Some(head(&session.request, lines, Ok(())))));
        }
        // Dropped before it is done, a commit has lost nothing, and is made again.
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

/// Resolves to the session's part of the response's head once the session is committed, or to a [`Failure`], which must be
/// answered in the response's place.
///
/// It is ready at the first poll if there is nothing to store. If it is dropped before it is ready, the commit goes on as a
/// task of the current `tokio` runtime.
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
            // Polled again after it was ready, it stays pending, as `Future` allows.
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

/// A session without a layer says nothing.
fn head(request: &RequestState, lines: HeadLines, result: Result<(), Error>) -> Result<Head, Failure> {
    request.config.as_ref().map_or_else(|| Ok(Head::nothing()), |config| lines.into_head(config, result))
}
