//! The application that is measured, independent of its framework.

use std::{future::Future, pin::Pin, rc::Rc};

/// A future that stays on its thread.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// An application that is measured. Its future is boxed once for each batch, so that a request costs nothing for it.
pub trait App {
    /// Makes one request, and returns the whole response.
    fn ask<'a>(&'a self, call: &'a Call) -> LocalFuture<'a, Answer>;

    /// Makes `times` requests, one after the other. Each is made, answered with success, and dropped.
    fn run<'a>(&'a self, call: &'a Call, times: u32) -> LocalFuture<'a, ()>;
}

/// Starts an application, with the URL of a Redis server, which most of them do not need.
pub type Open = fn(redis: String) -> LocalFuture<'static, Rc<dyn App>>;

/// A request to make.
#[derive(Clone, Debug)]
pub struct Call {
    /// The route.
    pub path: &'static str,
    /// The `Cookie` header.
    pub cookie: Option<String>,
}

impl Call {
    /// Makes a request without a cookie.
    pub fn bare(path: &'static str) -> Self {
        Self { path, cookie: None }
    }

    /// Makes a request with a cookie.
    pub fn with(path: &'static str, cookie: impl Into<String>) -> Self {
        Self { path, cookie: Some(cookie.into()) }
    }
}

/// The response to a request.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The `Set-Cookie` headers.
    pub set_cookies: Vec<String>,
    /// The body, as text.
    pub body: String,
}

impl Answer {
    /// Returns the `Cookie` header that a browser would send next, without removed cookies.
    pub fn cookie(&self) -> Option<String> {
        let pair = |line: &String| {
            let pair = line.split(';').next().unwrap_or_default();
            let has_value = pair.split_once('=').is_some_and(|(_, value)| !value.is_empty());
            (has_value && !line.contains("Max-Age=0")).then(|| pair.to_owned())
        };
        let pairs: Vec<String> = self.set_cookies.iter().filter_map(pair).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}
