//! The application with a time-out layer, in each framework.

use std::{rc::Rc, time::Duration};

use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{Service as _, ServiceRequest, ServiceResponse},
    error::ErrorGatewayTimeout,
    middleware::{Condition, Next, from_fn},
    test::init_service,
};
use axum::error_handling::HandleErrorLayer;
use bytes::Bytes;
use cloakroom::SessionLayer;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::{
    BoxError, Layer as _, Service, ServiceBuilder, ServiceExt as _, service_fn, timeout::TimeoutLayer as Tower,
};
use tower_http::timeout::TimeoutLayer as TowerHttp;

use crate::support::{
    App,
    drivers::{
        actix,
        axum::{router, served},
        tower::{collect, handle},
    },
};

/// The time after which a request ends with 504.
pub(crate) const LIMIT: Duration = Duration::from_secs(1);

/// The place of the time-out layer, and the outcome that the session layer sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Outside of the session layer, whose future it drops.
    Outside,
    /// Inside of the session layer. The handler's service fails.
    InsideFails,
    /// Inside of the session layer. The handler's service answers 504.
    InsideAnswers,
}

/// Returns one application for each framework, time-out layer and place. Each has a session layer of its own.
pub(crate) async fn every<T>(mut layer: impl FnMut() -> (SessionLayer, T)) -> Vec<(App, Place, T)> {
    let mut apps = Vec::new();
    for make in [tower_outside, tower_inside, tower_http_outside, tower_http_inside] {
        let (session, with) = layer();
        let (app, place) = make(session);
        apps.push((app, place, with));
    }
    for make in [axum_tower, axum_tower_http] {
        for place in [Place::Outside, Place::InsideAnswers] {
            let (session, with) = layer();
            apps.push((make(session, place), place, with));
        }
    }
    for is_lazy in [false, true] {
        for place in [Place::Outside, Place::InsideAnswers] {
            let (session, with) = layer();
            apps.push((on_actix(session, is_lazy, place).await, place, with));
        }
    }
    apps
}

fn tower_outside(layer: SessionLayer) -> (App, Place) {
    let service = Tower::new(LIMIT).layer(layer.layer(service_fn(handle::<Bytes>)));
    (called("tower, tower's layer", service), Place::Outside)
}

fn tower_inside(layer: SessionLayer) -> (App, Place) {
    let service = layer.layer(Tower::new(LIMIT).layer(service_fn(handle::<Bytes>)));
    (called("tower, tower's layer", service), Place::InsideFails)
}

fn tower_http_outside(layer: SessionLayer) -> (App, Place) {
    let service = tower_http().layer(layer.layer(service_fn(handle::<Bytes>)));
    (called("tower, tower-http's layer", service), Place::Outside)
}

fn tower_http_inside(layer: SessionLayer) -> (App, Place) {
    let service = layer.layer(tower_http().layer(service_fn(handle::<Bytes>)));
    (called("tower, tower-http's layer", service), Place::InsideAnswers)
}

fn axum_tower(layer: SessionLayer, place: Place) -> App {
    let answers = HandleErrorLayer::new(async |_: BoxError| StatusCode::GATEWAY_TIMEOUT);
    let limit = ServiceBuilder::new().layer(answers).layer(Tower::new(LIMIT));
    let router = match place {
        Place::Outside => router().layer(layer).layer(limit),
        Place::InsideFails | Place::InsideAnswers => router().layer(limit).layer(layer),
    };
    served("axum, tower's layer", router)
}

fn axum_tower_http(layer: SessionLayer, place: Place) -> App {
    let router = match place {
        Place::Outside => router().layer(layer).layer(tower_http()),
        Place::InsideFails | Place::InsideAnswers => router().layer(tower_http()).layer(layer),
    };
    served("axum, tower-http's layer", router)
}

fn tower_http() -> TowerHttp {
    TowerHttp::with_status_code(StatusCode::GATEWAY_TIMEOUT, LIMIT)
}

/// Calls a service in process. An error of the time-out layer becomes the 504 that a server would make of it.
fn called<S>(name: &'static str, service: S) -> App
where
    S: Service<Request<Bytes>, Response = Response<Full<Bytes>>, Error: Into<BoxError>> + Clone + 'static,
{
    App::new(name, move |request| {
        let service = service.clone();
        Box::pin(async move {
            match service.oneshot(request).await.map_err(Into::into) {
                Ok(response) => collect(response).await,
                Err(error) => {
                    assert!(error.is::<tower::timeout::error::Elapsed>(), "{error}");
                    let mut response = Response::new(Bytes::new());
                    *response.status_mut() = StatusCode::GATEWAY_TIMEOUT;
                    response
                }
            }
        })
    })
}

async fn on_actix(layer: SessionLayer, is_lazy: bool, place: Place) -> App {
    let is_outside = place == Place::Outside;
    // The last one is the outermost.
    let app = actix_web::App::new()
        .configure(actix::routes)
        .wrap(Condition::new(!is_outside, from_fn(limit)))
        .wrap(actix::middleware(layer, is_lazy))
        .wrap(Condition::new(is_outside, from_fn(limit)));
    let service = Rc::new(init_service(app).await);
    let name = if is_lazy { "actix lazy, a middleware" } else { "actix, a middleware" };
    App::new(name, move |request| {
        let service = Rc::clone(&service);
        Box::pin(async move {
            match service.call(actix::test_request(request).to_request()).await {
                Ok(response) => actix::collect(response).await,
                Err(error) => actix::collect_http(error.error_response()).await,
            }
        })
    })
}

/// A time-out as applications write it. The session middleware treats an error as a response.
async fn limit(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match tokio::time::timeout(LIMIT, next.call(request)).await {
        Ok(outcome) => outcome.map(ServiceResponse::map_into_boxed_body),
        Err(_) => Err(ErrorGatewayTimeout("too slow")),
    }
}
