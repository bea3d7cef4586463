//! One set of sessions: a change on one server is visible on the others.

use http::{StatusCode, header};
use reqwest::{Client, Response};
use serde_json::{Value, json};

use super::harness::{Servers, browser, client, start};

async fn post(browser: &Client, url: String, form: &[(&str, &str)]) -> Response {
    browser.post(url).form(form).send().await.unwrap()
}

async fn log_in(servers: &Servers, server: usize, browser: &Client, name: &str) {
    let answer = post(browser, servers.url(server, "login"), &[("name", name)]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()[header::LOCATION], "/");
}

async fn status(servers: &Servers, server: usize, browser: &Client) -> Value {
    let answer = browser.get(servers.url(server, "api/session")).send().await.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/json");
    answer.json().await.unwrap()
}

async fn page(servers: &Servers, server: usize, browser: &Client) -> String {
    let answer = browser.get(servers.url(server, "")).send().await.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
    answer.text().await.unwrap()
}

#[tokio::test]
async fn who_logs_in_on_one_is_logged_in_on_all_until_the_logout() {
    let servers = start();
    for (login, logout) in [(0, 2), (1, 0), (2, 1)] {
        let browser = browser();
        log_in(&servers, login, &browser, "Ada").await;
        for server in 0..3 {
            assert_eq!(status(&servers, server, &browser).await["user"], "Ada", "{server}");
            assert!(page(&servers, server, &browser).await.contains("Hello, Ada"), "{server}");
        }
        post(&browser, servers.url(logout, "logout"), &[]).await;
        for server in 0..3 {
            assert_eq!(status(&servers, server, &browser).await["user"], Value::Null, "{server}");
        }
    }
}

#[tokio::test]
async fn the_page_says_what_it_is_where_to_go_and_what_the_last_request_cost() {
    let servers = start();
    let browser = browser();
    for server in 0..3 {
        let page = page(&servers, server, &client()).await;
        let body = page.split("<body>").nth(1).unwrap();
        assert!(
            body.starts_with("<p class=\"lead\">Three servers in three frameworks share one set of sessions: "),
            "{body}"
        );
        for url in &servers.urls {
            let port = url.trim_end_matches('/').rsplit(':').next().unwrap();
            assert!(body.contains(&format!(" on port {port}")) && body.contains(&format!(":{port}</small>")), "{body}");
        }
    }
    let made = async |expected: &str| {
        let page = page(&servers, 0, &browser).await;
        assert!(page.contains(expected), "{expected}: {page}");
    };
    page(&servers, 0, &browser).await;
    log_in(&servers, 0, &browser, "Ada").await;
    made("you are logged in there, too").await;
    made("made 2 store calls: load, replace").await;
    status(&servers, 1, &browser).await;
    made("made 1 store call: load").await;
    browser.get(servers.url(2, "health")).send().await.unwrap();
    made("made 2 store calls: load, replace").await;
}

