//! The meaning of `Session`, without a store and under a layer.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use cloakroom::{
    Clock, Key, LazySession, Lifetime, MemoryStore, Session, SessionLayer, SessionStatus, SessionUpdateError,
    testing::{FaultStore, TestClock, Verb},
};
use http::{Request, Response};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::support::{Browser, Sent, drivers::tower::app, log::Log, soon};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A value that cannot be written as JSON.
#[derive(Deserialize)]
struct Bad;

impl Serialize for Bad {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("as the test wants it"))
    }
}

fn with(key: &str, value: impl Serialize) -> Session {
    let session = Session::new();
    session.insert(key, value).expect("JSON");
    session
}

const COUNT: Key<u64> = Key::new("count");

#[test]
fn a_detached_session_is_read_and_written() {
    let session = Session::new();
    assert!(session.is_empty() && session.keys().is_empty() && session.entries().is_empty());
    assert_eq!(session.get::<u32>("a").expect("absent is no error"), None);
    session.insert("b", "x").expect("JSON");
    session.insert("a", 1).expect("JSON");
    session.insert("b", vec![1, 2]).expect("JSON");
    assert_eq!(session.get::<u32>("a").expect("a number"), Some(1));
    assert_eq!(session.get::<Vec<u32>>("b").expect("a list"), Some(vec![1, 2]));
    assert_eq!(session.keys(), ["a", "b"]);
    assert!(session.contains_key("a") && !session.contains_key("c") && !session.is_empty());
    assert_eq!((session.id(), session.owner(), session.created_at(), session.expires_at()), (None, None, None, None));

    session.insert(COUNT, u64::MAX).expect("JSON");
    session.insert(String::from("s"), 1.5).expect("JSON");
    assert_eq!(session.get(COUNT).expect("no digit is lost"), Some(u64::MAX));
    assert_eq!(session.remove(COUNT), Some(json!(u64::MAX)));
    assert!(!session.contains_key(COUNT));
}

#[test]
fn remove_gives_back_what_was_there() {
    let session = with("a", 1);
    session.insert("b", "x").expect("JSON");
    assert_eq!(session.remove("a"), Some(json!(1)));
    assert_eq!(session.remove("a"), None);
    assert_eq!(session.remove_as::<u32>("b"), Some(Err(json!("x"))), "it is removed all the same");
    assert_eq!(session.remove_as::<u32>("b"), None);
    session.insert("b", 5).expect("JSON");
    assert_eq!(session.remove_as::<u32>("b"), Some(Ok(5)));
    assert!(session.is_empty());
}

#[test]
fn updates_change_what_is_there_and_nothing_else() {
    let session = Session::new();
    session.update("n", |n: u32| n + 1).expect("nothing to do");
    session.update_once("n", |n: u32| n + 1).expect("nothing to do");
    assert_eq!(session.get::<u32>("n").expect("absent"), None);
    session.update_or("n", 5, |n: u32| n + 1).expect("a number");
    assert_eq!(session.get::<u32>("n").expect("a number"), Some(5), "the closure does not run");
    session.update_or("n", 5, |n: u32| n + 1).expect("a number");
    session.update("n", |n: u32| n * 10).expect("a number");
    let owned = String::from("moved");
    session.update_once("n", |n: usize| n + owned.len()).expect("a number");
    assert_eq!(session.get::<u32>("n").expect("a number"), Some(65));
}

#[test]
fn entries_is_a_snapshot_that_is_a_map() {
    let session = with("a", 1);
    let entries = session.entries();
    session.insert("a", 2).expect("JSON");
    assert_eq!(entries.get("a"), Some(&json!(1)));
    assert_eq!(session.entries().into_iter().collect::<Vec<_>>(), [("a".to_owned(), json!(2))]);
}

#[test]
fn status_tells_what_was_asked_for() {
    type Act = fn(&Session);
    let insert: Act = |session| session.insert("a", 2).expect("JSON");
    let equal: Act = |session| session.insert("a", 1).expect("JSON");
    let (renew, purge, restart, clear): (Act, Act, Act, Act) =
        (Session::renew, Session::purge, Session::restart, Session::clear);
    let table: &[(&[Act], SessionStatus)] = &[
        (&[], SessionStatus::Unchanged),
        (&[insert], SessionStatus::Changed),
        (&[clear], SessionStatus::Changed),
        (&[renew], SessionStatus::Renewed),
        (&[renew, insert, clear], SessionStatus::Renewed),
        (&[insert, renew], SessionStatus::Renewed),
        (&[purge], SessionStatus::Purged),
        (&[purge, insert, renew, clear], SessionStatus::Purged),
        (&[restart, insert], SessionStatus::Purged),
        (&[renew, equal, purge], SessionStatus::Purged),
    ];
    for (number, (acts, expected)) in table.iter().enumerate() {
        let session = Session::new();
        acts.iter().for_each(|act| act(&session));
        assert_eq!(session.status(), *expected, "row {number}");
    }
}

