use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};

use super::*;
use crate::{
    CookieStore, Lifetime, MemoryStore, Session, SessionLayer, SessionStatus,
    client::KeyAge,
    keys::SecretKey,
    request::{Act, Asked, Change, Found, OwnerEdit, Plan, plan},
    store::{Credentials, Secret, SecretHash, SessionId, Standing, State},
};

/// An operation of a handler, and whether the commit goes a short way after it.
type Row = (fn(&mut LoadedSession), bool);

/// Returns the decision of `plan` about a request whose token is current, if it opened a session.
fn decision(session: &LoadedSession) -> Plan {
    let (act, owner) = (session.edits.act, session.edits.owner.clone());
    let owner = match &owner {
        None => OwnerEdit::Keep,
        Some(None) => OwnerEdit::Remove,
        Some(Some(owner)) => OwnerEdit::Set(owner),
    };
    let record = session.opening.record();
    let writes = match record {
        Some(record) => session.edits.applied(record.state(), false).is_some() || session.edits.describes(),
        None => session.edits.started || session.edits.inserts(act != Act::Keep),
    };
    let found = record.map_or(Found::Gone, |record| Found::Record(record, Standing::Current));
    plan(&session.opening.loaded, found, Asked { act, owner, writes, upkeep: false })
}

fn insert(session: &mut LoadedSession) {
    session.insert("n", "1".into());
}

fn update(session: &mut LoadedSession) {
    let seen = session.see("m");
    assert!(session.update("m", seen, Some("3".into()), Replay::Never));
}

fn record() -> Record {
    let state: State = [("m", "2")].into_iter().collect();
    Record::new(Credentials::new(SecretHash::OF_NONE), state, Timestamp::default(), Timestamp::MAX)
}

fn current() -> Box<LoadedSession> {
    let mut session = LoadedSession::empty();
    session.opening.loaded = Loaded::Current(record());
    session.opening.token = Some(Token::new(SessionId::random(), Secret::none()));
    session
}

/// Operations that are never short.
const LONG: [Row; 9] = [
    (|session| session.edits.clear(), false),
    (|session| session.edits.act = Act::Renew, false),
    (|session| session.log_in("ada".into(), None), false),
    (|session| session.edits.end(Act::Purge), false),
    (|session| session.edits.owner = Some(Some("ada".into())), false),
    (|session| session.edits.label = Some(Some("phone".into())), false),
    (|session| session.edits.lifetime = Some(Lifetime::default().into()), false),
    (|session| session.resends = true, false),
    (|session| session.attempt = Attempt::Running, false),
];

#[test]
fn a_session_begins_the_short_way_after_inserts_only_and_the_plan_says_create_then() {
    let table: [Row; 6] = [
        (|_| (), true),
        (|session| session.insert("m", "2".into()), true),
        (|session| session.insert("n", "2".into()), true),
        (|session| session.edits.write("n", None), false),
        (update, false),
        (|session| session.edits.started = true, false),
    ];
    for (at, (act, is_short)) in table.into_iter().chain(LONG).enumerate() {
        let mut session = LoadedSession::empty();
        insert(&mut session);
        act(&mut session);
        assert_eq!(session.only_inserts(), is_short, "row {at}");
        assert!(!session.only_writes(), "row {at}");
        assert!(!is_short || decision(&session) == Plan::Create, "row {at}");
    }
    assert!(!LoadedSession::empty().only_inserts(), "there is nothing to store");
}

#[test]
fn a_session_is_written_the_short_way_after_writes_only_and_the_plan_says_write_then() {
    let table: [Row; 10] = [
        (|_| (), true),
        (|session| session.insert("n", "2".into()), true),
        (|session| session.edits.write("m", None), true),
        (update, true),
        (|session| session.opening.at = 1, false),
        (|session| session.opening.behind = Some(record()), false),
        (|session| session.opening.key = KeyAge::Previous, false),
        (|session| session.edits.started = true, false),
        // The update has to run again, because its value was made of another user's.
        (
            |session| {
                update(session);
                session.edits.start_over();
            },
            false,
        ),
        (
            |session| {
                update(session);
                let done = session.edits.share();
                update(session);
                session.edits.settle(&done, State::empty());
            },
            false,
        ),
    ];
    for (at, (act, is_short)) in table.into_iter().chain(LONG).enumerate() {
        let mut session = current();
        insert(&mut session);
        act(&mut session);
        assert_eq!(session.only_writes(), is_short, "row {at}");
        assert!(!session.only_inserts(), "row {at}");
        assert!(!is_short || decision(&session) == Plan::Replace(Change::Write), "row {at}");
    }
    let mut session = current();
    session.insert("m", "2".into());
    assert!(!current().only_writes() && !session.only_writes(), "there is nothing to store");
}

#[test]
fn the_short_ways_are_for_two_outcomes_of_a_load() {
    let all = [
        Loaded::Nothing,
        Loaded::Current(record()),
        Loaded::Superseded(record()),
        Loaded::Undecodable,
        Loaded::Unproven,
        Loaded::Unavailable,
        Loaded::Ended,
        Loaded::Gone,
    ];
    for loaded in all {
        let mut session = current();
        session.opening.loaded = loaded;
        insert(&mut session);
        let plan = decision(&session);
        assert_eq!(session.only_inserts(), plan == Plan::Create, "{:?}", session.opening.loaded);
        assert_eq!(session.only_writes(), plan == Plan::Replace(Change::Write), "{:?}", session.opening.loaded);
    }
}

