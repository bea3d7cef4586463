//! Beginning a session.

use super::{Commit, Error, Event, Head, Loaded, Ops, Record, State, Ticket, Timestamp};
use crate::{
    backend::KeyAge,
    quota::Admission,
    record::{Body, Parts, Rest},
    store::{Created, StoreError},
    token::{SessionId, random_nonce},
};

/// How many ids are drawn before the store is taken for broken.
const DRAWS: usize = 4;
/// How many of them may have an unknown outcome.
const UNKNOWN: usize = 2;

impl Commit<'_> {
    /// Stores a new session with the request's own inserts; never of anything that it had loaded. `found` is the record that
    /// the request lost its race for.
    pub(super) async fn create(&mut self, found: Option<&Record>, now: Timestamp) -> Result<(), Error> {
        Ops::replay(&mut self.ops, State::empty())?;
        let state = self.ops.alone();
        let owner = self.written_owner()?.flatten();
        if state.is_empty() && owner.is_none() && !self.ops.started {
            return Ok(());
        }
        if self.head == Head::Sent {
            return Err(Error::too_late());
        }
        let lifetime = self.ops.lifetime.as_deref().unwrap_or(&self.core.lifetime).clone();
        let rest = Rest::of(Parts {
            trail: (!self.core.backend.is_immediate()).then_some([0; 4]),
            owner: owner.clone(),
            label: self.ops.label.clone().flatten(),
            lifetime: self.ops.lifetime.clone(),
            admitted: self.admitted.filter(|_| owner.is_some()),
            ..Parts::default()
        });
        let mut drawn = Vec::new();
        for _ in 0..DRAWS {
            let token = self.core.backend.new_token();
            let mut record = Record::of(Body {
                state: state.clone(),
                current: token.hash(),
                created_at: now,
                last_used: now,
                expires_at: lifetime.deadline(now, now),
                nonce: random_nonce(),
                rest: rest.clone(),
            });
            self.check_size(&record)?;
            let admission = match Admission::ask(self.core, owner.as_deref(), token.id, now).await {
                // The sibling that was faster has logged the same user in: its answer carries the token.
                Err(error) if error.is_over_limit() && owner.is_some() && was_overtaken(found, owner.as_deref()) => {
                    return Ok(());
                }
                admission => admission?,
            };
            if let Some(admission) = &admission {
                record.body_mut().last_used = admission.now();
            }
            let text = self.core.backend.write(&token, &record)?;
            match self.try_create(&token.id, &record).await {
                Ok(true) => {
                    if let Some(admission) = admission {
                        Box::pin(admission.keep()).await?;
                    }
                    self.forget(&drawn).await;
                    self.core.emit(&Event::Created { id: token.id });
                    self.visit.loaded = Loaded::Current(record);
                    self.visit.behind = None;
                    self.visit.opened_at = now;
                    self.visit.token = Some(token);
                    self.visit.key = KeyAge::Current;
                    self.ticket = Ticket::Give(text, lifetime.max_age(now, now));
                    return Ok(());
                }
                Ok(false) => drawn.push(token.id),
                Err(error) => {
                    drawn.extend(error.is_unknown().then_some(token.id));
                    if error.is_unknown() && drawn.len() < UNKNOWN {
                        continue;
                    }
                    self.forget(&drawn).await;
                    return self.told(Err(error));
                }
            }
        }
        self.forget(&drawn).await;
        Err(Error::contended())
    }

    /// Creates the record, and looks if the outcome is unknown: `create` is never sent twice for one id. `false`: the id is
    /// somebody else's.
    async fn try_create(&self, id: &SessionId, record: &Record) -> Result<bool, StoreError> {
        let unknown = match self.core.backend.create(id, record).await {
            Ok(Created::Done) => return Ok(true),
            Ok(Created::Taken) => None,
            Err(error) if error.is_unknown() => Some(error),
            Err(error) => return Err(error),
        };
        match Box::pin(self.core.backend.load(id, None)).await {
            Ok(Some(found)) if found.nonce() == record.nonce() => Ok(true),
            Ok(_) | Err(_) => unknown.map_or(Ok(false), Err),
        }
    }

    /// Deletes the ids whose fate is unknown: a create that arrives late finds a tombstone.
    async fn forget(&self, drawn: &[SessionId]) {
        for id in drawn {
            if let Err(error) = Box::pin(self.core.backend.delete(id, None)).await {
                self.core.upkeep_failed(*id, &error.into());
            }
        }
    }
}

fn was_overtaken(found: Option<&Record>, owner: Option<&str>) -> bool {
    found.is_some_and(|found| found.owner() == owner)
}
