//! From what a request did to what the store keeps and the client gets.

use std::{sync::Arc, time::Duration};

use rand::RngExt as _;
use tokio::time::{Instant, sleep};

use self::write::{Sending, is_done};
use crate::{
    backend::Text,
    core::Core,
    credentials::Standing,
    error::Error,
    event::Event,
    open::{Visit, owner_valid_from},
    ops::{Act, Attempt, Ops, SharedOps},
    plan::{Answer, Asked, Dropped, Loaded, Plan, plan},
    record::Record,
    state::State,
    store::Updated,
    time::Timestamp,
    token::Token,
    transport::Claim,
};

mod write;

/// How many conflicts in a row are answered at once; the next ones wait a moment, at random.
const EAGER_TRIES: u32 = 4;
/// The longest of these moments.
const LONGEST_WAIT: u64 = 16;

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

/// One commit: what was loaded, what was asked, and where it has come to.
pub(crate) struct Commit<'a> {
    pub(crate) core: &'a Core,
    pub(crate) claims: &'a [Claim],
    pub(crate) visit: Visit,
    /// As it was when the commit began.
    pub(crate) asked: SharedOps,
    /// What is left of it, with updates that ran again.
    pub(crate) ops: SharedOps,
    pub(crate) attempt: Attempt,
    pub(crate) head: Head,
    pub(crate) ticket: Ticket,
    pub(crate) dropped: Option<Dropped>,
    /// Whether the token is to be sent again when the head leaves, for what an earlier commit did.
    pub(crate) resends: bool,
}

/// What a plan comes to, made ready: between two calls of the store nothing waits.
enum Next {
    Nothing,
    Create,
    Delete,
    DeleteAndCreate,
    Send(Box<Sending>),
    Replan(Answer),
}