type Update = fn(&Session) -> Result<(), SessionUpdateError>;

#[test]
fn a_call_that_fails_names_its_key_and_changes_nothing() {
    let session = with("a", "text");
    let before = session.entries();

    let error = session.get::<u32>("a").expect_err("not a number");
    assert!(error.key() == "a" && error.error().is_json(), "{error:?}");
    assert_eq!(error.to_string(), "cannot get `a` in the session");
    assert!(std::error::Error::source(&error).is_some());

    let error = session.insert("a", Bad).expect_err("no JSON");
    assert!(error.key() == "a" && error.error().is_json(), "{error:?}");
    assert_eq!(error.to_string(), "cannot insert `a` in the session");

    let updates: [Update; 6] = [
        |session| session.update("a", |n: u32| n + 1),
        |session| session.update_or("a", 1, |n: u32| n + 1),
        |session| session.update_once("a", |n: u32| n + 1),
        |session| session.update_or("a", Bad, |bad: Bad| bad),
        |session| session.update_or("new", Bad, |bad: Bad| bad),
        |session| session.insert("null", ()).map_or(Ok(()), |()| session.update("null", |_: Option<Bad>| Some(Bad))),
    ];
    for update in updates {
        let error = update(&session).expect_err("not that type, or no JSON");
        assert!(["a", "new", "null"].contains(&error.key()) && error.error().is_json(), "{error:?}");
        assert_eq!(error.to_string(), format!("cannot update `{}` in the session", error.key()));
    }
    session.remove("null");
    assert_eq!(session.entries(), before);
}

#[test]
fn clones_are_one_session() {
    let session = Session::new();
    let clone = session.clone();
    clone.insert("a", 1).expect("JSON");
    session.purge();
    clone.insert("b", 2).expect("JSON, to no effect");
    assert!(clone.is_empty());
    assert_eq!(clone.status(), SessionStatus::Purged);
}

/// A value whose `Serialize` reads the session that it is inserted into.
struct Curious(Session);

impl Serialize for Curious {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.insert("seen", true).map_err(serde::ser::Error::custom)?;
        self.0.keys().len().serialize(serializer)
    }
}

/// Each case runs in a thread of its own, so that a deadlock fails the test instead of stopping it.
#[test]
fn closures_and_values_may_use_the_session_they_are_called_from() {
    fn run(name: &str, act: impl FnOnce(Session) + Send + 'static) {
        let (done, is_done) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let session = with("n", 1);
            session.insert("m", 1).expect("JSON");
            act(session);
            done.send(()).expect("the test waits");
        });
        is_done.recv_timeout(Duration::from_secs(10)).unwrap_or_else(|_| panic!("it hangs: {name}"));
    }

    run("it reads", |session| {
        let inner = session.clone();
        session.update("n", move |n: usize| n + inner.keys().len()).expect("a number");
        assert_eq!(session.get::<u32>("n").expect("a number"), Some(3));
    });
    run("it writes another key, another value each time", |session| {
        let (inner, mut calls) = (session.clone(), 0);
        let update = move |n: u32| {
            calls += 1;
            inner.insert("calls", calls).expect("JSON");
            inner.update("m", |m: u32| m + 1).expect("a number");
            n + 1
        };
        session.update("n", update).expect("another key is no conflict");
        assert_eq!(session.get::<u32>("n").expect("a number"), Some(2));
        assert_eq!(session.get::<u32>("m").expect("a number"), Some(2));
    });
    run("it writes the same key, for ever", |session| {
        let inner = session.clone();
        let outcome = session.update("n", move |n: u32| {
            inner.update("n", |n: u32| n + 1).expect("a number");
            n + 1
        });
        assert!(outcome.expect_err("it is never done").error().is_conflict());
    });
    run("it changes the same key once", |session| {
        let inner = session.clone();
        let outcome = session.update_once("n", |n: u32| {
            inner.insert("n", 10).expect("JSON");
            n + 1
        });
        assert!(outcome.expect_err("it cannot run again").error().is_conflict());
        assert_eq!(session.get::<u32>("n").expect("a number"), Some(10));
    });
    run("it ends the session", |session| {
        let inner = session.clone();
        let end = move |n: u32| {
            inner.purge();
            n + 1
        };
        session.update("n", end).expect("to no effect");
        assert!(session.is_empty());
    });
    run("a value inserts, too", |session| {
        session.insert("curious", Curious(session.clone())).expect("JSON");
        assert_eq!(session.get::<u32>("curious").expect("a number"), Some(3));
    });
}

