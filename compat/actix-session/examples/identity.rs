//! Runs actix-identity 0.9, unmodified, on cloakroom's sessions. Logging a user out everywhere is then one call.
//!
//! `cargo run --manifest-path compat/actix-session/Cargo.toml --example identity -- 8080`

use std::net::TcpListener;

use actix_identity::{Identity, IdentityMiddleware};
use actix_session::SessionMiddleware;
use actix_web::{
    App, HttpMessage as _, HttpRequest, HttpServer, Responder, Result,
    cookie::Key,
    error::ErrorServiceUnavailable,
    web::{Data, Form, Redirect, ServiceConfig, get, post},
};
use cloakroom::{MemoryStore, Owners};
use serde::Deserialize;

async fn home(identity: Option<Identity>) -> Result<String> {
    let name = identity.map(|identity| identity.id()).transpose()?;
    Ok(format!("hello, {}\n", name.as_deref().unwrap_or("stranger")))
}

#[derive(Deserialize)]
struct Login {
    name: String,
}

async fn login(request: HttpRequest, form: Form<Login>) -> Result<impl Responder> {
    Identity::login(&request.extensions(), form.into_inner().name)?;
    Ok(Redirect::to("/").see_other())
}

async fn logout(identity: Identity) -> impl Responder {
    identity.logout();
    Redirect::to("/").see_other()
}

async fn logout_everywhere(identity: Identity, owners: Data<Owners>) -> Result<impl Responder> {
    let name = identity.id()?;
    owners.revoke_all(&name).await.map_err(ErrorServiceUnavailable)?;
    identity.logout();
    Ok(Redirect::to("/").see_other())
}

/// Tells the sessions under which key actix-identity keeps its user.
pub fn sessions() -> SessionMiddleware<MemoryStore> {
    SessionMiddleware::builder(MemoryStore::new(), Key::generate())
        .cookie_secure(false) // plain http, for development
        .layer(|layer| layer.owner_key("actix_identity.user_id"))
        .build()
}

/// Adds the routes. They need nothing but the two middlewares.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/", get().to(home))
        .route("/login", post().to(login))
        .route("/logout", post().to(logout))
        .route("/logout-everywhere", post().to(logout_everywhere));
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let sessions = sessions();
    let owners = sessions.owners().map(Data::new);
    let port = std::env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    println!("http://{}/", listener.local_addr()?);
    HttpServer::new(move || {
        let app = App::new().wrap(IdentityMiddleware::default()).wrap(sessions.clone()).configure(routes);
        owners.iter().cloned().fold(app, App::app_data)
    })
    .listen(listener)?
    .run()
    .await
}
