//! Accounts with Actix Web: passwords, "remember me", "your devices", log out everywhere, and a change of the password.
//!
//! `cargo run --features actix-web --example accounts_actix -- 8080`. The guide `cloakroom::guide::login` explains each step.

mod users;

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{
    App, Error, FromRequest, HttpRequest, HttpResponse, HttpServer, Result,
    dev::Payload,
    error::{ErrorForbidden, ErrorInternalServerError, ErrorNotFound, ErrorUnauthorized},
    get,
    http::header,
    post,
    web::{Data, Form, Json, Path, Redirect},
};
use cloakroom::{Lifetime, MemoryStore, Owners, Session, SessionLayer, actix_web::SessionMiddleware};

use crate::users::{Change, Credentials, Device, Users};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A user who is logged in. As an argument, it keeps all other requests from a handler.
struct CurrentUser {
    name: String,
    session: Session,
}

impl FromRequest for CurrentUser {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let session = Session::from_request(request, payload);
        Box::pin(async move {
            let session = session.await?;
            let name = session.owner().ok_or_else(|| ErrorUnauthorized(""))?;
            Ok(Self { name, session })
        })
    }
}

#[post("/signup")]
async fn sign_up(users: Data<Users>, form: Form<Credentials>) -> HttpResponse {
    let Credentials { name, password, .. } = form.into_inner();
    if users.sign_up(&name, password).await {
        HttpResponse::Created().finish()
    } else {
        HttpResponse::Conflict().finish()
    }
}

#[post("/login")]
async fn login(
    users: Data<Users>,
    session: Session,
    request: HttpRequest,
    form: Form<Credentials>,
) -> Result<Redirect> {
    let Credentials { name, password, remember } = form.into_inner();
    let admission = users.check(&name, password).await.ok_or_else(|| ErrorUnauthorized(""))?;
    // A new token and an owner. If another user was logged in here, the session starts empty.
    session.login_at(name, admission.seen);
    if remember {
        let month = Lifetime::builder().idle(30 * DAY).absolute(90 * DAY).persistent().build();
        session.set_lifetime(month.map_err(ErrorInternalServerError)?);
    }
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or("unknown");
    session.set_label(agent.chars().take(100).collect::<String>());
    Ok(Redirect::to("/").see_other())
}

#[get("/")]
async fn home(user: CurrentUser) -> String {
    format!("hello, {}\n", user.name)
}

#[post("/logout")]
async fn logout(session: Session) -> Redirect {
    session.purge();
    Redirect::to("/login").see_other()
}

#[get("/devices")]
async fn devices(owners: Data<Owners>, user: CurrentUser) -> Result<Json<Vec<Device>>> {
    let this = user.session.id();
    let sessions = owners.list(&user.name).await?;
    Ok(Json(sessions.into_iter().map(|session| Device::of(session, this)).collect()))
}

#[post("/devices/{id}/revoke")]
async fn revoke(owners: Data<Owners>, user: CurrentUser, id: Path<String>) -> Result<HttpResponse> {
    let id = id.parse().map_err(ErrorNotFound)?;
    // It revokes sessions of this user only: the id comes from the client.
    let is_revoked = owners.revoke(&user.name, &id).await?;
    Ok(if is_revoked { HttpResponse::NoContent().finish() } else { HttpResponse::NotFound().finish() })
}

#[post("/logout-everywhere")]
async fn logout_everywhere(users: Data<Users>, owners: Data<Owners>, user: CurrentUser) -> Result<Redirect> {
    // The value first: it also ends a login that is under way.
    users.end_sessions(&user.name);
    owners.revoke_all(&user.name).await?;
    user.session.purge();
    Ok(Redirect::to("/login").see_other())
}

#[post("/password")]
async fn change_password(
    users: Data<Users>,
    owners: Data<Owners>,
    user: CurrentUser,
    form: Form<Change>,
) -> Result<Redirect> {
    let (CurrentUser { name, session }, Change { old, new }) = (user, form.into_inner());
    users.check(&name, old).await.ok_or_else(|| ErrorForbidden(""))?;
    let admission = users.change_password(&name, new).await.ok_or_else(|| ErrorInternalServerError(""))?;
    owners.revoke_all(&name).await?;
    // This device stays logged in, under a new token.
    session.login_at(name, admission.seen);
    Ok(Redirect::to("/").see_other())
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let users = Users::default();
    let known = users.clone();
    let layer = SessionLayer::new(MemoryStore::new())
        .owner_valid_from(move |name| std::future::ready(Ok(known.valid_from(&name))))
        .insecure_http(); // For development: plain http.
    let owners = layer.owners().ok_or_else(|| std::io::Error::other("the store lists no owners"))?;
    let app = move || {
        let data = App::new().app_data(Data::new(users.clone())).app_data(Data::new(owners.clone()));
        data.wrap(SessionMiddleware::from(layer.clone())).service((
            sign_up,
            login,
            home,
            logout,
            devices,
            revoke,
            logout_everywhere,
            change_password,
        ))
    };
    let port = std::env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    let server = HttpServer::new(app).bind(format!("127.0.0.1:{port}"))?;
    server.addrs().iter().for_each(|address| println!("http://{address}/"));
    server.run().await
}