/// An update that runs again at each reload, and writes another key each time.
#[tokio::test]
async fn an_update_that_writes_does_not_reload_for_ever() {
    let (layer, _, _) = house(None);
    let app = app(layer.clone());
    let browser = Browser::new();
    browser.get(&app, "/app/insert:n:1").await;
    let (session, _) = escaped(&layer, &browser.header(), |_| ()).await;
    let (inner, mut calls) = (session.clone(), 0);
    let update = move |n: u32| {
        calls += 1;
        inner.insert("calls", calls).expect("JSON");
        n + 1
    };
    session.update("n", update).expect("a number");
    browser.get(&app, "/app/count:n").await;
    assert!(soon(session.reload()).await.expect_err("it is never done").is_conflict());
    // The closure holds its own session, so it would never be dropped.
    session.clear();
}

#[tokio::test]
async fn what_is_asked_for_during_a_reload_or_a_save_is_not_forgotten() {
    let (layer, store, _) = house(None);
    let browser = Browser::new();
    browser.get(&app(layer.clone()), "/app/insert:n:1").await;
    for verb in [Verb::Load, Verb::Replace] {
        let (session, _) = escaped(&layer, &browser.header(), |_| ()).await;
        session.insert("a", format!("{verb:?}")).expect("JSON");
        let gate = store.next(verb).waits();
        let call = async {
            match verb {
                Verb::Load => session.reload().await,
                _ => session.save().await,
            }
        };
        let meanwhile = async {
            gate.reached().await;
            session.renew();
            session.set_owner("alice");
            gate.open();
        };
        soon(async { tokio::join!(call, meanwhile) }).await.0.expect("the store works");
        assert_eq!(session.status(), SessionStatus::Renewed, "{verb:?}");
        assert_eq!(session.owner().as_deref(), Some("alice"), "{verb:?}");
        assert_eq!(session.keys(), ["a", "n"], "{verb:?}");
        assert!(session.save().await.expect_err("it needs a cookie").is_too_late(), "{verb:?}");
    }
}

/// A handler may have a time-out around a save. The store did the save, and the handler was not told.
#[tokio::test]
async fn a_save_that_is_dropped_half_way_counts_once() {
    let (layer, store, _) = house(None);
    let app = app(layer.clone());
    let browser = Browser::new();
    browser.get(&app, "/app/insert:n:1").await;
    let (session, _) = escaped(&layer, &browser.header(), |_| ()).await;
    session.update("n", |n: u32| n + 1).expect("a number");
    let gate = store.next(Verb::Replace).answers_late();
    tokio::select! {
        _ = session.save() => panic!("its answer waits"),
        () = gate.reached() => {}
    }
    gate.open();
    session.save().await.expect("the store works");
    assert_eq!(browser.get(&app, "/app/get:n").await.body, "2");
}

/// Runs the threads of one request.
#[test]
fn handles_on_many_threads_count_right() {
    let session = with("n", 0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..250 {
                    session.update("n", |n: u32| n + 1).expect("a number");
                    session.update_or("m", 1, |n: u32| n + 1).expect("a number");
                }
            });
        }
    });
    assert_eq!(session.get::<u32>("n").expect("a number"), Some(1000));
    assert_eq!(session.get::<u32>("m").expect("a number"), Some(1000));
}

#[tokio::test]
async fn a_detached_session_saves_to_nowhere() {
    let session = with("a", 1);
    session.start().await.expect("nothing to do");
    session.save().await.expect("nothing to do");
    session.reload().await.expect("nothing to do");
    assert!(session.contains_key("a"));
}

/// Returns a layer and its parts.
fn house(lifetime: Option<Lifetime>) -> (SessionLayer, FaultStore<MemoryStore>, TestClock) {
    let (store, clock) = (FaultStore::new(MemoryStore::new()), TestClock::new());
    let layer = SessionLayer::new(store.clone()).clock(clock.clone());
    (lifetime.map_or(layer.clone(), |lifetime| layer.lifetime(lifetime)), store, clock)
}

