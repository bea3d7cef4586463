//! A service that moved here from actix-session. `docs/from-actix-session.md` shows the changes.
//!
//! `cargo run --all-features --example actix_session -- 8080` keeps sessions in memory. To keep them in Redis, add
//! `--redis redis://127.0.0.1:6379`.

use std::{error::Error, net::TcpListener};

use actix_web::{
    App, HttpServer, Responder, Result,
    cookie::{Key, time::Duration},
    error::ErrorServiceUnavailable,
    guard::{GuardContext, fn_guard},
    web::{Data, Form, Redirect, get, post, scope},
};
use cloakroom::{
    MemoryStore, Owners,
    actix_web::{
        Session, SessionExt as _, SessionMiddleware,
        config::PersistentSession,
        storage::{RedisSessionStore, SessionStore},
    },
};
use lexopt::{Arg, ValueExt as _};
use serde::Deserialize;

async fn home(session: Session) -> Result<String> {
    session.update_or("visits", 1, |visits: u32| visits + 1)?;
    let visits = session.get::<u32>("visits")?.unwrap_or_default();
    Ok(format!("visits: {visits}\n"))
}

#[derive(Deserialize)]
struct Login {
    name: String,
}

async fn login(form: Form<Login>, session: Session) -> Result<impl Responder> {
    session.renew();
    session.insert("user", &form.name)?;
    Ok(Redirect::to("/members/").see_other())
}

async fn logout(session: Session) -> impl Responder {
    session.purge();
    Redirect::to("/").see_other()
}

async fn logout_everywhere(owners: Data<Owners>, session: Session) -> Result<impl Responder> {
    if let Some(user) = session.owner() {
        owners.revoke_all(&user).await.map_err(ErrorServiceUnavailable)?;
    }
    session.purge();
    Ok(Redirect::to("/").see_other())
}

fn is_member(context: &GuardContext<'_>) -> bool {
    context.get_session().contains_key("user")
}

async fn members(session: Session) -> Result<String> {
    Ok(format!("hello, {}\n", session.get::<String>("user")?.unwrap_or_default()))
}

async fn serve(store: impl SessionStore + 'static, key: Key, listener: TcpListener) -> Result<(), Box<dyn Error>> {
    let middleware = SessionMiddleware::builder(store, key)
        .cookie_secure(false) // plain http, for development
        .session_lifecycle(PersistentSession::default().session_ttl(Duration::days(14)))
        .layer(|layer| layer.owner_key("user"))
        .build();
    let owners = Data::new(middleware.owners().ok_or("the store has no index of owners")?);
    let app = move || {
        App::new()
            .wrap(middleware.clone())
            .app_data(owners.clone())
            .route("/", get().to(home))
            .route("/login", post().to(login))
            .route("/logout", post().to(logout))
            .route("/logout-everywhere", post().to(logout_everywhere))
            .service(scope("/members").guard(fn_guard(is_member)).route("/", get().to(members)))
    };
    Ok(HttpServer::new(app).listen(listener)?.run().await?)
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (mut port, mut redis) = (8080, None);
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Value(value) => port = value.parse()?,
            Arg::Long("redis") => redis = Some(args.value()?.string()?),
            arg => return Err(arg.unexpected().into()),
        }
    }
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    println!("http://{}/", listener.local_addr()?);
    let key = Key::generate(); // a service takes it out of its configuration
    match redis {
        Some(url) => serve(RedisSessionStore::new(url).await?, key, listener).await,
        None => serve(MemoryStore::new(), key, listener).await,
    }
}
