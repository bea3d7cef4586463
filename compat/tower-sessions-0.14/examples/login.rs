//! axum-login 0.18 and axum-messages 0.8, unmodified, on cloakroom's sessions, and what that adds: logging a user out everywhere is one
//! call.
//!
//! `cargo run --manifest-path compat/tower-sessions-0.14/Cargo.toml --example login -- 8080`

use std::{collections::HashSet, convert::Infallible};

use axum::{
    Extension, Form, Router,
    extract::Query,
    http::StatusCode,
    response::{IntoResponse, Redirect},
    routing::{get, post},
};
use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend, AuthzBackend, login_required, permission_required};
use axum_messages::{Messages, MessagesManagerLayer};
use cloakroom::Owners;
use serde::Deserialize;
use tower_sessions::{MemoryStore, SessionManagerLayer};

/// A user. Its name is its password, too: this is about sessions.
#[derive(Clone, Debug)]
struct User {
    id: i64,
    name: &'static str,
}

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    /// A change of the password ends the sessions of before.
    fn session_auth_hash(&self) -> &[u8] {
        self.name.as_bytes()
    }
}

#[derive(Clone, Debug)]
struct Users;

const USERS: [User; 2] = [User { id: 1, name: "ferris" }, User { id: 2, name: "admin" }];

#[derive(Clone, Debug, Deserialize)]
struct Credentials {
    username: String,
    password: String,
    next: Option<String>,
}

impl AuthnBackend for Users {
    type User = User;
    type Credentials = Credentials;
    type Error = Infallible;

    async fn authenticate(&self, given: Credentials) -> Result<Option<User>, Infallible> {
        Ok(USERS.into_iter().find(|user| user.name == given.username && user.name == given.password))
    }

    async fn get_user(&self, id: &i64) -> Result<Option<User>, Infallible> {
        Ok(USERS.into_iter().find(|user| user.id == *id))
    }
}

impl AuthzBackend for Users {
    type Permission = &'static str;

    async fn get_user_permissions(&self, user: &User) -> Result<HashSet<&'static str>, Infallible> {
        Ok(if user.name == "admin" { HashSet::from(["see.restricted"]) } else { HashSet::new() })
    }
}

type AuthSession = axum_login::AuthSession<Users>;

async fn home(auth: AuthSession) -> String {
    format!("hello, {}\n", auth.user.map_or("stranger", |user| user.name))
}

#[derive(Deserialize)]
struct Next {
    next: Option<String>,
}

async fn login_page(messages: Messages, Query(Next { next }): Query<Next>) -> String {
    let messages: Vec<String> = messages.into_iter().map(|message| message.to_string()).collect();
    format!("log in to see {}\n{}", next.unwrap_or_default(), messages.join("\n"))
}

async fn login(mut auth: AuthSession, messages: Messages, Form(form): Form<Credentials>) -> impl IntoResponse {
    let next = form.next.clone().unwrap_or_else(|| "/".to_owned());
    match auth.authenticate(form).await {
        Ok(Some(user)) if auth.login(&user).await.is_ok() => Redirect::to(&next).into_response(),
        Ok(None) => {
            messages.error("wrong password");
            Redirect::to("/login").into_response()
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn logout(mut auth: AuthSession) -> impl IntoResponse {
    match auth.logout().await {
        Ok(_) => Redirect::to("/login").into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn logout_everywhere(mut auth: AuthSession, owners: Extension<Owners>) -> impl IntoResponse {
    let Some(user) = auth.user.clone() else { return StatusCode::UNAUTHORIZED.into_response() };
    let ended = owners.revoke_all(&user.id.to_string()).await.is_ok() && auth.logout().await.is_ok();
    if ended { Redirect::to("/login").into_response() } else { StatusCode::INTERNAL_SERVER_ERROR.into_response() }
}

/// The whole service.
pub fn app() -> Router {
    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_secure(false) // plain http, for development
        .with_options(|layer| layer.owner_key("axum-login.data.user_id"));
    let owners = sessions.owners().expect("memory has an index of owners");
    Router::new()
        .route("/restricted", get(async || "restricted\n"))
        .route_layer(permission_required!(Users, login_url = "/login", "see.restricted"))
        .route("/", get(home))
        .route("/logout-everywhere", post(logout_everywhere))
        .route_layer(login_required!(Users, login_url = "/login"))
        .route("/login", get(login_page).post(login))
        .route("/logout", get(logout))
        .layer(Extension(owners))
        .layer(MessagesManagerLayer)
        .layer(AuthManagerLayerBuilder::new(Users, sessions).build())
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, app()).await
}
