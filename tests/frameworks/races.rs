//! Overlapping requests on every framework. Nothing is lost that other session libraries lose.
//!
//! Each race runs against the memory store, and against a store that loads and then overwrites. It must be lost there,
//! which shows that these tests can fail. A test never sleeps: it holds a request at a store call, and then lets it
//! pass.

use std::{rc::Rc, time::Duration};

use cloakroom::{
    MemoryStore, SessionLayer,
    testing::{FaultStore, Gate, TestClock, Verb},
};

use crate::support::{App, Browser, Page, Sent, all, drivers, in_process, naive::Naive, soon};

/// A framework, its store, and the place in which a write of this store is held.
struct Arena {
    app: App,
    store: FaultStore<MemoryStore>,
    clock: TestClock,
    is_naive: bool,
}

impl Arena {
    fn layer(is_naive: bool) -> (SessionLayer, (FaultStore<MemoryStore>, TestClock)) {
        let (inner, clock) = (FaultStore::new(MemoryStore::new()), TestClock::new());
        let layer = if is_naive {
            SessionLayer::new(Naive { inner: inner.clone(), clock: clock.clone() })
        } else {
            SessionLayer::new(inner.clone())
        };
        (layer.clock(clock.clone()).owner_key("user"), (inner, clock))
    }

    async fn every(is_naive: bool) -> Vec<Self> {
        let apps = drivers::every(|| Self::layer(is_naive)).await;
        apps.into_iter().map(|(app, (store, clock))| Self { app, store, clock, is_naive }).collect()
    }

    /// Holds the next write: its request has loaded the session, and has not stored it yet.
    fn hold_write(&self) -> Gate {
        self.store.next(self.write()).waits()
    }

    /// Returns the first call of this store's write, after the load.
    fn write(&self) -> Verb {
        if self.is_naive { Verb::Delete } else { Verb::Replace }
    }

    async fn get(&self, browser: &Browser, path: &str) -> String {
        browser.get(&self.app, path).await.body
    }

    /// Sends `slow`, holds it at its write, does `fast` meanwhile, and lets `slow` go on.
    async fn overtake(&self, browser: &Browser, slow: &str, fast: &str) -> (Page, Page) {
        let gate = self.hold_write();
        let overtaken = browser.peek(&self.app, slow);
        let overtaking = async {
            gate.reached().await;
            let page = browser.peek(&self.app, fast).await;
            gate.open();
            page
        };
        soon(async { tokio::join!(overtaken, overtaking) }).await
    }
}

/// Runs a race everywhere. Its result must always be `won` with this crate's store, and `lost` with the naive one.
async fn race(won: &str, lost: &str, run: impl AsyncFn(&Arena) -> String) {
    for (is_naive, expected) in [(false, won), (true, lost)] {
        for arena in Arena::every(is_naive).await {
            let found = soon(run(&arena)).await;
            assert_eq!(found, expected, "{}, naive: {is_naive}", arena.app.name);
        }
    }
}

#[tokio::test]
async fn two_requests_that_write_two_keys_keep_both() {
    race("1 2", "1 none", async |arena| {
        let browser = Browser::new();
        arena.get(&browser, "/app/insert:user:7").await;
        arena.overtake(&browser, "/app/insert:a:1", "/app/insert:b:2").await;
        arena.get(&browser, "/app/get:a/get:b").await
    })
    .await;
}

#[tokio::test]
async fn a_logout_beats_a_slow_request() {
    race("none 200 Nothing", "7 200 Nothing", async |arena| {
        let browser = Browser::new();
        arena.get(&browser, "/app/insert:user:7").await;
        let thief = browser.copied();
        let (slow, fast) = arena.overtake(&browser, "/app/insert:a:1", "/app/purge").await;
        assert_eq!(fast.sent(), Sent::Removal);
        let user = arena.get(&thief, "/app/get:user").await;
        format!("{user} {} {:?}", slow.status.as_u16(), slow.sent())
    })
    .await;
}

#[tokio::test]
async fn a_write_that_overlaps_a_login_lands_in_the_renewed_session_and_the_old_token_is_dead() {
    race("7 pear none", "none none none", async |arena| {
        let browser = Browser::new();
        arena.get(&browser, "/app/insert:seen:1").await;
        let old = browser.copied();
        let (_, login) = arena.overtake(&browser, "/app/insert:cart:pear", "/app/renew/insert:user:7").await;
        assert_eq!(login.sent(), Sent::Token);
        browser.keep(&login);
        let new = arena.get(&browser, "/app/get:user/get:cart").await;
        let old = arena.get(&old, "/app/get:user").await;
        format!("{new} {old}")
    })
    .await;
}

