//! Moves of sessions from one store to another.

use std::time::Duration;

use cloakroom::{
    CookieStore, Event, MemoryStore, OverLimit, SessionLayer,
    keys::SecretKey,
    testing::{FaultStore, TestClock, Verb},
};
use http::StatusCode;

use crate::support::{
    App, Browser, Page,
    Sent::{Nothing, Removal, Token},
    all,
    drivers::tower,
};

type Store = FaultStore<MemoryStore>;

/// The calls of a move, in their order, at which a test holds it: in the new store, the verb, the number of the call. The
/// session is moved from the fifth on.
const HOLDS: [(bool, Verb, usize); 8] = [
    (true, Verb::Load, 2),
    (false, Verb::Load, 2),
    (true, Verb::Create, 1),
    (false, Verb::Replace, 1),
    (false, Verb::Load, 3),
    (true, Verb::Load, 3),
    (true, Verb::Replace, 1),
    (false, Verb::Delete, 1),
];

/// The nodes of a move between two stores.
struct Nodes {
    new: Store,
    old: Store,
    clock: TestClock,
    key: SecretKey,
    sealing: SecretKey,
    /// True if the old sessions are in cookies.
    from_cookie: bool,
}

impl Nodes {
    fn new() -> Self {
        let store = || FaultStore::new(MemoryStore::new());
        let (key, sealing) = (SecretKey::generate(), SecretKey::generate());
        Self { new: store(), old: store(), clock: TestClock::new(), key, sealing, from_cookie: false }
    }

    fn both_kinds() -> [Self; 2] {
        [Self::new(), Self { from_cookie: true, ..Self::new() }]
    }

    fn cookies(&self) -> CookieStore {
        CookieStore::new(self.sealing.clone())
    }

    fn old_layer(&self) -> SessionLayer {
        let layer = if self.from_cookie {
            SessionLayer::cookie_store(self.cookies())
        } else {
            SessionLayer::new(self.old.clone())
        };
        layer.clock(self.clock.clone())
    }

    fn moving_layer(&self) -> SessionLayer {
        let layer = SessionLayer::new(self.new.clone()).clock(self.clock.clone());
        let layer = if self.from_cookie { layer.also(self.cookies()) } else { layer.also(self.old.clone()) };
        layer.moving(&self.key)
    }

    /// Returns an application on the old store alone.
    fn old_app(&self) -> App {
        tower::app(self.old_layer())
    }

    /// Returns an application on the old store that opens the sessions of the new one, too.
    fn next_app(&self) -> App {
        tower::app(self.old_layer().also(self.new.clone()).moved(&self.key))
    }

    fn moving_app(&self) -> App {
        tower::app(self.moving_layer())
    }

    fn new_app(&self) -> App {
        tower::app(SessionLayer::new(self.new.clone()).clock(self.clock.clone()))
    }

    async fn logged_in(&self) -> Browser {
        let browser = Browser::new();
        browser.get(&self.old_app(), "/app/insert:a:1/login:ada").await;
        browser
    }
}

#[tokio::test]
async fn a_session_moves_at_its_first_write() {
    for nodes in Nodes::both_kinds() {
        let (app, new_app) = (nodes.moving_app(), nodes.new_app());
        let browser = nodes.logged_in().await;
        let id = browser.get(&app, "/app/id").await.body;
        let page = browser.get(&app, "/app/get:a/whose").await;
        assert_eq!((page.body.as_str(), page.sent()), ("1 ada", Nothing), "a read does not move it");
        assert_eq!(browser.get(&app, "/app/insert:b:2/get:a").await.sent(), Token);
        assert!(nodes.old.inner().is_empty());
        assert_eq!(browser.get(&new_app, "/app/get:a/get:b/whose").await.body, "1 2 ada");
        assert_ne!(browser.get(&new_app, "/app/id").await.body, id);
        nodes.new.take_calls();
        assert_eq!(browser.get(&app, "/app/insert:c:3").await.sent(), Nothing);
        assert_eq!(nodes.new.take_calls(), ["load", "replace"], "as if it had been there always");
        let owners = nodes.moving_layer().owners().unwrap();
        assert_eq!(owners.list("ada").await.unwrap().len(), 1);
        browser.get(&app, "/app/purge").await;
        assert_eq!(owners.list("ada").await.unwrap().len(), 0);
    }
}

