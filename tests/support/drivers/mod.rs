//! The same application on every framework, with one way to send it a request.

use std::{future::Future, pin::Pin};

use bytes::Bytes;
use cloakroom::SessionLayer;
use http::{Request, Response};

#[cfg(feature = "actix-web")]
pub mod actix;
#[cfg(feature = "axum")]
pub mod axum;
pub mod hyper;
pub mod tower;

type Answer = Pin<Box<dyn Future<Output = Response<Bytes>>>>;

/// The application, served.
pub struct App {
    pub name: &'static str,
    /// True if a presented token costs a load even if the handler does not use the session.
    pub is_eager: bool,
    send: Box<dyn Fn(Request<Bytes>) -> Answer>,
}

impl App {
    pub fn new(name: &'static str, send: impl Fn(Request<Bytes>) -> Answer + 'static) -> Self {
        Self { name, is_eager: false, send: Box::new(send) }
    }

    pub fn send(&self, request: Request<Bytes>) -> Answer {
        (self.send)(request)
    }
}

/// Returns one application for each framework, each with a new layer, so that no scenario sees another one's sessions.
#[cfg(all(feature = "actix-web", feature = "axum"))]
pub async fn every<T>(mut layer: impl FnMut() -> (SessionLayer, T)) -> Vec<(App, T)> {
    let mut apps = in_process(&mut layer).await;
    let (made, with) = layer();
    apps.push((hyper::app(made).await, with));
    apps
}

/// Returns one application for each framework that needs no socket, for tests that use many.
#[cfg(all(feature = "actix-web", feature = "axum"))]
pub async fn in_process<T>(mut layer: impl FnMut() -> (SessionLayer, T)) -> Vec<(App, T)> {
    let mut apps = Vec::new();
    let (made, with) = layer();
    apps.push((tower::app(made), with));
    let (made, with) = layer();
    apps.push((axum::app(made), with));
    for is_lazy in [false, true] {
        let (made, with) = layer();
        apps.push((actix::app(made, is_lazy).await, with));
    }
    apps
}
