//! Doing what the plan says: one write, and what the client gets for it.

use std::sync::Arc;

use super::{Commit, Head, Ticket};
use crate::{
    backend::{KeyAge, Opened},
    changes::{Changes, Delta, Known},
    credentials::Standing,
    error::Error,
    event::Event,
    open::{Look, look, revoked_by_owner},
    ops::{Ops, SharedOps},
    plan::{Loaded, Rotation},
    quota::Admission,
    record::{Body, Parts, Record, Rest},
    state::State,
    store::{Created, StoreError, Updated},
    time::Timestamp,
    token::{Secret, SessionId, Token},
};

/// How many ids are drawn before a store that finds them all taken is taken for broken.
const DRAWS: u32 = 4;

/// An update on its way to the store, and what is the case once it is done.
pub(super) struct Sending {
    pub(super) changes: Changes,
    pub(super) id: SessionId,
    /// What opens the session then, where that is news.
    renewed: Option<Secret>,
    after: Record,
    /// Until when the record lives that it was made of.
    until: Timestamp,
    /// Whose session it becomes, where that is news.
    gains_owner: bool,
    /// What the client gets for it.
    ticket: Ticket,
}

impl Commit<'_> {
    /// Makes the update of this very record, of which `delta` is made; `None` where there is nothing to update.
    pub(super) fn prepare(
        &self,
        record: &Record,
        rotation: Rotation,
        delta: Delta,
        owner: Option<Option<Arc<str>>>,
        now: Timestamp,
    ) -> Result<Option<Box<Sending>>, Error> {
        let Some(token) = &self.visit.token else { return Ok(None) };
        let is_sent = matches!(rotation, Rotation::Renew | Rotation::Resend) || self.core.backend.is_client_side();
        if is_sent && self.head == Head::Sent {
            return Err(Error::too_late());
        }
        let renewed = (rotation == Rotation::Renew).then(|| self.attempt.secret());
        let lifetime = self.ops.lifetime.as_deref().unwrap_or(self.core.lifetime_of(record));
        let mut changes = Changes {
            now,
            nonce: self.attempt.nonce(),
            delta,
            expected: (rotation != Rotation::Keep).then(|| record.credentials()),
            credentials: renewed.as_ref().map(|secret| record.credentials().rotated(secret.hash(), now)),
            owner,
            label: self.ops.label.clone(),
            lifetime: self.ops.lifetime.clone(),
            expires_at: lifetime.deadline(record.created_at(), now),
            known: Known::default(),
        };
        // The conditions are made of this record.
        let after = changes.made_of(record);
        changes.note(record, &after, self.visit.updated != Some(record.nonce()));
        // Where the limit was lowered, a session over it can still become smaller, step by step.
        if size(&after) > size(record) {
            self.check_size(&after)?;
        }
        let id = token.id;
        let ticket = if is_sent {
            let secret = renewed.as_ref().unwrap_or(&token.secret).clone();
            let text = self.core.backend.write(&Token { id, secret }, &after)?;
            Ticket::Give(text, lifetime.max_age(after.created_at(), now))
        } else {
            Ticket::Keep
        };
        let gains_owner = changes.owner().flatten().is_some_and(|owner| record.owner() != Some(owner));
        let until = record.expires_at();
        Ok(Some(Box::new(Sending { changes, id, renewed, after, until, gains_owner, ticket })))
    }

    pub(super) async fn send(&self, sending: &mut Sending) -> Result<Updated, Error> {
        if self.core.quota.is_some() && sending.gains_owner {
            return Box::pin(self.send_within_quota(sending)).await;
        }
        Ok(self.core.backend.update(&sending.id, &sending.changes, sending.until).await?)
    }

    async fn send_within_quota(&self, sending: &mut Sending) -> Result<Updated, Error> {
        let Sending { changes, id, until, .. } = sending;
        let owner = changes.owner.clone().flatten();
        let admission = Admission::ask(self.core, owner.as_deref(), *id, changes.now).await?;
        if let Some(admission) = &admission {
            changes.now = admission.now();
            changes.forget();
        }
        let updated = self.core.backend.update(id, changes, *until).await?;
        if is_done(&updated, changes)
            && let Some(admission) = admission
        {
            admission.keep().await?;
        }
        Ok(updated)
    }

    /// Takes in that an update is stored.
    pub(super) fn sent(&mut self, sending: Sending) {
        let Sending { id, renewed, after, ticket, .. } = sending;
        if let Some(secret) = renewed {
            self.core.emit(&Event::Rotated { id });
            self.visit.token = Some(Token { id, secret });
        }
        match ticket {
            Ticket::Give(..) => {
                self.ticket = ticket;
                self.visit.key = KeyAge::Current;
                self.resends = false;
            }
            _ => self.resends |= self.head == Head::Open && self.ops.moves_cookie(self.core.lifetime_of(&after)),
        }
        self.visit.updated = Some(after.nonce());
        self.visit.loaded = Loaded::Current(after);
    }

    /// An earlier commit was done, and its answer was lost: here is what it stored. What was asked for since then is left.
    pub(super) fn answered(&mut self, done: &Ops, record: Record, now: Timestamp) -> Result<(), Error> {
        SharedOps::make_mut(&mut self.ops).settle_part(done, record.state());
        let is_current = |secret: &Secret| record.standing(&secret.hash(), now) == Standing::Current;
        let (secret, id) = (self.attempt.secret(), self.visit.id());
        let is_renewed = is_current(&secret);
        if let (true, Some(id)) = (is_renewed, id) {
            self.core.emit(&Event::Rotated { id });
            self.visit.token = Some(Token { id, secret });
        }
        if let Some(token) = self.visit.token.as_ref().filter(|token| is_current(&token.secret))
            && (is_renewed || (self.head == Head::Leaves && done.moves_cookie(self.core.lifetime_of(&record))))
        {
            let max_age = self.core.lifetime_of(&record).max_age(record.created_at(), now);
            self.ticket = Ticket::Give(self.core.backend.write(token, &record)?, max_age);
        }
        self.visit.loaded = Loaded::Current(record);
        Ok(())
    }

    /// Stores a new session of what the request itself inserted; never of anything that it had loaded.
    pub(super) async fn create(&mut self, now: Timestamp) -> Result<(), Error> {
        Ops::replay(&mut self.ops, State::empty())?;
        let state = self.ops.alone();
        let owner = self.new_owner().flatten();
        if state.is_empty() && owner.is_none() && !self.ops.started {
            return Ok(());
        }
        if self.head == Head::Sent {
            return Err(Error::too_late());
        }
        let lifetime = self.ops.lifetime.as_deref().unwrap_or(&self.core.lifetime).clone();
        let (label, own_lifetime) = (self.ops.label.clone().flatten(), self.ops.lifetime.clone());
        let rest = Rest::of(Parts { superseded: Vec::new(), owner: owner.clone(), label, lifetime: own_lifetime });
        for _ in 0..DRAWS {
            let token = self.core.backend.new_token();
            let mut record = Record::of(Body {
                state: state.clone(),
                current: token.secret.hash(),
                created_at: now,
                last_used: now,
                expires_at: lifetime.deadline(now, now),
                nonce: self.attempt.nonce(),
                rest: rest.clone(),
            });
            self.check_size(&record)?;
            let admission = Admission::ask(self.core, owner.as_deref(), token.id, now).await?;
            if let Some(admission) = &admission {
                record.body_mut().last_used = admission.now();
            }
            let text = self.core.backend.write(&token, &record)?;
            if self.core.backend.create(&token.id, &record).await? == Created::Done {
                if let Some(admission) = admission {
                    Box::pin(admission.keep()).await?;
                }
                self.core.emit(&Event::Created { id: token.id });
                self.visit.loaded = Loaded::Current(record);
                self.visit.token = Some(token);
                self.visit.key = KeyAge::Current;
                self.ticket = Ticket::Give(text, lifetime.max_age(now, now));
                return Ok(());
            }
        }
        Err(Error::contended())
    }

    /// Deletes every record that a presented token opens or is superseded on, and takes the cookie away, come what may.
    pub(super) async fn delete(&mut self, now: Timestamp) -> Result<(), Error> {
        if !self.claims.is_empty() || self.visit.token.is_some() {
            match self.head {
                Head::Open | Head::Leaves => self.ticket = Ticket::Take,
                // Nothing but the cookie's removal ends such a session.
                Head::Sent if self.core.backend.is_client_side() => return Err(Error::too_late()),
                Head::Sent => {}
            }
        }
        let mut ids = std::mem::take(&mut self.visit.superseded);
        ids.extend(self.visit.token.take().map(|token| token.id));
        let mut failed = None;
        while let Some((opened, _)) = self.visit.open_next(self.core, self.claims) {
            // The load tells of forged ones: a purge that is tried again and again is no attack.
            let Ok(opened) = opened else { continue };
            match self.opens_or_did(opened, now).await {
                Ok(id) => ids.extend(id),
                Err(error) => failed = Some(error),
            }
        }
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            match self.core.backend.delete(&id).await {
                Ok(()) => self.core.emit(&Event::Destroyed { id }),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// The session that a claim opens, or did before a renewal.
    async fn opens_or_did(&self, opened: Opened, now: Timestamp) -> Result<Option<SessionId>, StoreError> {
        let Opened { token, record, .. } = opened;
        let found = match self.core.backend.store() {
            Some(store) => store.load(&token.id).await?,
            None => record,
        };
        let found = found.as_ref();
        let look = revoked_by_owner(self.core, look(self.core, &token, found, now), found).await?;
        Ok((!matches!(look, Look::Rejected(_))).then_some(token.id))
    }

    fn check_size(&self, record: &Record) -> Result<(), Error> {
        let (bytes, limit) = (size(record), self.core.max_bytes);
        if bytes > limit { Err(Error::too_large(bytes, limit)) } else { Ok(()) }
    }
}

/// Whether the changes are stored: the second time, the reply of the first one was lost; the write was not.
pub(super) fn is_done(updated: &Updated, changes: &Changes) -> bool {
    match updated {
        Updated::Done => true,
        Updated::Conflict(found) => found.nonce() == changes.nonce(),
        Updated::Gone => false,
    }
}

/// The bytes of a record that grow with what the application, or a client, puts in.
fn size(record: &Record) -> usize {
    record.state().size() + record.owner().map_or(0, str::len) + record.label().map_or(0, str::len)
}
