//! Several layers in one application, and values with a type.

use actix_web::{App, test::init_service, web};
use axum::{Router, response::Result, routing::get};
use cloakroom::{
    CookieOptions, Key, LazySession, MemoryStore, Scoped, Session, SessionLayer, SessionValue, Typed,
    actix_web::SessionMiddleware, testing::FaultStore,
};
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use crate::{app::Browser, support::log::Log};

struct Admin;
struct Shop;

const USER: Key<String> = Key::new("user");

fn cookie(name: &str) -> CookieOptions {
    CookieOptions::builder().name(name).build().expect("a name")
}

fn layer() -> SessionLayer {
    SessionLayer::new(MemoryStore::new())
}

fn admin() -> SessionLayer {
    layer().scope::<Admin>().cookie(cookie("__Host-admin"))
}

fn user(session: &Session) -> String {
    session.get(USER).expect("a text").unwrap_or_else(|| "nobody".to_owned())
}

async fn who(session: Session, admin: Scoped<Admin>) -> String {
    format!("{} {}", user(&session), user(&admin))
}

async fn enter(session: Session) {
    session.renew();
    session.insert(USER, "ada".to_owned()).expect("JSON");
}

async fn enter_admin(session: Scoped<Admin>) {
    session.renew();
    session.insert(USER, "root".to_owned()).expect("JSON");
}

async fn leave(session: Session) {
    session.purge();
}

async fn leave_admin(session: Scoped<Admin>) {
    session.into_inner().purge();
}

/// The steps of a visitor of both layers, and the expected answers.
const STORY: [(&str, &str); 6] = [
    ("/", "nobody nobody"),
    ("/enter", "ada nobody"),
    ("/admin/enter", "ada root"),
    ("/leave", "nobody root"),
    ("/enter", "ada root"),
    ("/admin/leave", "ada nobody"),
];

#[tokio::test]
async fn two_scopes_in_axum_are_two_logins() {
    for outside_in in [true, false] {
        let routes = Router::new()
            .route("/", get(who))
            .route("/enter", get(enter))
            .route("/leave", get(leave))
            .route("/admin/enter", get(enter_admin))
            .route("/admin/leave", get(leave_admin));
        let app = if outside_in { routes.layer(layer()).layer(admin()) } else { routes.layer(admin()).layer(layer()) };
        let mut browser = Browser::default();
        for (path, expected) in STORY {
            assert_eq!(browser.axum(&app, path).await.status(), StatusCode::OK);
            assert_eq!(browser.axum(&app, "/").await.body(), expected, "{path}");
        }
    }
}

#[actix_web::test]
async fn two_scopes_in_actix_are_two_logins() {
    async fn done(act: impl Future<Output = ()>) -> &'static str {
        act.await;
        "done"
    }
    for (lazy, outside_in) in [(false, false), (false, true), (true, false), (true, true)] {
        let middleware = |layer| {
            let middleware = SessionMiddleware::from(layer);
            if lazy { middleware.lazy() } else { middleware }
        };
        let (inner, outer) = if outside_in { (layer(), admin()) } else { (admin(), layer()) };
        let app = App::new()
            .wrap(middleware(inner))
            .wrap(middleware(outer))
            .route("/", web::get().to(who))
            .route("/enter", web::get().to(async |session: Session| done(enter(session)).await))
            .route("/leave", web::get().to(async |session: Session| done(leave(session)).await))
            .route("/admin/enter", web::get().to(async |session: Scoped<Admin>| done(enter_admin(session)).await))
            .route("/admin/leave", web::get().to(async |session: Scoped<Admin>| done(leave_admin(session)).await));
        let app = init_service(app).await;
        let mut browser = Browser::default();
        for (path, expected) in STORY {
            assert_eq!(browser.actix(&app, path).await.status(), StatusCode::OK);
            assert_eq!(browser.actix(&app, "/").await.body(), expected, "{path}");
        }
    }
}

#[tokio::test]
async fn an_optional_scoped_session_is_one_that_a_token_opened() {
    async fn is_in(session: Option<Scoped<Admin>>) -> String {
        session.is_some().to_string()
    }
    let app = Router::new().route("/", get(is_in)).route("/enter", get(enter_admin)).layer(admin());
    let mut browser = Browser::default();
    assert_eq!(browser.axum(&app, "/").await.body(), "false");
    browser.axum(&app, "/enter").await;
    assert_eq!(browser.axum(&app, "/").await.body(), "true");
}

/// The inner layer loads its own session before the handler, and leaves the outer one to the extractors.
#[actix_web::test]
async fn a_scoped_middleware_does_not_load_the_lazy_one_around_it() {
    let store = FaultStore::new(MemoryStore::new());
    let lazy = SessionLayer::new(store.clone());
    let app = App::new()
        .wrap(SessionMiddleware::from(admin()))
        .wrap(SessionMiddleware::from(lazy.clone()).lazy())
        .route("/", web::get().to(async |_: Scoped<Admin>| "hello"))
        .route("/unread", web::get().to(async |_: LazySession| "hello"));
    let app = init_service(app).await;
    let mut browser = Browser::default();
    browser.visit(&lazy, async |session| session.insert("n", 1).unwrap()).await;
    store.take_calls();
    for path in ["/", "/unread"] {
        assert_eq!(browser.actix(&app, path).await.body(), "hello");
        assert_eq!(store.take_calls(), [""; 0], "{path}");
    }
}

