//! Browsers, and requests through a layer.

use std::convert::Infallible;

use actix_web::{
    body::MessageBody,
    dev::{Service, ServiceResponse},
    test::TestRequest,
};
use axum::{Router, body::Body};
use cloakroom::{Failure, FailureResponse, LazySession, Session, SessionLayer};
use http::{Request, Response, StatusCode};
use tower::{Layer as _, ServiceExt as _, service_fn};

pub(crate) use crate::support::{Browser, browser::URL};

impl Browser {
    /// Returns the session cookie.
    pub(crate) fn token(&self) -> Option<String> {
        self.value(URL, "__Host-Http-id")
    }

    /// Makes one request whose handler responds 200, and returns the handler's result.
    pub(crate) async fn visit<T>(&mut self, layer: &SessionLayer, handler: impl AsyncFnOnce(Session) -> T) -> T {
        let mut given = None;
        let response = self.send(layer, async |session| given = Some(handler(session).await)).await;
        assert_eq!(response.status(), StatusCode::OK);
        given.expect("the handler ran")
    }

    /// Makes one request, and returns its response.
    pub(crate) async fn send(&mut self, layer: &SessionLayer, handler: impl AsyncFnOnce(Session)) -> Response<String> {
        let handler = async |request: Request<()>| match load(&request).await {
            Ok(session) => {
                handler(session).await;
                Response::default()
            }
            Err(failure) => failure.into_response(),
        };
        self.ask(layer, self.request(), handler).await
    }

    /// Makes one request through any layer, and returns the response and the handler's result.
    pub(crate) async fn ask<P>(
        &mut self,
        layer: &SessionLayer<P>,
        request: Request<()>,
        handler: impl AsyncFnOnce(Request<()>) -> Response<String>,
    ) -> Response<String>
    where
        P: FailureResponse<String> + Clone,
    {
        let mut handler = Some(handler);
        let service = service_fn(|request| {
            let handler = handler.take().expect("one request");
            async move { Ok::<_, Infallible>(handler(request).await) }
        });
        let Ok(response) = layer.layer(service).oneshot(request).await;
        self.keep_of(response.headers(), URL);
        response
    }

    /// Makes one request to an Axum application.
    pub(crate) async fn axum(&mut self, app: &Router, path: &str) -> Response<String> {
        let mut request: Request<Body> = self.request();
        *request.uri_mut() = path.parse().expect("a path");
        let Ok(response) = app.clone().oneshot(request).await;
        self.keep_of(response.headers(), URL);
        let (head, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.expect("a whole body");
        Response::from_parts(head, text(&body))
    }

    /// Makes one request to an Actix application. An error becomes a response, as Actix makes it.
    pub(crate) async fn actix<S, B>(&mut self, app: &S, path: &str) -> Response<String>
    where
        S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
        B: MessageBody + 'static,
    {
        let mut request = TestRequest::with_uri(path);
        if let Some(cookies) = self.cookies(URL) {
            request = request.insert_header(("cookie", cookies.as_bytes()));
        }
        let response = match app.call(request.to_request()).await {
            Ok(response) => response.map_into_boxed_body().into_parts().1,
            Err(error) => error.error_response(),
        };
        let (head, body) = response.into_parts();
        let mut answer = Response::builder().status(head.status().as_u16());
        for (name, value) in head.headers() {
            answer = answer.header(name.as_str(), value.as_bytes());
        }
        let body = actix_web::body::to_bytes(body).await.expect("a whole body");
        let answer = answer.body(text(&body)).expect("a response");
        self.keep_of(answer.headers(), URL);
        answer
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Loads the session as an extractor does.
pub(crate) async fn load(request: &Request<()>) -> Result<Session, Failure> {
    request.extensions().get::<LazySession>().expect("a layer").extract().await
}
