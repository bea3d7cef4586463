//! The application on Actix Web.

use std::{net::SocketAddr, rc::Rc};

use actix_web::{
    Error, HttpResponse,
    body::{self, MessageBody},
    dev::{Service as _, ServiceResponse},
    error::InternalError,
    http::{
        Method, StatusCode,
        header::{HeaderName, HeaderValue},
    },
    test::{TestRequest, init_service},
    web,
};
use bytes::Bytes;
use cloakroom::{Session, actix_web::SessionMiddleware};
use http::{Request, Response};

use super::App;
use crate::support::app::{Reply, run};

pub async fn app(layer: impl Into<SessionMiddleware>, is_lazy: bool) -> App {
    let middleware = middleware(layer, is_lazy);
    let service = Rc::new(init_service(actix_web::App::new().wrap(middleware).configure(routes)).await);
    let name = if is_lazy { "actix lazy" } else { "actix" };
    let send = move |request| -> super::Answer {
        let service = Rc::clone(&service);
        Box::pin(async move {
            match service.call(test_request(request).to_request()).await {
                Ok(response) => collect(response).await,
                // The response that the server makes of an error that no middleware caught.
                Err(error) => collect_http(error.error_response()).await,
            }
        })
    };
    App { is_eager: !is_lazy, ..App::new(name, send) }
}

/// Serves the application on a real socket, with two workers, until the handle is dropped.
pub fn serve(layer: impl Into<SessionMiddleware> + Clone + Send + 'static, is_lazy: bool) -> SocketAddr {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let make = move || actix_web::App::new().wrap(middleware(layer.clone(), is_lazy)).configure(routes);
            let server = actix_web::HttpServer::new(make).workers(2).disable_signals().bind(("127.0.0.1", 0));
            let server = server.expect("a free port");
            send.send(server.addrs()[0]).expect("the test waits");
            server.run().await
        })
    });
    receive.recv().expect("it serves")
}

pub fn middleware(layer: impl Into<SessionMiddleware>, is_lazy: bool) -> SessionMiddleware {
    let middleware = layer.into();
    if is_lazy { middleware.lazy() } else { middleware }
}

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/plain", web::get().to(async || respond(Reply::plain())))
        .route("/app/{script:.*}", web::get().to(handle));
}

async fn handle(session: Session, script: web::Path<String>) -> Result<HttpResponse, Error> {
    respond(run(&session, &script).await)
}

fn respond(reply: Reply) -> Result<HttpResponse, Error> {
    let status = StatusCode::from_u16(reply.status.as_u16()).expect("a status");
    if reply.is_error {
        return Err(InternalError::new(reply.body, status).into());
    }
    let mut response = HttpResponse::build(status);
    for (name, value) in reply.headers {
        response.append_header((name.as_str(), value));
    }
    Ok(response.body(reply.body))
}

/// Converts a request to the types of `http` 0.2, which Actix has.
pub fn test_request(request: Request<Bytes>) -> TestRequest {
    let (head, body) = request.into_parts();
    let mut made = TestRequest::default()
        .method(Method::from_bytes(head.method.as_str().as_bytes()).expect("a method"))
        .uri(&head.uri.to_string())
        .set_payload(body);
    for (name, value) in &head.headers {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).expect("a name");
        made = made.append_header((name, HeaderValue::from_bytes(value.as_bytes()).expect("a value")));
    }
    made
}

pub async fn collect<B: MessageBody>(response: ServiceResponse<B>) -> Response<Bytes> {
    collect_http(response.into_parts().1).await
}

pub async fn collect_http<B: MessageBody>(response: HttpResponse<B>) -> Response<Bytes> {
    let mut answer = Response::builder().status(response.status().as_u16());
    for (name, value) in response.headers() {
        answer = answer.header(name.as_str(), value.as_bytes());
    }
    let Ok(bytes) = body::to_bytes(response.into_body()).await else { panic!("a body") };
    answer.body(bytes).expect("a response")
}
