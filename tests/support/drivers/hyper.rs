//! The application behind hyper, on a real socket.

use std::net::SocketAddr;

use bytes::Bytes;
use cloakroom::{FailureResponse, SessionLayer};
use http::Response;
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::net::TcpListener;
use tower::{Layer as _, service_fn};

use super::{App, tower::handle};

pub async fn app<P>(layer: SessionLayer<P>) -> App
where
    P: FailureResponse<Full<Bytes>> + Clone + Send + Sync + 'static,
{
    let address = serve(layer).await;
    over_socket("hyper", address)
}

/// Serves the application until the runtime ends.
pub async fn serve<P>(layer: SessionLayer<P>) -> SocketAddr
where
    P: FailureResponse<Full<Bytes>> + Clone + Send + Sync + 'static,
{
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let service = layer.layer(service_fn(handle::<Incoming>));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

/// Returns an application behind a server at this address.
pub fn over_socket(name: &'static str, address: SocketAddr) -> App {
    let client = reqwest::Client::builder().build().expect("a client");
    App::new(name, move |request| {
        let client = client.clone();
        Box::pin(async move {
            let url = format!("http://{address}{}", request.uri());
            let request = client.request(request.method().clone(), url).headers(request.headers().clone());
            let response = request.send().await.expect("a response");
            let (status, headers) = (response.status(), response.headers().clone());
            let mut answer = Response::new(response.bytes().await.expect("a body"));
            *answer.status_mut() = status;
            *answer.headers_mut() = headers;
            answer
        })
    })
}
