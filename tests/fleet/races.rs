//! Logins and logouts, and the requests that overlap them.

use http::StatusCode;

use super::harness::{Servers, start};

/// Logs in without a cookie, and returns the token.
async fn log_in(servers: &Servers, server: usize) -> String {
    servers.post(server, "login", "", "name=Ada").await.token.unwrap()
}

#[tokio::test]
async fn a_logout_beats_what_is_in_a_handler() {
    let servers = start();
    for path in ["logout", "logout-everywhere"] {
        for server in 0..3 {
            let token = log_in(&servers, server).await;
            let mut orders = Vec::new();
            for at in 0..3 {
                orders.push(servers.post_slowly(at, "cart", &token, "item=umbrella").await);
            }
            assert_eq!(servers.post(server, path, &token, "").await.token.as_deref(), Some(""));
            for order in orders {
                let answer = order.finish().await;
                assert_eq!((answer.status, answer.token), (StatusCode::SEE_OTHER, None));
            }
            for at in 0..3 {
                assert_eq!(servers.user(at, &token).await, None);
            }
        }
    }
}

#[tokio::test]
async fn a_login_in_its_handler_outlasts_a_logout() {
    let servers = start();
    for server in 0..3 {
        let token = log_in(&servers, server).await;
        let login = servers.post_slowly(server + 1, "login", &token, "name=Ada").await;
        servers.post(server, "logout", &token, "").await;
        let new = login.finish().await.token.unwrap();
        assert_eq!(servers.user(server, &token).await, None);
        assert_eq!(servers.user(server, &new).await.as_deref(), Some("Ada"));
    }
}

/// The sockets decide the order: over many rounds, the logout comes before, between and after the other requests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_beats_whatever_is_in_flight() {
    let servers = start();
    for round in 0..60 {
        let token = &*log_in(&servers, round).await;
        let mut retained = vec![token.to_owned()];
        let (logout, visits, orders) = tokio::join!(
            async {
                servers.post(round, "logout", token, "").await;
                // Other requests are in progress.
                servers.user(round + 1, token).await
            },
            async { tokio::join!(servers.get(0, "", token), servers.get(1, "", token), servers.get(2, "", token)) },
            async {
                tokio::join!(
                    servers.post(0, "cart", token, "item=hat"),
                    servers.post(1, "cart", token, "item=hat"),
                    servers.post(2, "cart", token, "item=hat"),
                )
            },
        );
        assert_eq!(logout, None, "round {round}");
        for answer in [visits.0, visits.1, visits.2, orders.0, orders.1, orders.2] {
            retained.extend(answer.token);
        }
        for token in retained {
            for server in 0..3 {
                assert_eq!(servers.user(server, &token).await, None, "round {round}");
            }
        }
    }
}

/// A double click: both requests carry the old token, and the browser keeps either response.
#[tokio::test]
async fn a_double_clicked_login_ends_logged_in() {
    let servers = start();
    for (first, second) in (0..3).flat_map(|first| (0..3).map(move |second| (first, second))) {
        for token in ["", &*visit(&servers, first).await] {
            // If there is a session to load, both requests are in their handlers at the same time.
            let (one, two) = if token.is_empty() {
                tokio::join!(
                    servers.post(first, "login", "", "name=Ada"),
                    servers.post(second, "login", "", "name=Ada")
                )
            } else {
                let one = servers.post_slowly(first, "login", token, "name=Ada").await;
                let two = servers.post_slowly(second, "login", token, "name=Ada").await;
                (one.finish().await, two.finish().await)
            };
            assert_kept_either(&servers, token, one.token, two.token).await;
        }

        // The second click comes after the first one is done.
        let token = visit(&servers, first).await;
        let one = servers.post(first, "login", &token, "name=Ada").await;
        let two = servers.post(second, "login", &token, "name=Ada").await;
        assert_kept_either(&servers, &token, one.token, two.token).await;
    }
}

async fn visit(servers: &Servers, server: usize) -> String {
    servers.get(server, "", "").await.token.unwrap()
}

async fn assert_kept_either(servers: &Servers, before: &str, one: Option<String>, two: Option<String>) {
    for kept in [one, two] {
        let kept = kept.expect("a login gives a token");
        assert_ne!(kept, before, "the token from before the login is dead");
        for server in 0..3 {
            assert_eq!(servers.user(server, &kept).await.as_deref(), Some("Ada"));
        }
    }
    if !before.is_empty() {
        assert_eq!(servers.user(0, before).await, None, "session fixation");
    }
}
