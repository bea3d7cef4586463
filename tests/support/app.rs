//! The application that every driver serves. A path is the list of its handler's operations.
//!
//! `/app/insert:user:7/renew/status:303` inserts, renews and responds 303. The body has the results of the operations,
//! one word each. `/plain` does not use the session.

use std::time::Duration;

use cloakroom::{Error, Lifetime, Session};
use http::{HeaderName, StatusCode, header};
use serde_json::Value;

/// The response of a handler.
pub struct Reply {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, &'static str)>,
    pub body: String,
    /// True if a framework that has error types responds with one.
    pub is_error: bool,
}

impl Reply {
    pub fn plain() -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), body: "plain".to_owned(), is_error: false }
    }
}

/// Runs the operations in the path.
pub async fn run(session: &Session, script: &str) -> Reply {
    let mut reply = Reply { body: String::new(), ..Reply::plain() };
    let mut words: Vec<String> = Vec::new();
    for step in script.split('/').filter(|step| !step.is_empty()) {
        let mut parts = step.splitn(3, ':');
        let mut next = || parts.next().unwrap_or_default();
        let (verb, first, second) = (next(), next(), next());
        match verb {
            "get" => words.push(text(session.get::<Value>(first).expect("every value is a `Value`"))),
            "insert" => session.insert(first, value(second)).expect("a `Value` is JSON"),
            "remove" => words.push(text(session.remove(first))),
            "count" => session.update_or(first, 1, |n: u64| n + 1).expect("a number"),
            "increment" => session.update(first, |n: u64| n + 1).expect("a number"),
            "once" => session.update_once(first, |n: u64| n + 1).expect("a number"),
            "clear" => session.clear(),
            "renew" => session.renew(),
            "purge" => session.purge(),
            "restart" => session.restart(),
            "owner" => session.set_owner(first),
            "disown" => session.clear_owner(),
            "login" => session.login(first),
            "label" => session.set_label(first),
            "whose" => words.push(session.owner().unwrap_or_else(|| "nobody".to_owned())),
            "state" => words.push(format!("{:?}", session.status())),
            "id" => words.push(session.id().map_or_else(|| "none".to_owned(), |id| id.to_string())),
            #[cfg(feature = "device-bound")]
            "device" => words.push(if session.device().is_some() { "bound" } else { "unbound" }.to_owned()),
            "keys" => words.push(session.keys().join("+")),
            "presented" => words.push(session.was_presented().to_string()),
            "remember" => session.set_lifetime(remember_me()),
            "start" => words.push(outcome(&session.start().await)),
            "save" => words.push(outcome(&session.save().await)),
            "reload" => words.push(outcome(&session.reload().await)),
            "status" => reply.status = first.parse().expect("a status"),
            "fail" => {
                reply.status = first.parse().expect("a status");
                reply.is_error = true;
            }
            "cookie" => reply.headers.push((header::SET_COOKIE, "own=1")),
            "vary" => reply.headers.push((header::VARY, "accept-encoding, Cookie")),
            "language" => reply.headers.push((header::VARY, "accept-language")),
            "public" => reply.headers.push((header::CACHE_CONTROL, "public")),
            // Waits for ever, until the request is dropped.
            "hang" => std::future::pending().await,
            "panic" => panic!("the handler panics, as the test wants it to"),
            other => panic!("no such operation: {other}"),
        }
    }
    reply.body = words.join(" ");
    reply
}

/// Returns a lifetime of 14 days idle and 90 days in all, with a persistent cookie.
pub fn remember_me() -> Lifetime {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    Lifetime::builder().idle(14 * DAY).absolute(90 * DAY).persistent().build().expect("limits in order")
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

fn text(value: Option<Value>) -> String {
    match value {
        Some(Value::String(text)) => text,
        Some(value) => value.to_string(),
        None => "none".to_owned(),
    }
}

fn outcome(result: &Result<(), Error>) -> String {
    let kind = match result {
        Ok(()) => "done",
        Err(error) if error.is_gone() => "gone",
        Err(error) if error.is_too_late() => "too-late",
        Err(error) if error.is_conflict() => "conflict",
        Err(error) if error.is_store() => "store",
        Err(error) if error.is_too_large() => "too-large",
        Err(_) => "other",
    };
    kind.to_owned()
}