/// Makes a request. Returns the record, without what is drawn, and the names and values of the response's headers.
async fn request(layer: &SessionLayer, cookie: &HeaderMap, act: fn(&Session)) -> (Record, HeaderMap) {
    let exchange = layer.begin(cookie);
    let session = exchange.session().load().await.unwrap();
    act(&session);
    let head = exchange.commit(StatusCode::OK).await.unwrap();
    let mut headers = HeaderMap::new();
    head.write(&mut headers);
    assert_eq!(session.get::<i32>("n").unwrap(), Some(1), "the session stays open");
    assert!(session.id().is_some() && session.status() == SessionStatus::Unchanged);
    let mut record = session.request.with(|session| session.opening.record().cloned()).unwrap().unwrap();
    assert!(record.nonce() != 0);
    let body = record.body_mut();
    (body.current, body.nonce) = (SecretHash::OF_NONE, 0);
    (record, headers)
}

/// Returns the headers with the length of the cookie in place of the cookie.
fn shown(headers: &HeaderMap) -> Vec<String> {
    let shown = headers.iter().map(|(name, value)| {
        let (cookie, rest) = value.to_str().unwrap().split_once(';').unwrap_or_default();
        if name == header::SET_COOKIE { format!("{}{rest}", cookie.len()) } else { format!("{name}{value:?}") }
    });
    shown.collect()
}

/// Returns the `Cookie` header after a response.
fn cookie(headers: &HeaderMap) -> HeaderMap {
    let line = headers.get(header::SET_COOKIE).unwrap().to_str().unwrap();
    HeaderMap::from_iter([(header::COOKIE, line.split(';').next().unwrap().parse().unwrap())])
}

#[tokio::test]
async fn a_short_way_ends_as_the_long_way() {
    let lifetimes = [
        Lifetime::default(),
        Lifetime::builder().persistent().build().unwrap(),
        Lifetime::builder().idle(Duration::from_secs(60)).persistent_while_used().build().unwrap(),
    ];
    let stores: [fn() -> SessionLayer; 2] = [
        || SessionLayer::new(MemoryStore::new()),
        || SessionLayer::cookie_store(CookieStore::new(SecretKey::generate())),
    ];
    let acts: [fn(&Session); 3] = [
        |session| session.insert("text", "a \"b\"").unwrap(),
        |session| session.update_or("m", 1, |m: i32| m + 1).unwrap(),
        |session| drop(session.remove("m")),
    ];
    for (lifetime, store) in lifetimes.iter().flat_map(|lifetime| stores.map(|store| (lifetime, store))) {
        let time = std::sync::Arc::new(std::sync::Mutex::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)));
        let clock = std::sync::Arc::clone(&time);
        let short = store().lifetime(lifetime.clone()).clock(move || *clock.lock().unwrap());
        let begins: fn(&Session) = |session| {
            session.insert("m", 1).unwrap();
            session.insert("n", 1).unwrap();
        };
        // A layer with this option goes no short way. The store and the keys are the same.
        let long = short.clone().commit_if(|_| true);
        let ((mut record, mut headers), (other, others)) =
            (request(&short, &HeaderMap::new(), begins).await, request(&long, &HeaderMap::new(), begins).await);
        assert_eq!((&record, shown(&headers)), (&other, shown(&others)));
        let mut cookies = [cookie(&headers), cookie(&others)];
        for act in acts {
            *time.lock().unwrap() += Duration::from_secs(1);
            let before = record;
            let other;
            (record, headers) = request(&short, &cookies[0], act).await;
            let others;
            (other, others) = request(&long, &cookies[1], act).await;
            assert_eq!((&record, shown(&headers)), (&other, shown(&others)));
            assert!(record != before && record.expires_at() > before.expires_at());
            for (kept, headers) in cookies.iter_mut().zip([&headers, &others]) {
                if headers.contains_key(header::SET_COOKIE) {
                    *kept = cookie(headers);
                }
            }
        }
    }
}

#[tokio::test]
async fn an_obstacle_is_left_to_the_long_way() {
    let layer = SessionLayer::new(MemoryStore::new()).max_bytes(60);
    let (_, headers) = request(&layer, &HeaderMap::new(), |session| session.insert("n", 1).unwrap()).await;
    for cookie in [HeaderMap::new(), cookie(&headers)] {
        let exchange = layer.begin(&cookie);
        let session = exchange.session().load().await.unwrap();
        session.insert("text", "longer than sixty bytes, which the layer allows for a session of a user").unwrap();
        assert!(exchange.commit(StatusCode::OK).await.unwrap_err().error().is_too_large());
    }
    // Another request is faster.
    let (first, second) = (layer.begin(&cookie(&headers)), layer.begin(&cookie(&headers)));
    for exchange in [&first, &second] {
        let session = exchange.session().load().await.unwrap();
        session.update("n", |n: i32| n + 1).unwrap();
    }
    for exchange in [&first, &second] {
        let _ = exchange.commit(StatusCode::OK).await.unwrap();
    }
    let session = layer.begin(&cookie(&headers)).session().load().await.unwrap();
    assert_eq!(session.get::<i32>("n").unwrap(), Some(3));
}

#[test]
fn a_commit_that_runs_keeps_others_from_the_short_ways() {
    let request = RequestState::new(Some(std::sync::Arc::new(Config::new(crate::config::Backend::records(
        MemoryStore::new(),
        std::sync::Arc::new(crate::client::PlainTokens),
    )))));
    let mut session = LoadedSession::empty();
    insert(&mut session);
    let turn = request.turn.try_lock().unwrap();
    assert!(request.short(&mut session).is_none());
    drop(turn);
    assert!(request.short(&mut session).is_some());
}
