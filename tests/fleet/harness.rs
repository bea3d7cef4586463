//! Servers, browsers, and requests that stop half way.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use cloakroom::{
    MemoryStore, SessionId, SessionLayer, StoreError,
    store::{Created, Deleted, DynOwnerIndex, Record, Replaced, SessionStore},
};
use http::{StatusCode, header};
use reqwest::{Client, RequestBuilder, redirect::Policy};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

use super::{calls::Noting, servers::Fleet};

/// The limit of every wait.
const PATIENCE: Duration = Duration::from_secs(20);

/// Three servers over one store, each on a free port. They end with the test's process.
pub(crate) struct Servers {
    pub(crate) urls: [String; 3],
    calls: Arc<AtomicUsize>,
}

pub(crate) fn start() -> Servers {
    let store = Counted { store: MemoryStore::new(), calls: Arc::default() };
    let calls = Arc::clone(&store.calls);
    let fleet = Fleet::bind(0).unwrap();
    let urls = std::array::from_fn(|at| fleet.members[at].url.clone());
    thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (store, calls) = Noting::new(store);
        runtime.block_on(fleet.serve(SessionLayer::new(store).insecure_http(), calls)).unwrap();
    });
    Servers { urls, calls }
}

impl Servers {
    pub(crate) fn url(&self, server: usize, path: &str) -> String {
        format!("{}{path}", self.urls[server % 3])
    }

    /// Returns the number of calls of the store until now.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Waits until the store had this number of calls.
    pub(crate) async fn called(&self, calls: usize) {
        let called = async {
            while self.calls() < calls {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, called).await.expect("the store is not called");
    }

    /// Returns the logged-in user, as a client with this token sees it on this server.
    pub(crate) async fn user(&self, server: usize, token: &str) -> Option<String> {
        let request = client().get(self.url(server, "api/session")).header(header::COOKIE, format!("id={token}"));
        let status: Value = request.send().await.unwrap().json().await.unwrap();
        status["user"].as_str().map(str::to_owned)
    }

    pub(crate) async fn post(&self, server: usize, path: &str, token: &str, body: &'static str) -> Answer {
        let request = client().post(self.url(server, path)).header(header::CONTENT_TYPE, FORM).body(body);
        send(request.header(header::COOKIE, format!("id={token}"))).await
    }

    pub(crate) async fn get(&self, server: usize, path: &str, token: &str) -> Answer {
        send(client().get(self.url(server, path)).header(header::COOKIE, format!("id={token}"))).await
    }

    /// Posts a form except for its last byte, so that the handler has its session and waits.
    pub(crate) async fn post_slowly(&self, server: usize, path: &str, token: &str, body: &str) -> Slow {
        let calls = self.calls();
        let address = self.urls[server % 3].trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(address).await.unwrap();
        let length = body.len();
        let head = format!(
            "POST /{path} HTTP/1.1\r\nhost: {address}\r\ncookie: id={token}\r\ncontent-type: {FORM}\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n"
        );
        let (start, end) = body.split_at(length - 1);
        stream.write_all(format!("{head}{start}").as_bytes()).await.unwrap();
        self.called(calls + 1).await;
        Slow { stream, end: end.to_owned() }
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Returns a client that keeps no cookies and follows no redirects.
pub(crate) fn client() -> Client {
    Client::builder().redirect(Policy::none()).build().unwrap()
}

/// Returns a client that keeps cookies as browsers do: by host, for all ports.
pub(crate) fn browser() -> Client {
    Client::builder().redirect(Policy::none()).cookie_store(true).build().unwrap()
}

/// The parts of a response that the tests check.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// The token that it sets. Empty if it removes the cookie.
    pub(crate) token: Option<String>,
}

async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let cookie = response.headers().get(header::SET_COOKIE).map(|cookie| cookie.to_str().unwrap());
    Answer { status: response.status(), token: cookie.map(token) }
}

fn token(cookie: &str) -> String {
    cookie.strip_prefix("id=").unwrap().split(';').next().unwrap().to_owned()
}

/// A request that is in its handler.
pub(crate) struct Slow {
    stream: TcpStream,
    end: String,
}

impl Slow {
    pub(crate) async fn finish(mut self) -> Answer {
        self.stream.write_all(self.end.as_bytes()).await.unwrap();
        let mut response = String::new();
        timeout(PATIENCE, self.stream.read_to_string(&mut response)).await.expect("no answer").unwrap();
        let status = response.split(' ').nth(1).unwrap().parse().unwrap();
        let cookie = response.lines().find_map(|line| line.strip_prefix("set-cookie: "));
        Answer { status, token: cookie.map(token) }
    }
}

/// A store that counts its calls, so that a test can check that there was none, or wait for one.
struct Counted {
    store: MemoryStore,
    calls: Arc<AtomicUsize>,
}

impl Counted {
    /// Counts after the call, so that its effect is there when the count changes.
    async fn counted<T>(&self, call: impl Future<Output = T>) -> T {
        let answer = call.await;
        self.calls.fetch_add(1, Ordering::SeqCst);
        answer
    }
}

impl SessionStore for Counted {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        self.counted(self.store.load(id)).await
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        self.counted(self.store.create(id, record)).await
    }

    async fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        self.counted(self.store.replace(id, base, record)).await
    }

    async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        self.counted(self.store.delete(id, base)).await
    }

    fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        self.store.owner_index()
    }
}
