//! Axum: a `Router`, called as a service.

use std::rc::Rc;

use axum::{Router, body::Body, http::Request, response::Response};
use http::{HeaderValue, Uri, header};
use http_body_util::BodyExt as _;
use tower_service::Service;

use crate::app::{Answer, App, Call, LocalFuture};

struct OnAxum(Router);

/// Makes an application of a router.
pub fn app(router: Router) -> Rc<dyn App> {
    Rc::new(OnAxum(router))
}

impl App for OnAxum {
    fn ask<'a>(&'a self, call: &'a Call) -> LocalFuture<'a, Answer> {
        Box::pin(async move {
            let response = answer(&mut self.0.clone(), &Prototype::of(call)).await;
            let set_cookies = response.headers().get_all(header::SET_COOKIE).iter();
            Answer {
                status: response.status().as_u16(),
                set_cookies: set_cookies.map(|line| line.to_str().unwrap().to_owned()).collect(),
                body: String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap(),
            }
        })
    }

    fn run<'a>(&'a self, call: &'a Call, times: u32) -> LocalFuture<'a, ()> {
        Box::pin(async move {
            let (mut router, prototype) = (self.0.clone(), Prototype::of(call));
            for _ in 0..times {
                let response = answer(&mut router, &prototype).await;
                assert!(response.status().is_success(), "{}: {}", call.path, response.status());
            }
        })
    }
}

/// The parts that each request is copied from.
struct Prototype {
    uri: Uri,
    cookie: Option<HeaderValue>,
}

impl Prototype {
    fn of(call: &Call) -> Self {
        Self {
            uri: Uri::from_static(call.path),
            cookie: call.cookie.as_ref().map(|cookie| HeaderValue::from_str(cookie).unwrap()),
        }
    }
}

async fn answer(router: &mut Router, prototype: &Prototype) -> Response {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = prototype.uri.clone();
    if let Some(cookie) = &prototype.cookie {
        request.headers_mut().insert(header::COOKIE, cookie.clone());
    }
    let Ok(response) = router.call(request).await;
    response
}
