//! A small application behind the tower layer.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use cloakroom::{Event, LazySession, Lifetime, SessionLayer, store::SessionStore};
use http::{Request, Response, StatusCode, header};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use tower::{Layer as _, ServiceExt as _, service_fn, util::BoxCloneSyncService};

type Service = BoxCloneSyncService<Request<()>, Response<String>, Infallible>;

#[derive(Clone)]
pub struct App {
    service: Service,
    /// Holds requests to `/gated` after they have loaded their session, until the test lets them go on.
    pub gate: Arc<Gate>,
    /// The time limit of each response.
    pub limit: Duration,
    /// The failures that the event hook got.
    pub failures: Arc<Mutex<Vec<String>>>,
}

/// A gate for requests. Each arrival adds a permit to one semaphore, and takes one from the other.
pub struct Gate {
    pub arrived: Semaphore,
    pub go: Semaphore,
}

/// The response as a client sees it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub status: u16,
    pub body: String,
    pub cookie: Option<String>,
    pub took: Duration,
}

/// Both time-outs of a store, and a tolerance for a busy machine.
pub const LIMIT: Duration = Duration::from_secs(4);

const MONTH: Duration = Duration::from_secs(1).saturating_mul(30 * 24 * 3600);

impl App {
    pub fn new(store: impl SessionStore) -> Self {
        Self::over(SessionLayer::new(store))
    }

    pub fn over(layer: SessionLayer) -> Self {
        let failures = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&failures);
        let layer = layer.insecure_http().on_event(move |event| {
            if let Event::StoreFailed { error } | Event::CommitFailed { error } = event {
                told.lock().unwrap().push(causes(*error));
            }
        });
        let gate = Arc::new(Gate { arrived: Semaphore::new(0), go: Semaphore::new(0) });
        let held = Arc::clone(&gate);
        let service = layer.layer(service_fn(move |request: Request<()>| {
            let gate = Arc::clone(&held);
            async move {
                let lazy = request.extensions().get::<LazySession>().unwrap().clone();
                Ok::<_, Infallible>(match handle(request.uri().path(), lazy, &gate).await {
                    Ok(body) => Response::new(body),
                    Err(error) => {
                        let mut response = Response::new(format!("{error:?}"));
                        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                        response
                    }
                })
            }
        }));
        Self { service: BoxCloneSyncService::new(service), gate, limit: LIMIT, failures }
    }

    /// Makes one request, which must be answered in time.
    pub async fn get(&self, path: &str, cookie: Option<&str>) -> Seen {
        let mut request = Request::builder().uri(path);
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let started = Instant::now();
        let answer = self.service.clone().oneshot(request.body(()).unwrap());
        let response = timeout(self.limit, answer).await.unwrap_or_else(|_| panic!("{path} takes too long")).unwrap();
        let set = response.headers().get(header::SET_COOKIE).map(|line| line.to_str().unwrap());
        let cookie = set.map(|line| line.split(';').next().unwrap().to_owned());
        Seen { status: response.status().as_u16(), body: response.into_body(), cookie, took: started.elapsed() }
    }

    /// Returns the cookie of a new session, which counts 1.
    pub async fn new_session(&self) -> String {
        let seen = self.get("/count", None).await;
        assert_eq!((seen.status, seen.body.as_str()), (200, "1"), "{:?}", self.failures.lock().unwrap());
        seen.cookie.unwrap()
    }

    pub fn last_failure(&self) -> String {
        self.failures.lock().unwrap().last().cloned().unwrap_or_default()
    }
}

/// Returns the public id in a cookie.
pub fn id(cookie: &str) -> String {
    cookie.split_once('=').unwrap().1[..22].to_owned()
}

async fn handle(path: &str, lazy: LazySession, gate: &Gate) -> Result<String, Box<dyn std::error::Error>> {
    let mut parts = path.trim_matches('/').splitn(3, '/');
    let verb = parts.next().unwrap_or_default();
    if verb == "ignore" {
        return Ok("ignored".to_owned());
    }
    let session = lazy.load().await?;
    let (first, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    match verb {
        "read" => {}
        "count" => session.update_or("n", 1_u64, |n| n + 1)?,
        "gated" => {
            gate.arrived.add_permits(1);
            gate.go.acquire().await?.forget();
            session.update_or("n", 1_u64, |n| n + 1)?;
        }
        "set" => session.insert(first, second)?,
        "fill" => session.insert(first, "x".repeat(second.parse()?))?,
        "login" => session.login(first),
        "remember" => session.set_lifetime(Lifetime::builder().idle(MONTH).build()?),
        "logout" => session.purge(),
        "renew" => session.renew(),
        other => return Err(format!("no route {other}").into()),
    }
    Ok(session.get::<serde_json::Value>("n")?.map(|n| n.to_string()).unwrap_or_default())
}

/// Shows an error and its causes, each as its `Debug` form: that of the store's own error says what became of the call.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(|error| format!("{error:?}")).collect::<Vec<_>>().join("; ")
}
