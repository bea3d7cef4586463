//! Https in front of a server, as a proxy does it.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use tokio::{io::copy_bidirectional, net::TcpStream};
use tokio_rustls::TlsAcceptor;

/// Accepts connections over TLS, and forwards their bytes to the server at this address.
pub(crate) async fn forward(listener: TcpListener, acceptor: TlsAcceptor, to: SocketAddr) -> io::Result<()> {
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
