//! Commits a request's operations: writes them to the store, and decides the client's cookie.

use std::time::Instant;

use self::{create::Begun, next::Next, write::Stored};
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
mod make;
mod moves;
mod next;
mod owner;
mod race;
#[cfg(feature = "formats")]
mod rekey;
mod write;

pub(crate) use self::{
    create::first_record,
    make::{next_record, size},
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