/// The naive renewal deletes the old session before the new one is stored.
#[tokio::test]
async fn a_renewal_that_fails_half_way_destroys_nothing() {
    race("503 1 200 7", "503 none 200 7", async |arena| {
        let browser = Browser::new();
        arena.get(&browser, "/app/insert:seen:1").await;
        arena.store.next(if arena.is_naive { Verb::Create } else { Verb::Replace }).fails();
        let failed = browser.get(&arena.app, "/app/renew/insert:user:7/status:500").await;
        let seen = arena.get(&browser, "/app/get:seen").await;
        let again = browser.get(&arena.app, "/app/renew/insert:user:7").await;
        let user = arena.get(&browser, "/app/get:user").await;
        format!("{} {seen} {} {user}", failed.status.as_u16(), again.status.as_u16())
    })
    .await;
}

#[tokio::test]
async fn a_handler_that_renews_and_answers_500_leaves_a_session_and_its_token() {
    for arena in Arena::every(false).await {
        let browser = Browser::new();
        arena.get(&browser, "/app/insert:seen:1").await;
        let page = browser.get(&arena.app, "/app/renew/insert:user:7/fail:500").await;
        assert_eq!((page.status.as_u16(), page.sent()), (500, Sent::Token), "{}", arena.app.name);
        assert_eq!(arena.get(&browser, "/app/get:seen/get:user").await, "1 7", "{}", arena.app.name);
    }
}

#[tokio::test]
async fn two_updates_at_once_count_two() {
    race("3", "2", async |arena| {
        let browser = Browser::new();
        arena.get(&browser, "/app/count:n").await;
        arena.overtake(&browser, "/app/count:n", "/app/count:n").await;
        arena.get(&browser, "/app/get:n").await
    })
    .await;
}

#[tokio::test]
async fn an_update_that_cannot_run_twice_fails_visibly_and_stores_nothing() {
    race("503 2 none", "200 2 1", async |arena| {
        let browser = Browser::new();
        arena.get(&browser, "/app/count:n").await;
        let (slow, _) = arena.overtake(&browser, "/app/once:n/insert:a:1", "/app/count:n").await;
        let found = arena.get(&browser, "/app/get:n/get:a").await;
        format!("{} {found}", slow.status.as_u16())
    })
    .await;
}

/// Both requests have loaded when the first one writes. The browser drops one of the responses.
#[tokio::test]
async fn a_double_clicked_login_ends_logged_in_whichever_response_the_browser_keeps() {
    race("slow 7, fast 7", "slow 7, fast none", async |arena| {
        let browser = Browser::new();
        arena.get(&browser, "/app/insert:cart:pear").await;
        let login = "/app/renew/insert:user:7";
        let (slow, fast) = arena.overtake(&browser, login, login).await;
        let mut found = Vec::new();
        for (name, kept) in [("slow", slow), ("fast", fast)] {
            assert_eq!(kept.sent(), Sent::Token, "{name}");
            let browser = browser.copied();
            browser.keep(&kept);
            found.push(format!("{name} {}", arena.get(&browser, "/app/get:user").await));
        }
        found.join(", ")
    })
    .await;
}

/// The same with `login`, of a visitor, of a logged-in user, and of one who was logged in as another user. Each
/// response alone leaves the browser logged in, and shows nothing of another user.
#[tokio::test]
async fn a_double_clicked_login_by_its_verb_ends_logged_in_on_either_response() {
    for (before, cart) in
        [("insert:cart:pear", "pear"), ("login:7/insert:cart:pear", "pear"), ("login:8/insert:cart:pear", "none")]
    {
        for arena in Arena::every(false).await {
            let (browser, at) = (Browser::new(), format!("{}: {before}", arena.app.name));
            arena.get(&browser, &format!("/app/{before}")).await;
            let (slow, fast) = arena.overtake(&browser, "/app/login:7/insert:a:1", "/app/login:7/insert:b:2").await;
            let mut found = Vec::new();
            for kept in [&slow, &fast] {
                assert_eq!((kept.status.as_u16(), kept.sent()), (200, Sent::Token), "{at}");
                let browser = browser.copied();
                browser.keep(kept);
                found.push(arena.get(&browser, "/app/whose/get:a/get:b/get:cart").await);
            }
            // The login that lost its race has a session of its own, with its own inserts.
            assert_eq!(found, ["7 1 none none".to_owned(), format!("7 none 2 {cart}")], "{at}");
            assert_eq!(arena.store.inner().len(), 2, "{at}");
        }
    }
}

