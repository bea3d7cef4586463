//! A proxy that cuts connections in the middle of a statement, or of its reply.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// The place of a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Half of the statement goes on.
    Statement,
    /// The whole statement goes on, and half of its reply comes back.
    Reply,
    /// The whole statement goes on, and nothing comes back.
    NoReply,
}

/// The cut that is to come, and a text of the statement that it is for.
type Armed = Arc<Mutex<Option<(Cut, &'static str)>>>;

pub struct Proxy {
    pub port: u16,
    armed: Armed,
    task: JoinHandle<()>,
}

impl Proxy {
    pub async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let armed = Armed::default();
        let to_come = Arc::clone(&armed);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let armed = Arc::clone(&to_come);
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await {
                        let _ = carry(client, server, &armed).await;
                    }
                });
            }
        });
        Self { port, armed, task }
    }

    /// Cuts the next statement that has `text` in it or in its values.
    pub fn arm(&self, cut: Cut, text: &'static str) {
        *self.armed.lock().unwrap() = Some((cut, text));
    }

    pub fn has_cut(&self) -> bool {
        self.armed.lock().unwrap().is_none()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(mut client: TcpStream, mut server: TcpStream, armed: &Armed) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut statement, mut reply) = (vec![0; 1 << 17], vec![0; 1 << 17]);
    loop {
        tokio::select! {
            read = client.read(&mut statement) => {
                let sent = &statement[..read?];
                if sent.is_empty() {
                    return Ok(());
                }
                match take(armed, sent) {
                    None => server.write_all(sent).await?,
                    Some(Cut::Statement) => return server.write_all(&sent[..sent.len() / 2]).await,
                    Some(cut) => {
                        server.write_all(sent).await?;
                        let got = server.read(&mut reply).await?;
                        let half = if cut == Cut::Reply { got / 2 } else { 0 };
                        return client.write_all(&reply[..half]).await;
                    }
                }
            }
            read = server.read(&mut reply) => {
                let got = &reply[..read?];
                if got.is_empty() {
                    return Ok(());
                }
                client.write_all(got).await?;
            }
        }
    }
}

fn take(armed: &Armed, sent: &[u8]) -> Option<Cut> {
    let mut armed = armed.lock().unwrap();
    let (cut, text) = (*armed)?;
    let is_it = sent.windows(text.len()).any(|part| part == text.as_bytes());
    is_it.then(|| *armed = None).map(|()| cut)
}