#[tokio::test]
async fn a_logout_everywhere_ends_all_of_ones_own_sessions_and_no_others() {
    let servers = start();
    let [here, there, other] = [browser(), browser(), browser()];
    log_in(&servers, 0, &here, "Ada").await;
    log_in(&servers, 1, &there, "Ada").await;
    log_in(&servers, 1, &other, "Grace").await;
    let answer = post(&here, servers.url(2, "logout-everywhere"), &[]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    for server in 0..3 {
        assert_eq!(status(&servers, server, &here).await["user"], Value::Null);
        assert_eq!(status(&servers, server, &there).await["user"], Value::Null);
        assert_eq!(status(&servers, server, &other).await["user"], "Grace");
    }
}

#[tokio::test]
async fn parallel_visits_and_items_lose_none() {
    let servers = start();
    let browser = browser();
    log_in(&servers, 0, &browser, "Ada").await;
    let visits = (0..60).map(|at| tokio::spawn(browser.get(servers.url(at, "")).send()));
    let items = (0..30).map(|at| {
        let order = browser.post(servers.url(at / 2, "cart")).form(&[("item", format!("item {at:02}"))]);
        tokio::spawn(order.send())
    });
    for request in visits.chain(items).collect::<Vec<_>>() {
        let status = request.await.unwrap().unwrap().status();
        assert!(status == StatusCode::OK || status == StatusCode::SEE_OTHER, "{status}");
    }
    for server in 0..3 {
        let status = status(&servers, server, &browser).await;
        assert_eq!(status["visits"], 60);
        let mut cart: Vec<String> = serde_json::from_value(status["cart"].clone()).unwrap();
        cart.sort_unstable();
        assert_eq!(cart, (0..30).map(|at| format!("item {at:02}")).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn only_ones_own_sessions_are_revoked() {
    let servers = start();
    for server in 0..3 {
        let [ada, adas_phone, grace] = [browser(), browser(), browser()];
        log_in(&servers, server, &ada, "Ada").await;
        log_in(&servers, server + 1, &adas_phone, "Ada").await;
        log_in(&servers, server + 2, &grace, "Grace").await;
        let id = |status: Value| status["id"].as_str().unwrap().to_owned();
        let this = id(status(&servers, server, &ada).await);
        let phone = id(status(&servers, server, &adas_phone).await);
        let hers = id(status(&servers, server, &grace).await);
        let page = page(&servers, server, &ada).await;
        assert!(page.contains(&this) && page.contains(&phone) && !page.contains(&hers), "{page}");

        let revoke = async |browser: &Client, id: &str| {
            post(browser, servers.url(server, &format!("sessions/{id}/revoke")), &[]).await.status()
        };
        assert_eq!(revoke(&ada, &hers).await, StatusCode::NOT_FOUND);
        assert_eq!(revoke(&ada, "nonsense").await, StatusCode::NOT_FOUND);
        assert_eq!(revoke(&client(), &phone).await, StatusCode::UNAUTHORIZED);
        assert_eq!(status(&servers, server, &grace).await["user"], "Grace");
        assert_eq!(status(&servers, server, &adas_phone).await["user"], "Ada");

        assert_eq!(revoke(&ada, &phone).await, StatusCode::SEE_OTHER);
        assert_eq!(status(&servers, server, &adas_phone).await["user"], Value::Null);
        assert_eq!(status(&servers, server, &ada).await["user"], "Ada");
        assert_eq!(revoke(&ada, &this).await, StatusCode::SEE_OTHER);
        assert_eq!(status(&servers, server, &ada).await["user"], Value::Null);
    }
}

#[tokio::test]
async fn the_next_user_of_a_browser_does_not_get_the_last_ones_session() {
    let servers = start();
    for server in 0..3 {
        let browser = browser();
        log_in(&servers, server, &browser, "Ada").await;
        post(&browser, servers.url(server, "cart"), &[("item", "umbrella")]).await;
        log_in(&servers, server, &browser, "Ada").await;
        let before = status(&servers, server, &browser).await;
        assert_eq!(before["cart"], json!(["umbrella"]));
        let adas_phone = self::browser();
        log_in(&servers, server, &adas_phone, "Ada").await;
        let id = before["id"].as_str().unwrap();
        assert!(page(&servers, server, &adas_phone).await.contains(id), "it is in Ada's list");

        log_in(&servers, server, &browser, "Grace").await;
        let after = status(&servers, server, &browser).await;
        assert_eq!((&after["user"], &after["cart"]), (&json!("Grace"), &json!([])));
        let page = page(&servers, server, &adas_phone).await;
        assert!(!page.contains(id), "it is Ada's no more: {page}");
    }
}

#[tokio::test]
async fn the_session_as_json() {
    let servers = start();
    for (server, framework) in ["Actix Web", "Axum", "hyper"].into_iter().enumerate() {
        let browser = browser();
        let empty = json!({
            "framework": framework, "user": null, "visits": 0, "cart": [], "id": null, "expires_at": null,
        });
        assert_eq!(status(&servers, server, &browser).await, empty);

        page(&servers, server, &browser).await;
        log_in(&servers, server, &browser, "  Ada ").await;
        post(&browser, servers.url(server, "cart"), &[("item", "umbrella")]).await;
        let mut full = status(&servers, server, &browser).await;
        let id = full["id"].take();
        let expires_at = full["expires_at"].take();
        assert_eq!(id.as_str().map(str::len), Some(22));
        assert!(expires_at.as_str().unwrap().parse::<jiff::Timestamp>().unwrap() > jiff::Timestamp::now());
        let expected = json!({
            "framework": framework, "user": "Ada", "visits": 1, "cart": ["umbrella"], "id": null, "expires_at": null,
        });
        assert_eq!(full, expected);
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_alike() {
    let servers = start();
    for server in 0..3 {
        let browser = browser();
        let refused = async |path: &str, form: &[(&str, &str)]| {
            let answer = post(&browser, servers.url(server, path), form).await;
            assert!(!answer.headers().contains_key(header::SET_COOKIE), "{path} {form:?}");
            answer.status()
        };
        assert_eq!(refused("cart", &[("item", "umbrella")]).await, StatusCode::UNAUTHORIZED);
        let long = "a".repeat(65);
        for name in ["", "  ", &long] {
            assert_eq!(refused("login", &[("name", name)]).await, StatusCode::BAD_REQUEST, "{name}");
        }
        assert_eq!(refused("login", &[("user", "Ada")]).await, StatusCode::BAD_REQUEST);
        assert_eq!(refused("nowhere", &[]).await, StatusCode::NOT_FOUND);
        log_in(&servers, server, &browser, &"é".repeat(64)).await;
        assert_eq!(refused("cart", &[("item", "")]).await, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn visitors_words_are_escaped() {
    let servers = start();
    for server in 0..3 {
        let browser = browser();
        log_in(&servers, server, &browser, "<b>\"Ada\" & co").await;
        post(&browser, servers.url(server, "cart"), &[("item", "<script>alert(1)</script>")]).await;
        let page = page(&servers, server, &browser).await;
        assert!(page.contains("Hello, &lt;b&gt;&quot;Ada&quot; &amp; co"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script"), "{page}");
    }
}

#[tokio::test]
async fn health_never_asks_for_the_session() {
    let servers = start();
    let browser = browser();
    log_in(&servers, 0, &browser, "Ada").await;
    let calls = servers.calls();
    for server in 0..3 {
        let answer = browser.get(servers.url(server, "health")).send().await.unwrap();
        assert!(!answer.headers().contains_key(header::VARY));
        assert_eq!(answer.text().await.unwrap(), "ok");
    }
    assert_eq!(servers.calls(), calls);
    status(&servers, 0, &browser).await;
    assert_eq!(servers.calls(), calls + 1);
}
