//! The state that all handles of a request's session share. It loads the session once, and commits its operations.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as Turn, MutexGuard as TurnGuard};

use crate::{
    client::Refused,
    config::{Config, Event},
    error::Error,
    request::{
        Claim, Commit, CookieWindow, Dropped, Edits, HeadLines, Loaded, Opening, Presented, Verdict, judge, open,
        or_as_told, revoked_by_owner,
    },
};

mod dropped;
mod finish;
mod loaded;
mod progress;
mod short;

pub(crate) use self::loaded::{LoadedSession, Seen};
use self::{
    loaded::{Attempt, Usage},
    progress::{Phase, Progress},
};

/// Polls a future once, in place, and returns its output if it is ready. Moving a large future costs more than polling it.
macro_rules! at_once {
    ($future:expr) => {
        match std::pin::pin!($future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    };
}
pub(crate) use at_once;

/// The number of times that a reload begins again while handlers write. Without a limit, an update that writes the
/// session would keep it busy for ever.
const RELOADS: u32 = 8;

/// The state that all handles of a request's session share.
pub(crate) struct RequestState {
    pub(crate) config: Option<Arc<Config>>,
    pub(crate) presented: Presented,
    /// Orders the load and the commits of one session: a second renewal must see the first one's secret.
    turn: Turn<()>,
    /// The only lock. It is never held across an await, or while an application's closure or `Serialize` runs.
    progress: Mutex<Progress>,
}

impl RequestState {
    /// Makes a session that has no store.
    pub(crate) fn detached() -> Self {
        let state = Self::new(None);
        state.loaded(LoadedSession::empty());
        state
    }

    pub(crate) fn new(config: Option<Arc<Config>>) -> Self {
        Self { config, presented: Presented::nothing(), turn: Turn::new(()), progress: Mutex::default() }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn. It is free in nearly all requests.
    async fn turn(&self) -> TurnGuard<'_, ()> {
        match self.turn.try_lock() {
            Ok(turn) => turn,
            Err(_) => self.turn.lock().await,
        }
    }

    /// Runs a function on the loaded session, under the lock.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut LoadedSession) -> R) -> Result<R, Error> {
        let mut progress = self.progress();
        match &mut progress.phase {
            Phase::Loaded(session) => Ok(act(session)),
            Phase::NotLoaded | Phase::Failed(_) => Err(progress.error()),
        }
    }

    /// Runs a function on the loaded session for a handler: the response may depend on the session from here on.
    pub(crate) fn used<R>(&self, act: impl FnOnce(&mut LoadedSession) -> R) -> Result<R, Error> {
        self.with(|session| {
            session.usage = Usage::Used;
            act(session)
        })
    }

    /// Returns the outcome of the load, or `None` if the session was not loaded.
    pub(crate) fn load_outcome(&self) -> Option<Result<(), Error>> {
        match &self.progress().phase {
            Phase::NotLoaded => None,
            Phase::Failed(error) => Some(Err(error.clone().into())),
            Phase::Loaded(_) => Some(Ok(())),
        }
    }

    /// Fails the request unless its response is an error. An extractor could not load the session, and the framework
    /// may have taken that for "no session".
    pub(crate) fn refuse(&self) {
        self.progress().is_refused = true;
    }

    /// Fails the request: a method that returns no error could not make its change.
    pub(crate) fn misuse(&self) {
        self.progress().is_misused = true;
    }

    /// Returns true if there is nothing to load, because no claim has the form of a token.
    pub(crate) fn presents_nothing(&self) -> bool {
        let makes_no_sense =
            |config: &Config, claim: &Claim| config.open(&claim.value, 0).0.err() == Some(Refused::Malformed);
        let config = self.config.as_deref();
        self.presented.claims.iter().all(|claim| config.is_none_or(|config| makes_no_sense(config, claim)))
    }

    pub(crate) fn is_loaded(&self) -> bool {
        matches!(self.progress().phase, Phase::Loaded(_))
    }

    /// Stores the outcome of the load, unless another load was faster.
    pub(crate) fn loaded(&self, mut session: Box<LoadedSession>) {
        session.was_presented = session.opening.record().is_some();
        let mut progress = self.progress();
        if !matches!(progress.phase, Phase::Loaded(_)) {
            progress.phase = Phase::Loaded(session);
        }
    }

    /// Loads the session if that never waits. Returns `None` if it may wait.
    pub(crate) fn load_at_once(&self) -> Option<Result<(), Error>> {
        let config = self.config.as_deref().filter(|config| config.is_immediate())?;
        let mut session = LoadedSession::empty();
        let opened = at_once!(open(config, &self.presented, &mut session.opening))?;
        Some(self.end_load(config, opened, session))
    }

    pub(crate) async fn load(&self) -> Result<(), Error> {
        let _turn = self.turn().await;
        if self.is_loaded() {
            return Ok(());
        }
        let config = self.config.as_deref().ok_or_else(Error::not_loaded)?;
        let mut session = LoadedSession::empty();
        let opened = open(config, &self.presented, &mut session.opening).await;
        self.end_load(config, opened, session)
    }

    /// Takes over the outcome of a load.
    fn end_load(
        &self,
        config: &Config,
        opened: Result<(), Error>,
        mut session: Box<LoadedSession>,
    ) -> Result<(), Error> {
        match or_as_told(config, opened, &mut session.opening) {
            Ok(()) => self.loaded(session),
            Err(error) => {
                let mut progress = self.progress();
                if let (Phase::NotLoaded, Some(cause)) = (&progress.phase, error.store_error()) {
                    progress.phase = Phase::Failed(cause.clone());
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Returns whether loads and commits never wait.
    pub(crate) fn is_immediate(&self) -> bool {
        self.config.as_ref().is_some_and(|config| config.is_immediate())
    }

    pub(crate) async fn save(&self) -> Result<(), Error> {
        let Some(config) = &self.config else { return Ok(()) };
        // An earlier save has found that the session is gone.
        if self.with(|session| session.is_gone())? {
            return Err(Error::gone());
        }
        let _turn = self.turn().await;
        let window = if self.progress().is_head_sent { CookieWindow::Sent } else { CookieWindow::Open };
        match self.commit(config, window).await? {
            Some(Dropped::Unavailable) => Err(Error::read_only()),
            Some(Dropped::Superseded | Dropped::Gone | Dropped::Overtaken | Dropped::Unproven) => Err(Error::gone()),
            None => Ok(()),
        }
    }

    pub(crate) async fn reload(&self) -> Result<(), Error> {
        let Some(config) = &self.config else { return Ok(()) };
        self.with(|_| ())?;
        let _turn = self.turn().await;
        for _ in 0..RELOADS {
            let (record, token, at, version, mut edits) = self.with(|session| {
                let (opening, version) = (&session.opening, session.edits.version());
                (opening.record().cloned(), opening.token.clone(), opening.at, version, session.edits.share())
            })?;
            let (Some(record), Some(token)) = (record, token) else { return Ok(()) };
            let (found, now) = (config.backend_at(at).load(&token, Some(record)).await?, config.now());
            let verdict = judge(config, &token, found.as_ref(), now);
            let verdict = revoked_by_owner(config, verdict, found.as_ref()).await?;
            let (Verdict::Opens, Some(record)) = (verdict, found) else { return Err(Error::gone()) };
            Edits::rebase(&mut edits, record.state())?;
            if self.with(|session| session.adopt(version, edits, record, now))? {
                return Ok(());
            }
        }
        Err(Error::contended())
    }

    /// Commits the pending operations, and returns the reason if writes were dropped. The caller holds the turn.
    async fn commit(&self, config: &Config, window: CookieWindow) -> Result<Option<Dropped>, Error> {
        let mut opening = Opening::of(Loaded::Nothing);
        let (asked, resends) = self.with(|session| {
            opening.clone_from(&session.opening);
            session.begin_commit().map(|asked| (asked, session.resends))
        })??;
        let mut commit = Commit::new(config, &self.presented.claims, opening, asked, window);
        commit.resends = resends;
        #[cfg(feature = "device-bound")]
        {
            commit.way = self.presented.way;
        }
        let result = commit.run().await;
        if let Some(event) = result.as_ref().err().and_then(|error| Event::failed(error, commit.opening.id())) {
            config.emit(&event);
        }
        let (ended, closures) =
            self.with(|session| (session.end_commit(&mut commit, result), session.settled_closures()))?;
        drop(commit);
        // The closures are dropped after the lock is released.
        if closures.is_none() {
            drop(self.with(LoadedSession::spent_closures));
        }
        ended
    }

    fn close(&self, progress: &mut Progress) -> HeadLines {
        progress.is_head_sent = true;
        let Phase::Loaded(session) = &mut progress.phase else { return HeadLines::nothing() };
        let way = session.opening.way.unwrap_or(self.presented.way);
        #[cfg(feature = "device-bound")]
        let registration = session.take_registration();
        HeadLines {
            ticket: std::mem::take(&mut session.ticket),
            way,
            is_read: session.usage == Usage::Used,
            #[cfg(feature = "device-bound")]
            registration,
        }
    }
}
