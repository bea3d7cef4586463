//! Runs one contestant with one kind of request.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{runtime::Runtime, task::unconstrained};

use crate::{
    app::{App, Call},
    classes::{Class, Payload},
    contestants::Contestant,
};

/// A contestant with an empty store, on a runtime of its own. Its sessions and tasks end with it.
pub struct Visit {
    runtime: Runtime,
    app: Rc<dyn App>,
    call: Call,
}

impl Visit {
    /// Starts the application, and makes the session that requests of this class present.
    pub fn start(contestant: &Contestant, redis: &str, class: Class, payload: Payload) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (app, call) = runtime.block_on(async {
            let app = (contestant.open)(redis.to_owned()).await;
            let path = class.path(payload);
            let call = match class.has_cookie() {
                true if contestant.has_sessions() => {
                    let cookie = app.ask(&Call::bare(payload.create())).await.cookie();
                    Call::with(path, cookie.expect("a new session has a cookie"))
                }
                // A value as long as other libraries' cookies.
                true => Call::with(path, format!("id={}", "0".repeat(64))),
                false => Call::bare(path),
            };
            (app, call)
        });
        Self { runtime, app, call }
    }

    /// Makes `times` requests, and returns the time that they took.
    pub fn run(&self, times: u32) -> Duration {
        // Without the scheduler's yields, because a batch is one task here, and each connection is a task elsewhere.
        self.runtime.block_on(unconstrained(async {
            let started = Instant::now();
            self.app.run(&self.call, times).await;
            started.elapsed()
        }))
    }
}
