//! From what a request did to what the store keeps and the client gets.

use std::{sync::Arc, time::Duration};

use rand::RngExt as _;
use tokio::time::{Instant, sleep};

use crate::{
    changes::{Changes, Delta},
    core::Core,
    credentials::{Credentials, Standing},
    error::Error,
    event::Event,
    open::{Look, Visit, look},
    ops::{Act, Ops},
    plan::{Answer, Asked, Dropped, Loaded, Plan, Rotation, plan},
    quota::Admission,
    record::Record,
    state::State,
    store::{Created, StoreError, Updated},
    time::Timestamp,
    token::{Secret, SessionId, Token},
    transport::Way,
};

/// How many conflicts in a row are answered at once; the next ones wait a moment, at random.
const EAGER_TRIES: u32 = 4;
/// The longest of these moments.
const LONGEST_WAIT: u64 = 16;
/// How many ids are drawn before a store that finds them all taken is taken for broken.
const DRAWS: u32 = 4;

/// What the client's cookie is to become.
#[derive(Clone, Debug, Default)]
pub(crate) enum Ticket {
    /// What it is.
    #[default]
    Keep,
    /// This token, for so long.
    Give(Token, Option<Duration>),
    /// Nothing.
    Take,
}

/// Whether a cookie can still be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    Open,
    Sent,
}

/// One commit: what was loaded, what was asked, and where it has come to.
pub(crate) struct Commit<'a> {
    pub(crate) core: &'a Core,
    pub(crate) tokens: &'a [(Token, Way)],
    pub(crate) visit: Visit,
    pub(crate) ops: Ops,
    pub(crate) head: Head,
    pub(crate) ticket: Ticket,
    pub(crate) dropped: Option<Dropped>,
}