fn idle(span: Duration) -> Lifetime {
    Lifetime::builder().idle(span).absolute(30 * DAY).build().expect("limits in order")
}

#[tokio::test]
async fn remember_me_outlives_the_default_and_its_cookie_says_how_long() {
    let (layer, _, clock) = house(None);
    let app = app(layer);
    let browser = Browser::new();
    let page = browser.get(&app, "/app/insert:user:7").await;
    assert!(!page.cookies()[0].contains("Max-Age"), "a browser-session cookie: {page:?}");
    let page = browser.get(&app, "/app/remember").await;
    assert!(page.cookies()[0].ends_with(&format!("; Max-Age={}", 90 * DAY.as_secs())), "{page:?}");
    clock.advance(13 * DAY);
    let page = browser.get(&app, "/app/get:user/renew").await;
    assert_eq!(page.body, "7");
    assert!(page.cookies()[0].ends_with(&format!("; Max-Age={}", 77 * DAY.as_secs())), "what is left: {page:?}");
    clock.advance(14 * DAY);
    assert_eq!(browser.get(&app, "/app/get:user").await.body, "none");
}

#[tokio::test]
async fn the_absolute_limit_ends_a_session_however_busy_and_however_renewed() {
    let limits = Lifetime::builder().idle(HOUR).absolute(3 * HOUR).extend_on_use(1.0).build().expect("in order");
    let (layer, store, clock) = house(Some(limits));
    let app = app(layer);
    let browser = Browser::new();
    browser.get(&app, "/app/insert:user:7").await;
    for use_number in 1..=5 {
        clock.advance(HOUR / 2);
        store.take_calls();
        assert_eq!(browser.get(&app, "/app/get:user").await.body, "7");
        // With a threshold of 1.0, every use counts, as long as the deadline can move.
        let expected: &[&str] = if use_number < 5 { &["load", "replace"] } else { &["load"] };
        assert_eq!(store.take_calls(), expected, "use {use_number}");
        browser.get(&app, "/app/renew").await;
    }
    clock.advance(HOUR / 2);
    assert_eq!(browser.get(&app, "/app/get:user").await.body, "none");
}

#[tokio::test]
async fn use_pushes_the_deadline_out_once_a_fifth_of_the_idle_time_is_gone() {
    for (minutes, is_touched) in [(0, false), (11, false), (12, true), (59, true)] {
        let (layer, store, clock) = house(Some(idle(HOUR)));
        let app = app(layer);
        let browser = Browser::new();
        browser.get(&app, "/app/insert:user:7").await;
        clock.advance(Duration::from_secs(minutes * 60));
        store.take_calls();
        let page = browser.get(&app, "/app/get:user").await;
        assert_eq!((page.body.as_str(), page.sent()), ("7", Sent::Nothing));
        let expected: &[&str] = if is_touched { &["load", "replace"] } else { &["load"] };
        assert_eq!(store.take_calls(), expected, "after {minutes} minutes");
        clock.advance(if is_touched { Duration::from_secs(59 * 60) } else { HOUR });
        assert_eq!(browser.get(&app, "/app/get:user").await.body == "7", is_touched, "after {minutes} minutes");
    }
}

#[tokio::test]
async fn extend_on_change_leaves_readers_to_their_deadline() {
    let limits = Lifetime::builder().idle(HOUR).extend_on_change().build().expect("in order");
    let (layer, store, clock) = house(Some(limits));
    let app = app(layer);
    let browser = Browser::new();
    browser.get(&app, "/app/insert:user:7").await;
    clock.advance(HOUR / 2);
    browser.get(&app, "/app/count:n").await;
    clock.advance(HOUR / 2);
    store.take_calls();
    assert_eq!(browser.get(&app, "/app/get:user").await.body, "7");
    assert_eq!(store.take_calls(), ["load"]);
    clock.advance(HOUR / 2);
    assert_eq!(browser.get(&app, "/app/get:user").await.body, "none");
}

