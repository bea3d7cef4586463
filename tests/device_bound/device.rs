//! A browser with a device: it does what Chromium does, and keeps what Chromium keeps.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Request, header};
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use serde_json::{Value, json};

use crate::support::{App, Browser, Page};

pub(crate) struct Device {
    pub(crate) browser: Browser,
    pub(crate) key: SigningKey,
    /// The challenge to answer next.
    pub(crate) challenge: String,
    pub(crate) id: String,
}

impl Device {
    /// Logs in, and registers.
    pub(crate) async fn bound(app: &App) -> Self {
        let mut device = Self::logged_in(app, "ada").await;
        let page = device.register(app).await;
        assert_eq!(page.status, 200, "{}: {page:?}", app.name);
        device
    }

    pub(crate) async fn logged_in(app: &App, user: &str) -> Self {
        let browser = Browser::new();
        let page = browser.get(app, &format!("/app/login:{user}/insert:cart:pear")).await;
        let challenge = registration(&page).expect("a registration");
        Self { browser, key: key(7), challenge, id: String::new() }
    }

    pub(crate) async fn register(&mut self, app: &App) -> Page {
        let page = post(app, &self.browser, "register", None, Some(&self.registration())).await;
        self.learn(&page);
        page
    }

    pub(crate) fn registration(&self) -> String {
        jwt(&json!({ "typ": "dbsc+jwt", "alg": "ES256", "jwk": jwk(&self.key) }), &self.challenge, &self.key)
    }

    /// Answers the challenge that it has.
    pub(crate) fn proof(&self) -> String {
        jwt(&json!({ "typ": "dbsc+jwt", "alg": "ES256" }), &self.challenge, &self.key)
    }

    /// One request to the refresh path.
    pub(crate) async fn try_refresh(&mut self, app: &App) -> Page {
        let page = post(app, &self.browser, "refresh", Some(&self.id), Some(&self.proof())).await;
        self.learn(&page);
        page
    }

    /// Refreshes, and answers another challenge if it is asked to.
    pub(crate) async fn refresh(&mut self, app: &App) -> Page {
        match self.try_refresh(app).await {
            page if page.status == 403 => self.try_refresh(app).await,
            page => page,
        }
    }

    pub(crate) async fn get(&self, app: &App, path: &str) -> String {
        self.browser.get(app, path).await.body
    }

    /// Keeps the cookies, the challenge and the instructions.
    pub(crate) fn learn(&mut self, page: &Page) {
        self.browser.keep(page);
        if let Some(challenge) = challenge(page) {
            self.challenge = challenge;
        }
        if let Ok(Value::Object(body)) = serde_json::from_str(&page.body)
            && let Some(Value::String(id)) = body.get("session_identifier")
        {
            self.id.clone_from(id);
        }
    }
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).unwrap()
}

pub(crate) fn jwk(key: &SigningKey) -> Value {
    let point = key.verifying_key().to_sec1_point(false);
    let [x, y] = [point.x().unwrap(), point.y().unwrap()].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })
}

pub(crate) fn jwt(header: &Value, challenge: &str, key: &SigningKey) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(&json!({ "jti": challenge })));
    let signature: Signature = key.sign(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

/// Posts to one of the layer's paths.
pub(crate) async fn post(app: &App, browser: &Browser, path: &str, id: Option<&str>, jwt: Option<&str>) -> Page {
    let mut request = Request::post(format!("/.well-known/cloakroom/{path}"));
    let cookies = browser.header();
    if !cookies.is_empty() {
        request = request.header(header::COOKIE, cookies);
    }
    for (name, value) in [("sec-secure-session-id", id), ("secure-session-response", jwt)] {
        if let Some(value) = value {
            request = request.header(name, format!("\"{value}\""));
        }
    }
    Page::new(app.send(request.body(Bytes::new()).unwrap()).await)
}

/// The challenge of a login's response.
pub(crate) fn registration(page: &Page) -> Option<String> {
    let value = page.headers.get("secure-session-registration")?.to_str().unwrap();
    let rest = value.strip_prefix("(ES256 RS256);path=\"/.well-known/cloakroom/register\";challenge=\"").unwrap();
    Some(rest.strip_suffix('"').unwrap().to_owned())
}

fn challenge(page: &Page) -> Option<String> {
    let value = page.headers.get("secure-session-challenge")?.to_str().unwrap();
    let (challenge, id) = value.split_once(';').unwrap();
    assert!(id.starts_with("id=\""), "{value}");
    Some(challenge.trim_matches('"').to_owned())
}
