//! From what a request did to what the store keeps and the client gets.

use std::time::{Duration, Instant};

use self::write::{Put, Stored};
use crate::{
    backend::{Place, Text},
    core::Core,
    credentials::Standing,
    error::Error,
    event::Event,
    lifetime::Lifetime,
    open::{Visit, owner_valid_from},
    ops::{Act, Ops, SharedOps},
    plan::{Asked, Change, Dropped, Found, Loaded, OwnerEdit, Plan, plan},
    record::Record,
    state::State,
    store::{StoreError, queue::Alone},
    time::Timestamp,
    token::Token,
    transport::Claim,
};

mod create;
mod delete;
mod owner;
mod write;

pub(crate) use self::owner::owner_in;

/// What the client's cookie is to become.
#[derive(Clone, Debug, Default)]
pub(crate) enum Ticket {
    /// What it is.
    #[default]
    Keep,
    /// This, for so long.
    Give(Text, Option<Duration>),
    /// Nothing.
    Take,
}

/// Whether a cookie can still be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// Yes, and it leaves later: other requests may renew the session until then.
    Open,
    /// Yes: it leaves with this commit.
    Leaves,
    Sent,
}

/// One commit: the session as it was loaded, the request's wishes, and how far they have come.
pub(crate) struct Commit<'a> {
    pub(crate) core: &'a Core,
    pub(crate) claims: &'a [Claim],
    pub(crate) visit: Visit,
    /// The wishes as they were when the commit began.
    pub(crate) asked: SharedOps,
    /// The same, with updates that ran again.
    pub(crate) ops: SharedOps,
    pub(crate) head: Head,
    pub(crate) ticket: Ticket,
    pub(crate) dropped: Option<Dropped>,
    /// Whether the token is to be sent again when the head leaves, for what an earlier commit did.
    pub(crate) resends: bool,
    /// Whether the wishes are still to be fulfilled, since there was no session for them yet.
    pub(crate) waits: bool,
    /// The value of `owner_valid_from` that a login is admitted under: read once, before the first try.
    admitted: Option<Timestamp>,
    /// When the commit lost its first race.
    contended_since: Option<Instant>,
    /// The error of a write whose outcome stays unknown.
    pub(crate) lost: Option<StoreError>,
}

/// What a plan comes to, made ready.
enum Next {
    Nothing,
    Put(Box<Put>),
    Create,
    DeleteFound,
    Drop(Dropped),
}

impl<'a> Commit<'a> {
    pub(crate) fn new(core: &'a Core, claims: &'a [Claim], visit: Visit, asked: SharedOps, head: Head) -> Self {
        Self {
            core,
            claims,
            visit,
            ops: SharedOps::clone(&asked),
            asked,
            head,
            ticket: Ticket::Keep,
            dropped: None,
            resends: false,
            waits: false,
            admitted: None,
            contended_since: None,
            lost: None,
        }
    }

