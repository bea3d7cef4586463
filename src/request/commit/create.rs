//! Begins a session.

use super::{
    Commit, CookieWindow, Edits, Error, Event, Lifetime, Loaded, Opening, Record, SharedEdits, State, Ticket,
    Timestamp, Token,
};
use crate::{
    client::KeyAge,
    request::Admission,
    store::{Body, Created, Parts, Rest, StoreError, random_nonce},
};

/// The outcome of [`Commit::create`].
pub(super) enum Begun {
    /// The session is stored, or there was nothing to store.
    Done,
    /// This login overlapped another one of the same owner, and [`OverLimit::Refuse`](crate::OverLimit::Refuse) has no
    /// place for a second session.
    Second,
}

/// Makes the first record of a session.
pub(crate) fn first_record(token: &Token, state: State, rest: Rest, lifetime: &Lifetime, now: Timestamp) -> Record {
    Record::of(Body {
        state,
        current: token.hash(),
        created_at: now,
        last_used: now,
        expires_at: lifetime.deadline(now, now),
        nonce: random_nonce(),
        rest,
    })
}

impl Opening {
    /// Goes on with a record that is stored in the primary backend.
    pub(crate) fn stored(&mut self, token: Token, record: Record, now: Timestamp) {
        self.loaded = Loaded::Current(record);
        self.behind = None;
        self.opened_at = now;
        self.token = Some(token);
        self.at = 0;
        self.successor = None;
        self.key = KeyAge::Current;
    }
}

/// The number of ids that are drawn before the commit fails.
const DRAWS: usize = 4;

impl Commit<'_> {
    /// Stores a new session with the request's own inserts, never with data that was loaded. `found` is the record for
    /// which the request lost its race.
    pub(super) async fn create(&mut self, found: Option<&Record>, now: Timestamp) -> Result<Begun, Error> {
        if self.edits.has_once() {
            SharedEdits::make_mut(&mut self.edits).drop_once();
        }
        Edits::replay(&mut self.edits, State::empty())?;
        let state = self.edits.alone();
        let owner = self.written_owner()?.flatten();
        if state.is_empty() && owner.is_none() && !self.edits.started {
            // A restart, a label or a lifetime waits for the first insert.
            self.waits = self.head == CookieWindow::Open;
            return Ok(Begun::Done);
        }
        if self.head == CookieWindow::Sent {
            return Err(Error::too_late());
        }
        let rest = Rest::of(Parts {
            trail: (!self.config.backend.is_immediate()).then_some([0; 4]),
            owner: owner.clone(),
            label: self.edits.label.clone().flatten(),
            lifetime: self.edits.lifetime.clone(),
            admitted: self.admitted.filter(|_| owner.is_some()),
            #[cfg(feature = "device-bound")]
            binding: owner.as_ref().and_then(|_| self.new_binding(&self.config.backend)),
            ..Parts::default()
        });
        let found = match &self.opening.loaded {
            Loaded::Superseded(record) => Some(record.clone()),
            _ => found.cloned(),
        };
        // The faster request may have logged in the same user. Its response then carries the token.
        let is_second = owner.is_some() && found.is_some_and(|found| found.owner() == owner.as_deref());
        let mut drawn = Vec::new();
        let created = self.draw(&state, &rest, &mut drawn, now).await;
        self.forget(&drawn).await;
        match created {
            Err(error) if error.is_over_limit() && is_second => Ok(Begun::Second),
            created => created.map(|()| Begun::Done),
        }
    }

    /// Draws ids until one is stored. Leaves those ids in `drawn` whose outcome is unknown, or that must be deleted
    /// again.
    async fn draw(&mut self, state: &State, rest: &Rest, drawn: &mut Vec<Token>, now: Timestamp) -> Result<(), Error> {
        let lifetime = self.edits.lifetime.as_deref().unwrap_or(&self.config.lifetime).clone();
        for _ in 0..DRAWS {
            let token = self.config.backend.new_token();
            let mut record = first_record(&token, state.clone(), rest.clone(), &lifetime, now);
            self.check_size(&record)?;
            self.config.backend.carries(&record)?;
            // A session that this commit may have stored must not count against the limit.
            self.forget(&std::mem::take(drawn)).await;
            let admission = Admission::ask(self.config, rest.owner.as_deref(), token.id, now).await?;
            if let Some(admission) = &admission {
                record.body_mut().last_used = admission.now();
            }
            let text = self.config.backend.write(&token, &record)?;
            match self.try_create(&token, &record).await {
                Ok(true) => {
                    if let Some(admission) = admission
                        && let Err(error) = Box::pin(admission.keep()).await
                    {
                        drawn.push(token.clone());
                        return Err(error);
                    }
                    self.config.emit(&Event::Created { id: token.id });
                    #[cfg(feature = "device-bound")]
                    self.ask_device(&token.id, &record);
                    self.opening.stored(token, record, now);
                    self.ticket = Ticket::Give(text, lifetime.max_age(now, now));
                    return Ok(());
                }
                Ok(false) => {}
                Err(error) if error.is_unknown() => {
                    drawn.push(token.clone());
                    if self.lost.replace(error.clone()).is_some() {
                        return Err(error.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::contended())
    }

    /// Creates the record. If the outcome is unknown, loads the record to find out: `create` is never sent twice for
    /// one id. Returns false if another session has the id.
    async fn try_create(&self, token: &Token, record: &Record) -> Result<bool, StoreError> {
        let unknown = match self.config.backend.create(token, record).await {
            Ok(Created::Done) => return Ok(true),
            Ok(Created::Taken) => None,
            Err(error) if error.is_unknown() => Some(error),
            Err(error) => return Err(error),
        };
        match Box::pin(self.config.backend.load(token, None)).await {
            Ok(Some(found)) if found.nonce() == record.nonce() => Ok(true),
            Ok(_) | Err(_) => unknown.map_or(Ok(false), Err),
        }
    }

    /// Deletes the ids whose outcome is unknown. A create that arrives late then finds a tombstone.
    async fn forget(&self, drawn: &[Token]) {
        for token in drawn {
            if let Err(error) = Box::pin(self.config.backend.delete(token, None)).await {
                self.config.upkeep_failed(token.id, &error.into());
            }
        }
    }
}