/// After a release with other limits, existing sessions follow the new limits, and active users stay logged in.
#[tokio::test]
async fn limits_that_change_hold_for_existing_sessions_and_log_nobody_out_who_is_busy() {
    for (before, after) in [(DAY, HOUR), (HOUR, DAY)] {
        let (layer, _, clock) = house(Some(idle(before)));
        let browser = Browser::new();
        browser.get(&app(layer.clone()), "/app/insert:user:7").await;
        let app = app(layer.lifetime(idle(after)));
        for _ in 0..8 {
            clock.advance(HOUR / 2);
            assert_eq!(browser.get(&app, "/app/get:user").await.body, "7", "{before:?}, then {after:?}");
        }
        clock.advance(after);
        assert_eq!(browser.get(&app, "/app/get:user").await.body, "none", "{before:?}, then {after:?}");
    }
}

/// Returns the session of a request outside of its handler, as a streaming body or a socket gets it.
pub(crate) async fn escaped(
    layer: &SessionLayer,
    cookies: &str,
    before: impl FnOnce(&Session),
) -> (Session, Response<String>) {
    let kept: Arc<Mutex<Option<Session>>> = Arc::default();
    let request = Request::get("/").header("cookie", cookies).body(()).expect("a request");
    let before = Mutex::new(Some(before));
    let service = layer.layer(service_fn(async |request: Request<()>| {
        let lazy = request.extensions().get::<LazySession>().expect("the layer put it there");
        let session = lazy.load().await.expect("the store works");
        if let Some(before) = before.lock().expect("no panic").take() {
            before(&session);
        }
        *kept.lock().expect("no panic") = Some(session);
        Ok::<_, std::convert::Infallible>(Response::new(String::new()))
    }));
    let response = service.oneshot(request).await.expect("no error");
    let session = kept.lock().expect("no panic").take().expect("it was kept");
    (session, response)
}

#[tokio::test]
async fn after_the_head_has_left_what_needs_no_cookie_is_saved_and_the_rest_says_too_late() {
    let (layer, store, _) = house(None);
    let app = app(layer.clone());
    let browser = Browser::new();
    browser.get(&app, "/app/insert:user:7").await;

    let (session, _) = escaped(&layer, &browser.header(), |_| ()).await;
    session.insert("a", 1).expect("JSON");
    session.save().await.expect("it needs no cookie");
    assert_eq!(browser.get(&app, "/app/get:a").await.body, "1");
    session.renew();
    assert!(session.save().await.expect_err("it needs a cookie").is_too_late());
    assert_eq!(browser.get(&app, "/app/get:user").await.body, "7", "the token still opens it");
    session.purge();
    session.save().await.expect("a purge works");
    assert!(store.inner().is_empty());

    let (session, _) = escaped(&layer, "", |_| ()).await;
    session.insert("a", 1).expect("JSON");
    assert!(session.save().await.expect_err("a new session needs a cookie").is_too_late());
    assert!(session.start().await.expect_err("a new session needs a cookie").is_too_late());
    session.clear();
    session.remove("a");
    assert!(store.inner().is_empty());

    browser.get(&app, "/app/insert:user:7").await;
    let (session, _) = escaped(&layer, &browser.header(), |_| ()).await;
    browser.get(&app, "/app/purge").await;
    session.insert("a", 1).expect("JSON");
    assert!(session.save().await.expect_err("it was logged out").is_gone());
    assert!(session.save().await.expect_err("it still is").is_gone());
    assert!(store.inner().is_empty(), "nothing is revived");
}

#[tokio::test]
async fn reload_shows_what_others_wrote_under_ones_own_changes() {
    let (layer, store, _) = house(None);
    let app = app(layer.clone());
    let browser = Browser::new();
    browser.get(&app, "/app/insert:n:1/insert:a:1/insert:b:1").await;
    let (session, _) = escaped(&layer, &browser.header(), |_| ()).await;
    session.insert("a", 5).expect("JSON");
    session.update("n", |n: u32| n + 1).expect("a number");
    browser.get(&app, "/app/count:n/insert:a:2/insert:b:2").await;
    assert_eq!(session.get::<u32>("b").expect("a number"), Some(1));
    session.reload().await.expect("it is there");
    let read = |key| session.get::<u32>(key).expect("a number");
    assert_eq!((read("n"), read("a"), read("b")), (Some(3), Some(5), Some(2)));
    session.save().await.expect("it is there");
    assert_eq!(browser.get(&app, "/app/get:n/get:a/get:b").await.body, "3 5 2");

    store.next(Verb::Load).fails();
    assert!(session.reload().await.expect_err("the store failed").is_store());
    browser.get(&app, "/app/renew").await;
    assert!(session.reload().await.expect_err("its token is dead").is_gone());
    browser.get(&app, "/app/purge").await;
    assert!(session.reload().await.expect_err("it is gone").is_gone());
}

