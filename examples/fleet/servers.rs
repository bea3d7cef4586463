//! The three servers.

use std::{
    fmt, io,
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
};

use cloakroom::{FailureResponse, SessionLayer, actix_web::SessionMiddleware};

use super::{
    calls::Calls,
    on_actix, on_axum, on_hyper,
    shop::{Device, Shop},
};

const FRAMEWORKS: [&str; 3] = ["Actix Web", "Axum", "hyper"];

pub(crate) struct Fleet {
    pub(crate) listeners: [TcpListener; 3],
    pub(crate) members: Arc<[Member]>,
    /// Finds the device of a session. The default finds none.
    pub(crate) device: Device,
    /// The line below the URLs.
    pub(crate) note: String,
}

/// The responses of the layer's own, on Axum and on hyper.
pub(crate) trait Policy:
    FailureResponse<axum::body::Body> + FailureResponse<String> + Clone + Send + Sync + 'static
{
}

impl<P> Policy for P where P: FailureResponse<axum::body::Body> + FailureResponse<String> + Clone + Send + Sync + 'static
{}

/// One server of the fleet, to which the others link.
pub(crate) struct Member {
    pub(crate) framework: &'static str,
    pub(crate) url: String,
    pub(crate) port: u16,
}

impl Fleet {
    /// Takes three ports from `first` on, or three free ones for 0. Nothing is served yet, so a port that is taken
    /// stops the whole fleet.
    pub(crate) fn bind(first: u16) -> Result<Self, String> {
        let listen = |step: u16| {
            let port = if first == 0 { 0 } else { first + step };
            TcpListener::bind((Ipv4Addr::LOCALHOST, port))
                .map_err(|error| format!("cannot listen on 127.0.0.1:{port}: {error}"))
        };
        let listeners = [listen(0)?, listen(1)?, listen(2)?];
        let members = FRAMEWORKS.iter().zip(&listeners).map(|(framework, listener)| {
            let address = listener.local_addr().map_err(|error| error.to_string())?;
            Ok(Member { framework, url: format!("http://{address}/"), port: address.port() })
        });
        let members = members.collect::<Result<_, String>>()?;
        let note = "Plain http, so the layer is `.insecure_http()`: for development only.".to_owned();
        Ok(Self { listeners, members, device: |_| None, note })
    }

    /// Serves until one of the servers fails.
    pub(crate) async fn serve<P: Policy>(self, layer: SessionLayer<P>, calls: Calls) -> io::Result<()>
    where
        SessionLayer<P>: Into<SessionMiddleware>,
    {
        let shop =
            |framework| Shop::new(framework, layer.owners(), Arc::clone(&self.members), calls.clone(), self.device);
        let [actix, axum, hyper] = FRAMEWORKS.map(shop);
        let [at_actix, at_axum, at_hyper] = self.listeners;
        tokio::try_join!(
            on_actix::serve(at_actix, actix, layer.clone().into()),
            on_axum::serve(at_axum, axum, layer.clone()),
            on_hyper::serve(at_hyper, hyper, layer),
        )?;
        Ok(())
    }
}

/// Writes the URLs, one line for each server.
impl fmt::Display for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Member { framework, url, .. } in &*self.members {
            writeln!(f, "{framework:<9}  {url}")?;
        }
        writeln!(f, "One set of sessions. {}", self.note)
    }
}
