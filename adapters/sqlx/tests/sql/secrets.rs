//! Nothing that a client or a user keeps secret is in the log.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing_subscriber::{filter::LevelFilter, util::SubscriberInitExt as _};

use crate::{app::App, servers::postgres};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// sqlx logs the text of each statement, so no text may have a value in it. The store's errors have none, either.
#[tokio::test]
async fn a_traced_request_shows_no_secret_and_no_value() {
    for is_prepared in [true, false] {
        let log = Log::default();
        let store = postgres::SHARED.store().await;
        let app = App::new(if is_prepared { store } else { store.unprepared() });
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_ansi(false);
        let guard = subscriber.with_writer(move || writer.clone()).finish().set_default();
        let cookie = app.new_session().await;
        for path in ["/set/card/classified", "/login/alice", "/read", "/renew", "/logout"] {
            assert_eq!(app.get(path, Some(&cookie)).await.status, 200, "{path}");
        }
        drop(guard);
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("select record") && text.contains("update"), "{text}");
        let secret = &cookie.split_once('=').unwrap().1[22..];
        for hidden in [secret, "classified", "cloakroom=1"] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
    }
}