impl Commit<'_> {
    /// Plans, does, and plans again while other requests come between. At most one write succeeds (a restart: two).
    ///
    /// After an error, `ticket` still holds: a purge takes the cookie away even when the store fails.
    pub(crate) async fn run(&mut self) -> Result<(), Error> {
        let now = self.core.now();
        let started = Instant::now();
        let mut loaded = self.visit.loaded.clone();
        let mut answer = Answer::None;
        for tries in 1.. {
            let base = match (&answer, &loaded) {
                (Answer::Conflict(record), _) => Some(record.state().clone()),
                (Answer::Gone, _) => None,
                (Answer::None, Loaded::Current(record)) => Some(record.state().clone()),
                (Answer::None, _) => Some(State::default()),
            };
            let delta = base.map(|base| self.ops.resolve(&base)).transpose()?;
            let owner = self.new_owner();
            let starts = self.ops.started && !matches!(loaded, Loaded::Current(_));
            let asked = Asked {
                act: self.ops.act,
                writes: delta.as_ref().map_or(self.ops.touches_keys(), |delta| !delta.is_empty())
                    || self.ops.touches_meta()
                    || starts,
                owner: owner.as_ref().and_then(Option::as_deref),
                touch: self
                    .visit
                    .record()
                    .is_some_and(|record| record.lifetime_or(&self.core.lifetime).is_touch_due(record, now)),
                resend: self.ops.lifetime.is_some() && self.head == Head::Open,
            };
            match plan(&loaded, &answer, asked) {
                Plan::Nothing => return Ok(()),
                Plan::Create => return self.create(now).await,
                Plan::Delete => {
                    self.visit.loaded = Loaded::Ended;
                    return self.delete(now).await;
                }
                Plan::DeleteAndCreate => {
                    self.delete(now).await?;
                    self.visit.loaded = Loaded::Nothing;
                    return self.create(now).await;
                }
                Plan::Drop(why) => {
                    self.drop_writes(why);
                    return Ok(());
                }
                Plan::Fail => return Err(Error::read_only()),
                Plan::Update(record, rotation) => {
                    match self.update(record, rotation, delta.unwrap_or_default(), owner.clone(), now).await? {
                        Updated::Done => return Ok(()),
                        Updated::Gone => answer = Answer::Gone,
                        Updated::Conflict(record) => match self.ops.unanswered(record.nonce()) {
                            Some(done) => {
                                self.answered(&done, *record, now);
                                loaded = self.visit.loaded.clone();
                                answer = Answer::None;
                            }
                            None => answer = Answer::Conflict(record),
                        },
                    }
                }
            }
            self.pause(tries, started).await?;
        }
        Ok(())
    }

    async fn update(
        &mut self,
        record: &Record,
        rotation: Rotation,
        delta: Delta,
        owner: Option<Option<Arc<str>>>,
        now: Timestamp,
    ) -> Result<Updated, Error> {
        let Some(token) = self.visit.token.clone() else { return Ok(Updated::Gone) };
        let renewed = (rotation == Rotation::Renew).then(|| self.ops.secret());
        if renewed.is_some() && self.head == Head::Sent {
            return Err(Error::too_late());
        }
        let grows = !delta.keys.is_empty();
        let lifetime = self.ops.lifetime.as_deref().unwrap_or(record.lifetime_or(&self.core.lifetime)).clone();
        let changes = Changes {
            now,
            nonce: self.ops.nonce(),
            delta,
            expected: (rotation != Rotation::Keep).then(|| record.credentials().clone()),
            credentials: renewed.as_ref().map(|secret| record.credentials().rotated(secret.hash(), now)),
            owner,
            label: self.ops.label.clone(),
            lifetime: self.ops.lifetime.clone(),
            expires_at: lifetime.deadline(record.created_at(), now),
        };
        // It applies here, for it was made of this very record.
        let Ok(after) = changes.apply(record) else { return Ok(Updated::Conflict(Box::new(record.clone()))) };
        if grows {
            self.check_size(&after)?;
        }
        let new_owner = changes.owner().flatten().filter(|owner| record.owner() != Some(owner));
        let admission = Admission::ask(self.core, new_owner, token.id).await?;
        match self.core.store.update(&token.id, &changes).await? {
            Updated::Conflict(found) if found.nonce() != changes.nonce() => {
                self.core.emit(&Event::ConflictReplayed { id: token.id });
                return Ok(Updated::Conflict(found));
            }
            Updated::Gone => return Ok(Updated::Gone),
            // The second time, the reply of the first one was lost; the write was not.
            Updated::Done | Updated::Conflict(_) => {}
        }
        if let Some(admission) = admission {
            admission.keep().await?;
        }
        let max_age = lifetime.max_age(after.created_at(), now);
        self.visit.loaded = Loaded::Current(after);
        if let Some(secret) = renewed {
            self.core.emit(&Event::Rotated { id: token.id });
            let token = Token { id: token.id, secret };
            self.visit.token = Some(token.clone());
            self.ticket = Ticket::Give(token, max_age);
        } else if rotation == Rotation::Resend {
            self.ticket = Ticket::Give(token, max_age);
        }
        Ok(Updated::Done)
    }

    /// An earlier commit was done, and its answer was lost: here is what it stored. What was asked for since then is left.
    fn answered(&mut self, done: &Ops, record: Record, now: Timestamp) {
        self.ops.settle_part(done, record.state());
        let is_current = |secret: &Secret| record.credentials().standing(&secret.hash(), now) == Standing::Current;
        let (secret, id) = (self.ops.secret(), self.visit.id());
        let is_renewed = is_current(&secret);
        if let (true, Some(id)) = (is_renewed, id) {
            self.core.emit(&Event::Rotated { id });
            self.visit.token = Some(Token { id, secret });
        }
        if let Some(token) = self.visit.token.as_ref().filter(|token| is_current(&token.secret))
            && (is_renewed || done.lifetime.is_some())
        {
            let max_age = record.lifetime_or(&self.core.lifetime).max_age(record.created_at(), now);
            self.ticket = Ticket::Give(token.clone(), max_age);
        }
        self.visit.loaded = Loaded::Current(record);
    }

    /// Stores a new session of what the request itself inserted; never of anything that it had loaded.
    async fn create(&mut self, now: Timestamp) -> Result<(), Error> {
        let delta = self.ops.resolve(&State::default())?;
        let owner = self.new_owner().flatten();
        if delta.keys.is_empty() && owner.is_none() && !self.ops.started {
            return Ok(());
        }
        if self.head == Head::Sent {
            return Err(Error::too_late());
        }
        let lifetime = self.ops.lifetime.as_deref().unwrap_or(&self.core.lifetime).clone();
        for _ in 0..DRAWS {
            let token = Token { id: SessionId::random(), secret: Secret::random() };
            let state = delta.keys.iter().filter_map(|change| Some((change.key(), change.value()?)));
            let credentials = Credentials::new(token.secret.hash());
            let mut record = Record::new(credentials, state.collect(), now, lifetime.deadline(now, now));
            record.nonce = self.ops.nonce();
            record.meta.owner.clone_from(&owner);
            record.meta.label = self.ops.label.clone().flatten();
            record.meta.lifetime.clone_from(&self.ops.lifetime);
            self.check_size(&record)?;
            let admission = Admission::ask(self.core, owner.as_deref(), token.id).await?;
            if self.core.store.create(&token.id, &record).await? == Created::Done {
                if let Some(admission) = admission {
                    admission.keep().await?;
                }
                self.core.emit(&Event::Created { id: token.id });
                self.visit.loaded = Loaded::Current(record);
                self.visit.token = Some(token.clone());
                self.ticket = Ticket::Give(token, lifetime.max_age(now, now));
                return Ok(());
            }
        }
        Err(Error::contended())
    }

    /// Deletes every record that a presented token opens or is superseded on, and takes the cookie away, come what may.
    async fn delete(&mut self, now: Timestamp) -> Result<(), Error> {
        if self.head == Head::Open && (!self.tokens.is_empty() || self.visit.token.is_some()) {
            self.ticket = Ticket::Take;
        }
        let mut ids = std::mem::take(&mut self.visit.superseded);
        ids.extend(self.visit.token.take().map(|token| token.id));
        let mut failed = None;
        for (token, _) in self.tokens.iter().skip(self.visit.tried) {
            match self.opens_or_did(token, now).await {
                Ok(true) => ids.push(token.id),
                Ok(false) => {}
                Err(error) => failed = Some(error),
            }
        }
        self.visit.tried = self.tokens.len();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            match self.core.store.delete(&id).await {
                Ok(()) => self.core.emit(&Event::Destroyed { id }),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    async fn opens_or_did(&self, token: &Token, now: Timestamp) -> Result<bool, StoreError> {
        let found = self.core.store.load(&token.id).await?;
        let look = look(self.core, token, found, now).await?;
        Ok(!matches!(look, Look::Rejected(_)))
    }

    fn drop_writes(&mut self, why: Dropped) {
        if let Some(event) = self.visit.id().and_then(|id| Event::dropped(why, id)) {
            self.core.emit(&event);
        }
        if why == Dropped::Gone {
            self.visit = Visit { tried: self.visit.tried, ..Visit::of(Loaded::Nothing) };
        }
        self.dropped = Some(why);
    }

    /// The owner that the request sets: as it says itself, or as the key says that the layer was told of.
    ///
    /// What it wrote counts, not what that changes: the sibling of a double-clicked login has written the same already, and
    /// this one logs in all the same.
    fn new_owner(&self) -> Option<Option<Arc<str>>> {
        if self.ops.owner.is_some() {
            return self.ops.owner.clone();
        }
        let written = self.ops.written(self.core.owner_key.as_deref()?)?;
        Some(written.and_then(owner_in))
    }

    fn check_size(&self, record: &Record) -> Result<(), Error> {
        let (bytes, limit) = (record.state().size(), self.core.max_bytes);
        if bytes > limit { Err(Error::too_large(bytes, limit)) } else { Ok(()) }
    }

    /// Lets others finish, once several tries in a row were in vain.
    async fn pause(&self, tries: u32, started: Instant) -> Result<(), Error> {
        if started.elapsed() > self.core.commit_timeout {
            return Err(Error::contended());
        }
        if tries > EAGER_TRIES && self.ops.act != Act::Purge && tokio::runtime::Handle::try_current().is_ok() {
            let longest = u64::from(tries - EAGER_TRIES).min(LONGEST_WAIT);
            let wait = rand::rng().random_range(0..=longest * 1000);
            sleep(Duration::from_micros(wait)).await;
        }
        Ok(())
    }
}

/// The owner that a state key's raw value names: a string's text, or a number's.
pub(crate) fn owner_in(raw: &str) -> Option<Arc<str>> {
    match serde_json::from_str(raw).ok()? {
        serde_json::Value::String(text) => Some(text.into()),
        serde_json::Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}
