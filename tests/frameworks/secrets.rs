//! A secret is in the cookie only: not in a log, not in a `Debug`, not in the store.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cloakroom::{
    LazySession, MemoryStore, Session, SessionId, SessionLayer, StoreError,
    store::{Created, Deleted, Record, Replaced, SessionStore},
    testing::{FaultStore, Verb},
};
use http::{Request, Response};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::support::{Browser, Page, drivers, log::Log, soon};

/// A store that shows everything that it gets.
struct Spy {
    inner: FaultStore<MemoryStore>,
    log: Log,
    stored: Log,
}

impl Spy {
    fn saw(&self, record: &Record) {
        self.log.show((record, record.state(), record.credentials(), record.owner()));
        self.stored.add(&record.to_bytes());
    }
}

impl SessionStore for Spy {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        let found = self.inner.load(id).await;
        self.log.show((id, &found));
        found
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        self.saw(record);
        self.inner.create(id, record).await
    }

    async fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        self.saw(base);
        self.saw(record);
        let replaced = self.inner.replace(id, base, record).await;
        self.log.show(&replaced);
        replaced
    }

    async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        self.inner.delete(id, base).await
    }
}

/// Returns the secret halves of all tokens that a page or a browser has.
fn secrets(texts: &[String]) -> Vec<String> {
    let values = texts.iter().flat_map(|text| text.split("; ")).filter_map(|pair| pair.strip_prefix("__Host-Http-id="));
    values.filter(|value| value.len() == 44).map(|value| value[22..].to_owned()).collect()
}

fn finds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test]
async fn a_traced_life_of_a_session_never_shows_a_secret() {
    let (log, stored) = (Log::capture(), Log::default());

    let faults = FaultStore::new(MemoryStore::new());
    let spy = Spy { inner: faults.clone(), log: log.clone(), stored: stored.clone() };
    let hooked = log.clone();
    let layer = SessionLayer::new(spy).owner_key("user").on_event(move |event| hooked.show(event));
    log.show((&layer, &faults));
    let apps = [
        drivers::tower::app(layer.clone()),
        drivers::axum::app(layer.clone()),
        drivers::hyper::app(layer.clone()).await,
        drivers::actix::app(layer.clone(), false).await,
        drivers::actix::app(layer.clone(), true).await,
    ];
    let mut sent = Vec::new();
    for app in &apps {
        let browser = Browser::new();
        let mut get = async |browser: &Browser, path: &str| -> Page {
            let page = browser.get(app, path).await;
            sent.extend(page.cookies().into_iter().map(str::to_owned));
            sent.push(browser.header());
            page
        };
        get(&browser, "/app/insert:cart:pear").await;
        let old = browser.copied();
        get(&browser, "/app/renew/insert:user:7").await;
        get(&old, "/app/insert:a:1").await;
        get(&old, "/app/renew/insert:user:7").await;
        let gate = faults.next(Verb::Replace).waits();
        let (slow, ()) = soon(async {
            tokio::join!(browser.peek(app, "/app/count:n/renew"), async {
                gate.reached().await;
                browser.get(app, "/app/count:n").await;
                gate.open();
            })
        })
        .await;
        browser.keep(&slow);
        for verb in [Verb::Load, Verb::Replace] {
            faults.next(verb).fails();
            get(&browser, "/app/count:n/renew").await;
        }
        faults.next(Verb::Replace).loses_its_reply();
        get(&browser, "/app/renew/save/save").await;
        get(&browser, "/app/remember").await;
        faults.next(Verb::Load).is_undecodable();
        get(&browser, "/app/get:a").await;
        faults.next(Verb::Delete).fails();
        get(&browser, "/app/purge").await;
        get(&old, "/app/restart/insert:a:1").await;
    }

    // Everything that a handler or an outer layer can show.
    let browser = Browser::new();
    browser.get(&apps[0], "/app/insert:user:7").await;
    let shown = log.clone();
    let service = layer.layer(service_fn(async |request: Request<()>| {
        let lazy = request.extensions().get::<LazySession>().expect("the layer put it there");
        shown.show(lazy);
        let session: Session = lazy.load().await.expect("the store works");
        session.renew();
        shown.show((&session, lazy, session.entries(), session.id(), session.insert("f", f64::NAN).is_ok()));
        shown.show(request.extensions());
        session.save().await.expect("the store works");
        shown.show(&session);
        Ok::<_, std::convert::Infallible>(Response::new(String::new()))
    }));
    log.show(&service);
    let request = Request::get("/").header("cookie", browser.header()).body(()).expect("a request");
    sent.push(browser.header());
    let call = service.oneshot(request);
    let response = call.await.expect("no error");
    log.show(&response);
    sent.push(response.headers()["set-cookie"].to_str().expect("text").to_owned());

    let (secrets, text, stored) = (secrets(&sent), log.bytes(), stored.bytes());
    assert!(secrets.len() > 30, "there was something to find");
    assert!(finds(&text, b"session renewed") && finds(&text, b"session store failed"), "it was traced");
    assert!(finds(&text, b"SessionId(") && finds(&text, b"Set-Cookie") || finds(&text, b"set-cookie"), "and shown");
    for secret in secrets {
        let bytes = URL_SAFE_NO_PAD.decode(&secret).expect("base64");
        assert!(!finds(&text, secret.as_bytes()), "{secret} was shown");
        assert!(!finds(&text, format!("{bytes:?}").as_bytes()), "{secret} was shown as numbers");
        assert!(!finds(&stored, &bytes) && !finds(&stored, secret.as_bytes()), "{secret} was stored");
    }
}