    /// Plans, does, and plans again with the record that another request left meanwhile. At most one write succeeds (of a
    /// restart: two).
    ///
    /// After an error, `ticket` still holds: a purge takes the cookie away even if the store fails.
    pub(crate) async fn run(&mut self) -> Result<(), Error> {
        let now = self.core.now();
        if self.ops.hides_session() {
            return Box::pin(self.end(now)).await;
        }
        if self.core.owner_valid_from.is_some() {
            Box::pin(self.admit()).await?;
        }
        let mut found = self.visit.base().cloned();
        let mut turn = None;
        loop {
            match self.next(found.as_ref(), now)? {
                Next::Nothing => {
                    // A label or a lifetime waits for the session that it is for.
                    self.waits = self.visit.loaded == Loaded::Nothing && self.head == Head::Open;
                    return Ok(());
                }
                Next::Drop(why) => {
                    self.drop_writes(why);
                    return Ok(());
                }
                Next::Create => return self.create(found.as_ref(), now).await,
                Next::DeleteFound => match Box::pin(self.delete_found(found)).await? {
                    Some(record) => found = Some(record),
                    None => return Ok(()),
                },
                Next::Put(put) => {
                    let (id, is_touch) = (put.id, put.change == Change::Touch);
                    match self.store(*put, now, &mut turn).await {
                        Ok(Stored::Done) => {
                            self.core.upkeep_works();
                            return Ok(());
                        }
                        // Another request has moved the deadline on.
                        Ok(_) if is_touch => return Ok(()),
                        Ok(Stored::Found(record)) => {
                            if record.is_some() {
                                self.core.emit(&Event::ConflictReplayed { id });
                            }
                            found = record;
                        }
                        Err(error) if is_touch => {
                            self.core.upkeep_failed(id, &error);
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

    /// Purges, and begins another session after a restart. The purge comes before everything that may fail.
    async fn end(&mut self, now: Timestamp) -> Result<(), Error> {
        let asked = Asked { act: self.ops.act, owner: OwnerEdit::Keep, writes: false, upkeep: false };
        let plan = plan(&self.visit.loaded, Found::Gone, asked);
        if plan == Plan::Fail {
            return Err(Error::read_only());
        }
        self.purge(now).await?;
        if plan == Plan::Restart {
            if self.core.owner_valid_from.is_some() {
                self.admit().await?;
            }
            self.create(None, now).await?;
        }
        Ok(())
    }

    /// Decides what is next, and makes it ready. Nothing waits here.
    fn next(&mut self, found: Option<&Record>, now: Timestamp) -> Result<Next, Error> {
        let standing = found.map_or(Standing::Unknown, |record| self.standing(record, now));
        let owner = self.written_owner()?;
        let edit = self.owner_edit(owner.as_ref());
        let renews = self.ops.renews() || edit != OwnerEdit::Keep;
        let is_open = matches!(self.visit.loaded, Loaded::Current(_));
        let mut state = None;
        let writes = match found.filter(|_| is_open) {
            Some(record) if standing == Standing::Current => {
                Ops::replay(&mut self.ops, record.state())?;
                state = self.ops.applied(record.state(), renews);
                state.is_some() || self.ops.describes()
            }
            // Only keys are merged; a token that is unknown has nothing to write at all.
            Some(_) if standing == Standing::Superseded => self.ops.touches_keys() || (renews && self.ops.names_keys()),
            None if self.visit.loaded == Loaded::Nothing => {
                Ops::replay(&mut self.ops, State::empty())?;
                self.ops.started || self.ops.inserts(renews)
            }
            _ => self.ops.touches_keys() || self.ops.describes() || self.ops.started,
        };
        let asked = Asked { act: self.ops.act, owner: edit, writes, upkeep: self.is_upkeep_due(now) };
        let found_as = found.map_or(Found::Gone, |record| Found::Record(record, standing));
        let next = match (plan(&self.visit.loaded, found_as, asked), found) {
            (Plan::Replace(change), Some(record)) => {
                let admits = renews && self.is_login(edit);
                match self.make(record, change, state, owner, admits, now)? {
                    Some(put) => Next::Put(put),
                    None => Next::Drop(Dropped::Gone),
                }
            }
            // A purge and a restart go their own way: see `end`.
            (Plan::Nothing | Plan::Replace(_) | Plan::Purge | Plan::Restart, _) => Next::Nothing,
            (Plan::Create, _) => Next::Create,
            (Plan::DeleteFound, _) => Next::DeleteFound,
            (Plan::Drop(why), _) => Next::Drop(why),
            (Plan::Fail, _) => {
                let cause = self.visit.beside.as_ref().and_then(|beside| beside.cause.clone());
                return Err(cause.map_or_else(Error::read_only, Error::from));
            }
        };
        Ok(next)
    }

    /// The standing of the token that this handle was opened with.
    fn standing(&self, record: &Record, now: Timestamp) -> Standing {
        let standing = |token: &Token| record.standing(&token.hash(), now);
        self.visit.token.as_ref().map_or(Standing::Unknown, standing)
    }

    fn lifetime_of<'b>(&'b self, record: &'b Record) -> &'b Lifetime {
        self.core.lifetime_of(record)
    }

    /// Whether the deadline should move on, or the token should be sent again under the current key. Where the session is in
    /// the cookie, it must be possible to send one.
    fn is_upkeep_due(&self, now: Timestamp) -> bool {
        let is_possible = self.head != Head::Sent || !self.core.backend.is_client_side();
        let is_touch_due = |record: &Record| self.core.is_touch_due(record, &self.ops, now);
        self.is_resend_asked() || (is_possible && self.visit.record().is_some_and(is_touch_due))
    }

    /// Whether the token is to be sent again under another key, or for what an earlier save did. A save in the middle of a
    /// request leaves it to the commit that the head leaves with: sent after a newer token, it would log the user out.
    fn is_resend_asked(&self) -> bool {
        self.head == Head::Leaves && (self.visit.is_reissue_due() || self.resends)
    }

    fn drop_writes(&mut self, why: Dropped) {
        if let Some(event) = self.visit.id().and_then(|id| Event::dropped(why, id)) {
            self.core.emit(&event);
        }
        if why != Dropped::Unavailable {
            self.visit.loaded = Loaded::Gone;
        }
        self.dropped = Some(why);
    }

    /// Takes note of a write whose outcome stays unknown.
    fn told<T>(&mut self, written: Result<T, StoreError>) -> Result<T, Error> {
        written.map_err(|error| {
            if error.is_unknown() {
                self.lost = Some(error.clone());
            }
            error.into()
        })
    }

    /// Takes note of a lost race; fails if others have been faster for too long.
    fn lose(&mut self) -> Result<(), Error> {
        let since = *self.contended_since.get_or_insert_with(Instant::now);
        if since.elapsed() > self.core.commit_timeout { Err(self.contended()) } else { Ok(()) }
    }

    fn contended(&self) -> Error {
        if let Some(id) = self.visit.id() {
            self.core.emit(&Event::Contended { id });
        }
        Error::contended()
    }

    /// The time that is left for races.
    fn patience(&self) -> Duration {
        let spent = self.contended_since.map_or(Duration::ZERO, |since| since.elapsed());
        self.core.commit_timeout.saturating_sub(spent)
    }
}
