//! Https in front of a server, as a proxy does it.

use std::{
    error::Error,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use tokio::{io::copy_bidirectional, net::TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{
    certificate::Certificate,
    servers::{Fleet, Member},
};

/// Puts https in front of the fleet's servers. Returns a note on the certificate.
pub(crate) fn secure(fleet: &mut Fleet) -> Result<String, Box<dyn Error>> {
    let Certificate { acceptor, key_hash } = Certificate::new("127.0.0.1")?;
    let members = fleet.members.iter().map(|member| Member {
        url: member.url.replacen("http:", "https:", 1),
        framework: member.framework,
        port: member.port,
    });
    fleet.members = members.collect();
    for listener in &mut fleet.listeners {
        let inner = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let to = inner.local_addr()?;
        tokio::spawn(forward(std::mem::replace(listener, inner), acceptor.clone(), to));
    }
    Ok(format!(
        "The certificate is of this run; Chromium trusts it with --ignore-certificate-errors-spki-list={key_hash}"
    ))
}

/// Accepts connections over TLS, and forwards their bytes to the server at this address.
async fn forward(listener: TcpListener, acceptor: TlsAcceptor, to: SocketAddr) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let copied: io::Result<_> = async {
                let (mut outer, mut inner) = (acceptor.accept(stream).await?, TcpStream::connect(to).await?);
                copy_bidirectional(&mut outer, &mut inner).await
            }
            .await;
            if let Err(error) = copied {
                tracing::debug!(%error, "a connection broke");
            }
        });
    }
}