#[tokio::test]
async fn every_kind_of_write_moves_and_a_late_one_does_not() {
    let table = [
        ("/app/insert:b:2", true),
        ("/app/insert:b:2/save", true),
        ("/app/save", false),
        ("/app/renew", true),
        ("/app/login:ada", true),
        ("/app/login:eve", true),
        ("/app/disown", true),
        ("/app/label:phone", true),
        ("/app/insert:a:1", false),
        ("/app/get:a", false),
        ("/plain", false),
    ];
    for (path, moves) in table {
        for nodes in Nodes::both_kinds() {
            let browser = nodes.logged_in().await;
            let page = browser.get(&nodes.moving_app(), path).await;
            assert_eq!((page.status, page.sent() == Token), (StatusCode::OK, moves), "{path}");
            let is_open = browser.get(&nodes.new_app(), "/app/presented").await.body == "true";
            assert_eq!(is_open, moves, "{path}");
        }
    }
    for nodes in Nodes::both_kinds() {
        let browser = nodes.logged_in().await;
        nodes.clock.advance(Duration::from_secs(23 * 3600));
        assert_eq!(browser.get(&nodes.moving_app(), "/app/get:a").await.sent(), Token, "a touch moves it");
        assert_eq!(browser.get(&nodes.new_app(), "/app/get:a/whose").await.body, "1 ada");
    }
}

#[tokio::test]
async fn all_requests_of_one_browser_end_in_one_session() {
    for nodes in Nodes::both_kinds() {
        let (app, next_app) = (nodes.moving_app(), nodes.next_app());
        let browser = nodes.logged_in().await;
        let paths: Vec<String> = (0..20).map(|n| format!("/app/insert:k{n}:{n}/count:n")).collect();
        // The other store's nodes write meanwhile, too: a session in a cookie cannot be merged with theirs.
        let on = |n: usize| if n.is_multiple_of(2) && !nodes.from_cookie { &next_app } else { &app };
        let writes = paths.iter().enumerate().map(|(n, path)| Box::pin(browser.peek(on(n), path)) as _);
        let pages = all::<Page>(writes).await;
        let mut tokens: Vec<&str> = pages.iter().flat_map(Page::cookies).collect();
        assert!(pages.iter().all(|page| page.status == StatusCode::OK), "{pages:?}");
        tokens.dedup();
        assert_eq!(tokens.len(), 1, "{tokens:?}");
        for page in &pages {
            browser.keep(page);
        }
        let keys = browser.get(&nodes.new_app(), "/app/keys/get:n/whose").await.body;
        assert_eq!((keys.matches('k').count(), keys.ends_with(" 20 ada")), (20, true), "{keys}");
        assert!(nodes.old.inner().is_empty());
    }
}

#[tokio::test]
async fn the_old_token_opens_the_session_until_its_next_renewal() {
    for nodes in Nodes::both_kinds() {
        let (app, minute) = (nodes.moving_app(), Duration::from_secs(61));
        let browser = nodes.logged_in().await;
        let lost = browser.copied();
        let given = browser.get(&app, "/app/insert:b:2").await;
        for path in ["/app/get:b/whose", "/app/insert:b:2/get:b/whose"] {
            nodes.clock.advance(minute);
            let page = lost.peek(&app, path).await;
            assert_eq!((page.body.as_str(), page.cookies()), ("2 ada", given.cookies()));
            let page = lost.peek(&nodes.next_app(), path).await;
            assert_eq!((page.body.as_str(), page.cookies()), ("2 ada", given.cookies()), "a node that does not move");
        }
        browser.get(&app, "/app/renew").await;
        let page = lost.peek(&app, "/app/insert:x:1/whose").await;
        assert_eq!((page.body.as_str(), page.sent()), ("nobody", Nothing), "superseded");
        nodes.clock.advance(minute);
        let page = lost.peek(&app, "/app/insert:x:1/whose").await;
        assert_eq!((page.body.as_str(), page.sent()), ("nobody", Token), "unknown");
        assert_eq!(browser.get(&app, "/app/get:b/get:x/whose").await.body, "2 none ada");
    }
}

