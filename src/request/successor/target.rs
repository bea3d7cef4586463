//! The stores into which a session may move.

use super::records::with_secret;
use crate::{
    config::{Backend, Config, Successor},
    store::{Record, Secret, StoreError, Timestamp, Token, certain, certain::Certain, random_nonce},
};

/// A store in which the successor may be, and its token there.
pub(super) struct Target<'c> {
    pub(super) at: usize,
    pub(super) backend: &'c Backend,
    pub(super) token: Token,
}

impl<'c> Target<'c> {
    /// Returns `None` if clients hold the records.
    pub(super) fn of(config: &'c Config, at: usize, successor: &Successor) -> Option<Self> {
        let backend = config.backend_at(at);
        backend.has_store().then(|| Self { at, backend, token: backend.named(&successor.token) })
    }

    /// Returns the token of the record that says what has become of a session in a cookie.
    pub(super) fn mark(&self, successor: &Successor) -> Token {
        self.backend.named(&Token::new(successor.mark, Secret::none()))
    }

    pub(super) async fn replace(
        &self,
        config: &Config,
        base: &Record,
        record: &Record,
        now: Timestamp,
    ) -> Result<Certain, StoreError> {
        let Some(store) = self.backend.store_of(&self.token) else { return Ok(Certain::Gone) };
        certain::replace(&*store, &self.token.id, base, record, now, config.commit_timeout).await
    }
}

/// Returns all stores, the primary one first.
pub(super) fn targets<'c>(config: &'c Config, successor: &Successor) -> impl Iterator<Item = Target<'c>> {
    (0..=config.others.len()).filter_map(|at| Target::of(config, at, successor))
}

/// Returns the session at the successor's id. A draft that `is_its` accepts becomes the session.
pub(super) async fn activated(
    config: &Config,
    target: &Target<'_>,
    successor: &Successor,
    is_its: impl Fn(&Record) -> bool,
    now: Timestamp,
) -> Result<Option<Record>, StoreError> {
    let Some(draft) = target.backend.load(&target.token, None).await? else { return Ok(None) };
    if draft.body().current != successor.draft {
        return Ok(Some(draft));
    }
    if !is_its(&draft) {
        return Ok(None);
    }
    let session = with_secret(&draft, target.token.hash(), random_nonce());
    Ok(match target.replace(config, &draft, &session, now).await? {
        Certain::Done(later) => Some(later.unwrap_or(session)),
        Certain::Changed(found) => Some(found).filter(|found| found.body().current != successor.draft),
        Certain::Gone => None,
    })
}

/// Deletes a draft whose session has ended. It opens nothing, so a failure does no harm.
pub(super) async fn discard(target: &Target<'_>, draft: Option<Record>, successor: &Successor) {
    if let Some(draft) = draft.filter(|draft| draft.body().current == successor.draft) {
        let _ = target.backend.delete(&target.token, Some(&draft)).await;
    }
}
