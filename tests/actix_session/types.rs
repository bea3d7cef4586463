//! Signatures that services of actix-session use.

use actix_web::{
    App, HttpRequest,
    body::MessageBody,
    cookie::Key,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::Next,
    test::{TestRequest, call_and_read_body, init_service},
    web,
};
use cloakroom::{
    Error, MemoryStore,
    actix_web::{
        Session, SessionExt, SessionGetError, SessionInsertError, SessionMiddleware, SessionUpdateError,
        config::{
            BrowserSession, CookieContentSecurity, PersistentSession, SessionLifecycle, SessionMiddlewareBuilder,
            TtlExtensionPolicy,
        },
        storage::{CookieSessionStore, RedisSessionStore, SessionKey, SessionStore, generate_session_key},
    },
};

fn named(key: Key) -> SessionMiddleware<CookieSessionStore> {
    SessionMiddleware::builder(CookieSessionStore::default(), key).cookie_name("shop".to_owned()).build()
}

fn any<Store: SessionStore>(store: Store, key: Key) -> SessionMiddleware<Store> {
    with_lifecycle(SessionMiddleware::builder(store, key), PersistentSession::default()).build()
}

fn with_lifecycle<Store: SessionStore>(
    builder: SessionMiddlewareBuilder<Store>,
    lifecycle: impl Into<SessionLifecycle>,
) -> SessionMiddlewareBuilder<Store> {
    builder.session_lifecycle(lifecycle).cookie_content_security(CookieContentSecurity::Signed)
}

fn lifecycle(is_remembered: bool) -> SessionLifecycle {
    if is_remembered {
        PersistentSession::default().session_ttl_extension_policy(TtlExtensionPolicy::OnEveryRequest).into()
    } else {
        SessionLifecycle::BrowserSession(BrowserSession::default())
    }
}

async fn redis(url: &str) -> Result<RedisSessionStore, Box<dyn std::error::Error + Send + Sync>> {
    Ok(RedisSessionStore::builder(url).cache_keygen(|key| format!("shop:{key}")).build().await?)
}

fn application(
    key: Key,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    App::new().wrap(named(key)).route("/", web::get().to(visits))
}

struct Context<'a>(&'a HttpRequest);

impl SessionExt for Context<'_> {
    fn get_session(&self) -> Session {
        self.0.get_session()
    }

    fn try_get_session(&self) -> Result<Session, Error> {
        self.0.try_get_session()
    }
}

fn seen(session: &Session) -> Result<u32, SessionGetError> {
    session.get("visits").map(Option::unwrap_or_default)
}

fn reset(session: &Session) -> Result<(), SessionInsertError> {
    session.insert("visits", 0)
}

fn count(session: &Session) -> Result<(), SessionUpdateError> {
    session.update_or("visits", 1, |visits: u32| visits + 1)
}

async fn visits(request: HttpRequest) -> actix_web::Result<String> {
    let session = Context(&request).get_session();
    count(&session)?;
    let visits = seen(&session)?;
    if visits > 9 {
        reset(&session)?;
    }
    Ok(visits.to_string())
}

async fn members_only<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let user: Option<String> = request.get_session().get("user")?;
    if user.is_none() {
        return Err(actix_web::error::ErrorUnauthorized("log in"));
    }
    next.call(request).await
}

#[actix_web::test]
async fn they_compile_and_work() {
    let app = init_service(application(Key::generate())).await;
    assert_eq!(call_and_read_body(&app, TestRequest::default().to_request()).await, "1");
    let any = any(MemoryStore::new(), Key::generate());
    let app = App::new().wrap(actix_web::middleware::from_fn(members_only)).wrap(any.clone());
    let app = init_service(app.route("/", web::get().to(visits))).await;
    let error = actix_web::test::try_call_service(&app, TestRequest::default().to_request()).await.err().unwrap();
    assert_eq!(error.error_response().status(), 401);
    drop(with_lifecycle(SessionMiddleware::builder(CookieSessionStore::default(), Key::generate()), lifecycle(true)));
    assert!(redis("127.0.0.1:1").await.is_err());
}

#[test]
fn a_key_is_a_text_of_at_most_4064_bytes() {
    assert!(SessionKey::try_from("k".repeat(4064)).is_ok());
    let error = SessionKey::try_from("k".repeat(4065)).unwrap_err();
    assert!(error.to_string().contains("4065"), "{error}");
    let key: String = generate_session_key().into();
    assert_eq!(key.len(), 64);
}
