//! Commits a request's operations: writes them to the store, and decides the client's cookie.

use std::time::Instant;

use self::{
    create::Begun,
    write::{Put, Stored},
};
use crate::{
    config::{Backend, Config, Event, Place},
    error::Error,
    request::{
        Act, Asked, Change, Claim, Dropped, Edits, Found, Loaded, Opening, OwnerEdit, Plan, SharedEdits, Ticket,
        owner_valid_from, plan,
    },
    store::{Lifetime, Record, Standing, State, StoreError, Timestamp, Token, queue::Alone},
};

mod create;
mod delete;
#[cfg(feature = "device-bound")]
mod device;
mod limited;
mod moves;
mod owner;
mod race;
#[cfg(feature = "formats")]
mod rekey;
mod write;

pub(crate) use self::{
    create::first_record,
    write::{next_record, size},
};

/// Tells whether the response's head can still carry a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CookieWindow {
    /// The head is sent by a later commit. Other requests may renew the session until then.
    Open,
    /// The head is sent with this commit.
    Leaves,
    /// The head is sent already, so no cookie can be sent.
    Sent,
}

/// One commit: the session as it was loaded, the operations, and their progress.
pub(crate) struct Commit<'a> {
    pub(crate) config: &'a Config,
    pub(crate) claims: &'a [Claim],
    pub(crate) opening: Opening,
    /// The operations as they were when the commit began.
    pub(crate) asked: SharedEdits,
    /// The same operations, with updates that ran again.
    pub(crate) edits: SharedEdits,
    pub(crate) head: CookieWindow,
    pub(crate) ticket: Ticket,
    pub(crate) dropped: Option<Dropped>,
    /// The token must be sent again with the response's head, because of an earlier commit.
    pub(crate) resends: bool,
    /// The way of the client's token, if it presents none that is well-formed.
    #[cfg(feature = "device-bound")]
    pub(crate) way: crate::config::Way,
    /// Asks the browser for its device's key, after a login.
    #[cfg(feature = "device-bound")]
    pub(crate) registration: Option<Box<http::HeaderValue>>,
    /// The operations stay pending, because there is no session for them yet.
    pub(crate) waits: bool,
    /// The value of `owner_valid_from` with which a login is admitted. It is read once, before the first try.
    admitted: Option<Timestamp>,
    /// The time at which the commit lost its first race.
    contended_since: Option<Instant>,
    /// The session cannot move now.
    stays: bool,
    /// The error of a write whose outcome stayed unknown.
    pub(crate) lost: Option<StoreError>,
}

/// A [`Plan`] with all that is needed to act on it.
enum Next {
    Nothing,
    Put(Put),
    Create,
    DeleteFound,
    Drop(Dropped),
}

impl<'a> Commit<'a> {
    pub(crate) fn new(
        config: &'a Config,
        claims: &'a [Claim],
        opening: Opening,
        asked: SharedEdits,
        head: CookieWindow,
    ) -> Self {
        Self {
            config,
            claims,
            opening,
            edits: SharedEdits::clone(&asked),
            asked,
            head,
            ticket: Ticket::Keep,
            dropped: None,
            resends: false,
            #[cfg(feature = "device-bound")]
            way: crate::config::Way::Cookie,
            #[cfg(feature = "device-bound")]
            registration: None,
            waits: false,
            admitted: None,
            contended_since: None,
            stays: false,
            lost: None,
        }
    }

