//! Checks that each kind of request does what its name says, before it is timed.

use crate::{
    app::{App, Call},
    classes::{Class, Payload, START},
    contestants::{Contestant, Role, Store},
};

/// Panics, with the contestant's name, unless each kind of request does what its name says. Bare commands are not
/// checked.
pub fn verify(contestant: &Contestant, redis: &str) {
    if contestant.role == Role::Yardstick {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let app = (contestant.open)(redis.to_owned()).await;
        for payload in Payload::ALL {
            Check { app: &*app, contestant, payload }.all().await;
        }
    });
}

struct Check<'a> {
    app: &'a dyn App,
    contestant: &'a Contestant,
    payload: Payload,
}

impl Check<'_> {
    async fn all(&self) {
        let who =
            format!("{}, {}, {}", self.contestant.framework.name(), self.contestant.store.name(), self.contestant.name);
        for class in Class::ALL.into_iter().filter(|class| !class.has_cookie()) {
            assert_eq!(self.app.ask(&Call::bare(class.path(self.payload))).await.status, 200, "{who}: {class:?}");
        }
        if !self.contestant.has_sessions() {
            return;
        }
        let is_quiet = self.contestant.role != Role::EagerPeer;
        let anonymous = self.app.ask(&Call::bare(Class::Anonymous.path(self.payload))).await;
        assert!(!is_quiet || anonymous.set_cookies.is_empty(), "{who}: {anonymous:?}");
        let created = self.app.ask(&Call::bare(self.payload.create())).await;
        let cookie = created.cookie().unwrap_or_else(|| panic!("{who}: {created:?}"));
        assert_eq!(self.app.ask(&Call::bare("/read")).await.status, 404, "{who}: reads without a session");
        for class in [Class::Ignored, Class::Read] {
            let answer = self.app.ask(&Call::with(class.path(self.payload), &*cookie)).await;
            assert_eq!(answer.status, 200, "{who}: {class:?}");
            assert!(!is_quiet || answer.set_cookies.is_empty(), "{who}: {class:?} {answer:?}");
        }
        assert_eq!(self.body("/value", &cookie).await, START.to_string(), "{who}");
        assert_eq!(
            self.body("/last", &cookie).await,
            self.payload.texts().last().map_or("", |(_, text)| text),
            "{who}"
        );
        let mut next = cookie;
        for n in 1..=3 {
            let answer = self.app.ask(&Call::with("/write", &*next)).await;
            if self.contestant.store == Store::Cookie {
                next = answer.cookie().unwrap_or_else(|| panic!("{who}: a write answers a cookie"));
            }
            assert_eq!(self.body("/value", &next).await, (START + n).to_string(), "{who}");
        }
    }

    async fn body(&self, path: &'static str, cookie: &str) -> String {
        self.app.ask(&Call::with(path, cookie)).await.body
    }
}
