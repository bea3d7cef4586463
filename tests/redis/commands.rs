//! The commands that a request sends.

use cloakroom::SessionLayer;

use crate::redis_support::{Monitor, app::App, server::Server};

/// Returns the kind of a command. Which one replaces a record depends on the server.
fn kind(command: String) -> &'static str {
    match command.as_str() {
        "GET" => "read",
        "SET" | "EVALSHA" => "write",
        "ZREM" => "unlist",
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_request_costs_as_many_commands_as_it_must() {
    let server = Server::start().await;
    let app = App::over(SessionLayer::new(server.store().await));
    // The first call of each kind sends its script, and finds out the server's commands.
    for path in ["/count", "/fill/big/9000", "/login/bob", "/logout"] {
        app.get(path, Some(&app.new_session().await)).await;
    }
    let mut cookie = app.new_session().await;
    let mut monitor = Monitor::start(&server);
    let table: &[(&str, bool, &[&str])] = &[
        ("/read", false, &[]),
        ("/ignore", true, &[]),
        ("/read", true, &["read"]),
        ("/count", true, &["read", "write"]),
        ("/count", false, &["write"]),
        ("/renew", true, &["read", "write"]),
        ("/login/bob", true, &["read", "write", "write"]),
        ("/count", true, &["read", "write"]),
        ("/renew", true, &["read", "write"]),
        ("/logout", true, &["read", "write", "unlist"]),
        ("/login/bob", false, &["write", "write"]),
    ];
    for (path, with_cookie, expected) in table {
        let seen = app.get(path, with_cookie.then_some(cookie.as_str())).await;
        assert_eq!(seen.status, 200, "{path}");
        cookie = seen.cookie.filter(|cookie| cookie.len() > 30 && *with_cookie).unwrap_or(cookie);
        let commands: Vec<_> = monitor.commands().into_iter().map(kind).collect();
        assert_eq!(commands, *expected, "{path}, cookie: {with_cookie}");
    }
    let cookie = app.new_session().await;
    monitor.commands();
    app.get("/logout", Some(&cookie)).await;
    let commands: Vec<_> = monitor.commands().into_iter().map(kind).collect();
    assert_eq!(commands, ["read", "write"]);
}
