//! A proxy that can cut a connection in the middle of a request, or of a reply.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Mutex as Door,
    task::JoinHandle,
};

/// Where to cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Half of the request goes on.
    Request,
    /// The whole request goes on, and half of its reply comes back.
    Reply,
    /// The whole request goes on, and nothing comes back.
    NoReply,
}

pub struct Proxy {
    pub port: u16,
    armed: Armed,
    /// How many bytes clients sent.
    pub sent: Arc<AtomicUsize>,
    /// While this is held, no new connection goes through.
    pub door: Arc<Door<()>>,
    task: JoinHandle<()>,
}

/// The cut that is to come, and what the request holds that it is for.
type Armed = Arc<Mutex<Option<(Cut, Vec<u8>)>>>;

impl Proxy {
    pub async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let armed = Armed::default();
        let to_come = Arc::clone(&armed);
        let sent = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&sent);
        let door = Arc::new(Door::new(()));
        let entry = Arc::clone(&door);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (armed, count, door) = (Arc::clone(&to_come), Arc::clone(&count), Arc::clone(&entry));
                tokio::spawn(async move {
                    drop(door.lock().await);
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await {
                        let _ = carry(client, server, &armed, &count).await;
                    }
                });
            }
        });
        Self { port, armed, sent, door, task }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Cuts the next request that holds `text`.
    pub fn arm(&self, cut: Cut, text: &str) {
        *self.armed.lock().unwrap() = Some((cut, text.as_bytes().to_vec()));
    }

    /// Whether the cut has come.
    pub fn has_cut(&self) -> bool {
        self.armed.lock().unwrap().is_none()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    armed: &Armed,
    count: &AtomicUsize,
) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut request, mut reply) = (vec![0; 1 << 17], vec![0; 1 << 17]);
    loop {
        tokio::select! {
            read = client.read(&mut request) => {
                let sent = &request[..read?];
                if sent.is_empty() {
                    return Ok(());
                }
                count.fetch_add(sent.len(), Ordering::Relaxed);
                match take(armed, sent) {
                    None => server.write_all(sent).await?,
                    Some(Cut::Request) => return server.write_all(&sent[..sent.len() / 2]).await,
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
    let (cut, text) = armed.as_ref()?;
    let (cut, is_it) = (*cut, sent.windows(text.len()).any(|part| part == text));
    is_it.then(|| *armed = None).map(|()| cut)
}