#[tokio::test]
async fn a_purge_ends_both_and_no_old_token_brings_it_back() {
    // The request that purges has the old token or the new one, before or after the move.
    for (is_moved, is_old) in [(false, true), (true, true), (true, false)] {
        for nodes in Nodes::both_kinds() {
            for purging in [nodes.moving_app(), nodes.next_app()] {
                let (app, browser) = (nodes.moving_app(), nodes.logged_in().await);
                let old = browser.copied();
                if is_moved {
                    browser.get(&app, "/app/insert:b:2").await;
                }
                let user = if is_old { &old } else { &browser };
                assert_eq!(user.peek(&purging, "/app/purge").await.sent(), Removal);
                for app in [nodes.moving_app(), nodes.next_app()] {
                    for browser in [&browser, &old] {
                        let page = browser.peek(&app, "/app/insert:x:1/get:a/whose").await;
                        assert_eq!((page.body.as_str(), page.sent()), ("none nobody", Token), "{is_moved} {is_old}");
                    }
                }
                assert!(nodes.moving_layer().owners().unwrap().list("ada").await.unwrap().is_empty());
            }
        }
    }
}

#[tokio::test]
async fn a_cookie_that_was_moved_or_purged_is_remembered_until_its_deadline() {
    let nodes = Nodes { from_cookie: true, ..Nodes::new() };
    let (app, browser) = (nodes.moving_app(), nodes.logged_in().await);
    let old = browser.copied();
    browser.get(&app, "/app/purge").await;
    // Some later use of the store sweeps what is past its time.
    for hours in [1, 22] {
        nodes.clock.advance(Duration::from_secs(hours * 3600));
        for _ in 0..300 {
            Browser::new().get(&app, "/app/insert:x:1").await;
        }
        assert_eq!(old.peek(&app, "/app/whose").await.body, "nobody", "after {hours} hours more");
    }
}

#[tokio::test]
async fn an_old_cookie_opens_nothing_after_its_own_deadline() {
    let nodes = Nodes { from_cookie: true, ..Nodes::new() };
    let (app, browser) = (nodes.moving_app(), nodes.logged_in().await);
    let old = browser.copied();
    browser.get(&app, "/app/insert:b:2").await;
    nodes.clock.advance(Duration::from_secs(23 * 3600));
    assert_eq!(old.peek(&app, "/app/whose").await.body, "ada");
    browser.get(&app, "/app/insert:b:3").await;
    nodes.clock.advance(Duration::from_secs(2 * 3600));
    assert_eq!(old.peek(&app, "/app/whose").await.body, "nobody");
    assert_eq!(browser.get(&app, "/app/whose").await.body, "ada");
}

#[tokio::test]
async fn a_purge_that_overlaps_a_move_wins() {
    for (in_new, verb, nth) in HOLDS {
        for purges_at_old in [false, true] {
            let nodes = Nodes::new();
            let (app, browser) = (nodes.moving_app(), nodes.logged_in().await);
            let store = if in_new { &nodes.new } else { &nodes.old };
            let gate = store.nth(verb, nth).waits();
            let purging = if purges_at_old { nodes.old_app() } else { nodes.next_app() };
            let (page, ()) = tokio::join!(browser.peek(&app, "/app/insert:b:2"), async {
                gate.reached().await;
                browser.peek(&purging, "/app/purge").await;
                gate.open();
            });
            assert!(page.status.is_success(), "{page:?}");
            let after = browser.copied();
            after.keep(&page);
            let is_moved = HOLDS[4..].contains(&(in_new, verb, nth));
            for browser in [&browser, &after] {
                let whose = browser.peek(&app, "/app/whose").await.body;
                // A node that does not know of the move cannot end a session that has moved.
                let expected = if purges_at_old && is_moved { "ada" } else { "nobody" };
                assert_eq!(whose, expected, "{in_new} {verb:?} {nth} {purges_at_old}");
            }
        }
    }
}

#[tokio::test]
async fn a_session_that_others_move_and_purge_meanwhile_stays_ended() {
    let calls = [(Verb::Load, 6), (Verb::Create, 2), (Verb::Replace, 2)];
    let calls = calls.iter().flat_map(|(verb, times)| (1..=*times).map(|nth| (*verb, nth)));
    let mut purged = 0;
    for ((verb, nth), moves_first) in calls.flat_map(|call| [(call, false), (call, true)]) {
        for nodes in Nodes::both_kinds() {
            let (app, browser) = (nodes.moving_app(), nodes.logged_in().await);
            let other = browser.copied();
            let gate = nodes.new.nth(verb, nth).waits();
            let purge = async {
                gate.reached().await;
                if moves_first {
                    other.get(&app, "/app/insert:c:3").await;
                }
                assert_eq!(other.get(&app, "/app/purge").await.sent(), Removal);
                gate.open();
            };
            let request = browser.peek(&app, "/app/insert:b:2");
            tokio::pin!(purge, request);
            let page = tokio::select! {
                biased;
                page = &mut request => page,
                () = &mut purge => request.await,
            };
            assert!(page.status.is_success(), "{verb:?} {nth} {moves_first} {} {page:?}", nodes.from_cookie);
            // Not every request has this call.
            if !other.header().is_empty() {
                continue;
            }
            purged += 1;
            let after = browser.copied();
            after.keep(&page);
            for browser in [&browser, &after] {
                let page = browser.peek(&app, "/app/insert:x:1/whose/get:a").await;
                assert_eq!(page.body, "nobody none", "{} {verb:?} {nth} {moves_first}", nodes.from_cookie);
            }
        }
    }
    assert!(purged >= 24, "{purged}");
}

