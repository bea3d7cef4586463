//! Small sites for the browser, each on a port of its own.

use std::net::Ipv4Addr;

use axum::{
    Router,
    response::{AppendHeaders, Html, Result},
    routing::{any, get},
};
use cloakroom::{Session, SessionLayer};
use http::{HeaderMap, header};
use tokio::net::TcpListener;

/// A site. It has the names `127.0.0.1`, `localhost` and `shop.test`, which are three hosts to a browser.
pub(crate) struct Site {
    port: u16,
}

impl Site {
    /// Serves pages until the test ends.
    pub(crate) async fn start(pages: Router) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, pages).await });
        Self { port }
    }

    pub(crate) fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }
}

/// Returns pages that also exist below `/shop`: `/start` starts a session, `/end` ends it, `/sent` shows the request's
/// cookies.
pub(crate) fn sessions(layer: SessionLayer) -> Router {
    let pages = Router::new().route("/start", get(start)).route("/end", get(end)).route("/sent", any(sent));
    Router::new().nest("/shop", pages.clone()).merge(pages).layer(layer)
}

/// Returns the pages `/set` and `/deep/set`, which send these `Set-Cookie` headers.
pub(crate) fn cookies(headers: &[String]) -> Router {
    let headers: Vec<_> = headers.iter().map(|header| (header::SET_COOKIE, header.clone())).collect();
    let set = get(async move || AppendHeaders(headers));
    Router::new().route("/set", set.clone()).route("/deep/set", set).route("/sent", any(sent))
}

pub(crate) fn page(html: String) -> Router {
    Router::new().route("/", get(async move || Html(html)))
}

async fn start(session: Session) -> Result<&'static str> {
    session.insert("visited", true)?;
    Ok("started")
}

async fn end(session: Session) -> &'static str {
    session.purge();
    "ended"
}

/// Shows the request's cookies, for any method. Without cookies, the element is there and empty.
async fn sent(headers: HeaderMap) -> Html<String> {
    let cookies = headers.get(header::COOKIE).map_or("", |cookies| cookies.to_str().unwrap());
    Html(format!("<pre>{cookies}</pre>"))
}
