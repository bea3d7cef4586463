//! The state that all handles of a request's session share. Loads the session once, and commits its operations.

use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use http::StatusCode;
use tokio::sync::Mutex as Turn;

use crate::{
    client::Refused,
    config::{Core, Event},
    error::Error,
    request::{
        Act, Claim, Claims, Commit, CookieWindow, Dropped, HeadLines, Loaded, Look, Ops, Outlives, Presented,
        SharedOps, Ticket, Visit, look, open, or_as_told, revoked_by_owner,
    },
    store::StoreError,
};

mod inner;
mod trouble;

pub(crate) use self::inner::Inner;
use self::{inner::Attempt, trouble::Trouble};

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

/// The number of times that a reload begins again while handlers write. An update that writes itself would keep it busy for
/// ever.
const RELOADS: u32 = 8;

/// The state that all handles of a request's session share.
pub(crate) struct Shared {
    pub(crate) core: Option<Arc<Core>>,
    pub(crate) presented: Presented,
    /// Boxed: most requests with a cookie never ask for the session.
    pub(crate) cell: OnceLock<Box<Mutex<Inner>>>,
    /// The load and the commits of one session go one after the other: a second renewal must see the first one's secret.
    turn: Turn<()>,
    head_sent: AtomicBool,
    pub(crate) trouble: Trouble,
}

impl Shared {
    /// Makes a session that was not loaded, and is never stored.
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
            trouble: Trouble::default(),
        }
    }

    /// The one lock. It is never held across an await, nor while a closure or a `Serialize` of the user's runs.
    pub(crate) fn inner(&self) -> Result<MutexGuard<'_, Inner>, Error> {
        let inner = self.cell.get().ok_or_else(|| self.load_error().unwrap_or_else(Error::not_loaded))?;
        Ok(inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the error of the load, if it failed.
    pub(crate) fn load_error(&self) -> Option<Error> {
        self.trouble.load_error().filter(|_| !self.is_loaded())
    }

    /// Returns whether there is nothing to load: no claim is what the layer writes.
    pub(crate) fn presents_nothing(&self) -> bool {
        let makes_no_sense =
            |core: &Core, claim: &Claim| core.backend.open(&claim.value).err() == Some(Refused::Malformed);
        let core = self.core.as_deref();
        self.presented.claims.iter().all(|claim| core.is_none_or(|core| makes_no_sense(core, claim)))
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.cell.get().is_some()
    }

    /// Stores the outcome of the load, unless another load was faster.
    pub(crate) fn loaded(&self, visit: Visit) {
        self.cell.get_or_init(|| Box::new(Mutex::new(Inner::of(visit))));
    }

    /// Loads the session if that never waits. `None`: it may wait.
    pub(crate) fn load_at_once(&self) -> Option<Result<(), Error>> {
        if self.is_loaded() {
            return Some(Ok(()));
        }
        let core = self.core.as_deref().filter(|core| core.is_immediate())?;
        let mut visit = Visit::of(Loaded::Nothing);
        let opened = at_once!(open(core, &self.presented.claims, &mut visit))?;
        Some(self.trouble.noted(or_as_told(core, opened, &mut visit)).map(|()| self.loaded(visit)))
    }

    /// Returns whether loads and commits never wait.
    pub(crate) fn is_immediate(&self) -> bool {
        self.core.as_ref().is_some_and(|core| core.is_immediate())
    }

    pub(crate) async fn load(&self) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        if !self.is_loaded() {
            let core = self.core.as_deref().ok_or_else(Error::not_loaded)?;
            let mut visit = Visit::of(Loaded::Nothing);
            let opened = open(core, &self.presented.claims, &mut visit).await;
            self.trouble.noted(or_as_told(core, opened, &mut visit))?;
            self.loaded(visit);
        }
        Ok(())
    }

    pub(crate) async fn save(&self) -> Result<(), Error> {
        let Some(core) = &self.core else { return Ok(()) };
        // An earlier save has found that the session is gone.
        if self.inner()?.is_gone() {
            return Err(Error::gone());
        }
        let _turn = self.turn.lock().await;
        let head = if self.head_sent.load(Ordering::Acquire) { CookieWindow::Sent } else { CookieWindow::Open };
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

    /// Returns the session's part of the head if there is nothing to store. `None`: a commit is needed.
    pub(crate) fn finish_now(&self) -> Option<HeadLines> {
        if self.trouble.is_told() {
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

    /// Commits the request's operations before the response's head leaves.
    pub(crate) async fn finish(&self, status: StatusCode) -> (HeadLines, Result<(), Error>) {
        let Some(core) = &self.core else { return (HeadLines::nothing(), Ok(())) };
        if self.trouble.fails(status) {
            self.head_sent.store(true, Ordering::Release);
            // A load that failed has reported its error.
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
        // The turn is held until the head is closed: a task that renews in between would get a cookie that is never sent.
        let _turn = self.turn.lock().await;
        if core.commit_if.as_ref().is_some_and(|is_kept| !is_kept(status))
            && let Ok(mut inner) = self.inner()
        {
            inner.ops.drop_writes();
        }
        let result = self.commit(core, CookieWindow::Leaves).await.map(drop);
        let lines = self.inner().map_or_else(|_| HeadLines::nothing(), |mut inner| self.close(&mut inner));
        (lines, result)
    }

    /// Commits the pending operations, and returns why writes were dropped. The caller holds the turn.
    async fn commit(&self, core: &Core, head: CookieWindow) -> Result<Option<Dropped>, Error> {
        let mut commit = {
            let mut inner = self.inner()?;
            if let Attempt::Running = inner.attempt {
                // The commit was dropped before its end, and there was no runtime in which it could go on.
                inner.attempt = Attempt::Unknown(StoreError::new("an earlier commit was dropped before its end"));
            }
            // A purge does not depend on the lost operation.
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

    /// Takes over the outcome of a commit.
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
            .is_some_and(|(core, record)| core.is_touch_due(record, inner.ops.names_keys(), core.now()))
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

/// Purges a session whose handler purged it and returned no response: a logout is done in any case.
fn purge(core: Arc<Core>, claims: Claims, visit: Visit) {
    let is_immediate = core.is_immediate();
    let purge = async move {
        let mut asked = Ops::default();
        asked.end(Act::Purge);
        let asked = SharedOps::new(asked);
        let purged = Commit::new(&core, &claims, visit, asked, CookieWindow::Sent).run().await;
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
