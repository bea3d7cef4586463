//! The state of an OAuth login in a session of its own: `cargo run --features axum --example oauth_state -- 8080`.
//!
//! The user's session is `SameSite=Strict`, so a browser that comes back from another site does not send it. The state has a
//! layer of its own, with a scope, `SameSite=Lax` and 10 minutes. The provider is a stand-in, on the same server.

use std::time::Duration;

use axum::{
    Router,
    extract::Query,
    http::StatusCode,
    response::{Redirect, Result},
    routing::get,
};
use cloakroom::{CookieOptions, Key, Lifetime, MemoryStore, SameSite, Scoped, Session, SessionLayer};
use serde::Deserialize;

/// The scope of the sessions that hold the state.
struct OAuth;

const STATE: Key<String> = Key::new("state");

async fn home(session: Session) -> String {
    session.owner().map_or_else(|| "log in at /login\n".to_owned(), |user| format!("hello, {user}\n"))
}

/// Sends the user to the provider, with a state that only this browser's session knows.
async fn login(oauth: Scoped<OAuth>) -> Result<Redirect> {
    let state = format!("{:032x}", rand::random::<u128>());
    oauth.insert(STATE, state.clone())?;
    Ok(Redirect::to(&format!("/provider?client_id=shop&state={state}")))
}

#[derive(Deserialize)]
struct Callback {
    code: String,
    state: String,
}

/// Takes the user back. The state proves that this browser began the login (RFC 6749 section 10.12).
async fn callback(session: Session, oauth: Scoped<OAuth>, Query(given): Query<Callback>) -> Result<Redirect> {
    let expected = oauth.take(STATE)?;
    // It is good for one try.
    oauth.purge();
    if expected.is_none_or(|expected| expected != given.state) {
        return Err(StatusCode::FORBIDDEN.into());
    }
    // A real client exchanges the code for the user's name, at the provider.
    session.login(given.code);
    Ok(Redirect::to("/"))
}

#[derive(Deserialize)]
struct Authorize {
    state: String,
}

/// The stand-in for the provider: everybody is Ada.
async fn provider(Query(Authorize { state }): Query<Authorize>) -> Redirect {
    Redirect::to(&format!("/callback?code=ada&state={state}"))
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let store = MemoryStore::new();
    let strict = CookieOptions::builder().same_site(SameSite::Strict).build()?;
    let users = SessionLayer::new(store.clone()).cookie(strict).insecure_http();

    let ten_minutes = Duration::from_secs(10 * 60);
    let oauth = SessionLayer::new(store)
        .scope::<OAuth>()
        .cookie(CookieOptions::builder().name("__Host-Http-oauth").build()?)
        .lifetime(Lifetime::builder().idle(ten_minutes).absolute(ten_minutes).build()?)
        .insecure_http(); // For development: plain http.

    let app = Router::new()
        .route("/", get(home))
        .route("/login", get(login))
        .route("/callback", get(callback))
        .route("/provider", get(provider))
        .layer(users)
        .layer(oauth);
    let port = std::env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
