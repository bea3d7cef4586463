//! A browser, which keeps cookies and shows pages.

use std::{cell::RefCell, collections::BTreeMap};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};

use super::drivers::App;

/// A browser. It keeps cookies by name.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    cookies: RefCell<BTreeMap<String, String>>,
}

impl Browser {
    pub fn new() -> Self {
        Self::default()
    }

    /// Requests a page with all cookies, and keeps those that it sends.
    pub async fn get(&self, app: &App, path: &str) -> Page {
        let page = self.peek(app, path).await;
        self.keep(&page);
        page
    }

    /// Requests a page whose response the browser drops.
    pub async fn peek(&self, app: &App, path: &str) -> Page {
        let mut request = Request::get(path);
        let cookies = self.header();
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies);
        }
        Page::new(app.send(request.body(Bytes::new()).expect("a request")).await)
    }

    /// Keeps the cookies of a response, as if it had just arrived.
    pub fn keep(&self, page: &Page) {
        let mut cookies = self.cookies.borrow_mut();
        for line in page.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().expect("text");
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').expect("a pair");
            if attributes.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Sets a cookie, as another application has set it.
    pub fn set(&self, name: &str, value: &str) {
        self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
    }

    /// Returns the `Cookie` header that it sends.
    pub fn header(&self) -> String {
        let cookies = self.cookies.borrow();
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// Returns another browser with a copy of the cookies, stolen or restored.
    pub fn copied(&self) -> Self {
        self.clone()
    }
}

/// A response.
#[derive(Debug)]
pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

/// The change of the session's cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    Nothing,
    Token,
    Removal,
}

impl Page {
    pub fn new(response: Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        Self { status: head.status, headers: head.headers, body: String::from_utf8(body.into()).expect("text") }
    }

    /// Returns the session's `Set-Cookie` lines, without the application's cookie `own`.
    pub fn cookies(&self) -> Vec<&str> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter();
        lines.map(|line| line.to_str().expect("text")).filter(|line| !line.starts_with("own=")).collect()
    }

    pub fn sent(&self) -> Sent {
        match *self.cookies() {
            [] => Sent::Nothing,
            [line] if line.contains("=;") && line.contains("Max-Age=0") => Sent::Removal,
            [_] => Sent::Token,
            _ => panic!("one session, one cookie: {self:?}"),
        }
    }
}
