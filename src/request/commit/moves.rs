//! Moves the session to another store with a commit that writes.

use super::{Change, Commit, CookieWindow, Error, Event, Record, Standing, Timestamp, Token};
use crate::{
    request::successor::{Followed, Origin, follow, move_session},
    store::{Secret, SessionId},
};

impl Commit<'_> {
    /// If the session has moved meanwhile, goes on with what it has become.
    pub(super) async fn follow(&mut self, found: &mut Option<Record>, now: Timestamp) -> Result<(), Error> {
        let is_lost = found.as_ref().is_none_or(|record| self.standing(record, now) == Standing::Unknown);
        let is_open = self.opening.record().is_some();
        let (Some(token), Some(successor)) = (&self.opening.token, &self.opening.successor) else { return Ok(()) };
        if is_lost && is_open {
            let origin = Origin { at: self.opening.at, token, successor };
            *found = match follow(self.config, origin, found.take(), now).await? {
                Followed::Moved(moved) => Some(self.opening.switch(*moved)),
                Followed::Stays(record) => record,
                Followed::Ended => None,
            };
        }
        Ok(())
    }

    /// Returns true if the session moves with this write. A move needs a cookie, and moves what the request's token opens. A
    /// bound session stays, because its device's proofs name its id. A session whose token is accepted once moves with the
    /// renewal, because its old token opens what it becomes until then.
    pub(super) fn is_moving(&self, change: Change) -> bool {
        self.opening.at != 0
            && self.config.moves.as_ref().is_some_and(|moves| moves.is_moving)
            && !self.stays
            && self.head != CookieWindow::Sent
            && change != Change::Merge
            && (change == Change::Renew || !self.opening.key.is_once())
            && !self.opening.record().is_some_and(Record::is_bound)
    }

    /// Moves the session to the primary store.
    pub(super) async fn move_over(&mut self, found: &mut Option<Record>, now: Timestamp) -> Result<(), Error> {
        let (Some(token), Some(successor)) = (&self.opening.token, &self.opening.successor) else {
            self.stays = true;
            return Ok(());
        };
        let origin = Origin { at: self.opening.at, token, successor };
        *found = match move_session(self.config, origin, self.opening.record(), now).await? {
            Followed::Moved(moved) => Some(self.opening.switch(*moved)),
            Followed::Stays(record) => {
                self.stays = true;
                record
            }
            Followed::Ended => None,
        };
        Ok(())
    }

    /// Returns true if this write moves the session into its cookie. It must fit there, and the cookie must leave now.
    pub(super) fn moves_into_cookie(&mut self, change: Change, id: SessionId, record: &Record) -> bool {
        let is_asked =
            self.is_moving(change) && self.config.backend.is_client_side() && self.head == CookieWindow::Leaves;
        let backend = &self.config.backend;
        let fits = || backend.carries(record).and_then(|()| backend.write(&Token::new(id, Secret::none()), record));
        if is_asked && fits().is_err() {
            self.stays = true;
            return false;
        }
        is_asked
    }

    /// Goes on with the session in its cookie, which keeps the id.
    pub(super) fn moved_into_cookie(&mut self, id: SessionId, mut record: Record, deadline: Timestamp) -> Record {
        let token = Token::new(id, Secret::none()).hashed();
        let body = record.body_mut();
        (body.current, body.expires_at) = (token.hash(), deadline);
        body.rest.superseded.clear();
        (self.opening.at, self.opening.token, self.opening.successor) = (0, Some(token), None);
        self.config.emit(&Event::Moved { from: id, to: id });
        record
    }
}
