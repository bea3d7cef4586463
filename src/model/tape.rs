//! A store that replies from a tape, and a list of what the request saw.

use std::{
    collections::VecDeque,
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    does::ALICE,
    kept::{Cookie, Kept, own_secrets},
    request::{Call, Next, Progress, Reply, Run},
};
use crate::{
    Error, Session, SessionId, StoreError,
    store::{Created, Deleted, DynOwnerIndex, OwnerIndex, Record, Replaced, SessionStore, Timestamp},
};

/// Gives the replies of a run. After the last one, waits for ever.
#[derive(Clone)]
pub(super) struct TapeStore {
    tape: Arc<Mutex<Tape>>,
}

#[allow(clippy::struct_excessive_bools)] // facts, and none excludes another
struct Tape {
    number: u8,
    cookie: Option<Cookie>,
    sent: Timestamp,
    now: Timestamp,
    replies: VecDeque<(Timestamp, Reply)>,
    call: Option<Call>,
    /// The records that the request was given.
    given: Vec<Kept>,
    /// The values that the request wrote itself.
    wrote: Vec<(String, String)>,
    /// The marks of changes that are not stored yet.
    tried: Vec<u8>,
    acknowledged: Vec<u8>,
    has_ended: bool,
    has_shown: bool,
    has_run: bool,
    is_dropped: bool,
    is_unproven: bool,
    opened_at: Option<Timestamp>,
}

impl TapeStore {
    pub(super) fn of(run: &Run) -> Self {
        let tape = Tape {
            number: run.number,
            cookie: run.cookie,
            sent: run.sent,
            now: run.sent,
            replies: run.replies.iter().cloned().collect(),
            call: None,
            given: Vec::new(),
            wrote: Vec::new(),
            tried: Vec::new(),
            acknowledged: Vec::new(),
            has_ended: false,
            has_shown: false,
            has_run: false,
            is_dropped: false,
            is_unproven: false,
            opened_at: None,
        };
        Self { tape: Arc::new(Mutex::new(tape)) }
    }

    /// Returns the time of the last reply.
    pub(super) fn now(&self) -> Timestamp {
        self.lock().now
    }

    /// Returns the call that was made after the last reply.
    pub(super) fn call(&self) -> Option<Call> {
        self.lock().call.take()
    }

    pub(super) fn is_asked(&self) -> bool {
        self.lock().call.is_some()
    }

    pub(super) fn progress(&self, next: Next) -> Progress {
        let mut tape = self.lock();
        if let Next::Answer(answer) = &next
            && answer.is_ok
            && !tape.is_dropped
        {
            tape.acknowledge();
        }
        let acknowledged = std::mem::take(&mut tape.acknowledged);
        let Tape { has_shown, has_run, is_dropped, is_unproven, opened_at, .. } = *tape;
        Progress { next, acknowledged, has_shown, has_run, is_dropped, is_unproven, opened_at }
    }

    /// Notes that a change was made.
    pub(super) fn tries(&self, mark: u8) {
        let mut tape = self.lock();
        if !tape.has_ended {
            tape.tried.push(mark);
        }
    }

    pub(super) fn wrote(&self, key: &str, raw: String) {
        self.lock().wrote.push((key.into(), raw));
    }

    /// Notes that writes were dropped.
    pub(super) fn dropped(&self) {
        self.lock().is_dropped = true;
    }

    /// Notes that the layer missed the proof of the device. Plain writes are dropped then.
    #[cfg(feature = "device-bound")]
    pub(super) fn unproven(&self, logs_in: bool) {
        let mut tape = self.lock();
        (tape.is_unproven, tape.is_dropped) = (true, !logs_in);
    }

    /// Notes the session that the load gave the handler. The layer checks a proof before the call of the store.
    pub(super) fn opened(&self, session: &Session) {
        let is_hers = session.owner().as_deref() == Some(ALICE);
        let mut tape = self.lock();
        tape.opened_at = is_hers.then_some(tape.sent);
    }

    /// Notes the result of a save.
    pub(super) fn saved(&self, session: &Session, saved: &Result<(), Error>) {
        let mut tape = self.lock();
        match saved {
            Ok(()) => tape.acknowledge(),
            // Later changes have no effect.
            Err(error) if error.is_gone() => {
                tape.tried.clear();
                tape.has_ended = true;
            }
            Err(_) => {}
        }
        tape.is_dropped = false;
        drop(tape);
        self.look(session);
    }

