//! Ends a request: what is pending is stored before the response's head is sent.

use http::StatusCode;

use super::{CookieWindow, Error, HeadLines, LoadedSession, Phase, RequestState};

impl RequestState {
    /// Returns the lines of the response's head if there is nothing to store, or if it goes a short way. `None`: a commit is
    /// needed.
    pub(crate) fn finish_now(&self) -> Option<HeadLines> {
        let mut progress = self.progress();
        if progress.is_misused || progress.is_refused {
            return None;
        }
        if let Phase::Loaded(session) = &mut progress.phase
            && (session.must_commit() || self.is_touch_due(session))
        {
            let short = self.short(session)?;
            drop(progress);
            return self.finish_short(short);
        }
        Some(self.close(&mut progress))
    }

    /// Commits the request's operations before the response's head is sent.
    pub(crate) async fn finish(&self, status: StatusCode) -> (HeadLines, Result<(), Error>) {
        let Some(config) = &self.config else { return (HeadLines::nothing(), Ok(())) };
        if let Some(ended) = self.finish_failed(status) {
            return ended;
        }
        // The turn is held until the head is closed. A task that renewed in between would make a cookie that is never
        // sent.
        let _turn = self.turn().await;
        if config.commit_if.as_ref().is_some_and(|is_kept| !is_kept(status)) {
            // It is loaded.
            let _ = self.with(|session| session.edits.drop_writes());
        }
        let result = self.commit(config, CookieWindow::Leaves).await.map(drop);
        (self.close(&mut self.progress()), result)
    }

    /// Ends a request whose session was not loaded, or was used wrongly.
    fn finish_failed(&self, status: StatusCode) -> Option<(HeadLines, Result<(), Error>)> {
        let mut progress = self.progress();
        let result = match &progress.phase {
            _ if progress.fails(status) => Err(progress.error()),
            Phase::NotLoaded | Phase::Failed(_) => Ok(()),
            Phase::Loaded(_) => return None,
        };
        progress.is_head_sent = true;
        // The load has reported its own error.
        if let (Err(error), Phase::NotLoaded | Phase::Loaded(_)) = (&result, &progress.phase) {
            tracing::error!("{error}");
        }
        Some((HeadLines::nothing(), result))
    }

    fn is_touch_due(&self, session: &LoadedSession) -> bool {
        self.config.as_ref().zip(session.opening.record()).is_some_and(|(config, record)| {
            config.is_touch_due(session.opening.at, record, session.edits.names_keys(), config.now())
        })
    }
}
