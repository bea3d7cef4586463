//! A proxy that can cut a connection within a request or a reply, or drop all packets of its connections.

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

/// The place of a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Half of the request is passed on.
    Request,
    /// The whole request is passed on, and half of its reply comes back.
    Reply,
    /// The whole request is passed on, and nothing comes back.
    NoReply,
}

pub struct Proxy {
    pub port: u16,
    armed: Armed,
    /// The number of bytes that clients sent.
    pub sent: Arc<AtomicUsize>,
    /// The number of times that connections were silenced.
    silences: Arc<AtomicUsize>,
    /// While this is held, no new connection is opened.
    pub door: Arc<Door<()>>,
    task: JoinHandle<()>,
}

/// The next cut, and the text of the request that it is for.
type Armed = Arc<Mutex<Option<(Cut, Vec<u8>)>>>;

impl Proxy {
    pub async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let armed = Armed::default();
        let to_come = Arc::clone(&armed);
        let sent = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&sent);
        let silences = Arc::new(AtomicUsize::new(0));
        let silenced = Arc::clone(&silences);
        let door = Arc::new(Door::new(()));
        let entry = Arc::clone(&door);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (armed, count, door) = (Arc::clone(&to_come), Arc::clone(&count), Arc::clone(&entry));
                let silenced = Silenced { born: silenced.load(Ordering::Relaxed), now: Arc::clone(&silenced) };
                tokio::spawn(async move {
                    drop(door.lock().await);
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await {
                        let _ = carry(client, server, &armed, &count, &silenced).await;
                    }
                });
            }
        });
        Self { port, armed, sent, silences, door, task }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Cuts the next request that contains `text`.
    pub fn arm(&self, cut: Cut, text: &str) {
        *self.armed.lock().unwrap() = Some((cut, text.as_bytes().to_vec()));
    }

    /// Drops everything that the present connections carry from now on, without closing them, as a firewall does.
    pub fn silence(&self) {
        self.silences.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns true if the cut is done.
    pub fn has_cut(&self) -> bool {
        self.armed.lock().unwrap().is_none()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The state of a connection, which is silenced if it is older than the last silence.
struct Silenced {
    born: usize,
    now: Arc<AtomicUsize>,
}

impl Silenced {
    fn is(&self) -> bool {
        self.now.load(Ordering::Relaxed) > self.born
    }
}

async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    armed: &Armed,
    count: &AtomicUsize,
    silenced: &Silenced,
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
                if silenced.is() {
                    continue;
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
                if !silenced.is() {
                    client.write_all(got).await?;
                }
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
