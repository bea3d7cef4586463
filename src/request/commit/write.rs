//! Replaces a record, and gives the client its token.

use std::{sync::Arc, time::Instant};

use super::{
    Alone, Change, Commit, CookieWindow, Edits, Error, Event, Lifetime, Loaded, Next, Place, Record, Standing, State,
    Ticket, Timestamp, Token,
};
use crate::{
    client::KeyAge,
    store::{
        Body, DynStore, Replaced, SUPERSEDED_FOR, SessionId, certain, certain::Certain, queue::Written, random_nonce,
    },
};

/// A replacement that is ready to be sent.
pub(super) struct Put {
    pub(super) id: SessionId,
    pub(super) change: Change,
    pub(super) base: Record,
    pub(super) record: Record,
    /// The token whose secret becomes the current one.
    pub(super) renewed: Option<Token>,
    /// The nonce of the record that takes the place of a renewed one of another crate.
    #[cfg_attr(not(feature = "formats"), allow(dead_code))]
    pub(super) marker: u64,
    /// The deadline of the session in its cookie, if this write moves it there.
    pub(super) into_cookie: Option<Timestamp>,
}

/// The outcome of a replacement.
pub(super) enum Stored {
    Done,
    /// Another request was faster and stored this record, or ended the session.
    Found(Option<Record>),
}

