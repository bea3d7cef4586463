//! The guard of sensitive routes, on every framework.

use std::{convert::Infallible, rc::Rc};

use actix_web::{
    dev::Service as _,
    test::init_service,
    web::{self, ServiceConfig},
};
use axum::{Router, routing::get};
use bytes::Bytes;
use cloakroom::{LazySession, Session, actix_web::SessionMiddleware, device_bound::RequireBoundDevice};
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::{
    device::Device,
    house::{House, LIFETIME},
    support::{App, Browser, drivers},
};

const LOGIN: &str = "/app/login:ada/insert:cart:pear";

fn who(guard: &RequireBoundDevice) -> String {
    assert!(guard.device.proved_at >= guard.device.bound_at);
    guard.session.owner().unwrap_or_default()
}

fn on_axum(house: &House) -> App {
    let router = Router::new()
        .route("/pay", get(async |guard: RequireBoundDevice| who(&guard)))
        .route(LOGIN, get(async |session: Session| session.login("ada")));
    drivers::axum::served("axum", router.layer(house.layer.clone()))
}

async fn on_actix(house: &House) -> App {
    let routes = |config: &mut ServiceConfig| {
        config.route("/pay", web::get().to(async |guard: RequireBoundDevice| who(&guard)));
        let login = async |session: Session| {
            session.login("ada");
            "in"
        };
        config.route(LOGIN, web::get().to(login));
    };
    let middleware = SessionMiddleware::from(house.layer.clone());
    let service = Rc::new(init_service(actix_web::App::new().wrap(middleware).configure(routes)).await);
    App::new("actix", move |request| {
        let service = Rc::clone(&service);
        Box::pin(async move {
            match service.call(drivers::actix::test_request(request).to_request()).await {
                Ok(response) => drivers::actix::collect(response).await,
                Err(error) => drivers::actix::collect_http(error.error_response()).await,
            }
        })
    })
}

/// A handler without extractors.
fn on_tower(house: &House) -> App {
    let handle = async |request: Request<Bytes>| {
        let path = request.uri().path().to_owned();
        let lazy = request.extensions().get::<LazySession>().unwrap().clone();
        if path == LOGIN {
            lazy.load().await.unwrap().login("ada");
        } else {
            match RequireBoundDevice::extract(&lazy).await {
                Ok(guard) => return Ok(Response::new(Full::from(who(&guard)))),
                Err(failure) => return Ok(failure.into_response()),
            }
        }
        Ok::<_, Infallible>(Response::new(Full::from("in")))
    };
    let service = house.layer.layer(service_fn(handle));
    App::new("tower", move |request| {
        let service = service.clone();
        Box::pin(async move { drivers::tower::collect(service.oneshot(request).await.unwrap()).await })
    })
}

#[tokio::test]
async fn the_guard_lets_proven_devices_through() {
    let house = House::new();
    for app in [on_axum(&house), on_actix(&house).await, on_tower(&house)] {
        let mut ada = Device::logged_in(&app, "ada").await;
        for browser in [&ada.browser, &Browser::new()] {
            let page = browser.get(&app, "/pay").await;
            assert_eq!((page.status.as_u16(), &*page.body), (403, ""), "{}", app.name);
        }
        ada.register(&app).await;
        let page = ada.browser.get(&app, "/pay").await;
        assert_eq!((page.status.as_u16(), &*page.body), (200, "ada"), "{}", app.name);
        house.clock.advance(LIFETIME);
        assert_eq!(ada.browser.get(&app, "/pay").await.status, 403, "{}: the proof is over", app.name);
        assert_eq!(ada.refresh(&app).await.status, 200);
        assert_eq!(ada.browser.get(&app, "/pay").await.status, 200, "{}", app.name);
    }
}
