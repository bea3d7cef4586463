//! The shop on hyper.

use std::{convert::Infallible, io, net::TcpListener};

use cloakroom::{Error, LazySession, Session, SessionLayer};
use http::{HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, Limited};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use serde::de::DeserializeOwned;
use tower::{Layer as _, service_fn};

use super::{
    reply::{Answer, Refusal, Reply},
    servers::Policy,
    shop::{self, Shop},
};

/// The most bytes of a form.
const LONGEST: usize = 16 * 1024;
const TEXT: &str = "text/plain; charset=utf-8";

pub(crate) async fn serve<P: Policy>(listener: TcpListener, shop: Shop, layer: SessionLayer<P>) -> io::Result<()> {
    let service = layer.layer(service_fn(move |request| answer(shop.clone(), request)));
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "a connection broke");
            }
        });
    }
}

async fn answer(shop: Shop, request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let (head, body) = request.into_parts();
    Ok(match route(&shop, &head, body).await {
        Ok(reply) => reply.into(),
        Err(refusal) => refusal.into(),
    })
}

async fn route(shop: &Shop, head: &Parts, body: Incoming) -> Answer {
    let path: Vec<&str> = head.uri.path().split('/').skip(1).collect();
    match (&head.method, &*path) {
        (&Method::GET, ["health"]) => Ok(Reply::Healthy),
        (&Method::GET, [""]) => shop.home(&session(head).await?).await,
        (&Method::GET, ["api", "session"]) => shop.api(&session(head).await?),
        (&Method::POST, ["login"]) => shop.login(&session(head).await?, &form(body).await?),
        (&Method::POST, ["cart"]) => shop::order(&session(head).await?, &form(body).await?),
        (&Method::POST, ["logout"]) => Ok(shop::logout(&session(head).await?)),
        (&Method::POST, ["logout-everywhere"]) => shop.logout_everywhere(&session(head).await?).await,
        (&Method::POST, ["sessions", id, "revoke"]) => shop.revoke(&session(head).await?, id).await,
        _ => Err(Refusal::new(StatusCode::NOT_FOUND, "There is no such page.")),
    }
}

async fn session(head: &Parts) -> Result<Session, Error> {
    head.extensions.get::<LazySession>().ok_or_else(Error::missing_layer)?.load().await
}

async fn form<T: DeserializeOwned>(body: Incoming) -> Result<T, Refusal> {
    let refused = Refusal::new(StatusCode::BAD_REQUEST, "This is not a form of ours.");
    let Ok(body) = Limited::new(body, LONGEST).collect().await else { return Err(refused) };
    serde_urlencoded::from_bytes(&body.to_bytes()).map_err(|_| refused)
}

impl From<Reply> for Response<String> {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Page(html) => response(StatusCode::OK, "text/html; charset=utf-8", html.into_string()),
            Reply::Status(status) => match serde_json::to_string(&status) {
                Ok(json) => response(StatusCode::OK, "application/json", json),
                Err(error) => Refusal::from(error).into(),
            },
            Reply::Home => {
                let mut response = Response::new(String::new());
                *response.status_mut() = StatusCode::SEE_OTHER;
                response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/"));
                response
            }
            Reply::Healthy => response(StatusCode::OK, TEXT, "ok".to_owned()),
        }
    }
}

impl From<Refusal> for Response<String> {
    fn from(Refusal { status, why }: Refusal) -> Self {
        response(status, TEXT, why.to_owned())
    }
}

fn response(status: StatusCode, content_type: &'static str, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
