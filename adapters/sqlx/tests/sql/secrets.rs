//! Nothing that a client or a user keeps secret is in the log.

use crate::{app::App, log::Log, servers::postgres};

/// sqlx logs the text of each statement, so no text may have a value in it. The store's errors have none, either.
#[tokio::test]
async fn a_traced_request_shows_no_secret_and_no_value() {
    for is_prepared in [true, false] {
        let log = Log::capture();
        let store = postgres::SHARED.store().await;
        let app = App::new(if is_prepared { store } else { store.unprepared() });
        let cookie = app.new_session().await;
        for path in ["/set/card/classified", "/login/alice", "/read", "/renew", "/logout"] {
            assert_eq!(app.get(path, Some(&cookie)).await.status, 200, "{path}");
        }
        let text = log.text();
        assert!(text.contains("select record") && text.contains("update"), "{text}");
        let secret = &cookie.split_once('=').unwrap().1[22..];
        for hidden in [secret, "classified", "cloakroom=1"] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
    }
}
