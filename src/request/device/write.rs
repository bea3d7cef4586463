//! Writes a session's binding, beside other requests' writes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    config::{Backend, Config, Event, Place},
    error::Error,
    request::{Verdict, judge},
    store::{
        Binding, Deleted, Record, Replaced, SessionId, Timestamp, Token, certain, certain::Certain, queue::Alone,
        random_nonce,
    },
};

/// The outcome of a write.
pub(super) enum Put {
    Done,
    /// Another request was faster, and the store has this record now. None if the request's token opens it no longer.
    Found(Option<Record>),
}

/// The writes of one request. After a lost race it waits for its turn in this process.
pub(super) struct Turn<'a> {
    config: &'a Config,
    backend: &'a Backend,
    token: Token,
    alone: Option<Alone>,
    contended_since: Option<Instant>,
}

impl<'a> Turn<'a> {
    /// `at` is the place of the session's backend.
    pub(super) fn new(config: &'a Config, at: usize, token: Token) -> Self {
        Self { config, backend: config.backend_at(at), token, alone: None, contended_since: None }
    }

    /// Returns the id of the session.
    pub(super) fn id(&self) -> SessionId {
        self.token.id
    }

    /// Replaces `base` by the same record with this binding. Deadlines stay: a refresh is no use of the session.
    pub(super) async fn put(&mut self, base: &Record, binding: &Binding, now: Timestamp) -> Result<Put, Error> {
        let mut record = base.clone();
        record.body_mut().rest.binding = Some(Arc::new(binding.clone()));
        let record = record.written(random_nonce(), base);
        let certain = match &self.backend.place {
            // A session in a cookie has no device, and none of another crate.
            Place::Client => Certain::Gone,
            #[cfg(feature = "formats")]
            Place::Foreign(_) => Certain::Gone,
            Place::Memory(memory) => match memory.swap(&self.token.id, base, &record) {
                Replaced::Done => Certain::Done(None),
                Replaced::Changed(found) => Certain::Changed(found),
                Replaced::Gone => Certain::Gone,
            },
            Place::Store(store) => {
                certain::replace(&**store, &self.token.id, base, &record, now, self.patience()).await?
            }
        };
        match certain {
            Certain::Done(later) => {
                self.leave(later.unwrap_or(record));
                Ok(Put::Done)
            }
            Certain::Gone => Ok(Put::Found(None)),
            Certain::Changed(found) => self.lost(found).await.map(Put::Found),
        }
    }

    /// Deletes `base`, if no other request has changed it: a login may have put another device in its place.
    pub(super) async fn end(&mut self, base: &Record) -> Result<Put, Error> {
        match self.backend.delete(&self.token, Some(base)).await? {
            Deleted::Done => Ok(Put::Done),
            Deleted::Gone => Ok(Put::Found(None)),
            Deleted::Changed(found) => self.lost(found).await.map(Put::Found),
        }
    }

    /// Takes note of a lost race, and waits for the turn. Returns the newest record, if the request's token still opens it or is
    /// superseded on it.
    async fn lost(&mut self, found: Record) -> Result<Option<Record>, Error> {
        let newest = self.wait(found).await?;
        let verdict = judge(self.config, &self.token, Some(&newest), self.config.now());
        Ok(matches!(verdict, Verdict::Opens | Verdict::Superseded).then_some(newest))
    }

    /// Waits for the turn in this process. Returns the newest record.
    async fn wait(&mut self, found: Record) -> Result<Record, Error> {
        self.config.emit(&Event::ConflictReplayed { id: self.token.id });
        self.contended_since.get_or_insert_with(Instant::now);
        self.leave(found.clone());
        let patience = self.patience();
        if patience.is_zero() {
            return Err(self.contended());
        }
        let Place::Store(store) = &self.backend.place else { return Ok(found) };
        if self.alone.is_some() {
            return Ok(found);
        }
        let alone = self.backend.queue.alone(store, self.token.id, found.clone(), patience).await;
        let alone = alone.ok_or_else(|| self.contended())?;
        // The queue may know an older record than this request does.
        let newest = if alone.base().follows(found.nonce()) { alone.base().clone() } else { found };
        self.alone = Some(alone);
        Ok(newest)
    }

    fn leave(&mut self, newest: Record) {
        if let Some(alone) = &mut self.alone {
            alone.leave(newest);
        }
    }

    /// Returns the time that is left of `commit_timeout`.
    fn patience(&self) -> Duration {
        let spent = self.contended_since.map_or(Duration::ZERO, |since| since.elapsed());
        self.config.commit_timeout.saturating_sub(spent)
    }

    fn contended(&self) -> Error {
        self.config.emit(&Event::Contended { id: self.token.id });
        Error::contended()
    }
}