#[tokio::test]
async fn a_loaded_session_knows_its_times_its_id_and_its_owner() {
    let (layer, _, clock) = house(None);
    let app = app(layer.clone().owner_key("user"));
    let browser = Browser::new();
    let born = clock.now();
    let id = {
        browser.get(&app, "/app/insert:user:7").await;
        browser.get(&app, "/app/id").await.body
    };
    assert_eq!(browser.get(&app, "/app/whose").await.body, "7", "a number is a name, too");
    clock.advance(6 * HOUR);
    browser.get(&app, "/app/renew").await;
    let (session, _) = escaped(&layer, &browser.header(), |_| ()).await;
    assert_eq!(session.id().map(|id| id.to_string()), Some(id), "a renewal keeps the id");
    let whole = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis();
    assert_eq!(session.created_at().map(whole), Some(whole(born)));
    assert_eq!(session.expires_at().map(whole), Some(whole(born + 30 * HOUR)));
    assert_eq!(session.owner().as_deref(), Some("7"));
    browser.get(&app, "/app/remove:user").await;
    assert_eq!(browser.get(&app, "/app/whose").await.body, "nobody");
}

/// There is one load, for any number of concurrent extractors.
#[tokio::test]
async fn all_who_ask_share_one_load() {
    let (layer, store, _) = house(None);
    let app = app(layer.clone());
    let browser = Browser::new();
    browser.get(&app, "/app/insert:user:7").await;
    let service = layer.layer(service_fn(async |request: Request<()>| {
        let lazy = request.extensions().get::<LazySession>().expect("the layer put it there");
        assert!(lazy.has_token() && lazy.loaded().is_none());
        let (first, second) = tokio::join!(lazy.load(), lazy.load());
        first.expect("the store works").insert("a", 1).expect("JSON");
        assert!(second.expect("the store works").contains_key("a"), "it is one session");
        assert!(lazy.loaded().is_some());
        Ok::<_, std::convert::Infallible>(Response::new(String::new()))
    }));
    store.take_calls();
    let request = Request::get("/").header("cookie", browser.header()).body(()).expect("a request");
    soon(service.oneshot(request)).await.expect("no error");
    assert_eq!(store.take_calls(), ["load", "replace"]);
}

#[tokio::test]
async fn a_handle_that_nobody_loaded_says_so() {
    let (layer, _, _) = house(None);
    let app = app(layer.clone());
    let browser = Browser::new();
    browser.get(&app, "/app/insert:user:7").await;
    let service = layer.layer(service_fn(async |request: Request<()>| {
        let session = request.extensions().get::<LazySession>().expect("the layer put it there").handle();
        assert!(session.get::<u32>("user").expect_err("not loaded").error().is_not_loaded());
        assert!(session.insert("a", 1).expect_err("not loaded").error().is_not_loaded());
        assert!(session.update("user", |n: u32| n).expect_err("not loaded").error().is_not_loaded());
        assert!(session.check_loaded().expect_err("not loaded").to_string().contains("`.lazy()`"));
        Ok::<_, std::convert::Infallible>(Response::new(String::new()))
    }));
    let request = Request::get("/").header("cookie", browser.header()).body(()).expect("a request");
    let response = service.oneshot(request).await.expect("no error");
    assert_eq!(response.status(), 200, "their errors were answered, nothing was lost");
}

#[tokio::test]
async fn unsaved_changes_of_a_dropped_handle_are_a_warning() {
    let log = Log::capture();
    let warnings = || log.take_count("unsaved changes");
    let (layer, _, _) = house(None);
    let browser = Browser::new();
    browser.get(&app(layer.clone()), "/app/insert:user:7").await;

    let (session, _) = escaped(&layer, &browser.header(), |session| session.insert("a", 1).expect("JSON")).await;
    drop(session);
    assert_eq!(warnings(), 0, "it was saved with the head");
    let (session, _) = escaped(&layer, &browser.header(), |_| ()).await;
    session.insert("a", 2).expect("JSON");
    session.save().await.expect("it is there");
    drop(session);
    assert_eq!(warnings(), 0, "it was saved later");
    let (session, _) = escaped(&layer, &browser.header(), |_| ()).await;
    session.insert("a", 3).expect("JSON");
    drop(session.clone());
    assert_eq!(warnings(), 0, "there is another handle");
    drop(session);
    assert_eq!(warnings(), 1);
    drop(with("a", 1));
    assert_eq!(warnings(), 0, "a detached one is never saved");
}
