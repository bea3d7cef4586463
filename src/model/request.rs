//! What a request does, and its run through the real layer.

use std::{
    cell::RefCell,
    collections::HashMap,
    convert::Infallible,
    hash::{DefaultHasher, Hash, Hasher},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use http::{Request, Response, StatusCode, header};
use tower_layer::Layer as _;
use tower_service::Service;

use super::{dice, kept::Cookie, tape::TapeStore};
use crate::{Changes, LazySession, Lifetime, OnStoreError, Record, Session, SessionId, SessionLayer, Timestamp};

/// What a handler does with its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Does {
    /// It does nothing; the session was used, though, so its deadline moves.
    Read,
    Write,
    Update,
    /// Renews, sets the owner, inserts.
    Login(&'static str),
    Renew,
    Purge,
    /// Purges, begins a new session, inserts.
    Restart,
}

impl Does {
    pub(super) fn ends(self) -> bool {
        matches!(self, Self::Purge | Self::Restart)
    }

    pub(super) fn logs_in(self) -> bool {
        matches!(self, Self::Login(_))
    }

    /// The key that the request of this number inserts.
    pub(super) fn key(self, number: u8) -> Option<&'static str> {
        let is_used = matches!(self, Self::Write | Self::Login(_) | Self::Restart);
        is_used.then(|| ["k1", "k2", "k3", "k4", "k5"].get(usize::from(number) - 1).copied().unwrap_or("k"))
    }

    fn run(self, number: u8, session: &Session) {
        match self {
            Self::Read | Self::Write => {}
            Self::Update => session.update_or("n", 1, |n: u8| n + 1).unwrap(),
            Self::Login(owner) => {
                session.renew();
                session.set_owner(owner);
            }
            Self::Renew => session.renew(),
            Self::Purge => session.purge(),
            Self::Restart => session.restart(),
        }
        if let Some(key) = self.key(number) {
            session.insert(key, 1).unwrap();
        }
    }
}

/// A request so far: everything that decides what it does next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Run {
    pub(super) number: u8,
    pub(super) does: Does,
    pub(super) cookie: Option<Cookie>,
    pub(super) policy: OnStoreError,
    pub(super) sent: Timestamp,
    /// What the store replied so far, and when.
    pub(super) replies: Vec<(Timestamp, Reply)>,
}

/// What a request asks of the store.
#[derive(Clone, Debug)]
pub(super) enum Call {
    Load(SessionId),
    Create(SessionId, Record),
    Update(SessionId, Box<Changes>),
    Delete(SessionId),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Reply {
    Found(Record),
    Missing,
    Done,
    Conflict(Record),
    Failed,
}

/// What a request does next.
#[derive(Clone, Debug)]
pub(super) enum Next {
    Call(Call),
    Answer(Answer),
}

/// What the client gets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Answer {
    pub(super) is_ok: bool,
    pub(super) cookie: SetCookie,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum SetCookie {
    Nothing,
    Set(Cookie),
    Remove,
}

/// A run, with what it leads to. Its fingerprint stands for it wherever it is hashed.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) run: Arc<Run>,
    pub(super) next: Arc<Next>,
    fingerprint: u64,
}

impl Step {
    /// Runs the real layer, its handler and its commit over again with the replies so far, up to what it does next.
    ///
    /// A future cannot be cloned, so a state of the model holds what decides the future's state instead.
    pub(super) fn of(run: Run) -> Self {
        thread_local! {
            static KNOWN: RefCell<HashMap<u64, Vec<Step>>> = RefCell::default();
        }
        let mut hasher = DefaultHasher::new();
        run.hash(&mut hasher);
        let fingerprint = hasher.finish();
        let known = KNOWN.with_borrow(|known| known.get(&fingerprint)?.iter().find(|step| *step.run == run).cloned());
        known.unwrap_or_else(|| {
            let next = Arc::new(dice::with(run.number, || replay(&run)));
            let step = Self { run: Arc::new(run), next, fingerprint };
            KNOWN.with_borrow_mut(|known| known.entry(fingerprint).or_default().push(step.clone()));
            step
        })
    }
}

impl PartialEq for Step {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.run, &other.run) || self.run == other.run
    }
}

impl Eq for Step {}

impl Hash for Step {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprint.hash(state);
    }
}

fn replay(run: &Run) -> Next {
    let store = TapeStore::of(run);
    let clock = store.clone();
    let always = Lifetime::builder().idle(Duration::from_secs(60 * 60)).extend_on_use(1.0).build().unwrap();
    let layer =
        SessionLayer::new(store.clone()).lifetime(always).on_store_error(run.policy).clock(move || clock.now().into());
    let mut request = Request::new(());
    if let Some(cookie) = &run.cookie {
        let line = format!("__Host-id={}", cookie.as_str());
        request.headers_mut().insert(header::COOKIE, line.parse().unwrap());
    }
    let mut service = layer.layer(Handler { does: run.does, number: run.number });
    let response = pin!(service.call(request));
    match response.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => Next::Answer(answer(&response)),
        Poll::Pending => Next::Call(store.call().expect("it waits for nothing but the store")),
    }
}

fn answer(response: &Response<()>) -> Answer {
    let cookies: Vec<_> = response.headers().get_all(header::SET_COOKIE).iter().collect();
    assert!(cookies.len() <= 1, "{cookies:?}");
    let cookie = cookies.first().map(|cookie| cookie.to_str().unwrap());
    let cookie = match cookie.map(|cookie| cookie.split(['=', ';']).nth(1).unwrap()) {
        None => SetCookie::Nothing,
        Some("") => SetCookie::Remove,
        Some(value) => SetCookie::Set(Cookie::new(value)),
    };
    Answer { is_ok: response.status() == StatusCode::OK, cookie }
}

struct Handler {
    does: Does,
    number: u8,
}

impl Service<Request<()>> for Handler {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<()>, Infallible>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let Self { does, number } = *self;
        Box::pin(async move {
            let lazy = request.extensions().get::<LazySession>().unwrap();
            let mut response = Response::new(());
            match lazy.load().await {
                Ok(session) => does.run(number, &session),
                Err(_) => *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE,
            }
            Ok(response)
        })
    }
}
