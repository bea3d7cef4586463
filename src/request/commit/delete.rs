//! Ends a session.

use super::{Commit, CookieWindow, Error, Event, Loaded, Record, Ticket, Timestamp, Token};
use crate::{
    client::Opened,
    config::Rejection,
    request::{Beside, Next, Verdict, judge, revoked_by_owner},
    store::{Deleted, SUPERSEDED_FOR, SessionId, StoreError},
};

impl Commit<'_> {
    /// Deletes every record that a presented token opens or is superseded on, and removes the cookie even if the store
    /// fails.
    pub(super) async fn purge(&mut self, now: Timestamp) -> Result<(), Error> {
        let had_token = self.opening.token.is_some();
        self.opening.loaded = Loaded::Ended;
        self.opening.behind = None;
        if !self.claims.is_empty() || had_token {
            match self.head {
                CookieWindow::Open | CookieWindow::Leaves => self.ticket = Ticket::Take,
                // Only the removal of its cookie ends such a session.
                CookieWindow::Sent if self.backend().is_client_side() => return Err(Error::too_late()),
                CookieWindow::Sent => {}
            }
        }
        let Beside { superseded: mut tokens, unreadable: mut ids, .. } =
            *self.opening.beside.take().unwrap_or_default();
        tokens.extend(self.opening.token.take().map(|token| (token, self.opening.at, self.opening.opened_at)));
        let mut failed = None;
        for (token, at, opened_at) in tokens {
            // If the token opened the session long ago, it may not open it any more.
            let is_old = now.since(opened_at) >= SUPERSEDED_FOR;
            let opened = if is_old { self.opens_or_did(&token, at, None, now).await } else { Ok(Told::Ours) };
            match opened {
                Ok(told) => ids.extend((told == Told::Ours).then_some((at, token.id))),
                Err(error) => failed = Some(error),
            }
        }
        while let Some(Next { opened, at, .. }) = self.opening.open_next(self.config, self.claims) {
            // The load has reported forged tokens already.
            let Ok(Opened { token, record, .. }) = opened else { continue };
            match self.opens_or_did(&token, at, record, now).await {
                Ok(Told::Ours) => ids.push((at, token.id)),
                Ok(Told::Unknown) if at < self.config.others.len() => self.opening.pass_on(at),
                Ok(_) => {}
                Err(error) => failed = Some(error),
            }
        }
        ids.sort_unstable();
        ids.dedup();
        for (at, id) in ids {
            match self.delete(at, &id).await {
                Ok(()) => self.config.emit(&Event::Destroyed { id }),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Deletes `found` if it is still stored. Otherwise returns the stored record.
    pub(super) async fn delete_found(&mut self, found: Option<Record>) -> Result<Option<Record>, Error> {
        let (Some(id), Some(found)) = (self.opening.id(), found) else { return Ok(None) };
        match self.backend().delete(&id, Some(&found)).await? {
            Deleted::Changed(record) => return Ok(Some(record)),
            Deleted::Done => self.config.emit(&Event::Destroyed { id }),
            Deleted::Gone => {}
        }
        if self.head != CookieWindow::Sent {
            self.ticket = Ticket::Take;
        }
        self.opening.loaded = Loaded::Ended;
        Ok(None)
    }

    /// Deletes a record unconditionally. A delete whose outcome is unknown is sent once more, which does no harm.
    async fn delete(&self, at: usize, id: &SessionId) -> Result<(), StoreError> {
        let backend = self.config.backend_at(at);
        match backend.delete(id, None).await {
            Err(error) if error.is_unknown() => backend.delete(id, None).await.map(drop),
            deleted => deleted.map(drop),
        }
    }

    /// Tells whether a token opens its record in this backend, or opened it before a renewal.
    async fn opens_or_did(
        &self,
        token: &Token,
        at: usize,
        held: Option<Record>,
        now: Timestamp,
    ) -> Result<Told, StoreError> {
        let found = match self.config.backend_at(at).load(&token.id, held).await {
            // The record's owner is unknown and it opens nothing, so a purge may delete it.
            Err(error) if error.is_undecodable() => return Ok(Told::Ours),
            found => found?,
        };
        let verdict = judge(self.config, token, found.as_ref(), now);
        let verdict = revoked_by_owner(self.config, verdict, found.as_ref()).await?;
        Ok(match verdict {
            Verdict::Opens | Verdict::Superseded => Told::Ours,
            Verdict::Rejected(Rejection::Unknown) => Told::Unknown,
            Verdict::Rejected(_) => Told::NotOurs,
        })
    }
}

/// The relation of a backend's record to a presented token, for a purge.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// The token opens it, or did before a renewal.
    Ours,
    NotOurs,
    /// There is no such record.
    Unknown,
}