#[tokio::test]
async fn what_the_old_nodes_write_during_the_move_arrives() {
    for (at, (in_new, verb, nth)) in HOLDS.into_iter().enumerate() {
        for is_old in [true, false] {
            // A node that does not know of the move does not know the session after it.
            if is_old && at >= 4 {
                continue;
            }
            let nodes = Nodes::new();
            let (app, browser) = (nodes.moving_app(), nodes.logged_in().await);
            let other = if is_old { nodes.old_app() } else { nodes.next_app() };
            let store = if in_new { &nodes.new } else { &nodes.old };
            let gate = store.nth(verb, nth).waits();
            let (page, ()) = tokio::join!(browser.peek(&app, "/app/insert:b:2/count:n"), async {
                gate.reached().await;
                browser.peek(&other, "/app/insert:c:3/count:n").await;
                browser.peek(&other, "/app/insert:d:4/count:n").await;
                gate.open();
            });
            assert_eq!(page.sent(), Token);
            browser.keep(&page);
            let body = browser.get(&nodes.new_app(), "/app/get:a/get:b/get:c/get:d/get:n/whose").await.body;
            assert_eq!(body, "1 2 3 4 3 ada", "{in_new} {verb:?} {nth} {is_old}");
        }
    }
}

#[tokio::test]
async fn a_move_that_stops_half_way_goes_on_at_the_next_request() {
    let calls = [
        (true, Verb::Load),
        (true, Verb::Create),
        (true, Verb::Replace),
        (false, Verb::Load),
        (false, Verb::Replace),
        (false, Verb::Delete),
    ];
    for from_cookie in [false, true] {
        for (in_new, verb) in calls {
            for nth in 1..5 {
                for is_lost in [false, true] {
                    let nodes = Nodes { from_cookie, ..Nodes::new() };
                    let (app, browser) = (nodes.moving_app(), nodes.logged_in().await);
                    let store = if in_new { &nodes.new } else { &nodes.old };
                    let rule = store.nth(verb, nth);
                    if is_lost {
                        rule.loses_its_reply();
                    } else {
                        rule.fails();
                    }
                    let page = browser.get(&app, "/app/insert:b:2").await;
                    store.heal();
                    let context = format!("{from_cookie} {in_new} {verb:?} {nth} {is_lost}: {}", page.status);
                    let seen = browser.peek(&app, "/app/get:a/whose").await.body;
                    assert_eq!(seen, "1 ada", "{context}");
                    browser.get(&app, "/app/insert:c:3").await;
                    let body = browser.get(&nodes.new_app(), "/app/get:a/get:b/get:c/whose").await.body;
                    let expected =
                        if page.status.is_success() { &["1 2 3 ada"][..] } else { &["1 2 3 ada", "1 none 3 ada"] };
                    assert!(expected.contains(&body.as_str()), "{context}: {body}");
                    assert!(nodes.old.inner().is_empty(), "{context}");
                    browser.get(&app, "/app/purge").await;
                    assert!(nodes.moving_layer().owners().unwrap().list("ada").await.unwrap().is_empty());
                }
            }
        }
    }
}

#[tokio::test]
async fn a_touch_that_cannot_move_fails_no_page() {
    for nodes in Nodes::both_kinds() {
        let (app, browser) = (nodes.moving_app(), nodes.logged_in().await);
        nodes.clock.advance(Duration::from_secs(23 * 3600));
        nodes.new.every(Verb::Create).fails();
        let page = browser.get(&app, "/app/get:a").await;
        assert_eq!((page.status, page.body.as_str(), page.sent()), (StatusCode::OK, "1", Nothing));
        assert_eq!(browser.get(&app, "/app/insert:b:2").await.status, StatusCode::SERVICE_UNAVAILABLE);
    }
}

