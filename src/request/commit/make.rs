//! Makes the record that replaces another one.

use std::sync::Arc;

use super::{Change, Commit, CookieWindow, Edits, Error, Lifetime, Record, State, Timestamp, Token};
use crate::store::{Body, SUPERSEDED_FOR, SessionId, random_nonce};

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
        let Body { current, rest, .. } = base.body();
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
        let lifetime = own_lifetime.unwrap_or(self.lifetime_of(base));
        let (last_used, expires_at) = used(base, created_at, lifetime, now);
        let record = Record::of(Body {
            state: state.unwrap_or_else(|| base.state().clone()),
            current,
            created_at,
            last_used,
            // Only a lifetime that is set can move a deadline back.
            expires_at: if own_lifetime.is_some() { lifetime.deadline(created_at, now) } else { expires_at },
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

    pub(super) fn check_size(&self, record: &Record) -> Result<(), Error> {
        let (bytes, limit) = (size(record), self.config.max_bytes);
        if bytes > limit { Err(Error::too_large(bytes, limit, record.state())) } else { Ok(()) }
    }
}

/// Makes the record of a write that changes nothing but the state, as the one after `base`.
pub(crate) fn next_record(base: &Record, state: State, lifetime: &Lifetime, now: Timestamp) -> Record {
    let mut body = base.body().clone();
    body.state = state;
    (body.last_used, body.expires_at) = used(base, body.created_at, lifetime, now);
    Record::of(body).written(random_nonce(), base)
}

/// Returns the time of the last use and the deadline of a session that is used at `now`. Neither moves back.
fn used(base: &Record, created_at: Timestamp, lifetime: &Lifetime, now: Timestamp) -> (Timestamp, Timestamp) {
    (base.last_used().max(now), base.expires_at().max(lifetime.deadline(created_at, now)))
}

/// Returns the size of the parts of a record that the application can make larger.
pub(crate) fn size(record: &Record) -> usize {
    record.state().size() + record.owner().map_or(0, str::len) + record.label().map_or(0, str::len)
}
