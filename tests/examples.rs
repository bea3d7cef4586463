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

/// One that follows no redirects, and says what it is.
fn browser_named(name: &str) -> Client {
    let builder = Client::builder().cookie_store(true).user_agent(name);
    builder.redirect(reqwest::redirect::Policy::none()).build().unwrap()
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
async fn accounts() {
    for name in ["accounts_axum", "accounts_actix"] {
        let example = Example::start(name);
        let [laptop, phone] = [browser_named("laptop"), browser_named("phone")];
        let post = async |browser: &Client, path: &str, form: &[(&str, &str)]| {
            browser.post(format!("{}{path}", example.url)).form(form).send().await.unwrap()
        };
        let login = async |browser: &Client, password: &str| {
            let answer = post(browser, "login", &[("name", "ada"), ("password", password), ("remember", "true")]).await;
            (
                answer.status().as_u16(),
                answer.headers().get("set-cookie").map(|cookie| cookie.to_str().unwrap().to_owned()),
            )
        };
        let home = async |browser: &Client| browser.get(&example.url).send().await.unwrap().status().as_u16();
        let devices = async |browser: &Client| -> Vec<serde_json::Value> {
            browser.get(format!("{}devices", example.url)).send().await.unwrap().json().await.unwrap()
        };

        let ada = [("name", "ada"), ("password", "correct horse")];
        assert_eq!(home(&laptop).await, 401, "{name}");
        assert_eq!(login(&laptop, "correct horse").await.0, 401, "{name}: there is no such user yet");
        assert_eq!(post(&laptop, "signup", &ada).await.status(), 201, "{name}");
        assert_eq!(post(&laptop, "signup", &ada).await.status(), 409, "{name}");
        assert_eq!(login(&laptop, "battery staple").await, (401, None), "{name}");
        let (status, cookie) = login(&laptop, "correct horse").await;
        assert!(status == 303 && cookie.is_some_and(|cookie| cookie.contains("Max-Age=7776000")), "{name}");
        assert_eq!(login(&phone, "correct horse").await.0, 303, "{name}");
        assert_eq!(text(laptop.get(&example.url)).await, "hello, ada\n", "{name}");

        let listed = devices(&laptop).await;
        let mut labels: Vec<_> =
            listed.iter().map(|device| (device["label"].as_str().unwrap(), device["is_this"] == true)).collect();
        labels.sort_unstable();
        assert_eq!(labels, [("laptop", true), ("phone", false)], "{name}");
        let other = listed.iter().find(|device| device["is_this"] == false).unwrap()["id"].as_str().unwrap();
        let revoke = format!("devices/{other}/revoke");
        assert_eq!(post(&laptop, &revoke, &[]).await.status(), 204, "{name}");
        assert_eq!(post(&laptop, &revoke, &[]).await.status(), 404, "{name}");
        assert_eq!((home(&laptop).await, home(&phone).await), (200, 401), "{name}");

        login(&phone, "correct horse").await;
        let change = async |old: &str| {
            post(&laptop, "password", &[("old", old), ("new", "battery staple")]).await.status().as_u16()
        };
        assert_eq!(change("wrong").await, 403, "{name}");
        assert_eq!(change("correct horse").await, 303, "{name}");
        assert_eq!((home(&laptop).await, home(&phone).await), (200, 401), "{name}: this device stays");
        assert_eq!(login(&phone, "correct horse").await.0, 401, "{name}");
        assert_eq!(login(&phone, "battery staple").await.0, 303, "{name}");

        assert_eq!(post(&phone, "logout-everywhere", &[]).await.status(), 303, "{name}");
        assert_eq!((home(&laptop).await, home(&phone).await), (401, 401), "{name}");
        login(&laptop, "battery staple").await;
        assert_eq!(post(&laptop, "logout", &[]).await.status(), 303, "{name}");
        assert_eq!(home(&laptop).await, 401, "{name}");
    }
}

#[tokio::test]
async fn the_state_of_an_oauth_login_is_good_once_and_in_its_own_browser() {
    let example = Example::start("oauth_state");
    let [ada, victim] = [browser_named("ada"), browser_named("victim")];
    let get = async |browser: &Client, path: &str| {
        let url = path.strip_prefix('/').map_or_else(|| path.to_owned(), |path| format!("{}{path}", example.url));
        let answer = browser.get(url).send().await.unwrap();
        let location = answer.headers().get("location").map(|location| location.to_str().unwrap().to_owned());
        (answer.status().as_u16(), location.unwrap_or_default(), answer.headers().clone())
    };
    let (_, to_provider, headers) = get(&ada, "/login").await;
    let cookie = headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("oauth=") && cookie.contains("SameSite=Lax"), "{cookie}");
    let (_, callback, _) = get(&ada, &to_provider).await;
    assert_eq!(get(&victim, &callback).await.0, 403, "a callback that another browser began");
    let (status, home, headers) = get(&ada, &callback).await;
    assert_eq!((status, &*home), (303, "/"));
    let cookies: Vec<_> = headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
    assert!(
        cookies.iter().any(|cookie| cookie.starts_with("id=") && cookie.contains("SameSite=Strict")),
        "{cookies:?}"
    );
    assert!(cookies.iter().any(|cookie| cookie.starts_with("oauth=;")), "{cookies:?}");
    assert_eq!(text(ada.get(&example.url)).await, "hello, ada\n");
    assert_eq!(get(&ada, &callback).await.0, 403, "the same state again");
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