#[tokio::test]
async fn layers_that_collide_are_a_clear_error() {
    let table = [
        (
            "no scope, twice",
            layer(),
            layer().cookie(cookie("__Host-other")),
            "there are two session layers around this handler: give one a `.scope::<T>()`",
        ),
        (
            "a scope twice",
            admin(),
            admin().cookie(cookie("__Host-other")),
            "there are two session layers of the scope `behaviour::scopes::Admin` around this handler: remove one",
        ),
        (
            "a cookie name twice",
            layer(),
            layer().scope::<Admin>(),
            "the session layers of the scopes `()` and `behaviour::scopes::Admin` use the same cookie or header name: give each its own",
        ),
        (
            "among scopes",
            admin(),
            layer().scope::<Shop>().cookie(cookie("__Host-admin")),
            "the session layers of the scopes `behaviour::scopes::Admin` and `behaviour::scopes::Shop` use the same cookie or header name: give each its own",
        ),
        (
            "a header name twice",
            layer().header("x-token").expect("a name"),
            layer().scope::<Shop>().header_only("X-Token").expect("a name"),
            "the session layers of the scopes `()` and `behaviour::scopes::Shop` use the same cookie or header name: give each its own",
        ),
    ];
    for (what, outer, inner, error) in table {
        let log = Log::capture();
        let handler = async || -> &'static str { panic!("no handler runs") };
        let app = Router::new().route("/", get(handler)).layer(inner.clone()).layer(outer.clone());
        let response = Browser::default().axum(&app, "/").await;
        assert_eq!((response.status(), response.body().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, ""), "{what}");

        let app = App::new()
            .wrap(SessionMiddleware::from(inner))
            .wrap(SessionMiddleware::from(outer))
            .route("/", web::get().to(handler));
        let app = init_service(app).await;
        let response = Browser::default().actix(&app, "/").await;
        assert_eq!((response.status(), response.body().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, ""), "{what}");

        let log = log.text();
        let lines: Vec<_> = log.lines().filter(|line| line.contains("ERROR") && line.contains(error)).collect();
        assert_eq!(lines.len(), 2, "{what}: {log}");
    }
}

#[tokio::test]
async fn a_scope_that_no_layer_has_is_a_clear_error() {
    let log = Log::capture();
    let app = Router::new().route("/", get(async |_: Scoped<Shop>| "never")).layer(admin());
    assert_eq!(Browser::default().axum(&app, "/").await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    // The scope's layer does not give a session without a scope either.
    let app = Router::new().route("/", get(async |_: Session| "never")).layer(admin());
    assert_eq!(Browser::default().axum(&app, "/").await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let log = log.text();
    assert_eq!(
        log.lines().filter(|line| line.contains("ERROR") && line.contains("no session layer")).count(),
        2,
        "{log}"
    );
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
}

impl SessionValue for Cart {
    const KEY: Key<Self> = Key::new("cart");
}

const VISITS: Key<u64> = Key::new("visits");

fn shop(cart: &Typed<Cart>) -> String {
    cart.update(|mut cart| {
        cart.items.push("umbrella".to_owned());
        cart
    })
    .expect("a cart");
    cart.session().update_or(VISITS, 1, |visits| visits + 1).expect("a number");
    let items = cart.get().expect("a cart").expect("just put there").items.len();
    format!("{items} {}", cart.session().get(VISITS).expect("a number").expect("just set"))
}

#[tokio::test]
async fn typed_values_and_keys_are_extracted_in_axum() {
    async fn page(cart: Typed<Cart>) -> String {
        shop(&cart)
    }
    async fn empty(cart: Typed<Cart>) -> Result<String> {
        let taken = cart.take()?.expect("a cart");
        cart.set(Cart { items: vec!["coat".to_owned()] })?;
        Ok(taken.items.join(" "))
    }
    async fn broken(session: Session, cart: Typed<Cart>) -> Result<()> {
        session.insert("cart", 17)?;
        cart.get()?;
        Ok(())
    }
    let app =
        Router::new().route("/", get(page)).route("/empty", get(empty)).route("/broken", get(broken)).layer(layer());
    let mut browser = Browser::default();
    assert_eq!(browser.axum(&app, "/").await.body(), "1 1");
    assert_eq!(browser.axum(&app, "/").await.body(), "2 2");
    assert_eq!(browser.axum(&app, "/empty").await.body(), "umbrella umbrella");
    assert_eq!(browser.axum(&app, "/").await.body(), "2 3");
    let response: Response<String> = browser.axum(&app, "/broken").await;
    assert_eq!((response.status(), response.body().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, ""));
}

#[actix_web::test]
async fn typed_values_and_keys_are_extracted_in_actix() {
    async fn page(cart: Typed<Cart>) -> String {
        shop(&cart)
    }
    let app = App::new().wrap(SessionMiddleware::from(layer())).route("/", web::get().to(page));
    let app = init_service(app).await;
    let mut browser = Browser::default();
    assert_eq!(browser.actix(&app, "/").await.body(), "1 1");
    assert_eq!(browser.actix(&app, "/").await.body(), "2 2");
    let bare = init_service(App::new().route("/", web::get().to(page))).await;
    assert_eq!(browser.actix(&bare, "/").await.status(), StatusCode::INTERNAL_SERVER_ERROR);
}
