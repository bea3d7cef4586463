//! actix-identity beside our middleware, without the patch that puts it on our sessions.

use actix_identity::{Identity, IdentityMiddleware};
use actix_web::{
    App, HttpMessage as _, HttpRequest, Responder,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::{Next, from_fn},
    test::{TestRequest, call_service, init_service},
    web::{Redirect, get, post},
};
use cloakroom::{MemoryStore, Session, actix_web::SessionExt as _};

use crate::{
    house::builder,
    support::{Page, Sent, drivers::actix::collect, log::Log},
};

async fn login(request: HttpRequest) -> actix_web::Result<impl Responder> {
    Identity::login(&request.extensions(), "ada".to_owned())?;
    Ok(Redirect::to("/").see_other())
}

async fn home(session: Session) -> String {
    format!("{} keys", session.keys().len())
}

/// Row: `actix-identity` without the patch.
#[actix_web::test]
async fn logins_that_get_lost_are_one_error_in_the_log() {
    let log = Log::capture();
    for _ in 0..2 {
        let app = App::new()
            .wrap(IdentityMiddleware::default())
            .wrap(builder(MemoryStore::new()).build())
            .route("/", get().to(home))
            .route("/login", post().to(login));
        let app = init_service(app).await;
        for _ in 0..2 {
            let request = TestRequest::post().uri("/login").to_request();
            let page = Page::new(collect(call_service(&app, request).await).await);
            assert_eq!((page.status.as_u16(), page.sent()), (303, Sent::Nothing), "nobody is logged in");
        }
    }
    assert_eq!(log.take_count("ERROR"), 1);
}

/// A middleware that answers by itself, or asks for the session.
async fn stands_between(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> actix_web::Result<ServiceResponse<impl MessageBody>> {
    request.get_session().insert("seen", true)?;
    next.call(request).await
}

#[actix_web::test]
async fn services_in_order_have_no_error_in_the_log() {
    let log = Log::capture();
    let sessions = || builder(MemoryStore::new()).build();
    let plain = init_service(App::new().wrap(sessions()).route("/", get().to(home))).await;
    let app = App::new().wrap(from_fn(stands_between)).wrap(sessions()).route("/", get().to(home));
    let between = init_service(app).await;
    for expected in ["0 keys", "1 keys"] {
        let request = TestRequest::get().to_request();
        let response = match expected {
            "0 keys" => collect(call_service(&plain, request).await).await,
            _ => collect(call_service(&between, request).await).await,
        };
        assert_eq!(Page::new(response).body, expected);
    }
    assert_eq!(log.take_count("ERROR"), 0);
}
