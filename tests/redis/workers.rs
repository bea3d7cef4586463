//! Each worker of an Actix server has a connection, made at its first use.

use std::collections::BTreeSet;

use actix_web::{App, HttpServer, web};
use cloakroom::{Session, SessionLayer, actix_web::SessionMiddleware, redis::RedisStore};

use crate::redis_support::{SECOND, server::Server, until};

async fn count(session: Session) -> actix_web::Result<String> {
    session.update_or("n", 1, |n: u32| n + 1)?;
    Ok(format!("{:?}", std::thread::current().id()))
}

#[actix_web::test]
async fn each_worker_has_its_own() {
    let server = Server::start().await;
    let url = server.url();
    let http = HttpServer::new(move || {
        let store = RedisStore::lazy(url.as_str()).unwrap();
        App::new().wrap(SessionMiddleware::from(SessionLayer::new(store)).lazy()).route("/", web::get().to(count))
    })
    .workers(3)
    .bind("127.0.0.1:0")
    .unwrap();
    let address = http.addrs()[0];
    let running = http.run();
    let handle = running.handle();
    tokio::spawn(running);
    let clients = async || {
        let list: String = server.run_command("CLIENT LIST TYPE normal").await;
        list.lines().count() - 1
    };
    assert_eq!(clients().await, 0);
    let mut workers = BTreeSet::new();
    for _ in 0..60 {
        // A connection goes to the next worker.
        let client = reqwest::Client::new();
        let response = client.get(format!("http://{address}/")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        workers.insert(response.text().await.unwrap());
        assert_eq!(clients().await, workers.len());
    }
    assert_eq!(workers.len(), 3);
    handle.stop(true).await;
    until("their connections are closed", 5 * SECOND, || async { clients().await == 0 }).await;
}