/// The second click is sent with the old token, after the first response is lost.
#[tokio::test]
async fn a_login_with_a_token_that_its_lost_sibling_replaced_ends_logged_in() {
    for arena in Arena::every(false).await {
        let (browser, at) = (Browser::new(), arena.app.name);
        arena.get(&browser, "/app/insert:cart:pear").await;
        browser.peek(&arena.app, "/app/renew/insert:user:7").await;
        let page = browser.get(&arena.app, "/app/get:cart/insert:a:1/presented").await;
        assert_eq!((page.body.as_str(), page.sent()), ("none false", Sent::Nothing), "superseded opens nothing, {at}");
        let page = browser.get(&arena.app, "/app/renew/insert:user:7").await;
        assert_eq!(page.sent(), Sent::Token, "{at}");
        assert_eq!(arena.get(&browser, "/app/get:user/get:a").await, "7 none", "{at}");
    }
}

/// A logout during a login: the old token still names the session.
#[tokio::test]
async fn a_logout_with_a_token_that_was_just_replaced_deletes_the_session() {
    for arena in Arena::every(false).await {
        let (browser, at) = (Browser::new(), arena.app.name);
        arena.get(&browser, "/app/insert:cart:pear").await;
        let login = browser.peek(&arena.app, "/app/renew/insert:user:7").await;
        assert_eq!(browser.get(&arena.app, "/app/purge").await.sent(), Sent::Removal, "{at}");
        browser.keep(&login);
        assert_eq!(arena.get(&browser, "/app/get:user").await, "none", "{at}");
        assert!(arena.store.inner().is_empty(), "{at}");
    }
}

/// Two overlapping changes of privileges of a logged-in user leave one session, and never a second one.
#[tokio::test]
async fn two_renewals_of_one_user_stay_one_session() {
    for arena in Arena::every(false).await {
        let (browser, at) = (Browser::new(), arena.app.name);
        arena.get(&browser, "/app/renew/insert:user:7").await;
        let (slow, fast) = arena.overtake(&browser, "/app/renew/insert:a:1", "/app/renew/insert:b:2").await;
        assert_eq!((slow.sent(), fast.sent()), (Sent::Nothing, Sent::Token), "{at}");
        browser.keep(&fast);
        assert_eq!(arena.get(&browser, "/app/get:user/get:a/get:b").await, "7 1 2", "{at}");
        assert_eq!(arena.store.inner().len(), 1, "{at}");
    }
}

/// A login that a logout overtakes begins a session with its own inserts, and with nothing that it had loaded. A
/// request that is no login begins none, even if it writes the user that it loaded.
#[tokio::test]
async fn a_login_that_a_logout_overtakes_revives_nothing() {
    for arena in Arena::every(false).await {
        let (browser, at) = (Browser::new(), arena.app.name);
        arena.get(&browser, "/app/renew/insert:user:7/insert:secret:x").await;
        let (login, _) = arena.overtake(&browser, "/app/renew/insert:user:8/count:n", "/app/purge").await;
        browser.keep(&login);
        assert_eq!(arena.get(&browser, "/app/get:user/get:n/get:secret").await, "8 1 none", "{at}");
        let (again, _) = arena.overtake(&browser, "/app/login:8/insert:user:8", "/app/purge").await;
        browser.keep(&again);
        assert_eq!(arena.get(&browser, "/app/get:user/get:n").await, "8 none", "the same user logs in again: {at}");
        for dropped in ["/app/renew", "/app/renew/insert:user:8/insert:role:editor", "/app/remove:user", "/app/disown"]
        {
            let browser = Browser::new();
            arena.get(&browser, "/app/login:8/insert:user:8").await;
            let sessions = arena.store.inner().len();
            let (page, _) = arena.overtake(&browser, dropped, "/app/purge").await;
            assert_eq!((page.status.as_u16(), page.sent()), (200, Sent::Nothing), "{dropped}: {at}");
            assert_eq!(arena.store.inner().len(), sessions - 1, "{dropped}: {at}");
        }
    }
}

#[tokio::test]
async fn a_copied_cookie_dies_on_time() {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    // The session ends after a day without use, and after thirty days in any case. An active thief sends a request
    // every ten hours.
    for (pause, asked, won, lost) in [(25 * HOUR, 1, "none", "7"), (10 * HOUR, 72, "none", "7")] {
        race(won, lost, async |arena| {
            let browser = Browser::new();
            arena.get(&browser, "/app/insert:user:7").await;
            let thief = browser.copied();
            for _ in 1..asked {
                arena.clock.advance(pause);
                assert_eq!(arena.get(&thief, "/app/get:user").await, "7", "{}", arena.app.name);
            }
            arena.clock.advance(pause);
            arena.get(&thief, "/app/get:user").await
        })
        .await;
    }
}

#[tokio::test]
async fn a_load_error_is_never_taken_for_absence() {
    race("503 Nothing 7", "200 Token none", async |arena| {
        let browser = Browser::new();
        arena.get(&browser, "/app/insert:user:7").await;
        arena.store.next(Verb::Load).fails();
        let page = browser.get(&arena.app, "/app/insert:a:1").await;
        let user = arena.get(&browser, "/app/get:user").await;
        format!("{} {:?} {user}", page.status.as_u16(), page.sent())
    })
    .await;
}

