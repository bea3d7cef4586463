//! A request and its response at the layer, for whoever drives them: [`SessionService`](crate::SessionService), and the
//! adapters of frameworks whose services are no tower services over `http` types.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::StatusCode;
use triomphe::UniqueArc;

use crate::{
    error::Error,
    layer::{Failure, SessionLayer},
    request::{Head, HeadLines, Headers, Outlives, Shared, at_once},
    session::{LazySession, RequestExtensions, attach},
};

impl<P> SessionLayer<P> {
    /// Reads the tokens of a request. No store is asked: that is left to who loads the session.
    ///
    /// A tower service needs none of this. An adapter calls, in this order, `begin`, [`Exchange::attach`], the handler, and
    /// [`Exchange::commit`], and writes the [`Head`] that comes of it into the response:
    ///
    /// ```
    /// use cloakroom::{Failure, Head, MemoryStore, SessionLayer};
    /// use http::{Request, Response, StatusCode};
    ///
    /// async fn answer<B: Default>(layer: &SessionLayer, mut request: Request<B>) -> Result<Response<B>, Failure> {
    ///     let exchange = layer.begin(request.headers());
    ///     exchange.attach(request.extensions_mut())?;
    ///     let mut response = Response::new(B::default()); // Here the handler runs.
    ///     let head: Head = exchange.commit(response.status()).await?;
    ///     head.write(response.headers_mut());
    ///     Ok(response)
    /// }
    /// # let layer = SessionLayer::new(MemoryStore::new());
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # assert!(runtime.block_on(answer(&layer, Request::new(String::new()))).unwrap().headers().is_empty());
    /// ```
    pub fn begin(&self, headers: &impl Headers) -> Exchange {
        let core = &self.core;
        let mut shared = UniqueArc::new(Shared::new(Some(core.clone())));
        core.transport.read(&core.backend, |name| headers.values(name), &mut shared.presented);
        Exchange { session: LazySession { shared: shared.shareable() } }
    }
}

/// A request on its way through a [`SessionLayer`]: see [`SessionLayer::begin`].
///
/// Dropped without a commit, it stores nothing.
#[derive(Debug)]
#[must_use]
pub struct Exchange {
    session: LazySession,
}

impl Exchange {
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
        if let Some(lines) = session.shared.finish_now() {
            return CommitFuture(Commit::Done(Some(session.head(lines, Ok(())))));
        }
        // Dropped before it is done, a commit has lost nothing, and is made again.
        if session.shared.is_immediate()
            && let Some((lines, result)) = at_once!(session.shared.finish(status))
        {
            return CommitFuture(Commit::Done(Some(session.head(lines, result))));
        }
        let session = session.clone();
        CommitFuture(Commit::Runs(Outlives::new(async move {
            let (lines, result) = session.shared.finish(status).await;
            session.head(lines, result)
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

impl LazySession {
    /// The head of the response, or the failure in whose answer the token goes along all the same.
    fn head(&self, lines: HeadLines, result: Result<(), Error>) -> Result<Head, Failure> {
        let Some(core) = &self.shared.core else { return Ok(Head::nothing()) };
        if result.is_ok() && lines.is_nothing() {
            return Ok(Head::nothing());
        }
        let read = lines.is_read.then(|| self.clone());
        let token = core.transport.line(&lines.ticket, lines.way).map(|line| line.map(Box::new));
        match (token, result) {
            (Ok(token), Ok(())) => Ok(Head { token, read }),
            (Err(error), Ok(())) => Err(Failure::new(core, error, Head::nothing())),
            // Where the token cannot be written, the error that came first is told.
            (token, Err(error)) => Err(Failure::new(core, error, Head { token: token.ok().flatten(), read })),
        }
    }
}
