//! Ends a request whose session was not committed.

use std::sync::{Arc, PoisonError};

use super::{Attempt, Phase, RequestState, at_once};
use crate::{
    config::{Config, Event},
    request::{Act, Claims, Commit, CookieWindow, Edits, Opening, Outlives, SharedEdits},
};

impl Drop for RequestState {
    fn drop(&mut self) {
        let progress = self.progress.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Phase::Loaded(session) = &progress.phase else { return };
        let Some(config) = self.config.clone().filter(|_| !session.edits.is_empty()) else { return };
        if session.edits.hides_session() && matches!(session.attempt, Attempt::None | Attempt::Unknown(_)) {
            let (claims, opening) = (std::mem::take(&mut self.presented.claims), session.opening.clone());
            purge(config, claims, opening);
        } else {
            tracing::warn!(id = ?session.opening.id(), edits = ?*session.edits, "session dropped with unsaved changes");
        }
    }
}

/// Purges a session whose handler was dropped after it called `purge`: a logout is done in any case.
fn purge(config: Arc<Config>, claims: Claims, opening: Opening) {
    let is_immediate = config.is_immediate();
    let purge = async move {
        let mut asked = Edits::default();
        asked.end(Act::Purge);
        let asked = SharedEdits::new(asked);
        let purged = Commit::new(&config, &claims, opening, asked, CookieWindow::Sent).run().await;
        if let Some(event) = purged.as_ref().err().and_then(|error| Event::failed(error, None)) {
            config.emit(&event);
        }
    };
    if is_immediate {
        at_once!(purge);
    } else {
        drop(Outlives::new(purge));
    }
}
