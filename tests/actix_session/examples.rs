//! The published examples: a counter, and a login that each request of a member renews.

use actix_web::{HttpResponse, Responder, error::InternalError, web};
use cloakroom::{
    Session,
    actix_web::{config::CookieContentSecurity, storage::SessionStore},
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    house::{Site, attribute, builder, is_server_side},
    stores::over_every_store,
    support::{Browser, Sent},
};

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

async fn counter(session: Session) -> actix_web::Result<String> {
    let count = session.get::<i32>("counter")?.map_or(1, |count| count + 1);
    session.insert("counter", count)?;
    Ok(count.to_string())
}

async fn login(credentials: web::Json<Credentials>, session: Session) -> actix_web::Result<impl Responder> {
    if credentials.password != "open sesame" {
        return Err(refused());
    }
    session.insert("user", &credentials.name)?;
    Ok("welcome")
}

async fn secret(session: Session) -> actix_web::Result<String> {
    let user: String = session.get("user")?.ok_or_else(refused)?;
    session.renew();
    Ok(format!("a secret for {user}"))
}

fn refused() -> actix_web::Error {
    InternalError::from_response("", HttpResponse::Unauthorized().json("refused")).into()
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/", web::get().to(counter))
        .route("/login", web::post().to(login))
        .route("/secret", web::get().to(secret));
}

async fn visits_are_counted<S: SessionStore + 'static>(store: S, content: CookieContentSecurity) {
    let site = Site::with(builder(store).cookie_content_security(content).build(), routes);
    let (one, other) = (Browser::new(), Browser::new());
    for count in ["1", "2", "3"] {
        assert_eq!(site.get(&one, "/").await.body, count);
    }
    assert_eq!(site.get(&other, "/").await.body, "1");
}
over_every_store!(visits_are_counted);

async fn members_are_renewed_with_each_request<S: SessionStore + 'static>(store: S, content: CookieContentSecurity) {
    let middleware = builder(store)
        .cookie_content_security(content)
        .cookie_http_only(false)
        .cookie_same_site(actix_web::cookie::SameSite::Strict)
        .build();
    let site = Site::with(middleware, routes);
    let browser = Browser::new();
    assert_eq!(site.get(&browser, "/secret").await.status, 401);
    let page = site.post(&browser, "/login", json!({ "name": "Ada", "password": "guess" })).await;
    assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (401, "\"refused\"", Sent::Nothing));
    let page = site.post(&browser, "/login", json!({ "name": "Ada", "password": "open sesame" })).await;
    assert_eq!((attribute(&page, "SameSite"), attribute(&page, "HttpOnly")), (Some("Strict"), None));
    for _ in 0..3 {
        let before = browser.copied();
        let page = site.get(&browser, "/secret").await;
        assert_eq!((page.body.as_str(), page.sent()), ("a secret for Ada", Sent::Token));
        // Within the same millisecond, a readable cookie of equal content is the same.
        if content == CookieContentSecurity::Private || is_server_side::<S>() {
            assert_ne!(browser.header(), before.header());
        }
        let status = if is_server_side::<S>() { 401 } else { 200 };
        assert_eq!(site.peek(&before, "/secret").await.status, status, "the cookie from before");
    }
}
over_every_store!(members_are_renewed_with_each_request);
