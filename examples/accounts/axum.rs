//! Accounts with Axum: passwords, "remember me", "your devices", log out everywhere, and a change of the password.
//!
//! `cargo run --features axum --example accounts_axum -- 8080`. The guide `cloakroom::guide::login` explains each step.

mod users;

use std::time::Duration;

use axum::{
    Form, Json, RequestPartsExt as _, Router,
    extract::{FromRequestParts, Path, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Redirect, Response, Result},
    routing::{get, post},
};
use cloakroom::{Lifetime, MemoryStore, Owners, Session, SessionLayer};

use crate::users::{Change, Credentials, Device, Users};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone)]
struct App {
    users: Users,
    owners: Owners,
}

/// A user who is logged in. As an argument, it keeps all other requests from a handler.
struct CurrentUser {
    name: String,
    session: Session,
}

impl<S: Send + Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Response> {
        let session: Session = parts.extract().await.map_err(axum::response::IntoResponse::into_response)?;
        let name = session.owner().ok_or_else(|| StatusCode::UNAUTHORIZED.into_response())?;
        Ok(Self { name, session })
    }
}

async fn sign_up(State(app): State<App>, Form(form): Form<Credentials>) -> StatusCode {
    if app.users.sign_up(&form.name, form.password).await { StatusCode::CREATED } else { StatusCode::CONFLICT }
}

async fn login(
    State(app): State<App>,
    session: Session,
    headers: HeaderMap,
    Form(Credentials { name, password, remember }): Form<Credentials>,
) -> Result<Redirect> {
    let admission = app.users.check(&name, password).await.ok_or(StatusCode::UNAUTHORIZED)?;
    // A new token and an owner. If another user was logged in here, the session starts empty.
    session.login_at(name, admission.seen);
    if remember {
        let month = Lifetime::builder().idle(30 * DAY).absolute(90 * DAY).persistent().build();
        session.set_lifetime(month.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?);
    }
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or("unknown");
    session.set_label(agent.chars().take(100).collect::<String>());
    Ok(Redirect::to("/"))
}

async fn home(user: CurrentUser) -> String {
    format!("hello, {}\n", user.name)
}

async fn logout(session: Session) -> Redirect {
    session.purge();
    Redirect::to("/login")
}

async fn devices(State(app): State<App>, user: CurrentUser) -> Result<Json<Vec<Device>>> {
    let this = user.session.id();
    let sessions = app.owners.list(&user.name).await?;
    Ok(Json(sessions.into_iter().map(|session| Device::of(session, this)).collect()))
}

async fn revoke(State(app): State<App>, user: CurrentUser, Path(id): Path<String>) -> Result<StatusCode> {
    let id = id.parse().map_err(|_| StatusCode::NOT_FOUND)?;
    // It revokes sessions of this user only: the id comes from the client.
    Ok(if app.owners.revoke(&user.name, &id).await? { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND })
}

async fn logout_everywhere(State(app): State<App>, user: CurrentUser) -> Result<Redirect> {
    // The value first: it also ends a login that is under way.
    app.users.end_sessions(&user.name);
    app.owners.revoke_all(&user.name).await?;
    user.session.purge();
    Ok(Redirect::to("/login"))
}

async fn change_password(State(app): State<App>, user: CurrentUser, Form(form): Form<Change>) -> Result<Redirect> {
    let CurrentUser { name, session } = user;
    app.users.check(&name, form.old).await.ok_or(StatusCode::FORBIDDEN)?;
    let admission = app.users.change_password(&name, form.new).await.ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    app.owners.revoke_all(&name).await?;
    // This device stays logged in, under a new token.
    session.login_at(name, admission.seen);
    Ok(Redirect::to("/"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let users = Users::default();
    let known = users.clone();
    let layer = SessionLayer::new(MemoryStore::new())
        .owner_valid_from(move |name| std::future::ready(Ok(known.valid_from(&name))))
        .insecure_http(); // For development: plain http.
    let owners = layer.owners().ok_or("the store lists no owners")?;
    let app = Router::new()
        .route("/", get(home))
        .route("/signup", post(sign_up))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/devices", get(devices))
        .route("/devices/{id}/revoke", post(revoke))
        .route("/logout-everywhere", post(logout_everywhere))
        .route("/password", post(change_password))
        .layer(layer)
        .with_state(App { users, owners });
    let port = std::env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
