//! A store that replies from a tape.

use std::{
    collections::VecDeque,
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::request::{Call, Reply, Run};
use crate::{Changes, Created, Record, SessionId, SessionStore, StoreError, Timestamp, Updated};

/// Gives the replies of a run, and waits for ever where they end.
#[derive(Clone)]
pub(super) struct TapeStore {
    tape: Arc<Mutex<Tape>>,
}

struct Tape {
    now: Timestamp,
    replies: VecDeque<(Timestamp, Reply)>,
    call: Option<Call>,
}

impl TapeStore {
    pub(super) fn of(run: &Run) -> Self {
        let tape = Tape { now: run.sent, replies: run.replies.iter().cloned().collect(), call: None };
        Self { tape: Arc::new(Mutex::new(tape)) }
    }

    /// The time of the last reply.
    pub(super) fn now(&self) -> Timestamp {
        self.lock().now
    }

    /// What was asked after the last reply.
    pub(super) fn call(&self) -> Option<Call> {
        self.lock().call.take()
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
                    Some(reply)
                }
                None => {
                    tape.call = Some(call);
                    None
                }
            }
        };
        match reply {
            Some(Reply::Failed) => Err(StoreError::new("it failed")),
            Some(reply) => Ok(reply),
            None => pending().await,
        }
    }
}

impl SessionStore for TapeStore {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        Ok(match self.ask(Call::Load(*id)).await? {
            Reply::Found(record) => Some(record),
            _ => None,
        })
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        self.ask(Call::Create(*id, record.clone())).await.map(|_| Created::Done)
    }

    async fn update(&self, id: &SessionId, changes: &Changes) -> Result<Updated, StoreError> {
        Ok(match self.ask(Call::Update(*id, Box::new(changes.clone()))).await? {
            Reply::Conflict(record) => Updated::Conflict(Box::new(record)),
            Reply::Done => Updated::Done,
            _ => Updated::Gone,
        })
    }

    async fn delete(&self, id: &SessionId) -> Result<(), StoreError> {
        self.ask(Call::Delete(*id)).await.map(drop)
    }
}