    /// Plans the commit and acts on the plan. If another request was faster, plans again with the record that it
    /// stored. At most one write succeeds, or two for a restart.
    ///
    /// `ticket` is valid after an error, too: a purge removes the cookie even if the store fails.
    pub(crate) async fn run(&mut self) -> Result<(), Error> {
        let now = self.config.now();
        #[cfg(feature = "formats")]
        self.renew_once();
        if self.edits.hides_session() {
            return Box::pin(self.end(now)).await;
        }
        if self.config.owner_valid_from.is_some() {
            Box::pin(self.admit()).await?;
        }
        let mut found = self.opening.base().cloned();
        let mut turn = None;
        loop {
            if self.opening.successor.is_some() {
                Box::pin(self.follow(&mut found, now)).await?;
            }
            match self.next(found.as_ref(), now)? {
                Next::Nothing => {
                    // A label or a lifetime stays pending until the session is created.
                    self.waits = self.opening.loaded == Loaded::Nothing && self.head == CookieWindow::Open;
                    return Ok(());
                }
                Next::Drop(why) => {
                    self.drop_writes(why);
                    return Ok(());
                }
                Next::Create => match self.create(found.as_ref(), now).await? {
                    Begun::Done => return Ok(()),
                    // The other login has logged the user in. This request's writes are merged into that session.
                    Begun::Second => {
                        self.edits = SharedEdits::clone(&self.asked);
                        SharedEdits::make_mut(&mut self.edits).drop_login(self.config.owner_key.as_ref());
                    }
                },
                Next::DeleteFound => match Box::pin(self.delete_found(found)).await? {
                    Some(record) => found = Some(record),
                    None => return Ok(()),
                },
                Next::Put(put) if self.is_moving(put.change) && self.config.backend.has_store() => {
                    match Box::pin(self.move_over(&mut found, now)).await {
                        // No race was lost.
                        Ok(()) => continue,
                        Err(error) if put.change == Change::Touch => {
                            self.config.upkeep_failed(put.id, &error);
                            return Ok(());
                        }
                        Err(error) => return Err(error),
                    }
                }
                Next::Put(put) => {
                    let (id, is_touch) = (put.id, put.change == Change::Touch);
                    match self.store(put, now, &mut turn).await {
                        Ok(Stored::Done) => {
                            self.config.upkeep_works();
                            return Ok(());
                        }
                        // Another request has moved the deadline on.
                        Ok(_) if is_touch => return Ok(()),
                        Ok(Stored::Found(record)) => {
                            if record.is_some() {
                                self.config.emit(&Event::ConflictReplayed { id });
                            }
                            found = record;
                        }
                        Err(error) if is_touch => {
                            self.config.upkeep_failed(id, &error);
                            self.lost = None;
                            return Ok(());
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            self.lose()?;
        }
    }

    /// Purges the session, and begins another one for a restart. The purge comes before everything that may fail.
    async fn end(&mut self, now: Timestamp) -> Result<(), Error> {
        let asked = Asked { act: self.edits.act, owner: OwnerEdit::Keep, writes: false, upkeep: false };
        let plan = plan(&self.opening.loaded, Found::Gone, asked);
        if plan == Plan::Fail {
            return Err(Error::read_only());
        }
        self.purge(now).await?;
        if plan == Plan::Restart {
            if self.config.owner_valid_from.is_some() {
                self.admit().await?;
            }
            self.create(None, now).await?;
        }
        Ok(())
    }

    /// Decides the next step, and prepares it. Does no I/O.
    fn next(&mut self, found: Option<&Record>, now: Timestamp) -> Result<Next, Error> {
        let standing = found.map_or(Standing::Unknown, |record| self.standing(record, now));
        let owner = self.written_owner()?;
        let edit = self.owner_edit(owner.as_ref());
        let renews = self.edits.renews() || edit != OwnerEdit::Keep;
        let is_open = matches!(self.opening.loaded, Loaded::Current(_));
        let mut state = None;
        let writes = match found.filter(|_| is_open) {
            Some(record) if standing == Standing::Current => {
                Edits::replay(&mut self.edits, record.state())?;
                state = self.edits.applied(record.state(), renews);
                state.is_some() || self.edits.describes()
            }
            // Only keys are merged. A request whose token is unknown writes nothing.
            Some(_) if standing == Standing::Superseded => {
                self.edits.touches_keys() || (renews && self.edits.names_keys())
            }
            None if self.opening.loaded == Loaded::Nothing => {
                Edits::replay(&mut self.edits, State::empty())?;
                self.edits.started || self.edits.inserts(renews)
            }
            _ => self.edits.touches_keys() || self.edits.describes() || self.edits.started,
        };
        // A write pushes the deadline out, too.
        let upkeep = !renews && !writes && self.is_upkeep_due(now);
        let asked = Asked { act: self.edits.act, owner: edit, writes, upkeep };
        let found_as = found.map_or(Found::Gone, |record| Found::Record(record, standing));
        let next = match (plan(&self.opening.loaded, found_as, asked), found) {
            (Plan::Replace(change), Some(record)) => {
                let admits = renews && self.is_login(edit);
                match self.make(record, change, state, owner, admits, now)? {
                    Some(put) => Next::Put(put),
                    None => Next::Drop(Dropped::Gone),
                }
            }
            // A record of another crate does not say what its session has become: it may still have its owner, under another key.
            (Plan::Nothing, _) if edit == OwnerEdit::Remove && is_open && self.backend().is_foreign() => {
                Next::Drop(Dropped::Gone)
            }
            // `end` handles a purge and a restart.
            (Plan::Nothing | Plan::Replace(_) | Plan::Purge | Plan::Restart, _) => Next::Nothing,
            (Plan::Create, _) => Next::Create,
            (Plan::DeleteFound, _) => Next::DeleteFound,
            (Plan::Drop(why), _) => Next::Drop(why),
            (Plan::Fail, _) => {
                let cause = self.opening.beside.as_ref().and_then(|beside| beside.cause.clone());
                return Err(cause.map_or_else(Error::read_only, Error::from));
            }
        };
        Ok(next)
    }

    /// Returns the backend of the session.
    fn backend(&self) -> &'a Backend {
        self.config.backend_at(self.opening.at)
    }

    /// Returns the standing of the token with which this handle was opened.
    fn standing(&self, record: &Record, now: Timestamp) -> Standing {
        let standing = |token: &Token| record.standing(&token.hash(), now);
        self.opening.token.as_ref().map_or(Standing::Unknown, standing)
    }

    fn lifetime_of<'b>(&'b self, record: &'b Record) -> &'b Lifetime {
        self.config.lifetime_of(record)
    }

    /// Returns true if the deadline must move on, or the token must be sent again under the current key. A session that
    /// is in its cookie can only be changed while a cookie can be sent.
    fn is_upkeep_due(&self, now: Timestamp) -> bool {
        let is_possible = self.head != CookieWindow::Sent || !self.backend().is_client_side();
        let (config, at) = (self.config, self.opening.at);
        let is_touch_due = |record: &Record| config.is_touch_due(at, record, self.edits.names_keys(), now);
        self.is_resend_asked() || (is_possible && self.opening.record().is_some_and(is_touch_due))
    }

    /// Returns true if the token must be sent again under another key, or because of an earlier save. Only the commit
    /// with which the head is sent does it: a token that is sent after a newer one would log the user out.
    fn is_resend_asked(&self) -> bool {
        self.head == CookieWindow::Leaves && (self.opening.is_reissue_due() || self.resends)
    }

    fn drop_writes(&mut self, why: Dropped) {
        if let Some(event) = self.opening.id().and_then(|id| why.event(id)) {
            self.config.emit(&event);
        }
        if why != Dropped::Unavailable {
            self.opening.loaded = Loaded::Gone;
        }
        self.dropped = Some(why);
    }

    /// Records the error of a write whose outcome stays unknown.
    fn told<T>(&mut self, written: Result<T, StoreError>) -> Result<T, Error> {
        written.map_err(|error| {
            if error.is_unknown() {
                self.lost = Some(error.clone());
            }
            error.into()
        })
    }
}
