//! Replaces a record of another crate, which a renewal puts under a new key.

use std::sync::Arc;

use super::{
    Alone, Commit, CookieWindow, Error, Record, SharedEdits, State, Timestamp, Token, make::Put, write::Stored,
};
use crate::{
    client::KeyAge,
    formats::ForeignRecords,
    request::Act,
    store::{Body, Created, DynStore, Parts, Rest, SUPERSEDED_FOR, Superseded, certain, certain::Certain},
};

impl Commit<'_> {
    /// Renews a session whose token is accepted once, if this commit moves it, or if it has moved and its first token was not
    /// sent yet.
    pub(super) fn renew_once(&mut self) {
        if self.opening.key == KeyAge::Once
            && self.edits.act == Act::Keep
            && (self.opening.successor.is_some() || self.opening.at == 0)
            && self.head == CookieWindow::Leaves
        {
            SharedEdits::make_mut(&mut self.edits).act = Act::Renew;
        }
    }

    /// Sends the replacement of another crate's record.
    pub(super) async fn store_foreign(
        &mut self,
        put: Put,
        records: &Arc<ForeignRecords>,
        now: Timestamp,
        turn: &mut Option<Alone>,
    ) -> Result<Stored, Error> {
        let Some(store) = self.opening.token.as_ref().and_then(|token| records.at(token)) else {
            return Ok(Stored::Found(None));
        };
        let is_late = self.contended_since.is_some() || self.backend().queue.is_busy(&put.id);
        if is_late && turn.is_none() && put.change != super::Change::Touch {
            return self.wait(put, &store, now, turn).await;
        }
        let certain = match put.renewed.clone() {
            Some(renewed) => self.rekey(&put, &*store, &renewed, now).await?,
            None => {
                let sent = certain::replace(&*store, &put.id, &put.base, &put.record, now, self.patience()).await;
                self.told(sent)?
            }
        };
        self.settle(certain, put, now, turn)
    }

    /// Stores the session under its new key, then marks the old record. If that does not succeed, deletes the new one.
    async fn rekey(
        &mut self,
        put: &Put,
        old: &dyn DynStore,
        renewed: &Token,
        now: Timestamp,
    ) -> Result<Certain, Error> {
        let backend = self.backend();
        match backend.create(renewed, &put.record).await {
            Ok(Created::Done) => {}
            Ok(Created::Taken) => return Err(Error::contended()),
            Err(error) => {
                self.discard(renewed).await;
                return Err(error.into());
            }
        }
        let marker = superseded(put, renewed, now);
        let sent = certain::replace(old, &put.id, &put.base, &marker, now, self.patience()).await;
        if !matches!(sent, Ok(Certain::Done(_))) {
            self.discard(renewed).await;
        }
        Ok(match self.told(sent)? {
            Certain::Done(_) => Certain::Done(None),
            other => other,
        })
    }

    /// Deletes a record whose key no client has.
    async fn discard(&self, token: &Token) {
        if let Err(error) = self.backend().delete(token, None).await {
            self.config.upkeep_failed(token.id, &error.into());
        }
    }
}

/// Returns the record that takes the place of a renewed one: its own token is superseded there, and it has no state.
fn superseded(put: &Put, renewed: &Token, now: Timestamp) -> Record {
    let base = &put.base;
    let until = now.plus(SUPERSEDED_FOR);
    let old = Superseded { hash: base.body().current, until };
    let record = Record::of(Body {
        state: State::empty().clone(),
        current: renewed.hash(),
        created_at: now,
        last_used: now,
        expires_at: until,
        nonce: 0,
        rest: Rest::of(Parts { superseded: vec![old], ..Parts::default() }),
    });
    record.written(put.marker, base)
}
