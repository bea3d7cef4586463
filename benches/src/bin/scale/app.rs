//! A small application with sessions, and requests for it.

use std::time::{Duration, Instant};

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{HeaderValue, Request, Response, header},
    response::Result,
    routing::get,
};
use cloakroom::{Session, SessionLayer};
use rand::{RngExt as _, rngs::StdRng};
use tokio::runtime::{Builder, Runtime};
use tower_service::Service as _;

/// The cookie that opens a session.
pub(crate) type Cookie = String;

#[derive(Clone)]
pub(crate) struct App {
    router: Router,
}

impl App {
    pub(crate) fn new(layer: SessionLayer) -> Self {
        let routes = Router::new()
            .route(Class::Read.path(), get(read))
            .route(Class::Write.path(), get(write))
            .route("/create/{keys}", get(create))
            .route("/log-in/{user}", get(log_in));
        Self { router: routes.layer(layer) }
    }

    /// Returns the same application without sessions.
    pub(crate) fn without_sessions() -> Self {
        Self { router: Router::new().route(Class::Read.path(), get(async || "0")) }
    }

    pub(crate) async fn call(&mut self, request: Request<Body>) -> Response<Body> {
        let Ok(response) = self.router.call(request).await;
        assert!(response.status().is_success(), "{}", response.status());
        response
    }

    /// Begins a session with `keys` keys.
    pub(crate) async fn create(&mut self, keys: usize) -> Cookie {
        let response = self.call(get_of(&format!("/create/{keys}"))).await;
        let cookie = response.headers()[header::SET_COOKIE].to_str().expect("it is ASCII");
        cookie.split(';').next().unwrap_or_default().to_owned()
    }

    /// Begins sessions with one key.
    pub(crate) async fn fill(&mut self, sessions: usize) -> Vec<Cookie> {
        let mut cookies = Vec::with_capacity(sessions);
        for _ in 0..sessions {
            cookies.push(self.create(1).await);
        }
        cookies
    }

    /// Sends these requests one after another, and returns the nanoseconds of each.
    pub(crate) async fn time(&mut self, requests: Vec<Request<Body>>) -> f64 {
        let count = requests.len();
        let start = Instant::now();
        for request in requests {
            self.call(request).await;
        }
        nanos(start.elapsed()) / f64::from(u32::try_from(count).unwrap_or(u32::MAX))
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Class {
    /// Reads one key.
    Read,
    /// Writes a counter.
    Write,
}

impl Class {
    pub(crate) const ALL: [Self; 2] = [Self::Read, Self::Write];

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Read => "/read",
            Self::Write => "/write",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.path().trim_start_matches('/')
    }

    /// Returns a request. It copies the cookie's text, as a socket would, so that requests share nothing.
    pub(crate) fn request(self, cookie: &str) -> Request<Body> {
        let cookie = HeaderValue::from_str(cookie).expect("the layer made it");
        Request::get(self.path()).header(header::COOKIE, cookie).body(Body::empty()).expect("a path of ours")
    }

    /// Returns requests for random sessions.
    pub(crate) fn requests(self, cookies: &[Cookie], count: usize, random: &mut StdRng) -> Vec<Request<Body>> {
        (0..count).map(|_| self.request(&cookies[random.random_range(0..cookies.len())])).collect()
    }
}

/// Returns a runtime with one thread, which is enough because nothing waits for other tasks.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}

/// Returns a request without a cookie.
pub(crate) fn get_of(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("a path of ours")
}

pub(crate) fn nanos(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

async fn read(session: Session) -> Result<String> {
    Ok(session.get::<u64>("visits")?.ok_or("there is a session")?.to_string())
}

async fn write(session: Session) -> Result<String> {
    session.update_or("visits", 1, |visits: u64| visits + 1)?;
    Ok(String::new())
}

async fn create(session: Session, Path(keys): Path<usize>) -> Result<()> {
    session.insert("visits", 0)?;
    for n in 1..keys {
        session.insert(format!("other-{n}"), n)?;
    }
    Ok(())
}

async fn log_in(session: Session, Path(user): Path<usize>) -> Result<()> {
    session.insert("visits", 0)?;
    session.set_owner(format!("user-{user}"));
    Ok(())
}
