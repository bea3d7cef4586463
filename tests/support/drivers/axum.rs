//! The application as an Axum router.

use std::net::SocketAddr;

use axum::{
    Router,
    body::Body,
    extract::Path,
    response::{IntoResponse, Response as AxumResponse},
    routing::get,
};
use cloakroom::{FailureResponse, Session, SessionLayer};
use http::Response;
use http_body_util::BodyExt as _;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use super::App;
use crate::support::app::{Reply, run};

pub fn app<P>(layer: SessionLayer<P>) -> App
where
    P: FailureResponse<Body> + Clone + Send + Sync + 'static,
{
    served("axum", router().layer(layer))
}

/// Serves it until the runtime ends.
pub async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

pub fn router() -> Router {
    Router::new().route("/plain", get(async || respond(Reply::plain()))).route(
        "/app/{*script}",
        get(async |session: Session, Path(script): Path<String>| respond(run(&session, &script).await)),
    )
}

/// Returns a router that is called in process.
pub fn served(name: &'static str, router: Router) -> App {
    App::new(name, move |request| {
        let router = router.clone();
        Box::pin(async move {
            let response = router.oneshot(request.map(Body::from)).await.expect("no error");
            let (head, body) = response.into_parts();
            Response::from_parts(head, body.collect().await.expect("a body").to_bytes())
        })
    })
}

fn respond(reply: Reply) -> AxumResponse {
    let mut response = (reply.status, reply.body).into_response();
    for (name, value) in reply.headers {
        response.headers_mut().append(name, value.parse().expect("a header"));
    }
    response
}
