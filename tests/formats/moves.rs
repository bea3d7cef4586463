//! Moves out of another crate's format, and back.

use cloakroom::{CookieStore, SessionLayer, keys::SecretKey, store::SessionStore as _};

use crate::{
    nodes::Nodes,
    support::{
        Browser, Page,
        Sent::{Nothing, Removal, Token},
        all,
        drivers::tower,
    },
};

#[tokio::test]
async fn a_session_goes_through_all_steps_and_back() {
    for nodes in Nodes::both() {
        let browser = Browser::new();
        browser.get(&nodes.theirs_app(), "/app/insert:cart:7/insert:f:3.0").await;
        browser.get(&nodes.theirs_app(), "/app/insert:user:ada/renew").await;
        let look = "/app/get:cart/get:f/whose";
        for app in [nodes.both_app(), nodes.moving_app()] {
            assert_eq!(browser.get(&app, look).await.body, "7 3.0 ada");
        }
        assert_eq!(browser.get(&nodes.moving_app(), "/app/insert:b:1").await.sent(), Token);
        for app in [nodes.both_app(), nodes.moving_app(), nodes.ours_app()] {
            let page = browser.get(&app, look).await;
            assert_eq!((page.body.as_str(), page.sent()), ("7 3.0 ada", Nothing));
        }
        assert_eq!(nodes.moving_app_owners("ada").await, 1, "the owner is known in the new store");
        assert_eq!(browser.get(&nodes.ours_app(), "/app/insert:c:1").await.sent(), Nothing);
        assert_eq!(browser.get(&nodes.both_app(), "/app/insert:d:1").await.sent(), Nothing, "it stays on the way back");
        assert_eq!(browser.get(&nodes.back_app(), "/app/insert:e:1").await.sent(), Token);
        let page = browser.get(&nodes.theirs_app(), "/app/get:cart/get:f/whose/keys").await;
        assert_eq!(page.body, "7 3.0 ada b+c+cart+d+e+f+user");
        assert_eq!(nodes.moving_app_owners("ada").await, 0);
        assert_eq!(browser.get(&nodes.theirs_app(), "/app/purge").await.sent(), Removal);
    }
}

#[tokio::test]
async fn a_superseded_token_stays_superseded_after_a_move_back() {
    for nodes in Nodes::both() {
        let (back, browser) = (nodes.back_app(), Browser::new());
        browser.get(&nodes.ours_app(), "/app/insert:a:1").await;
        let old = browser.copied();
        browser.get(&nodes.ours_app(), "/app/insert:user:ada/renew").await;
        assert_eq!(browser.get(&back, "/app/insert:b:1").await.sent(), Token);
        let page = old.peek(&back, "/app/insert:x:1/whose").await;
        assert_eq!((page.body.as_str(), page.sent()), ("nobody", Nothing), "no cookie is covered");
        nodes.clock.advance(std::time::Duration::from_secs(61));
        let page = old.peek(&back, "/app/insert:x:1/whose").await;
        assert_eq!((page.body.as_str(), page.sent()), ("nobody", Token));
        assert_eq!(browser.get(&back, "/app/get:x/get:b/whose").await.body, "none 1 ada");
    }
}

#[tokio::test]
async fn a_session_moves_twice_in_each_direction() {
    for nodes in Nodes::both() {
        let browser = Browser::new();
        browser.get(&nodes.theirs_app(), "/app/insert:user:ada/renew").await;
        for round in 0..3 {
            assert_eq!(browser.get(&nodes.moving_app(), "/app/count:n").await.sent(), Token, "{round}");
            assert_eq!(browser.get(&nodes.ours_app(), "/app/whose").await.body, "ada", "{round}");
            assert_eq!(browser.get(&nodes.back_app(), "/app/count:n").await.sent(), Token, "{round}");
            assert_eq!(browser.get(&nodes.theirs_app(), "/app/whose").await.body, "ada", "{round}");
        }
        assert_eq!(browser.get(&nodes.theirs_app(), "/app/get:n").await.body, "6");
    }
}

