//! One https site in front of several servers, as a load balancer is.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use http::{StatusCode, header};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::net::TcpListener;

use super::certificate::Certificate;

/// A site at `https://shop.test`, with a certificate of its own.
pub(crate) struct SecureSite {
    port: u16,
    /// The hash of the certificate's key, as Chromium wants it.
    key_hash: String,
    pub(crate) front: Arc<Front>,
}

/// The load balancer. Each request about a device goes to the next server, and so does each other one.
pub(crate) struct Front {
    servers: Vec<SocketAddr>,
    client: reqwest::Client,
    turns: [AtomicUsize; 2],
    /// The requests about devices.
    calls: Mutex<Vec<DeviceCall>>,
}

/// A request about a device, and its response.
#[derive(Clone, Debug)]
pub(crate) struct DeviceCall {
    pub(crate) path: String,
    pub(crate) server: usize,
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl SecureSite {
    /// Serves until the test ends.
    pub(crate) async fn start(servers: Vec<SocketAddr>) -> Self {
        let Certificate { acceptor, key_hash } = Certificate::new("shop.test").unwrap();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let (turns, calls) = (Default::default(), Mutex::default());
        let front = Arc::new(Front { servers, client, turns, calls });
        let service = TowerToHyperService::new(Router::new().fallback(forward).with_state(Arc::clone(&front)));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, service) = (acceptor.clone(), service.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                    }
                });
            }
        });
        Self { port, key_hash, front }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://shop.test:{}{path}", self.port)
    }

    /// The arguments of a browser that trusts the certificate. With `--ignore-certificate-errors` alone, it registers no device.
    pub(crate) fn trusted(&self) -> String {
        format!("--ignore-certificate-errors-spki-list={}", self.key_hash)
    }
}

impl Front {
    pub(crate) fn calls(&self) -> Vec<DeviceCall> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn forward(State(front): State<Arc<Front>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let is_device = path.starts_with("/.well-known/cloakroom/");
    let turn = front.turns[usize::from(is_device)].fetch_add(1, Ordering::Relaxed);
    let server = turn % front.servers.len();
    let mut headers = head.headers;
    headers.remove(header::HOST);
    let sent = front.client.request(head.method, format!("http://{}{path}", front.servers[server]));
    let sent = sent.headers(headers).body(to_bytes(body, 1 << 20).await.unwrap()).send().await.unwrap();
    let (status, headers) = (sent.status(), sent.headers().clone());
    let bytes = sent.bytes().await.unwrap();
    if is_device {
        let body = String::from_utf8_lossy(&bytes).into_owned();
        let call = DeviceCall { path, server, status: status.as_u16(), body };
        front.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    }
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = StatusCode::from_u16(status.as_u16()).unwrap();
    *response.headers_mut() = headers;
    response.headers_mut().remove(header::TRANSFER_ENCODING);
    response
}
