//! A server on a free port, and the pages that a browser gets from it.

use std::{any::TypeId, sync::mpsc};

use actix_web::{App, HttpServer, dev::ServerHandle, web::ServiceConfig};
use cloakroom::{
    SessionLayer,
    actix_web::{
        SessionMiddleware,
        config::{CookieContentSecurity, SessionMiddlewareBuilder},
        storage::{CookieSessionStore, SessionStore},
    },
};
use reqwest::{Client, Method};
use serde_json::Value;

use crate::support::{Browser, Page, drivers::actix::routes};

/// Both protections. For stores on the server, they must make no difference.
pub(crate) const CONTENTS: [CookieContentSecurity; 2] = [CookieContentSecurity::Private, CookieContentSecurity::Signed];

/// Returns true if the server can end sessions early, even if their cookies were copied.
pub(crate) fn is_server_side<S: 'static>() -> bool {
    TypeId::of::<S>() != TypeId::of::<CookieSessionStore>()
}

/// Returns a builder over a store, with a key of its own.
pub(crate) fn builder<S: SessionStore>(store: S) -> SessionMiddlewareBuilder<S> {
    SessionMiddleware::builder(store, actix_web::cookie::Key::generate())
}

pub(crate) fn clock(clock: &cloakroom::testing::TestClock) -> impl FnOnce(SessionLayer) -> SessionLayer + 'static {
    let clock = clock.clone();
    move |layer| layer.clock(clock)
}

/// A server that ends with its handle.
pub(crate) struct Site {
    pub(crate) url: String,
    handle: ServerHandle,
    client: Client,
}

impl Site {
    /// Serves the application of `tests/support/app.rs`, whose paths say what its handler does.
    pub(crate) fn new<S: 'static>(middleware: SessionMiddleware<S>) -> Self {
        Self::with(middleware, routes)
    }

    pub(crate) fn with<S: 'static>(middleware: SessionMiddleware<S>, routes: fn(&mut ServiceConfig)) -> Self {
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let make = move || App::new().wrap(middleware.clone()).configure(routes);
                let server = HttpServer::new(make).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
                let address = server.addrs()[0];
                let server = server.run();
                send.send((address, server.handle())).unwrap();
                server.await
            })
        });
        let (address, handle) = receive.recv().unwrap();
        Self { url: format!("http://{address}"), handle, client: Client::new() }
    }

    /// Requests a page with all cookies, and keeps those that it sends.
    pub(crate) async fn get(&self, browser: &Browser, path: &str) -> Page {
        let page = self.peek(browser, path).await;
        browser.keep(&page);
        page
    }

    /// Requests a page whose response the browser drops.
    pub(crate) async fn peek(&self, browser: &Browser, path: &str) -> Page {
        self.send(browser, Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, browser: &Browser, path: &str, body: Value) -> Page {
        let page = self.send(browser, Method::POST, path, Some(body)).await;
        browser.keep(&page);
        page
    }

    async fn send(&self, browser: &Browser, method: Method, path: &str, body: Option<Value>) -> Page {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let cookies = browser.header();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut response = http::Response::new(answer.bytes().await.unwrap());
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        Page::new(response)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // The server stops at this call. The future only waits for that.
        drop(self.handle.stop(false));
    }
}

/// Returns the page's cookie as lines like those of `Set-Cookie`. There must be one.
pub(crate) fn attribute<'a>(page: &'a Page, name: &str) -> Option<&'a str> {
    let [line] = page.cookies()[..] else { return None };
    line.split("; ").skip(1).find_map(|part| match part.split_once('=') {
        Some((found, value)) if found == name => Some(value),
        None if part == name => Some(""),
        _ => None,
    })
}

/// Returns the lifetime of the page's cookie in seconds.
pub(crate) fn max_age(page: &Page) -> Option<u64> {
    attribute(page, "Max-Age").map(|seconds| seconds.parse().unwrap())
}
