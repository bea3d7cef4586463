//! The check of the eviction policy: its warning, and proxies that do not know `INFO`.

use cloakroom::redis::RedisStore;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    log::Log,
    redis_support::{SECOND, app::App, server::Server},
};

fn warnings(log: &Log) -> usize {
    String::from_utf8(log.bytes()).expect("text").matches("maxmemory-policy should be noeviction").count()
}

#[tokio::test]
async fn the_policy_is_checked_when_a_store_first_connects() {
    let log = Log::capture();
    let server = Server::start().await;
    for (policy, expected) in [("noeviction", 0), ("allkeys-lru", 1), ("volatile-ttl", 2)] {
        let _: () = server.run_command(&format!("CONFIG SET maxmemory-policy {policy}")).await;
        let store = RedisStore::lazy(server.url()).unwrap();
        for _ in 0..3 {
            store.ping().await.unwrap();
            let _: i64 = server.run_command("CLIENT KILL TYPE normal SKIPME yes").await;
        }
        assert_eq!(warnings(&log), expected, "{policy}");
    }
    // A user without the right to ask is not an error.
    let _: () = server.run_command("ACL SETUSER web on >pw ~cloakroom:* +ping").await;
    let store = RedisStore::connect(format!("redis://web:pw@{}", server.address())).await.unwrap();
    store.ping().await.unwrap();
    assert_eq!(warnings(&log), 2);
}

/// The answer of a proxy to `INFO`.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Error,
    /// Closes the connection, as twemproxy does.
    Close,
    Nothing,
}

/// Starts a proxy that does not know `INFO`, and returns its address.
async fn proxy(server: u16, answer: Answer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(carry(client, server, answer));
        }
    });
    address
}

async fn carry(mut client: TcpStream, server: u16, answer: Answer) -> std::io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", server)).await?;
    let (mut request, mut reply) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut request) => match &request[..read?] {
                [] => return Ok(()),
                sent if sent.windows(4).any(|part| part == b"INFO") => match answer {
                    Answer::Error => client.write_all(b"-ERR unknown command 'INFO'\r\n").await?,
                    Answer::Close => return Ok(()),
                    Answer::Nothing => {}
                },
                sent => server.write_all(sent).await?,
            },
            read = server.read(&mut reply) => match &reply[..read?] {
                [] => return Ok(()),
                got => client.write_all(got).await?,
            },
        }
    }
}

/// The first command is a write, which is never sent twice.
#[tokio::test]
async fn a_proxy_that_does_not_know_the_question() {
    let server = Server::start().await;
    for answer in [Answer::Error, Answer::Close, Answer::Nothing] {
        for protocol in ["", "?protocol=resp2"] {
            let url = format!("redis://{}{protocol}", proxy(server.port, answer).await);
            let app = App::new(RedisStore::lazy(url).unwrap());
            let seen = app.get("/count", None).await;
            assert_eq!(seen.status, 200, "{answer:?} {protocol}: {}", app.last_failure());
            assert!(seen.took < SECOND, "{answer:?} {protocol}: {:?}", seen.took);
        }
    }
}