impl Commit<'_> {
    /// Makes the replacement of `base`, with the request's `state` and `owner`. Returns `None` if an update would have
    /// to run on a value that the request must not see.
    pub(super) fn make(
        &mut self,
        base: &Record,
        change: Change,
        state: Option<State>,
        owner: Option<Option<Arc<str>>>,
        admits: bool,
        now: Timestamp,
    ) -> Result<Option<Put>, Error> {
        let Some(token) = &self.opening.token else { return Ok(None) };
        let is_foreign = self.backend().is_foreign();
        if is_foreign && change == Change::Merge {
            // The record does not say where its session is now.
            return Ok(None);
        }
        let is_sent = change == Change::Renew || self.backend().is_client_side();
        if is_sent && self.head == CookieWindow::Sent {
            return Err(Error::too_late());
        }
        let id = token.id;
        let state = if change == Change::Merge {
            // Updates run on values that this request has seen, or not at all.
            Edits::replay(&mut self.edits, self.opening.state())?;
            let Ok(state) = self.edits.merged(self.opening.state(), base.state(), self.edits.renews()) else {
                return Ok(None);
            };
            state
        } else {
            state
        };
        let Body { current, last_used, expires_at, rest, .. } = base.body();
        let mut current = *current;
        let marker = if is_foreign { random_nonce() } else { 0 };
        let mut renewed = (change == Change::Renew).then(|| self.backend().renewed(token, marker));
        let mut rest = rest.clone();
        if let Some(token) = &renewed {
            (current, rest.superseded) = base.credentials().rotated(token.hash(), now).into_parts();
            if let Some(owner) = owner {
                rest.owner = owner;
                if admits || rest.owner.is_none() {
                    rest.admitted = self.admitted;
                }
            }
        }
        #[cfg(feature = "device-bound")]
        if admits && renewed.is_some() {
            // A login is made on the device that is in use now, which need not be the one before.
            rest.binding = self.new_binding(self.backend());
        }
        if change != Change::Merge {
            if let Some(label) = &self.edits.label {
                rest.label.clone_from(label);
            }
            if let Some(lifetime) = &self.edits.lifetime {
                rest.lifetime = Some(Arc::clone(lifetime));
            }
        }
        let own_lifetime = self.edits.lifetime.as_deref().filter(|_| change != Change::Merge);
        let created_at = self.config.begun_at(self.opening.at, base, now);
        let deadline = own_lifetime.unwrap_or(self.lifetime_of(base)).deadline(created_at, now);
        let record = Record::of(Body {
            state: state.unwrap_or_else(|| base.state().clone()),
            current,
            created_at,
            last_used: now.max(*last_used),
            // A deadline never moves back, unless the lifetime itself is set.
            expires_at: if own_lifetime.is_some() { deadline } else { deadline.max(*expires_at) },
            nonce: 0,
            rest: rest.tidied(),
        });
        let mut record = record.written(random_nonce(), base);
        let into_cookie = self.moves_into_cookie(change, id, &record).then(|| record.expires_at());
        if let Some(deadline) = into_cookie {
            // Requests with the old token still find it, and merge their writes, as long as a superseded token is known.
            record.body_mut().expires_at = deadline.min(now.plus(SUPERSEDED_FOR));
            if let Some(old) = self.opening.token.as_ref().filter(|_| is_foreign && renewed.is_none()) {
                // The session cannot keep its id, so a purge would not find the record under the old key.
                let token = self.backend().renewed(old, marker);
                record.body_mut().current = token.hash();
                renewed = Some(token);
            }
        }
        // A session that is over a lowered limit can still become smaller.
        if size(&record) > size(base) {
            self.check_size(&record)?;
        }
        if change != Change::Touch {
            self.backend().carries(&record)?;
        }
        Ok(Some(Put { id, change, base: base.clone(), record, renewed, marker, into_cookie }))
    }

    /// Sends the replacement. A plain write that lost a race, or finds waiting writers, is combined with theirs. Other
    /// writes wait for a turn of their own.
    pub(super) async fn store(&mut self, put: Put, now: Timestamp, turn: &mut Option<Alone>) -> Result<Stored, Error> {
        let backend = self.backend();
        let certain = match &backend.place {
            Place::Client => Certain::Done(None),
            Place::Memory(memory) if self.gains_owner(&put) => {
                return Box::pin(self.store_within_quota(put, memory, now)).await;
            }
            Place::Memory(memory) => match memory.swap(&put.id, &put.base, &put.record) {
                Replaced::Done => Certain::Done(None),
                Replaced::Changed(found) => Certain::Changed(found),
                Replaced::Gone => Certain::Gone,
            },
            Place::Store(store) => {
                let is_late = self.contended_since.is_some() || backend.queue.is_busy(&put.id);
                if is_late && turn.is_none() && put.change != Change::Touch {
                    return Box::pin(self.wait(put, store, now, turn)).await;
                }
                if self.gains_owner(&put) {
                    return Box::pin(self.store_within_quota(put, &**store, now)).await;
                }
                let sent = certain::replace(&**store, &put.id, &put.base, &put.record, now, self.patience());
                let sent = sent.await;
                self.told(sent)?
            }
            #[cfg(feature = "formats")]
            Place::Foreign(records) => return Box::pin(self.store_foreign(put, records, now, turn)).await,
        };
        self.settle(certain, put, now, turn)
    }

    /// Acts on the certain outcome of a replacement.
    pub(super) fn settle(
        &mut self,
        certain: Certain,
        put: Put,
        now: Timestamp,
        turn: &mut Option<Alone>,
    ) -> Result<Stored, Error> {
        let newest = match &certain {
            Certain::Done(later) => later.as_ref().unwrap_or(&put.record).clone(),
            Certain::Changed(found) => found.clone(),
            Certain::Gone => return Ok(Stored::Found(None)),
        };
        if let Some(turn) = turn {
            turn.leave(newest.clone());
        }
        match certain {
            Certain::Done(later) => self.stored(put, later, now).map(|()| Stored::Done),
            Certain::Changed(_) | Certain::Gone => Ok(Stored::Found(Some(newest))),
        }
    }

    /// Waits in the queue of this process's writers: for a turn of its own, or until the write is stored with others.
    pub(super) async fn wait(
        &mut self,
        put: Put,
        store: &Arc<dyn DynStore>,
        now: Timestamp,
        turn: &mut Option<Alone>,
    ) -> Result<Stored, Error> {
        let (backend, id) = (self.backend(), put.id);
        self.contended_since.get_or_insert_with(Instant::now);
        if !matches!(put.change, Change::Write | Change::Merge) || put.into_cookie.is_some() {
            let alone = backend.queue.alone(store, id, put.base.clone(), self.patience()).await;
            let alone = alone.ok_or_else(|| self.contended())?;
            // If the queue knows an older record than this request does, this request's record is used.
            let newest = if alone.base().follows(put.base.nonce()) { alone.base().clone() } else { put.base };
            *turn = Some(alone);
            return Ok(Stored::Found(Some(newest)));
        }
        let (patience, base) = (self.patience(), put.base.clone());
        let mut last = None;
        let change = |found: &Record| match self.next(Some(found), now) {
            Ok(Next::Put(put)) if matches!(put.change, Change::Write | Change::Merge) && put.into_cookie.is_none() => {
                let record = put.record.clone();
                last = Some(put);
                Some(record)
            }
            // A decision not to write must be made on a stored record: see `Written::Declined`.
            _ => None,
        };
        let written = backend.queue.combine(store, id, base, patience, change).await;
        match (self.told(written)?, last) {
            (Written::Done(record), Some(put)) => self.stored(Put { record, ..put }, None, now).map(|()| Stored::Done),
            (Written::Gone, _) => Ok(Stored::Found(None)),
            (Written::Late, _) => Err(self.contended()),
            (Written::Declined | Written::Done(_), _) => Ok(Stored::Found(store.load(&id).await?)),
        }
    }

    /// Records that a replacement is done. `later` is the stored record if a later write replaced it.
    pub(super) fn stored(&mut self, put: Put, later: Option<Record>, now: Timestamp) -> Result<(), Error> {
        #[cfg(feature = "device-bound")]
        if put.record.binding() != put.base.binding() {
            self.ask_device(&put.id, &put.record);
        }
        let Put { id, change, mut record, renewed, into_cookie, .. } = put;
        if change == Change::Merge {
            let mut seen = self.opening.record().cloned();
            if let Some(seen) = &mut seen
                && let Some(state) = self.edits.applied(seen.state(), false)
            {
                seen.body_mut().state = state;
                self.opening.loaded = Loaded::Current(seen.clone());
            }
            self.opening.behind = Some(later.unwrap_or(record));
            return Ok(());
        }
        let is_renewed = renewed.is_some();
        if let Some(token) = renewed {
            self.config.emit(&Event::Rotated { id });
            self.opening.token = Some(token);
        }
        let newest = later.as_ref().unwrap_or(&record);
        let is_current = self.standing(newest, now) == Standing::Current;
        if let Some(deadline) = into_cookie.filter(|_| is_current) {
            record = self.moved_into_cookie(id, newest.clone(), deadline);
        }
        let moves_cookie = self.edits.moves_cookie(self.lifetime_of(&record));
        let is_wanted = is_renewed
            || self.backend().is_client_side()
            || self.is_resend_asked()
            || (self.head == CookieWindow::Leaves && moves_cookie);
        if is_wanted && is_current {
            self.give(&record, now)?;
        } else {
            self.resends |= self.head == CookieWindow::Open && moves_cookie;
        }
        self.opening.behind = later.filter(|_| !is_current);
        self.opening.opened_at = now;
        self.opening.loaded = Loaded::Current(record);
        Ok(())
    }

    /// Sends the client its token.
    pub(super) fn give(&mut self, record: &Record, now: Timestamp) -> Result<(), Error> {
        let Some(token) = &self.opening.token else { return Ok(()) };
        let text = self.backend().write(token, record)?;
        self.ticket = Ticket::Give(text, self.lifetime_of(record).max_age(record.created_at(), now));
        self.opening.key = KeyAge::Current;
        self.resends = false;
        Ok(())
    }

    pub(super) fn check_size(&self, record: &Record) -> Result<(), Error> {
        let (bytes, limit) = (size(record), self.config.max_bytes);
        if bytes > limit { Err(Error::too_large(bytes, limit, record.state())) } else { Ok(()) }
    }
}

/// Makes the record of a write that changes nothing but the state, as the one after `base`.
pub(crate) fn next_record(base: &Record, state: State, lifetime: &Lifetime, now: Timestamp) -> Record {
    let mut body = base.body().clone();
    body.state = state;
    body.last_used = body.last_used.max(now);
    // A deadline never moves back.
    body.expires_at = body.expires_at.max(lifetime.deadline(body.created_at, now));
    Record::of(body).written(random_nonce(), base)
}

/// Returns the size of the parts of a record that the application can make larger.
pub(crate) fn size(record: &Record) -> usize {
    record.state().size() + record.owner().map_or(0, str::len) + record.label().map_or(0, str::len)
}
