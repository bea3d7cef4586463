//! Ends a session.

use super::{Commit, CookieWindow, Error, Event, Loaded, Record, Ticket, Timestamp, Token};
use crate::{
    client::Opened,
    config::Successor,
    request::{
        Beside, Next, Verdict, judge, look, revoked_by_owner,
        successor::{self, Followed, Moved, Origin, successor_of},
    },
    store::{Deleted, SUPERSEDED_FOR, StoreError},
};

impl Commit<'_> {
    /// Deletes every record that a presented token opens or is superseded on, and removes the cookie even if the store
    /// fails.
    pub(super) async fn purge(&mut self, now: Timestamp) -> Result<(), Error> {
        let had_token = self.opening.token.is_some();
        let held = self.opening.record().cloned();
        let successor = self.opening.successor.take();
        self.opening.loaded = Loaded::Ended;
        self.opening.behind = None;
        if !self.claims.is_empty() || had_token {
            match self.head {
                CookieWindow::Open | CookieWindow::Leaves => self.ticket = Ticket::Take,
                // Only the removal of its cookie ends such a session.
                CookieWindow::Sent if self.backend().is_client_side() && successor.is_none() => {
                    return Err(Error::too_late());
                }
                CookieWindow::Sent => {}
            }
        }
        let Beside { superseded, unreadable, .. } = *self.opening.beside.take().unwrap_or_default();
        let mut ended: Vec<_> = unreadable.into_iter().map(|(at, token)| Ended::unreadable(at, token)).collect();
        let mut failed = None;
        let own = self.opening.token.take().map(|token| (token, self.opening.at, self.opening.opened_at));
        let is_own_old = own.as_ref().is_some_and(|(.., opened_at)| is_old(*opened_at, now));
        let mut others = superseded;
        if let Some((token, at, _)) = own.clone().filter(|_| !is_own_old || self.backend().is_client_side()) {
            ended.push(Ended { at, token, successor, held });
        } else {
            others.extend(own);
        }
        for (token, at, opened_at) in others {
            if !is_old(opened_at, now) {
                let successor = successor_of(self.config, at, &token, None);
                ended.push(Ended { at, token, successor, held: None });
                continue;
            }
            match self.opens_or_did(token, at, None, None, now).await {
                Ok(opened) => ended.extend(opened),
                Err(error) => failed = Some(error),
            }
        }
        while let Some(Next { opened, at, value, .. }) = self.opening.open_next(self.config, self.claims) {
            // The load has reported forged tokens already.
            let Ok(Opened { token, record, .. }) = opened else { continue };
            match self.opens_or_did(token, at, Some(value), record, now).await {
                Ok(opened) => ended.extend(opened),
                Err(error) => failed = Some(error),
            }
        }
        ended.sort_by_key(|ended| (ended.at, ended.token.id));
        ended.dedup_by_key(|ended| (ended.at, ended.token.id));
        for ended in ended {
            match self.delete(&ended, now).await {
                Ok(()) => self.config.emit(&Event::Destroyed { id: ended.token.id }),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Deletes `found` if it is still stored. Otherwise returns the stored record.
    pub(super) async fn delete_found(&mut self, found: Option<Record>) -> Result<Option<Record>, Error> {
        let (Some(id), Some(found)) = (self.opening.id(), found) else { return Ok(None) };
        let Some(token) = &self.opening.token else { return Ok(None) };
        match self.backend().delete(token, Some(&found)).await? {
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

    /// Deletes a record unconditionally, and then what it becomes if it moves. A delete whose outcome is unknown is sent
    /// once more, which does no harm.
    async fn delete(&self, ended: &Ended, now: Timestamp) -> Result<(), StoreError> {
        let Ended { at, token, successor, held } = ended;
        let backend = self.config.backend_at(*at);
        let deleted = match backend.delete(token, None).await {
            Err(error) if error.is_unknown() => backend.delete(token, None).await,
            deleted => deleted,
        };
        if backend.is_client_side() && self.config.moves.is_some() {
            // A session that has moved into its cookie has kept its id.
            for other in self.config.backends() {
                other.delete(token, None).await?;
            }
        }
        if let Some(successor) = successor {
            let origin = Origin { at: *at, token, successor };
            Box::pin(successor::end(self.config, origin, held.as_ref(), now)).await?;
        }
        deleted.map(drop)
    }

    /// Returns the session that a token opens, or opened before a renewal. If this backend does not know the token, the
    /// next one is asked about the same claim.
    async fn opens_or_did(
        &mut self,
        token: Token,
        at: usize,
        value: Option<&[u8]>,
        held: Option<Record>,
        now: Timestamp,
    ) -> Result<Option<Ended>, StoreError> {
        let config = self.config;
        let found = match config.backend_at(at).load(&token, held).await {
            // The record's owner is unknown and it opens nothing, so a purge may delete it.
            Err(error) if error.is_undecodable() => return Ok(Some(Ended::unreadable(at, token))),
            found => found?,
        };
        if found.is_none() && value.is_some_and(|value| self.opening.pass_on(config, at, value)) {
            return Ok(None);
        }
        let mut ended = Ended { at, token, successor: None, held: None };
        let found = match look(config, at, &ended.token, value, found, now).await? {
            (Followed::Moved(moved), _) => {
                let Moved { at, token, record } = *moved;
                ended = Ended { at, token, successor: None, held: None };
                Some(record)
            }
            (Followed::Stays(found), successor) => {
                ended.successor = successor;
                found
            }
            (Followed::Ended, _) => None,
        };
        let verdict = judge(config, &ended.token, found.as_ref(), now);
        let verdict = revoked_by_owner(config, verdict, found.as_ref()).await?;
        ended.held = found;
        Ok(Some(ended).filter(|_| !matches!(verdict, Verdict::Rejected(_))))
    }
}

/// A session that a purge ends.
struct Ended {
    at: usize,
    token: Token,
    /// The session that it becomes, if it moves.
    successor: Option<Box<Successor>>,
    held: Option<Record>,
}

impl Ended {
    /// Returns a session whose record cannot be read.
    fn unreadable(at: usize, token: Token) -> Self {
        Self { at, token, successor: None, held: None }
    }
}

/// Returns true if a token that opened a session at `opened_at` may have been replaced since.
fn is_old(opened_at: Timestamp, now: Timestamp) -> bool {
    now.since(opened_at) >= SUPERSEDED_FOR
}
