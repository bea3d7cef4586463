//! Actix Web: `test::init_service`, called as a service.

use std::rc::Rc;

use actix_http::Request;
use actix_web::{
    App as ActixApp, Error,
    body::{MessageBody, to_bytes},
    dev::{Service, ServiceFactory, ServiceRequest, ServiceResponse},
    http::{
        Uri,
        header::{self, HeaderValue},
    },
    test::init_service,
};

use crate::app::{Answer, App, Call, LocalFuture};

struct OnActix<S>(S);

/// Makes an application of Actix's own one.
pub async fn app<T, B>(app: ActixApp<T>) -> Rc<dyn App>
where
    T: ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<B>, Error = Error, InitError = ()>
        + 'static,
    B: MessageBody + 'static,
{
    Rc::new(OnActix(init_service(app).await))
}

impl<S, B> App for OnActix<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    fn ask<'a>(&'a self, call: &'a Call) -> LocalFuture<'a, Answer> {
        Box::pin(async move {
            let response = self.0.call(Prototype::of(call).request()).await.unwrap();
            let set_cookies = response.headers().get_all(header::SET_COOKIE);
            Answer {
                status: response.status().as_u16(),
                set_cookies: set_cookies.map(|line| line.to_str().unwrap().to_owned()).collect(),
                body: String::from_utf8(to_bytes(response.into_body()).await.ok().unwrap().into()).unwrap(),
            }
        })
    }

    fn run<'a>(&'a self, call: &'a Call, times: u32) -> LocalFuture<'a, ()> {
        Box::pin(async move {
            let prototype = Prototype::of(call);
            for _ in 0..times {
                let response = self.0.call(prototype.request()).await.unwrap();
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

    fn request(&self) -> Request {
        let mut request = Request::new();
        let head = request.head_mut();
        head.uri = self.uri.clone();
        if let Some(cookie) = &self.cookie {
            head.headers_mut().insert(header::COOKIE, cookie.clone());
        }
        request
    }
}
