//! The short ways of a commit, for the requests that most applications get: a first insert, and a write of some keys, in a
//! store that never waits. The plan of a commit decides alike, and a commit ends alike.

use smallvec::SmallVec;
use tokio::sync::MutexGuard as TurnGuard;

use super::{HeadLines, LoadedSession, Phase, RequestState, at_once, loaded::Attempt, progress::Progress};
use crate::{
    config::{Config, Event, Place},
    request::{Loaded, Replay, SharedEdits, Ticket, commit},
    store::{Created, Record, Replaced, Rest, Timestamp, Token},
};

/// A commit that goes a short way. No other commit runs as long as it is there.
pub(super) struct Short<'a> {
    edits: SharedEdits,
    /// The token and the record that were loaded. `None` if the session begins.
    base: Option<(Token, Record)>,
    config: &'a Config,
    _turn: TurnGuard<'a, ()>,
}

/// The record that is stored, and the change of the client's token.
struct Stored {
    token: Token,
    record: Record,
    ticket: Ticket,
}

impl RequestState {
    /// Returns the request's operations if they go a short way.
    pub(super) fn short(&self, session: &mut LoadedSession) -> Option<Short<'_>> {
        let config = self.config.as_deref().filter(|_| session.only_inserts() || session.only_writes())?;
        if config.commit_if.is_some() || config.owner_key.is_some() || !config.is_immediate() {
            return None;
        }
        let turn = self.turn.try_lock().ok()?;
        let base = session.opening.token.clone().zip(session.opening.record().cloned());
        Some(Short { edits: session.edits.share(), base, config, _turn: turn })
    }

    /// Stores the session, and closes the head. Returns `None` if there is any obstacle. Nothing is stored then, and a commit
    /// does all of it from the start.
    #[inline(never)] // Most requests store nothing.
    pub(super) fn finish_short(&self, short: Short<'_>) -> Option<HeadLines> {
        let Short { edits, base, config, _turn } = short;
        let now = config.now();
        let Stored { token, record, ticket } = match base {
            None => begin(config, &edits, now)?,
            Some((token, base)) => write(config, &edits, token, &base, now)?,
        };
        let (lines, _closures) = {
            let mut progress = self.progress();
            let mut closures = SmallVec::<[Replay; 1]>::new();
            if let Progress { phase: Phase::Loaded(session), .. } = &mut *progress {
                session.edits.settle(&edits, record.state());
                // They are dropped after the lock is released.
                closures = session.settled_closures().unwrap_or_default();
                session.opening.stored(token, record, now);
                session.attempt = Attempt::None;
                session.ticket = ticket;
            }
            (self.close(&mut progress), closures)
        };
        Some(lines)
    }
}

/// Stores a new session.
fn begin(config: &Config, edits: &SharedEdits, now: Timestamp) -> Option<Stored> {
    let (backend, lifetime) = (&config.backend, &config.lifetime);
    let token = backend.new_token();
    let record = commit::first_record(&token, edits.alone(), Rest::default(), lifetime, now);
    if commit::size(&record) > config.max_bytes || backend.carries(&record).is_err() {
        return None;
    }
    let value = backend.write(&token, &record).ok()?;
    let Ok(Created::Done) = at_once!(backend.create(&token, &record))? else { return None };
    config.emit(&Event::Created { id: token.id });
    Some(Stored { token, record, ticket: Ticket::Give(value, lifetime.max_age(now, now)) })
}

/// Replaces the record that was loaded.
fn write(config: &Config, edits: &SharedEdits, token: Token, base: &Record, now: Timestamp) -> Option<Stored> {
    let (backend, lifetime) = (&config.backend, config.lifetime_of(base));
    if lifetime.moves_cookie() {
        return None;
    }
    debug_assert!(edits.have_read(base.state()), "an update has read another value than the one that was loaded");
    let record = commit::next_record(base, edits.applied(base.state(), false)?, lifetime, now);
    let is_too_large = commit::size(&record) > config.max_bytes && commit::size(&record) > commit::size(base);
    if is_too_large || backend.carries(&record).is_err() {
        return None;
    }
    let ticket = match &backend.place {
        Place::Memory(memory) => match memory.swap(&token.id, base, &record) {
            Replaced::Done => Ticket::Keep,
            Replaced::Changed(_) | Replaced::Gone => return None,
        },
        Place::Client => Ticket::Give(backend.write(&token, &record).ok()?, lifetime.max_age(record.created_at(), now)),
        Place::Store(_) => return None,
        #[cfg(feature = "formats")]
        Place::Foreign(_) => return None,
    };
    config.upkeep_works();
    Some(Stored { token, record, ticket })
}

impl LoadedSession {
    /// Returns true if no session was loaded, and the request did nothing but insert values.
    fn only_inserts(&self) -> bool {
        matches!(self.opening.loaded, Loaded::Nothing)
            && self.is_first_commit()
            && self.closures.is_empty()
            && self.edits.only_inserts()
    }

    /// Returns true if a session was loaded from the primary backend, its token is current, and the request did nothing but
    /// write keys.
    fn only_writes(&self) -> bool {
        matches!(self.opening.loaded, Loaded::Current(_))
            && self.opening.at == 0
            && self.opening.behind.is_none()
            && self.opening.successor.is_none()
            && !self.opening.is_reissue_due()
            && self.is_first_commit()
            && self.edits.only_writes()
    }

    fn is_first_commit(&self) -> bool {
        matches!(self.attempt, Attempt::None | Attempt::Failed) && !self.resends
    }
}

#[cfg(all(test, feature = "secure-cookies", feature = "testing"))]
mod tests;