    /// Checks that the handle shows nothing but what its token opens, or the request wrote.
    pub(super) fn look(&self, session: &Session) {
        let shown: Vec<_> = session
            .keys()
            .into_iter()
            .filter_map(|key| {
                let value = session.get::<serde_json::Value>(&*key).unwrap()?;
                Some((key, value.to_string()))
            })
            .collect();
        let mut tape = self.lock();
        tape.has_shown |= shown.iter().any(|(key, raw)| !tape.is_opened(key, raw));
    }

    /// Checks that a closure runs on what the handle's token opens.
    pub(super) fn ran_on(&self, list: &[u8]) {
        let raw = serde_json::to_string(list).unwrap();
        let mut tape = self.lock();
        tape.has_run |= !list.is_empty() && !tape.is_opened("n", &raw);
    }

    pub(super) async fn hold(&self) {
        let _ = self.ask(Call::Hold).await;
    }

    pub(super) async fn check(&self) -> Option<Timestamp> {
        match self.ask(Call::Check).await {
            Ok(Reply::Epoch(epoch)) => epoch,
            _ => None,
        }
    }

    pub(super) async fn epoch(&self, owner: String) -> Result<Option<Timestamp>, StoreError> {
        Ok(match self.ask(Call::Epoch(owner)).await? {
            Reply::Epoch(epoch) => epoch,
            _ => None,
        })
    }

    pub(super) async fn move_epoch(&self) {
        let _ = self.ask(Call::MoveEpoch).await;
    }

    fn lock(&self) -> MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, call: Call) -> Result<Reply, StoreError> {
        let reply = {
            let mut tape = self.lock();
            let next = tape.replies.pop_front();
            match next {
                Some((now, reply)) => {
                    tape.now = now;
                    if let Reply::Found(kept) | Reply::Changed(kept) | Reply::Forged(_, kept) = &reply {
                        tape.given.push(kept.clone());
                    }
                    Some(reply)
                }
                None => {
                    assert!(tape.call.is_none(), "a request makes one call at a time");
                    tape.call = Some(call);
                    None
                }
            }
        };
        match reply {
            Some(Reply::Unknown) => Err(StoreError::new("no reply came")),
            Some(Reply::NotDone) => Err(StoreError::not_done("it was refused")),
            Some(reply) => Ok(reply),
            None => pending().await,
        }
    }
}

impl Tape {
    fn acknowledge(&mut self) {
        let tried = std::mem::take(&mut self.tried);
        self.acknowledged.extend(tried);
    }

    fn is_opened(&self, key: &str, raw: &str) -> bool {
        let own = own_secrets(self.number);
        let opens = |record: &Record| {
            let current = &record.body().current;
            self.cookie.is_some_and(|cookie| cookie.hash == *current) || own.contains(current.as_bytes())
        };
        let is_own = self.wrote.iter().any(|(other, value)| other == key && value == raw);
        is_own || self.given.iter().any(|kept| opens(kept) && kept.state().get(key) == Some(raw))
    }
}

impl SessionStore for TapeStore {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        Ok(match self.ask(Call::Load(*id)).await? {
            Reply::Found(kept) => Some(kept.record().clone()),
            _ => None,
        })
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        Ok(match self.ask(Call::Create(*id, Kept::of(record.clone()))).await? {
            Reply::Done => Created::Done,
            _ => Created::Taken,
        })
    }

    async fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        Ok(match self.ask(Call::Replace(*id, base.nonce(), Kept::of(record.clone()))).await? {
            Reply::Done => Replaced::Done,
            Reply::Changed(kept) | Reply::Forged(kept, _) => Replaced::Changed(kept.record().clone()),
            _ => Replaced::Gone,
        })
    }

    async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        Ok(match self.ask(Call::Delete(*id, base.map(Record::nonce))).await? {
            Reply::Done => Deleted::Done,
            Reply::Changed(kept) => Deleted::Changed(kept.record().clone()),
            _ => Deleted::Gone,
        })
    }

    fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        Some(self)
    }
}

impl OwnerIndex for TapeStore {
    async fn list(&self, _owner: &str) -> Result<Vec<(SessionId, Record)>, StoreError> {
        Ok(match self.ask(Call::List).await? {
            Reply::Listed(listed) => listed.into_iter().map(|(id, kept)| (id, kept.record().clone())).collect(),
            _ => Vec::new(),
        })
    }
}