/// The naive request sends one cookie only, because a naive layer reads only one.
#[tokio::test]
async fn of_several_cookies_of_the_name_each_is_tried() {
    for arena in Arena::every(false).await {
        let (browser, at) = (Browser::new(), arena.app.name);
        arena.get(&browser, "/app/insert:user:7").await;
        let good = browser.header();
        let stale = "__Host-Http-id=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let [first, last] = [format!("{stale}; {good}"), format!("{good}; {stale}")];
        let table = [
            (first.as_str(), "7"),
            (last.as_str(), "7"),
            (first.split("; ").next().expect("some"), "none"),
            (last.split("; ").last().expect("some"), "none"),
        ];
        for (cookies, expected) in table {
            let request = http::Request::get("/app/get:user").header("cookie", cookies);
            let page = Page::new(arena.app.send(request.body(bytes::Bytes::new()).expect("a request")).await);
            assert_eq!((page.body.as_str(), page.sent()), (expected, Sent::Nothing), "{at}: {cookies}");
        }
    }
}

/// A naive layer loads for every request, which Actix's guards need. `.lazy()` does not.
#[tokio::test]
async fn a_request_that_does_not_ask_costs_no_store_call() {
    for arena in Arena::every(false).await {
        let browser = Browser::new();
        arena.get(&browser, "/app/insert:user:7").await;
        arena.store.take_calls();
        arena.get(&browser, "/plain").await;
        let expected: &[&str] = if arena.app.is_eager { &["load"] } else { &[] };
        assert_eq!(arena.store.take_calls(), expected, "{}", arena.app.name);
    }
}

/// All requests have loaded the same number when the first one writes.
#[tokio::test]
async fn a_hundred_updates_at_once_count_a_hundred() {
    const MANY: usize = 100;
    race("100", "1", async |arena| {
        let browser = Rc::new(Browser::new());
        arena.get(&browser, "/app/insert:n:0").await;
        let gate = if arena.is_naive {
            arena.store.every(Verb::Delete).times(MANY).waits()
        } else {
            arena.store.every(Verb::Load).times(MANY).answers_late()
        };
        let mut requests: Vec<std::pin::Pin<Box<dyn Future<Output = u16>>>> = Vec::new();
        requests.push(Box::pin(async {
            for _ in 0..MANY {
                gate.reached().await;
            }
            gate.open();
            200
        }));
        for _ in 0..MANY {
            requests.push(Box::pin(async { browser.peek(&arena.app, "/app/increment:n").await.status.as_u16() }));
        }
        assert_eq!(all(requests).await, [200; MANY + 1], "{}", arena.app.name);
        arena.get(&browser, "/app/get:n").await
    })
    .await;
}

/// The same from several threads over sockets: Actix Web has two workers there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_updates_from_many_threads_count_a_hundred() {
    let layer = SessionLayer::new(MemoryStore::new()).insecure_http();
    let actix = drivers::actix::serve(layer.clone(), false);
    let addresses = [drivers::hyper::serve(layer.clone()).await, actix, drivers::actix::serve(layer, true)];
    let client = reqwest::Client::new();
    let get = async |address, path: &str, cookie: Option<&str>| {
        let request = client.get(format!("http://{address}{path}")).header("cookie", cookie.unwrap_or_default());
        request.send().await.expect("a response")
    };
    let first = get(addresses[0], "/app/insert:n:0", None).await;
    let cookie = first.headers()["set-cookie"].to_str().expect("text").split(';').next().expect("a pair").to_owned();
    let mut requests = tokio::task::JoinSet::new();
    for n in 0..100 {
        let request = client.get(format!("http://{}/app/increment:n", addresses[n % 3])).header("cookie", &cookie);
        requests.spawn(async { request.send().await.expect("a response").status().as_u16() });
    }
    assert_eq!(soon(requests.join_all()).await, [200; 100]);
    let last = get(addresses[1], "/app/get:n", Some(&cookie)).await;
    assert_eq!(last.text().await.expect("text"), "100");
}

/// A browser that opens ten tabs.
#[tokio::test]
async fn ten_requests_at_once_load_once_each_and_touch_once_in_all() {
    for (app, (store, clock)) in in_process(|| Arena::layer(false)).await {
        let browser = Browser::new();
        browser.get(&app, "/app/insert:user:7").await;
        clock.advance(Duration::from_secs(6 * 60 * 60));
        store.take_calls();
        for _ in 0..10 {
            browser.get(&app, "/app/get:user").await;
        }
        let calls = store.take_calls();
        assert_eq!(calls.iter().filter(|call| **call == Verb::Load).count(), 10, "{}", app.name);
        assert_eq!(calls.iter().filter(|call| **call == Verb::Replace).count(), 1, "{}", app.name);
    }
}
