//! Two fleets, each a program, on one Redis. Overlapping writes on Actix Web and Axum are all kept.

use std::sync::Arc;

use reqwest::{Client, StatusCode, Url, cookie::Jar, redirect::Policy};
use serde_json::Value;

use crate::{program::Program, redis_support::server::Server};

const PAIRS: usize = 200;

/// A fleet: Actix Web, Axum and hyper on three ports, until the test ends.
struct Fleet {
    _program: Program,
    urls: Vec<Url>,
}

impl Fleet {
    fn start(redis: &str) -> Self {
        let (program, lines) = Program::start("fleet", &["--port", "0", "--redis", redis], 4);
        let url = |line: String| line.split_whitespace().find_map(|word| Url::parse(word).ok());
        let urls: Vec<Url> = lines.into_iter().filter_map(url).collect();
        assert_eq!(urls.len(), 3);
        Self { _program: program, urls }
    }

    fn actix(&self, path: &str) -> Url {
        self.urls[0].join(path).unwrap()
    }

    fn axum(&self, path: &str) -> Url {
        self.urls[1].join(path).unwrap()
    }
}

/// Returns a browser, whose cookies are the same on all ports of a host.
fn browser() -> (Client, Arc<Jar>) {
    let jar = Arc::new(Jar::default());
    let client = Client::builder().cookie_provider(Arc::clone(&jar)).redirect(Policy::none()).build().unwrap();
    (client, jar)
}

async fn post(client: &Client, url: Url, form: &[(&str, &str)]) -> StatusCode {
    client.post(url).form(form).send().await.unwrap().status()
}

async fn visit(client: &Client, url: Url) -> StatusCode {
    client.get(url).send().await.unwrap().status()
}

async fn session(client: &Client, url: Url) -> Value {
    client.get(url).send().await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_fleets_share_one_set_of_sessions_and_lose_nothing() {
    let server = Server::start().await;
    let (one, two) = (Fleet::start(&server.url()), Fleet::start(&server.url()));
    let (client, _jar) = browser();
    assert_eq!(post(&client, one.actix("/login"), &[("name", "ada")]).await, 303);
    assert_eq!(session(&client, two.axum("/api/session")).await["user"], "ada");

    // Two keys, on two frameworks of two programs.
    for n in 0..PAIRS {
        let item = n.to_string();
        let form = [("item", item.as_str())];
        let (cart, visit) = tokio::join!(post(&client, one.actix("/cart"), &form), visit(&client, two.axum("/")));
        assert_eq!((cart.as_u16(), visit.as_u16()), (303, 200));
    }
    let found = session(&client, two.axum("/api/session")).await;
    assert_eq!((found["visits"].as_u64(), found["cart"].as_array().map(Vec::len)), (Some(200), Some(PAIRS)));

    // One key, in a hundred concurrent requests.
    let visits = (0..100).map(|n| {
        let url = if n % 2 == 0 { one.actix("/") } else { two.axum("/") };
        tokio::spawn({
            let client = client.clone();
            async move { visit(&client, url).await }
        })
    });
    for visit in visits.collect::<Vec<_>>() {
        assert_eq!(visit.await.unwrap(), 200);
    }
    assert_eq!(session(&client, one.actix("/api/session")).await["visits"], 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_overlaps_a_logout_revives_nothing_and_what_overlaps_a_login_is_kept() {
    let server = Server::start().await;
    let (one, two) = (Fleet::start(&server.url()), Fleet::start(&server.url()));
    for n in 0..PAIRS {
        let (client, jar) = browser();
        visit(&client, one.actix("/")).await;
        let (login, counted) =
            tokio::join!(post(&client, one.actix("/login"), &[("name", "ada")]), visit(&client, two.axum("/")));
        assert_eq!((login.as_u16(), counted.as_u16()), (303, 200), "{n}");
        let found = session(&client, two.axum("/api/session")).await;
        // The visit came with the old token. It counts, unless the login was faster and the page was empty.
        assert_eq!(found["user"], "ada", "{n}");
        assert!(matches!(found["visits"].as_u64(), Some(1 | 2)), "{n}: {found}");

        let copy = reqwest::cookie::CookieStore::cookies(&*jar, &one.actix("/")).unwrap();
        let (out, _cart) = tokio::join!(
            post(&client, two.axum("/logout"), &[]),
            post(&client, one.actix("/cart"), &[("item", "umbrella")])
        );
        assert_eq!(out, 303, "{n}");
        let thief = Client::builder().build().unwrap();
        let page = thief.get(one.actix("/api/session")).header("cookie", copy).send().await.unwrap();
        assert_eq!(page.json::<Value>().await.unwrap()["user"], Value::Null, "{n}");
    }
}