impl Commit<'_> {
    /// Plans, does, and plans again while other requests come between. At most one write succeeds (a restart: two).
    ///
    /// After an error, `ticket` still holds: a purge takes the cookie away even when the store fails.
    pub(crate) async fn run(&mut self) -> Result<(), Error> {
        let now = self.core.now();
        let mut contended_since = None;
        let reissue = self.head == Head::Leaves && (self.visit.is_reissue_due() || self.resends);
        // A login to a session that this owner cannot have any more begins another one.
        let mut answer = if self.predates_owner().await? { Answer::Gone } else { Answer::None };
        for tries in 1.. {
            answer = match self.next(&answer, reissue, now)? {
                Next::Nothing => return Ok(()),
                Next::Create => return self.create(now).await,
                Next::Delete => {
                    self.visit.loaded = Loaded::Ended;
                    return Box::pin(self.delete(now)).await;
                }
                Next::DeleteAndCreate => {
                    Box::pin(self.delete(now)).await?;
                    self.visit.loaded = Loaded::Nothing;
                    return self.create(now).await;
                }
                Next::Replan(answer) => answer,
                Next::Send(mut sending) => match self.send(&mut sending).await? {
                    updated if is_done(&updated, &sending.changes) => {
                        self.sent(*sending);
                        return Ok(());
                    }
                    Updated::Conflict(record) => {
                        self.core.emit(&Event::ConflictReplayed { id: sending.id });
                        match self.attempt.unanswered(record.nonce()) {
                            Some(done) => {
                                self.answered(&done, *record, now)?;
                                Answer::None
                            }
                            None => Answer::Conflict(record),
                        }
                    }
                    // What is done was met above.
                    Updated::Gone | Updated::Done => Answer::Gone,
                },
            };
            self.pause(tries, &mut contended_since).await?;
        }
        Ok(())
    }

    fn next(&mut self, answer: &Answer, reissue: bool, now: Timestamp) -> Result<Next, Error> {
        let overtaken = self.overtaken(now);
        let loaded = overtaken.as_ref().unwrap_or(&self.visit.loaded);
        let record = match (answer, loaded) {
            (Answer::Conflict(record), _) => Some(&**record),
            (Answer::None, Loaded::Current(record)) => Some(record),
            (Answer::Gone | Answer::None, _) => None,
        };
        let base = record.map_or(State::empty(), Record::state);
        let is_gone = matches!(answer, Answer::Gone);
        if !is_gone {
            Ops::replay(&mut self.ops, base)?;
        }
        let delta = record.map(|record| self.ops.delta(record.state()));
        let owner = self.new_owner();
        let starts = self.ops.started && !matches!(loaded, Loaded::Current(_));
        let writes_keys = match &delta {
            Some(delta) => !delta.is_empty(),
            None if is_gone => self.ops.touches_keys(),
            None => self.ops.changes(base),
        };
        let asked = Asked {
            act: self.ops.act,
            writes: writes_keys || self.ops.touches_meta() || starts,
            owner: owner.as_ref().and_then(Option::as_deref),
            touch: reissue || self.is_touch_due(now),
            resend: self.is_resend_due(reissue, now),
        };
        Ok(match plan(loaded, answer, asked) {
            Plan::Nothing => Next::Nothing,
            Plan::Create => Next::Create,
            Plan::Delete => Next::Delete,
            Plan::DeleteAndCreate => Next::DeleteAndCreate,
            Plan::Fail => return Err(Error::read_only()),
            Plan::Update(record, rotation) => {
                let delta = delta.unwrap_or_else(|| self.ops.delta(record.state()));
                let sending = self.prepare(record, rotation, delta, owner, now)?;
                sending.map_or(Next::Replan(Answer::Gone), Next::Send)
            }
            Plan::Drop(why) => {
                self.drop_writes(why);
                Next::Nothing
            }
        })
    }

    /// What a renewal works on where an earlier save ran into another request's renewal and was merged: what that left is not
    /// ours to renew, since the token that came with this request is superseded.
    fn overtaken(&self, now: Timestamp) -> Option<Loaded> {
        match &self.visit.loaded {
            Loaded::Current(record) if self.ops.act == Act::Renew && !self.holds_newest(record, now) => {
                Some(Loaded::Superseded(record.clone()))
            }
            _ => None,
        }
    }

    /// Whether the mere use is worth a write. Where that is a cookie, it must be possible to send one.
    fn is_touch_due(&self, now: Timestamp) -> bool {
        let is_possible = self.head != Head::Sent || !self.core.backend.is_client_side();
        is_possible && self.visit.record().is_some_and(|record| self.core.is_touch_due(record, &self.ops, now))
    }

    /// Whether the token is to be sent again with an update, be it under the current key or with another `Max-Age`. The update that goes
    /// with it holds only while the token is the newest: sent after a newer one, it would log the user out. What no server can
    /// help is a response that leaves before a renewal's and arrives after it: so a new key sends each token once, and no more.
    /// For the same reason a save in the middle of a request leaves it to the commit that the head leaves with.
    fn is_resend_due(&self, reissue: bool, now: Timestamp) -> bool {
        let is_wanted =
            |record| reissue || (self.head == Head::Leaves && self.ops.moves_cookie(self.core.lifetime_of(record)));
        self.visit.record().is_some_and(|record| is_wanted(record) && self.holds_newest(record, now))
    }

    fn holds_newest(&self, record: &Record, now: Timestamp) -> bool {
        let standing = |token: &Token| record.standing(&token.secret.hash(), now);
        self.visit.token.as_ref().map(standing) == Some(Standing::Current)
    }

    /// Whether this is a login with a visitor's session from before the time since when the owner's sessions are valid: the
    /// next request would be told that it is revoked.
    async fn predates_owner(&self) -> Result<bool, Error> {
        if self.core.owner_valid_from.is_none() {
            return Ok(false);
        }
        let owner = self.new_owner().flatten().filter(|_| self.ops.act == Act::Renew);
        let (Some(record), Some(owner)) = (self.visit.record(), owner) else { return Ok(false) };
        Ok(record.created_at() < Box::pin(owner_valid_from(self.core, &owner)).await?)
    }

    fn drop_writes(&mut self, why: Dropped) {
        if let Some(event) = self.visit.id().and_then(|id| Event::dropped(why, id)) {
            self.core.emit(&event);
        }
        if why == Dropped::Gone {
            self.visit.forget();
        }
        self.dropped = Some(why);
    }

    /// The owner that the request sets: as it says itself, or as the key says that the layer was told of.
    ///
    /// What it wrote counts, not what that changes: the sibling of a double-clicked login has written the same already, and
    /// this one logs in all the same.
    fn new_owner(&self) -> Option<Option<Arc<str>>> {
        let by_key = || self.ops.written(self.core.owner_key.as_deref()?).map(|raw| raw.and_then(owner_in));
        self.ops.owner.clone().or_else(by_key)
    }

    /// Lets others finish, once several tries in a row were in vain.
    async fn pause(&self, tries: u32, since: &mut Option<Instant>) -> Result<(), Error> {
        if since.get_or_insert_with(Instant::now).elapsed() > self.core.commit_timeout {
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
