//! Login and logout with Axum: `cargo run --features axum --example login -- 8080`.

use axum::{
    Form, Router,
    response::{Html, Redirect, Result},
    routing::{get, post},
};
use cloakroom::{Key, MemoryStore, Session, SessionLayer};
use serde::Deserialize;
use tokio::net::TcpListener;

const USER: Key<String> = Key::new("user");
const MESSAGE: Key<String> = Key::new("message");

const LOGIN: &str = "<form method=post action=/login><input name=name aria-label=Name> <button>Log in</button></form>";
const LOGOUT: &str = "<form method=post action=/logout><button>Log out</button></form>";

async fn home(session: Session) -> Result<Html<String>> {
    let message = session.take(MESSAGE)?.unwrap_or_default();
    let form = if session.get(USER)?.is_some() { LOGOUT } else { LOGIN };
    Ok(Html(format!("<!doctype html><title>Login</title><p>{message}</p>{form}")))
}

#[derive(Deserialize)]
struct Login {
    name: String,
}

/// Handles the form. `SameSite=Lax`, the default, keeps the cookie from forms of other sites.
async fn login(session: Session, Form(Login { name }): Form<Login>) -> Result<Redirect> {
    // Call it after the password is checked. It replaces the token, so that an attacker who knows the old one gains
    // nothing (session fixation). It sets the owner, by which "log out everywhere" finds the session. A form that is
    // sent twice ends logged in.
    session.login(&*name);
    session.insert(USER, name)?;
    session.insert(MESSAGE, "Welcome!".to_owned())?;
    Ok(Redirect::to("/"))
}

async fn logout(session: Session) -> Result<Redirect> {
    // Deletes the record, so that copies of the cookie open nothing. The message goes into a new session; without a
    // message, call `purge`.
    session.restart();
    session.insert(MESSAGE, "Good bye.".to_owned())?;
    Ok(Redirect::to("/"))
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    // `insecure_http` is for development: without it, browsers drop the cookie over http, except on localhost.
    let layer = SessionLayer::new(MemoryStore::new()).insecure_http();
    let app =
        Router::new().route("/", get(home)).route("/login", post(login)).route("/logout", post(logout)).layer(layer);

    let port = std::env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, app).await
}
