//! The small examples. Each is started as a program on a free port, and used once.

#[path = "support/program.rs"]
mod program;
mod redis_support;

use std::process::Command;

use reqwest::Client;

use self::program::{Program, path};

struct Example {
    _program: Program,
    url: String,
}

impl Example {
    /// Starts a server.
    fn start(name: &str) -> Self {
        Self::start_with(name, &[])
    }

    fn start_with(name: &str, arguments: &[&str]) -> Self {
        let (program, lines) = Program::start(name, &[&["0"], arguments].concat(), 1);
        Self { _program: program, url: lines[0].trim().to_owned() }
    }
}

fn browser() -> Client {
    Client::builder().cookie_store(true).build().unwrap()
}

async fn text(request: reqwest::RequestBuilder) -> String {
    request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap()
}

#[tokio::test]
async fn visits_are_counted() {
    for name in ["actix_web", "axum", "hyper"] {
        let example = Example::start(name);
        let browser = browser();
        for visits in 1..=3 {
            assert_eq!(text(browser.get(&example.url)).await, format!("visits: {visits}\n"), "{name}");
        }
        assert_eq!(text(Client::new().get(&example.url)).await, "visits: 1\n", "{name}");
    }
}

#[test]
fn a_key_is_replaced_and_nobody_is_logged_out() {
    let output = Command::new(path("key_rotation")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.ends_with("20000 visits, and nobody was logged out\n"), "{text}");
}

#[tokio::test]
async fn login_and_logout() {
    let example = Example::start("login");
    let browser = browser();
    let home = async || text(browser.get(&example.url)).await;
    let post = async |path: &str| text(browser.post(format!("{}{path}", example.url)).form(&[("name", "Ada")])).await;
    assert!(home().await.contains("Log in"));
    let welcome = post("login").await;
    assert!(welcome.contains("Welcome!") && welcome.contains("Log out"), "{welcome}");
    let again = home().await;
    assert!(!again.contains("Welcome!") && again.contains("Log out"), "{again}");
    let bye = post("logout").await;
    assert!(bye.contains("Good bye.") && bye.contains("Log in"), "{bye}");
    assert!(!home().await.contains("Good bye."));
}

#[tokio::test]
async fn the_service_that_came_from_actix_session() {
    let server = redis_support::server::Server::start().await;
    for arguments in [vec![], vec!["--redis", &server.url()]] {
        let example = Example::start_with("actix_session", &arguments);
        let (laptop, phone) = (browser(), browser());
        let post = async |browser: &Client, path: &str| {
            text(browser.post(format!("{}{path}", example.url)).form(&[("name", "Ada")])).await
        };
        let members = async |browser: &Client| {
            let answer = browser.get(format!("{}members/", example.url)).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        let ada = (200, "hello, Ada\n".to_owned());
        assert_eq!(text(laptop.get(&example.url)).await, "visits: 1\n");
        assert_eq!(members(&laptop).await.0, 404);
        for device in [&laptop, &phone] {
            assert_eq!(post(device, "login").await, ada.1);
        }
        assert_eq!(text(laptop.get(&example.url)).await, "visits: 2\n");
        assert_eq!(post(&laptop, "logout").await, "visits: 1\n", "a new one");
        assert_eq!((members(&laptop).await.0, members(&phone).await), (404, ada.clone()));
        post(&laptop, "login").await;
        post(&laptop, "logout-everywhere").await;
        assert_eq!((members(&laptop).await.0, members(&phone).await.0), (404, 404));
    }
}

#[tokio::test]
async fn metrics_count_what_happens_to_sessions() {
    let example = Example::start("metrics");
    let browser = browser();
    for path in ["", "", "login", "logout", "login"] {
        text(browser.get(format!("{}{path}", example.url))).await;
    }
    text(Client::new().get(&example.url).header("cookie", format!("id={}", "A".repeat(44)))).await;
    let metrics = text(Client::new().get(format!("{}metrics", example.url))).await;
    for line in [
        "session_events_total{event=\"created\"} 2",
        "session_events_total{event=\"rotated\"} 1",
        "session_events_total{event=\"destroyed\"} 1",
        "session_tokens_rejected_total{reason=\"Unknown\"} 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} in {metrics}");
    }
}

#[tokio::test]
async fn server_sent_events_count_on_until_the_session_ends() {
    let example = Example::start("sse");
    let browser = browser();
    let events = async || browser.get(format!("{}events", example.url)).send().await.unwrap();
    let mut first = events().await;
    assert_eq!(first.chunk().await.unwrap().unwrap(), "data: 1\n\n");
    drop(first);
    let mut second = events().await;
    assert_eq!(second.chunk().await.unwrap().unwrap(), "data: 2\n\n");
    assert_eq!(text(browser.post(format!("{}leave", example.url))).await, "forgotten");
    while second.chunk().await.unwrap().is_some() {}
}

#[tokio::test]
async fn a_websocket_keeps_what_was_said() {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};

    let example = Example::start("websocket");
    let mut cookie = None;
    for (say, said) in [("hello", "hello"), ("again", "hello\nagain")] {
        let mut request = format!("{}socket", example.url.replace("http", "ws")).into_client_request().unwrap();
        if let Some(cookie) = &cookie {
            request.headers_mut().insert("cookie", http::HeaderValue::clone(cookie));
        }
        let (mut socket, response) = tokio_tungstenite::connect_async(request).await.unwrap();
        cookie = cookie.or_else(|| response.headers().get("set-cookie").cloned());
        socket.send(Message::text(say)).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap().into_text().unwrap().as_str(), said);
    }
}
