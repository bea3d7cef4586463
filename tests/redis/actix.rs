//! Actix Web without Redis: requests that do not use the session are not affected.

use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    http::header,
    test::{self, TestRequest},
    web,
};
use cloakroom::{LazySession, Session, SessionLayer, actix_web::SessionMiddleware};

use crate::redis_support::{SECOND, server::Server, until};

async fn count(session: Session) -> actix_web::Result<String> {
    session.update_or("n", 1, |n: u32| n + 1)?;
    Ok(format!("{:?}", session.get::<u32>("n")?))
}

async fn read(session: Session) -> actix_web::Result<String> {
    Ok(format!("{:?}", session.get::<u32>("n")?))
}

async fn ignore(_lazy: LazySession) -> &'static str {
    "fine"
}

/// Returns the status that a client sees, and the cookie that it gets.
async fn get<S, B>(app: &S, path: &str, cookie: Option<&str>) -> (u16, Option<String>)
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let request = cookie
        .into_iter()
        .fold(TestRequest::get().uri(path), |request, cookie| request.insert_header((header::COOKIE, cookie)));
    match app.call(request.to_request()).await {
        Ok(response) => {
            let line = response.headers().get(header::SET_COOKIE).and_then(|line| line.to_str().ok());
            let cookie = line.and_then(|line| line.split(';').next()).map(str::to_owned);
            (response.status().as_u16(), cookie)
        }
        Err(error) => (error.error_response().status().as_u16(), None),
    }
}

#[actix_web::test]
async fn who_does_not_ask_notices_nothing() {
    for is_lazy in [true, false] {
        let mut server = Server::start().await;
        let middleware = SessionMiddleware::from(SessionLayer::new(server.store().await));
        let middleware = if is_lazy { middleware.lazy() } else { middleware };
        let app = App::new()
            .wrap(middleware)
            .route("/count", web::get().to(count))
            .route("/read", web::get().to(read))
            .route("/ignore", web::get().to(ignore));
        let app = test::init_service(app).await;
        let (status, cookie) = get(&app, "/count", None).await;
        assert_eq!(status, 200);
        let cookie = cookie.expect("a new session has a cookie");

        server.kill();
        for _ in 0..3 {
            assert_eq!(get(&app, "/count", Some(&cookie)).await, (503, None));
            assert_eq!(get(&app, "/count", None).await, (503, None));
            assert_eq!(get(&app, "/read", None).await, (200, None));
            // Without `.lazy()`, the session is loaded before the handler, and the error appears when the session is
            // used.
            assert_eq!(get(&app, "/ignore", Some(&cookie)).await, (200, None));
        }
        server.restart().await;
        until("a session is stored again", SECOND, || async { get(&app, "/count", None).await.0 == 200 }).await;
    }
}
