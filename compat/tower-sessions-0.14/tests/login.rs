//! axum-login and axum-messages over http.

use reqwest::{Client, Response};

#[allow(dead_code)] // It is a program of its own.
#[path = "../examples/login.rs"]
mod example;

/// A browser, which follows redirects.
struct Device {
    client: Client,
    url: String,
}

impl Device {
    fn new(url: &str) -> Self {
        Self { client: Client::builder().cookie_store(true).build().expect("a client"), url: url.to_owned() }
    }

    /// The path at which it ends up, and the page.
    async fn get(&self, path: &str) -> (String, String) {
        page(self.client.get(format!("{}{path}", self.url)).send().await.expect("an answer")).await
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> (String, String) {
        page(self.client.post(format!("{}{path}", self.url)).form(form).send().await.expect("an answer")).await
    }

    async fn log_in(&self, user: &str, password: &str) -> (String, String) {
        self.post("/login", &[("username", user), ("password", password)]).await
    }
}

async fn page(response: Response) -> (String, String) {
    let url = response.url();
    let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    assert!(response.status().is_success(), "{response:?}");
    (path, response.text().await.expect("text"))
}

/// A server on a free port. It ends with the test's runtime.
async fn server() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async { axum::serve(listener, example::app()).await });
    url
}

#[tokio::test]
async fn a_wrong_password_a_login_and_a_logout() {
    let device = Device::new(&server().await);
    assert_eq!(device.get("/").await.0, "/login?next=%2F");
    let (path, text) = device.log_in("ferris", "bogus").await;
    assert_eq!(path, "/login");
    assert!(text.ends_with("wrong password"), "{text}");
    assert!(!device.get("/login").await.1.contains("wrong"), "a message is shown once");
    assert_eq!(device.log_in("ferris", "ferris").await, ("/".to_owned(), "hello, ferris\n".to_owned()));
    assert_eq!(device.get("/").await.1, "hello, ferris\n");
    assert_eq!(device.get("/logout").await.0, "/login");
    assert_eq!(device.get("/").await.0, "/login?next=%2F");
}

#[tokio::test]
async fn a_permission() {
    let device = Device::new(&server().await);
    assert_eq!(device.log_in("ferris", "ferris").await.0, "/");
    assert_eq!(device.get("/restricted").await.0, "/login?next=%2Frestricted");
    assert_eq!(device.log_in("admin", "admin").await.0, "/");
    assert_eq!(device.get("/restricted").await.1, "restricted\n");
}

#[tokio::test]
async fn one_call_logs_a_user_out_on_all_devices() {
    let url = server().await;
    let [laptop, phone, other] = [&url; 3].map(|url| Device::new(url));
    for (device, user) in [(&laptop, "ferris"), (&phone, "ferris"), (&other, "admin")] {
        assert_eq!(device.log_in(user, user).await.1, format!("hello, {user}\n"));
    }
    assert_eq!(phone.post("/logout-everywhere", &[]).await.0, "/login");
    for (device, path) in [(&laptop, "/login?next=%2F"), (&phone, "/login?next=%2F"), (&other, "/")] {
        assert_eq!(device.get("/").await.0, path);
    }
}
