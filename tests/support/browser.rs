//! A browser, which keeps cookies and shows pages.

use std::cell::RefCell;

use bytes::Bytes;
use cloakroom::testing::CookieJar;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};

use super::drivers::App;

/// The site of the tests. Its cookies are `Secure`.
pub const URL: &str = "https://example.com/";

/// A browser, with its cookies. Each test program adds the ways by which it makes requests.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    jar: RefCell<CookieJar>,
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
        let mut request: Request<Bytes> = self.request();
        *request.uri_mut() = path.parse().expect("a path");
        Page::new(app.send(request).await)
    }

    /// Returns a request with this browser's cookies.
    pub fn request<B: Default>(&self) -> Request<B> {
        let mut request = Request::new(B::default());
        if let Some(cookies) = self.cookies(URL) {
            request.headers_mut().insert(header::COOKIE, cookies);
        }
        request
    }

    /// Keeps the cookies of a response, as if it had just arrived.
    pub fn keep(&self, page: &Page) {
        self.keep_of(&page.headers, URL);
    }

    /// Keeps the cookies of a response of this URL.
    pub fn keep_of(&self, headers: &HeaderMap, url: &str) {
        assert_eq!(self.jar.borrow_mut().store(headers, url), [], "no cookie that browsers drop");
    }

    /// Sets a cookie, as another application has set it.
    pub fn set(&self, name: &str, value: &str) {
        let mut headers = HeaderMap::new();
        headers
            .insert(header::SET_COOKIE, format!("{name}={value}; Path=/; Secure; HttpOnly").parse().expect("a header"));
        self.keep_of(&headers, URL);
    }

    /// Returns a browser that sends the cookies of a response everywhere, whatever attributes they have.
    pub fn echo(page: &Page) -> Self {
        let browser = Self::new();
        for line in page.cookies() {
            let pair = line.split(';').next().and_then(|pair| pair.split_once('='));
            let (name, value) = pair.expect("a pair");
            browser.set(name, value);
        }
        browser
    }

    /// Returns the `Cookie` header that it sends to this URL.
    pub fn cookies(&self, url: &str) -> Option<HeaderValue> {
        self.jar.borrow().header(url)
    }

    /// Returns the `Cookie` header that it sends, as text.
    pub fn header(&self) -> String {
        self.cookies(URL).map(|cookies| cookies.to_str().expect("text").to_owned()).unwrap_or_default()
    }

    /// Returns the value of a cookie of this URL.
    pub fn value(&self, url: &str, name: &str) -> Option<String> {
        self.jar.borrow().value(url, name).map(str::to_owned)
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
