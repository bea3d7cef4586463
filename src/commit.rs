//! From what a request did to what the store keeps and the client gets.

use std::{sync::Arc, time::Duration};

use rand::RngExt as _;
use tokio::time::{Instant, sleep};

use crate::{
    backend::{Claim, KeyAge, Opened, Text},
    changes::{Changes, Delta},
    core::Core,
    credentials::{Credentials, Standing},
    error::Error,
    event::Event,
    open::{Look, Visit, look, owner_valid_from},
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
    /// This, for so long.
    Give(Text, Option<Duration>),
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
    pub(crate) claims: &'a [(Claim, Way)],
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
        let mut loaded = self.loaded(now);
        let reissue = self.head == Head::Open && self.visit.is_reissue_due();
        // A login to a session that this owner cannot have any more begins another one.
        let mut answer = if self.predates_owner().await? { Answer::Gone } else { Answer::None };
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
                touch: reissue || self.is_touch_due(now),
                resend: self.is_resend_due(reissue, now),
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
                                self.answered(&done, *record, now)?;
                                loaded = self.loaded(now);
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
        let is_sent = matches!(rotation, Rotation::Renew | Rotation::Resend) || self.core.backend.is_client_side();
        if is_sent && self.head == Head::Sent {
            return Err(Error::too_late());
        }
        let renewed = (rotation == Rotation::Renew).then(|| self.ops.secret());
        let lifetime = self.ops.lifetime.as_deref().unwrap_or(record.lifetime_or(&self.core.lifetime)).clone();
        let mut changes = Changes {
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
        // Where the limit was lowered, a session over it can still become smaller, step by step.
        if size(&after) > size(record) {
            self.check_size(&after)?;
        }
        let next = Token { id: token.id, secret: renewed.clone().unwrap_or(token.secret) };
        let text = is_sent.then(|| self.core.backend.write(&next, &after)).transpose()?;
        let new_owner = changes.owner.clone().flatten().filter(|owner| record.owner() != Some(owner));
        let admission = Admission::ask(self.core, new_owner.as_deref(), token.id, now).await?;
        changes.now = admission.as_ref().map_or(now, Admission::now);
        match self.core.backend.update(&token.id, &changes, record).await? {
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
        if renewed.is_some() {
            self.core.emit(&Event::Rotated { id: token.id });
        }
        if let Some(text) = text {
            self.ticket = Ticket::Give(text, lifetime.max_age(after.created_at(), now));
            self.visit.key = KeyAge::Current;
        }
        self.visit.token = Some(next);
        self.visit.loaded = Loaded::Current(after);
        Ok(Updated::Done)
    }

    /// An earlier commit was done, and its answer was lost: here is what it stored. What was asked for since then is left.
    fn answered(&mut self, done: &Ops, record: Record, now: Timestamp) -> Result<(), Error> {
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
            self.ticket = Ticket::Give(self.core.backend.write(token, &record)?, max_age);
        }
        self.visit.loaded = Loaded::Current(record);
        Ok(())
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
            let admission = Admission::ask(self.core, owner.as_deref(), token.id, now).await?;
            record.meta.last_used = admission.as_ref().map_or(now, Admission::now);
            let text = self.core.backend.write(&token, &record)?;
            if self.core.backend.create(&token.id, &record).await? == Created::Done {
                if let Some(admission) = admission {
                    admission.keep().await?;
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
    async fn delete(&mut self, now: Timestamp) -> Result<(), Error> {
        if !self.claims.is_empty() || self.visit.token.is_some() {
            match self.head {
                Head::Open => self.ticket = Ticket::Take,
                // Nothing but the cookie's removal ends such a session.
                Head::Sent if self.core.backend.is_client_side() => return Err(Error::too_late()),
                Head::Sent => {}
            }
        }
        let mut ids = std::mem::take(&mut self.visit.superseded);
        ids.extend(self.visit.token.take().map(|token| token.id));
        let mut failed = None;
        for (claim, _) in self.claims.iter().skip(self.visit.tried) {
            match self.opens_or_did(claim, now).await {
                Ok(id) => ids.extend(id),
                Err(error) => failed = Some(error),
            }
        }
        self.visit.tried = self.claims.len();
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
    async fn opens_or_did(&self, claim: &Claim, now: Timestamp) -> Result<Option<SessionId>, StoreError> {
        let Some(Opened { token, record, .. }) = self.core.backend.find(claim).await? else { return Ok(None) };
        let look = look(self.core, &token, record, now).await?;
        Ok((!matches!(look, Look::Rejected(_))).then_some(token.id))
    }

    /// What was loaded. Where an earlier save ran into another request's renewal and was merged, what that left is not ours to
    /// renew: the token that came with this request is superseded.
    fn loaded(&self, now: Timestamp) -> Loaded {
        match &self.visit.loaded {
            Loaded::Current(record) if self.ops.act == Act::Renew && !self.holds_newest(record, now) => {
                Loaded::Superseded(record.clone())
            }
            loaded => loaded.clone(),
        }
    }

    /// Whether the mere use is worth a write. Where that is a cookie, it must be possible to send one.
    fn is_touch_due(&self, now: Timestamp) -> bool {
        let is_possible = self.head == Head::Open || !self.core.backend.is_client_side();
        let is_due = |record: &Record| record.lifetime_or(&self.core.lifetime).is_touch_due(record, now);
        is_possible && self.visit.record().is_some_and(is_due)
    }

    /// Whether the token is to be sent again, be it under the current key or with another `Max-Age`. The update that goes
    /// with it holds only while the token is the newest: sent after a newer one, it would log the user out.
    fn is_resend_due(&self, reissue: bool, now: Timestamp) -> bool {
        let is_wanted = reissue || (self.ops.lifetime.is_some() && self.head == Head::Open);
        is_wanted && self.visit.record().is_some_and(|record| self.holds_newest(record, now))
    }

    fn holds_newest(&self, record: &Record, now: Timestamp) -> bool {
        let standing = |token: &Token| record.credentials().standing(&token.secret.hash(), now);
        self.visit.token.as_ref().map(standing) == Some(Standing::Current)
    }

    /// Whether this is a login with a visitor's session from before the time since when the owner's sessions are valid: the
    /// next request would be told that it is revoked.
    async fn predates_owner(&self) -> Result<bool, Error> {
        let owner = self.new_owner().flatten().filter(|_| self.ops.act == Act::Renew);
        let (Some(record), Some(owner)) = (self.visit.record(), owner) else { return Ok(false) };
        Ok(record.created_at() < owner_valid_from(self.core, &owner).await?)
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
    ///
    /// What it wrote counts, not what that changes: the sibling of a double-clicked login has written the same already, and
    /// this one logs in all the same.
    fn new_owner(&self) -> Option<Option<Arc<str>>> {
        let by_key = || self.ops.written(self.core.owner_key.as_deref()?).map(|raw| raw.and_then(owner_in));
        self.ops.owner.clone().or_else(by_key)
    }

    fn check_size(&self, record: &Record) -> Result<(), Error> {
        let (bytes, limit) = (size(record), self.core.max_bytes);
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

/// The bytes of a record that grow with what the application, or a client, puts in.
fn size(record: &Record) -> usize {
    record.state().size() + record.owner().map_or(0, str::len) + record.label().map_or(0, str::len)
}

/// The owner that a state key's raw value names: a string's text, or a number's.
pub(crate) fn owner_in(raw: &str) -> Option<Arc<str>> {
    match serde_json::from_str(raw).ok()? {
        serde_json::Value::String(text) => Some(text.into()),
        serde_json::Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}
