//! What all handles of a request's session share: loading it once, and committing what was done with it.

use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use http::StatusCode;
use tokio::sync::Mutex as Turn;

use crate::{
    backend::Refused,
    commit::{Commit, Head, Ticket},
    core::Core,
    error::Error,
    event::Event,
    headers::HeadLines,
    open::{Look, Visit, look, open, or_as_told, revoked_by_owner},
    ops::{Act, Ops, SharedOps},
    outlives::Outlives,
    plan::{Dropped, Loaded},
    store::StoreError,
    transport::{Claim, Claims, Presented},
};

mod inner;

use self::inner::Attempt;
pub(crate) use self::inner::Inner;

/// What a future comes to when it is polled once, where it stands: moving a large one costs more than polling it.
macro_rules! at_once {
    ($future:expr) => {
        match std::pin::pin!($future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    };
}
pub(crate) use at_once;

/// How often a reload begins again while handlers write: an update that writes itself would keep it busy for ever.
const RELOADS: u32 = 8;

/// What all handles of a request's session share.
pub(crate) struct Shared {
    pub(crate) core: Option<Arc<Core>>,
    pub(crate) presented: Presented,
    /// Boxed: most requests with a cookie never ask for the session.
    pub(crate) cell: OnceLock<Box<Mutex<Inner>>>,
    /// The load and the commits of one session go one after the other: a second renewal must see the first one's secret.
    turn: Turn<()>,
    head_sent: AtomicBool,
    /// Whether something was asked for that a session nobody loaded cannot do.
    is_misused: AtomicBool,
    /// The error of a load that failed, if no later one succeeded.
    failed: OnceLock<StoreError>,
    /// Whether an extractor was refused for it: the response must not say otherwise.
    is_refused: AtomicBool,
}

impl Shared {
    /// A session that was never loaded from anywhere, and never will be stored.
    pub(crate) fn detached() -> Self {
        let shared = Self::new(None);
        shared.loaded(Visit::of(Loaded::Nothing));
        shared
    }

    pub(crate) fn new(core: Option<Arc<Core>>) -> Self {
        Self {
            core,
            presented: Presented::nothing(),
            cell: OnceLock::new(),
            turn: Turn::new(()),
            head_sent: AtomicBool::default(),
            is_misused: AtomicBool::default(),
            failed: OnceLock::new(),
            is_refused: AtomicBool::default(),
        }
    }

    /// The one lock. It is never held across an await, nor while a closure or a `Serialize` of the user's runs.
    pub(crate) fn inner(&self) -> Result<MutexGuard<'_, Inner>, Error> {
        let inner = self.cell.get().ok_or_else(|| self.load_error().unwrap_or_else(Error::not_loaded))?;
        Ok(inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The error of the load, if it failed.
    pub(crate) fn load_error(&self) -> Option<Error> {
        self.failed.get().filter(|_| !self.is_loaded()).cloned().map(Error::from)
    }

    /// Fails the request unless its response is an error: an extractor could not load the session, and the framework may
    /// have taken that for "no session".
    pub(crate) fn refuse(&self) {
        self.is_refused.store(true, Ordering::Release);
    }

    fn note_failure<T>(&self, loaded: Result<T, Error>) -> Result<T, Error> {
        if let Some(error) = loaded.as_ref().err().and_then(Error::store_error) {
            let _ = self.failed.set(error.clone());
        }
        loaded
    }

    /// Fails the request: a change could not be made, by a method that has no error to return.
    pub(crate) fn fail_commit(&self) {
        self.is_misused.store(true, Ordering::Release);
    }

    /// Whether there is nothing to load: no claim is what the layer writes.
    pub(crate) fn presents_nothing(&self) -> bool {
        let makes_no_sense =
            |core: &Core, claim: &Claim| core.backend.open(&claim.value).err() == Some(Refused::Malformed);
        let core = self.core.as_deref();
        self.presented.claims.iter().all(|claim| core.is_none_or(|core| makes_no_sense(core, claim)))
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.cell.get().is_some()
    }

    /// Where somebody else was faster, it stays as he found it.
    pub(crate) fn loaded(&self, visit: Visit) {
        self.cell.get_or_init(|| Box::new(Mutex::new(Inner::of(visit))));
    }

    /// The load where nothing is to be waited for; `None` where there may be.
    pub(crate) fn load_at_once(&self) -> Option<Result<(), Error>> {
        if self.is_loaded() {
            return Some(Ok(()));
        }
        let core = self.core.as_deref().filter(|core| core.is_immediate())?;
        let mut visit = Visit::of(Loaded::Nothing);
        let opened = at_once!(open(core, &self.presented.claims, &mut visit))?;
        Some(self.note_failure(or_as_told(core, opened, &mut visit)).map(|()| self.loaded(visit)))
    }

    /// Whether nothing is ever waited for.
    pub(crate) fn is_immediate(&self) -> bool {
        self.core.as_ref().is_some_and(|core| core.is_immediate())
    }

    pub(crate) async fn load(&self) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        if !self.is_loaded() {
            let core = self.core.as_deref().ok_or_else(Error::not_loaded)?;
            let mut visit = Visit::of(Loaded::Nothing);
            let opened = open(core, &self.presented.claims, &mut visit).await;
            self.note_failure(or_as_told(core, opened, &mut visit))?;
            self.loaded(visit);
        }
        Ok(())
    }

    pub(crate) async fn save(&self) -> Result<(), Error> {
        let Some(core) = &self.core else { return Ok(()) };
        // An earlier save has found it out, and no change has had an effect since.
        if self.inner()?.is_gone() {
            return Err(Error::gone());
        }
        let _turn = self.turn.lock().await;
        let head = if self.head_sent.load(Ordering::Acquire) { Head::Sent } else { Head::Open };
        match self.commit(core, head).await? {
            Some(Dropped::Unavailable) => Err(Error::read_only()),
            Some(Dropped::Superseded | Dropped::Gone | Dropped::Overtaken) => Err(Error::gone()),
            None => Ok(()),
        }
    }

    pub(crate) async fn reload(&self) -> Result<(), Error> {
        let Some(core) = &self.core else { return Ok(()) };
        drop(self.inner()?);
        let _turn = self.turn.lock().await;
        for _ in 0..RELOADS {
            let (record, token, version, mut ops) = {
                let mut inner = self.inner()?;
                let version = inner.ops.version();
                (inner.visit.record().cloned(), inner.visit.token.clone(), version, inner.ops.share())
            };
            let (Some(record), Some(token)) = (record, token) else { return Ok(()) };
            let (found, now) = (core.backend.load(&token.id, Some(record)).await?, core.now());
            let looked = look(core, &token, found.as_ref(), now);
            let looked = revoked_by_owner(core, looked, found.as_ref()).await?;
            let (Look::Opens, Some(record)) = (looked, found) else { return Err(Error::gone()) };
            Ops::rebase(&mut ops, record.state())?;
            let mut inner = self.inner()?;
            if inner.ops.version() == version {
                inner.ops.adopt(ops);
                inner.visit.loaded = Loaded::Current(record);
                (inner.visit.behind, inner.visit.opened_at) = (None, now);
                return Ok(());
            }
        }
        Err(Error::contended())
    }

    /// What the head says where there is nothing to store; `None` where a commit has to tell.
    pub(crate) fn finish_now(&self) -> Option<HeadLines> {
        if self.is_misused.load(Ordering::Acquire) || self.is_refused.load(Ordering::Acquire) {
            return None;
        }
        let Ok(mut inner) = self.inner() else {
            self.head_sent.store(true, Ordering::Release);
            return Some(HeadLines::nothing());
        };
        if inner.ops.is_empty()
            && !matches!(inner.attempt, Attempt::Unknown(_))
            && !inner.resends
            && !inner.visit.is_reissue_due()
            && !self.is_touch_due(&inner)
        {
            return Some(self.close(&mut inner));
        }
        None
    }

    /// Commits what the request did, before its head leaves.
    pub(crate) async fn finish(&self, status: StatusCode) -> (HeadLines, Result<(), Error>) {
        let Some(core) = &self.core else { return (HeadLines::nothing(), Ok(())) };
        let says_otherwise = self.is_refused.load(Ordering::Acquire) && status.as_u16() < 400;
        if self.is_misused.load(Ordering::Acquire) || says_otherwise {
            self.head_sent.store(true, Ordering::Release);
            // The event of a load that failed was its own.
            let error = self.load_error().unwrap_or_else(|| {
                let error = Error::not_loaded();
                tracing::error!("{error}");
                error
            });
            return (HeadLines::nothing(), Err(error));
        }
        if !self.is_loaded() {
            self.head_sent.store(true, Ordering::Release);
            return (HeadLines::nothing(), Ok(()));
        }
        // Until the head is closed: a task that renewed in between would get a cookie that nobody sends.
        let _turn = self.turn.lock().await;
        if core.commit_if.as_ref().is_some_and(|is_kept| !is_kept(status))
            && let Ok(mut inner) = self.inner()
        {
            inner.ops.drop_writes();
        }
        let result = self.commit(core, Head::Leaves).await.map(drop);
        let lines = self.inner().map_or_else(|_| HeadLines::nothing(), |mut inner| self.close(&mut inner));
        (lines, result)
    }

    /// Commits what was asked for so far, and says what came to nothing. Whoever does has the turn.
    async fn commit(&self, core: &Core, head: Head) -> Result<Option<Dropped>, Error> {
        let mut commit = {
            let mut inner = self.inner()?;
            if let Attempt::Running = inner.attempt {
                // It was dropped before its end, and could not go on by itself.
                inner.attempt = Attempt::Unknown(StoreError::new("an earlier commit was dropped before its end"));
            }
            // What ends the session needs to know nothing of it.
            if let Attempt::Unknown(error) = &inner.attempt
                && !inner.ops.hides_session()
            {
                return Err(error.clone().into());
            }
            inner.attempt = Attempt::Running;
            let asked = inner.ops.share();
            let mut commit = Commit::new(core, &self.presented.claims, inner.visit.clone(), asked, head);
            commit.resends = inner.resends;
            commit
        };
        let result = commit.run().await;
        let ended = self.end(&mut commit, result);
        drop(commit);
        let spent = self.inner().map(|mut inner| inner.spent_closures());
        drop(spent);
        ended
    }

    /// Takes in what a commit came to.
    fn end(&self, commit: &mut Commit<'_>, result: Result<(), Error>) -> Result<Option<Dropped>, Error> {
        let mut inner = self.inner()?;
        match std::mem::take(&mut commit.ticket) {
            Ticket::Keep => {}
            ticket => inner.ticket = ticket,
        }
        match result {
            Ok(()) => {
                if !commit.waits {
                    inner.ops.settle(&commit.asked, commit.visit.state());
                }
                inner.attempt = Attempt::None;
                inner.resends = commit.resends;
                if commit.dropped == Some(Dropped::Gone) && matches!(inner.ticket, Ticket::Give(..)) {
                    inner.ticket = Ticket::Keep;
                }
                std::mem::swap(&mut inner.visit, &mut commit.visit);
                Ok(commit.dropped)
            }
            Err(error) => {
                inner.attempt = commit.lost.take().map_or(Attempt::Failed, Attempt::Unknown);
                drop(inner);
                if let Some(event) = Event::failed(&error, commit.visit.id()) {
                    commit.core.emit(&event);
                }
                Err(error)
            }
        }
    }

    fn is_touch_due(&self, inner: &Inner) -> bool {
        self.core
            .as_ref()
            .zip(inner.visit.record())
            .is_some_and(|(core, record)| core.is_touch_due(record, &inner.ops, core.now()))
    }

    fn close(&self, inner: &mut Inner) -> HeadLines {
        self.head_sent.store(true, Ordering::Release);
        let way = inner.visit.way.unwrap_or(self.presented.way);
        HeadLines { ticket: std::mem::take(&mut inner.ticket), way, is_read: true }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let Some(inner) = self.cell.get_mut() else { return };
        let inner = inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(core) = self.core.clone().filter(|_| !inner.ops.is_empty()) else { return };
        if inner.ops.hides_session() && matches!(inner.attempt, Attempt::None | Attempt::Unknown(_)) {
            let (claims, visit) = (std::mem::take(&mut self.presented.claims), inner.visit.clone());
            purge(core, claims, visit);
        } else {
            tracing::warn!(id = ?inner.visit.id(), ops = ?*inner.ops, "session dropped with unsaved changes");
        }
    }
}

/// Purges a session that its handler purged and whose response was never made: a logout is done in any case.
fn purge(core: Arc<Core>, claims: Claims, visit: Visit) {
    let is_immediate = core.is_immediate();
    let purge = async move {
        let mut asked = Ops::default();
        asked.end(Act::Purge);
        let asked = SharedOps::new(asked);
        let purged = Commit::new(&core, &claims, visit, asked, Head::Sent).run().await;
        if let Some(event) = purged.as_ref().err().and_then(|error| Event::failed(error, None)) {
            core.emit(&event);
        }
    };
    if is_immediate {
        at_once!(purge);
    } else {
        drop(Outlives::new(purge));
    }
}
