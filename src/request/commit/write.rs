//! Replaces a record, and gives the client its token.

use std::{sync::Arc, time::Instant};

use super::{
    Alone, Change, Commit, CookieWindow, Error, Event, Loaded, Next, Place, Record, Standing, Ticket, Timestamp,
    make::Put,
};
use crate::{
    client::KeyAge,
    store::{DynStore, Replaced, certain, certain::Certain, queue::Written},
};

/// The outcome of a replacement.
pub(super) enum Stored {
    Done,
    /// Another request was faster and stored this record, or ended the session.
    Found(Option<Record>),
}

impl Commit<'_> {
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
}