#[tokio::test]
async fn all_requests_of_one_browser_end_in_one_session() {
    for nodes in Nodes::both() {
        for is_back in [false, true] {
            let browser = Browser::new();
            browser.get(&nodes.theirs_app(), "/app/insert:user:ada/renew").await;
            if is_back {
                browser.get(&nodes.moving_app(), "/app/insert:z:1").await;
            }
            let app = if is_back { nodes.back_app() } else { nodes.moving_app() };
            let paths: Vec<String> = (0..20).map(|n| format!("/app/insert:k{n}:{n}/count:n")).collect();
            let pages = all::<Page>(paths.iter().map(|path| Box::pin(browser.peek(&app, path)) as _)).await;
            for page in &pages {
                assert!(page.status.is_success());
                browser.keep(page);
            }
            let app = if is_back { nodes.theirs_app() } else { nodes.ours_app() };
            let keys = browser.get(&app, "/app/keys/get:n/whose").await.body;
            assert_eq!((keys.matches('k').count(), keys.ends_with(" 20 ada")), (20, true), "{keys}");
            browser.get(&app, "/app/purge").await;
        }
    }
}

#[tokio::test]
async fn a_purge_ends_both_and_no_old_token_brings_it_back() {
    for nodes in Nodes::both() {
        for is_back in [false, true] {
            for is_moved in [false, true] {
                for is_old in [false, true] {
                    let browser = Browser::new();
                    let apps =
                        [nodes.both_app(), nodes.moving_app(), nodes.back_app(), nodes.theirs_app(), nodes.ours_app()];
                    let [both, moving, back, theirs, ours] = &apps;
                    browser.get(if is_back { ours } else { theirs }, "/app/insert:user:ada/renew").await;
                    let old = browser.copied();
                    let app = if is_back { back } else { moving };
                    if is_moved {
                        assert_eq!(browser.get(app, "/app/insert:b:2").await.sent(), Token);
                    }
                    let user = if is_old { &old } else { &browser };
                    let purging = if is_back { back } else { both };
                    assert_eq!(user.peek(purging, "/app/purge").await.sent(), Removal);
                    for app in &apps {
                        for browser in [&browser, &old] {
                            assert_eq!(
                                browser.peek(app, "/app/whose").await.body,
                                "nobody",
                                "{is_back} {is_moved} {is_old}"
                            );
                        }
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_token_that_is_accepted_once_opens_nothing_after_the_first_use() {
    let nodes = Nodes { once: true, ..Nodes::tower() };
    let browser = Browser::new();
    browser.get(&nodes.theirs_app(), "/app/insert:a:1").await;
    assert_eq!(browser.get(&nodes.both_app(), "/app/get:a").await.sent(), Nothing, "nothing moves there");
    let old = browser.copied();
    let page = browser.get(&nodes.moving_app(), "/app/get:a").await;
    assert_eq!((page.body.as_str(), page.sent()), ("1", Token), "a read moves and renews it");
    let page = old.peek(&nodes.moving_app(), "/app/insert:x:1/get:a").await;
    assert_eq!((page.body.as_str(), page.sent()), ("none", Nothing));
    nodes.clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(old.peek(&nodes.moving_app(), "/app/get:a").await.body, "none");
    let page = browser.get(&nodes.moving_app(), "/app/get:a").await;
    assert_eq!((page.body.as_str(), page.sent()), ("1", Nothing));
}

#[tokio::test]
async fn a_token_that_is_accepted_once_opens_nothing_after_a_save_or_a_move_without_its_renewal() {
    let nodes = Nodes { once: true, ..Nodes::tower() };
    let app = nodes.moving_app();
    for is_saved in [true, false] {
        let browser = Browser::new();
        browser.get(&nodes.theirs_app(), "/app/insert:a:1").await;
        let old = browser.copied();
        if is_saved {
            browser.get(&app, "/app/insert:b:1/save").await;
        } else {
            // A node that accepts tokens for longer has moved it, and the response was lost.
            let longer = Nodes { once: false, ..nodes.same() };
            browser.peek(&longer.moving_app(), "/app/insert:b:1").await;
            browser.get(&app, "/app/get:b").await;
        }
        assert_eq!(browser.get(&app, "/app/get:a/get:b").await.body, "1 1");
        assert_eq!(old.peek(&app, "/app/get:a").await.body, "none", "{is_saved}");
    }
}

#[tokio::test]
async fn a_record_that_moves_shows_nothing_to_the_other_crate() {
    for nodes in Nodes::both() {
        let browser = Browser::new();
        browser.get(&nodes.theirs_app(), "/app/insert:user:ada/renew").await;
        nodes.theirs.take_written();
        assert_eq!(browser.get(&nodes.moving_app(), "/app/insert:b:1").await.sent(), Token);
        let written = nodes.theirs.take_written();
        assert!(!written.is_empty() && written.iter().all(|record| !record.contains("ada")), "{written:?}");
    }
}

#[tokio::test]
async fn a_session_of_our_own_cookies_moves_into_their_store() {
    for nodes in Nodes::both() {
        let key = SecretKey::generate();
        let cookies = || CookieStore::new(key.clone());
        let ours = tower::app(nodes.formed(SessionLayer::cookie_store(cookies())));
        let back = tower::app(nodes.foreign().also(cookies()).moving(&nodes.key));
        let browser = Browser::new();
        browser.get(&ours, "/app/insert:user:ada/renew").await;
        let old = browser.copied();
        assert_eq!(browser.get(&back, "/app/insert:b:1").await.sent(), Token);
        assert_eq!(browser.get(&nodes.theirs_app(), "/app/get:b/whose").await.body, "1 ada");
        assert_eq!(old.peek(&back, "/app/get:b/whose").await.body, "1 ada", "a lost response");
        browser.get(&back, "/app/purge").await;
        assert_eq!(old.peek(&back, "/app/get:b/whose").await.body, "none nobody");
    }
}

#[tokio::test]
async fn a_session_that_moved_into_our_own_cookie_does_not_come_back_after_its_purge() {
    for nodes in Nodes::both() {
        let cookies = nodes.formed(SessionLayer::cookie_store(CookieStore::new(SecretKey::generate())));
        let app = tower::app(nodes.also_theirs(cookies).moving(&nodes.key));
        for paths in ["/app/insert:b:1", "/app/insert:b:1/renew"] {
            let browser = Browser::new();
            browser.get(&nodes.theirs_app(), "/app/insert:user:ada/renew").await;
            let old = browser.copied();
            assert_eq!(browser.get(&app, paths).await.sent(), Token);
            assert_eq!(browser.get(&app, "/app/get:b/whose").await.body, "1 ada");
            assert_eq!(old.peek(&app, "/app/whose/insert:x:1").await.sent(), Nothing, "no cookie is covered");
            assert_eq!(browser.get(&app, "/app/purge").await.sent(), Removal);
            for app in [&app, &nodes.theirs_app()] {
                assert_eq!(old.peek(app, "/app/whose").await.body, "nobody", "{paths}");
            }
        }
    }
}

#[tokio::test]
async fn what_the_format_cannot_carry_stays_in_our_store() {
    for nodes in Nodes::both() {
        for path in ["/app/insert:a:1/login:eve", "/app/insert:a:1/label:phone", "/app/insert:a:1/remember"] {
            let browser = Browser::new();
            browser.get(&nodes.ours_app(), path).await;
            let page = browser.get(&nodes.back_app(), "/app/insert:b:1").await;
            assert_eq!((page.status.as_u16(), page.sent()), (200, Nothing), "{path}");
            assert_eq!(browser.get(&nodes.ours_app(), "/app/get:b").await.body, "1");
        }
    }
}

impl Nodes {
    /// Returns the number of sessions of an owner in our store.
    async fn moving_app_owners(&self, owner: &str) -> usize {
        self.ours.owner_index().unwrap();
        self.beside().moved(&self.key).owners().unwrap().list(owner).await.unwrap().len()
    }
}