#[tokio::test]
async fn nothing_that_was_planted_before_the_login_opens_what_the_login_makes() {
    for nodes in Nodes::both_kinds() {
        for logs_in_at_old in [true, false] {
            let (old_app, app) = (nodes.old_app(), nodes.moving_app());
            let attacker = Browser::new();
            attacker.get(&old_app, "/app/insert:cart:1").await;
            let victim = attacker.copied();
            let login = if logs_in_at_old { &old_app } else { &app };
            victim.get(login, "/app/login:ada").await;
            victim.get(&app, "/app/insert:b:2").await;
            assert_eq!(victim.get(&nodes.new_app(), "/app/whose").await.body, "ada");
            for app in [&app, &old_app, &nodes.next_app()] {
                let page = attacker.peek(app, "/app/whose/get:b").await;
                assert_eq!(page.body, "nobody none", "{} {logs_in_at_old}", nodes.from_cookie);
            }
            attacker.get(&app, "/app/insert:x:1").await;
            assert_eq!(attacker.get(&app, "/app/whose/get:b").await.body, "nobody none");
            assert_eq!(victim.get(&app, "/app/whose/get:x").await.body, "ada none");
        }
    }
}

#[tokio::test]
async fn log_out_everywhere_ends_old_and_new_also_while_they_move() {
    for (in_new, verb, nth) in HOLDS {
        for is_next in [false, true] {
            let nodes = Nodes::new();
            let (app, browser, other) = (nodes.moving_app(), nodes.logged_in().await, nodes.logged_in().await);
            other.get(&app, "/app/insert:b:2").await;
            let layer = if is_next {
                nodes.old_layer().also(nodes.new.clone()).moved(&nodes.key)
            } else {
                nodes.moving_layer()
            };
            let owners = layer.owners().unwrap();
            let store = if in_new { &nodes.new } else { &nodes.old };
            let gate = store.nth(verb, nth).waits();
            let (page, ()) = tokio::join!(browser.peek(&app, "/app/insert:b:2"), async {
                gate.reached().await;
                owners.revoke_all("ada").await.unwrap();
                gate.open();
            });
            browser.keep(&page);
            for browser in [&browser, &other] {
                assert_eq!(browser.get(&app, "/app/whose").await.body, "nobody", "{in_new} {verb:?} {is_next}");
            }
            assert_eq!(owners.list("ada").await.unwrap(), []);
        }
    }
}

#[tokio::test]
async fn log_out_everywhere_ends_a_session_that_moves_between_its_calls() {
    for is_next in [false, true] {
        let nodes = Nodes::new();
        let (app, browser) = (nodes.moving_app(), nodes.logged_in().await);
        let next = nodes.old_layer().also(nodes.new.clone()).moved(&nodes.key);
        let owners = if is_next { next } else { nodes.moving_layer() }.owners().unwrap();
        let second = if is_next { &nodes.old } else { &nodes.new };
        let gate = second.next(Verb::RevokeAll).waits();
        let (revoked, ()) = tokio::join!(owners.revoke_all("ada"), async {
            gate.reached().await;
            browser.get(&app, "/app/insert:b:2").await;
            gate.open();
        });
        revoked.unwrap();
        assert_eq!(browser.get(&app, "/app/whose").await.body, "nobody", "{is_next}");
    }
}

#[tokio::test]
async fn a_copy_without_its_old_session_opens_nothing() {
    let nodes = Nodes::new();
    let (app, browser) = (nodes.moving_app(), nodes.logged_in().await);
    nodes.old.every(Verb::Replace).fails();
    assert_eq!(browser.get(&app, "/app/insert:b:2").await.status, StatusCode::SERVICE_UNAVAILABLE);
    nodes.old.heal();
    assert_eq!(nodes.new.inner().len(), 1);
    assert_eq!(nodes.moving_layer().owners().unwrap().list("ada").await.unwrap().len(), 1, "it is listed once");
    // This node does not know of the move.
    browser.peek(&nodes.old_app(), "/app/purge").await;
    for app in [app, nodes.next_app()] {
        for path in ["/app/whose", "/app/insert:x:1/whose/get:a"] {
            assert!(browser.peek(&app, path).await.body.starts_with("nobody"), "{path}");
        }
    }
}

#[tokio::test]
async fn an_id_from_before_the_move_still_names_the_session_in_the_owners_list() {
    let nodes = Nodes::new();
    let (app, browser, other) = (nodes.moving_app(), nodes.logged_in().await, nodes.logged_in().await);
    let id = browser.get(&app, "/app/id").await.body.parse().unwrap();
    browser.get(&app, "/app/insert:b:2").await;
    let owners = nodes.moving_layer().owners().unwrap();
    assert_eq!(owners.revoke_others("ada", &id).await.unwrap(), 1);
    assert_eq!(browser.get(&app, "/app/whose").await.body, "ada");
    assert_eq!(other.get(&app, "/app/whose").await.body, "nobody");
    assert!(owners.revoke("ada", &id).await.unwrap());
    assert_eq!(browser.get(&app, "/app/whose").await.body, "nobody");
}

#[tokio::test]
async fn a_limit_counts_both_stores_and_each_session_once() {
    let nodes = Nodes::new();
    let limited = tower::app(nodes.moving_layer().max_per_owner(2, OverLimit::Refuse).unwrap());
    let (one, two, three) = (nodes.logged_in().await, Browser::new(), Browser::new());
    assert_eq!(two.get(&limited, "/app/login:ada").await.status, StatusCode::OK);
    assert_eq!(three.get(&limited, "/app/login:ada").await.status, StatusCode::FORBIDDEN);
    assert_eq!(one.get(&limited, "/app/login:ada").await.status, StatusCode::OK, "it moves, and is its own");
    assert_eq!(three.get(&limited, "/app/login:ada").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn each_move_is_an_event() {
    let (sender, events) = std::sync::mpsc::channel();
    let nodes = Nodes::new();
    let layer = nodes.moving_layer().on_event(move |event| {
        if let Event::Moved { from, to } = event {
            sender.send((*from, *to)).unwrap();
        }
    });
    let (app, browser) = (tower::app(layer), nodes.logged_in().await);
    let from = browser.get(&app, "/app/id").await.body.parse().unwrap();
    browser.get(&app, "/app/insert:b:2").await;
    let to = browser.get(&app, "/app/id").await.body.parse().unwrap();
    assert_eq!(events.try_iter().collect::<Vec<_>>(), [(from, to)]);
}

#[tokio::test]
async fn one_store_in_both_places_is_one_store() {
    let nodes = Nodes::new();
    let layer = SessionLayer::new(nodes.old.clone()).also(nodes.old.clone()).moving(&nodes.key);
    let (app, browser) = (tower::app(layer), nodes.logged_in().await);
    let page = browser.get(&app, "/app/insert:b:2/get:a").await;
    assert_eq!((page.body.as_str(), page.sent()), ("1", Nothing));
    assert_eq!(browser.get(&app, "/app/purge").await.sent(), Removal);
    assert!(nodes.old.inner().is_empty());
}

#[tokio::test]
async fn a_session_that_moves_into_its_cookie_serves_its_old_token_for_a_minute() {
    let nodes = Nodes::new();
    let layer = || SessionLayer::cookie_store(nodes.cookies()).clock(nodes.clock.clone()).also(nodes.old.clone());
    let (app, cookies) = (
        tower::app(layer().moving(&nodes.key)),
        tower::app(SessionLayer::cookie_store(nodes.cookies()).clock(nodes.clock.clone())),
    );
    let browser = nodes.logged_in().await;
    let (lost, thief) = (browser.copied(), browser.copied());
    assert_eq!(browser.get(&app, "/app/insert:b:2").await.sent(), Token);
    assert_eq!(browser.get(&cookies, "/app/get:a/get:b/whose").await.body, "1 2 ada");
    assert_eq!(lost.get(&app, "/app/insert:c:3").await.sent(), Token);
    assert_eq!(lost.get(&cookies, "/app/get:a/get:b/get:c/whose").await.body, "1 2 3 ada");
    nodes.clock.advance(Duration::from_secs(61));
    assert_eq!(thief.peek(&app, "/app/whose").await.body, "nobody");
    assert_eq!(browser.get(&cookies, "/app/whose").await.body, "ada");

    let browser = nodes.logged_in().await;
    let old = browser.copied();
    browser.get(&app, "/app/insert:b:2").await;
    browser.get(&app, "/app/purge").await;
    assert_eq!(old.get(&app, "/app/whose").await.body, "nobody", "the purge ends both");

    let browser = nodes.logged_in().await;
    let large = format!("/app/insert:b:{}", "x".repeat(3500));
    assert_eq!(browser.get(&app, &large).await.sent(), Nothing, "it does not fit, so it stays");
    nodes.clock.advance(Duration::from_secs(61));
    assert_eq!(browser.get(&nodes.old_app(), "/app/whose").await.body, "ada");
}
