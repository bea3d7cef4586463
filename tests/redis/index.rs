//! The index of owners: its entries, and the times at which they are written.

use std::collections::BTreeSet;

use cloakroom::{
    SessionId,
    redis::RedisStore,
    store::{Created, Deleted, Record, Replaced, SessionStore, Timestamp},
    testing::RecordBuilder,
};

use crate::{
    log::Log,
    records::{NOW, key, owned, record},
    redis_support::{Monitor, SECOND, server::Server},
};

async fn indexed(server: &Server, owner: &str) -> BTreeSet<String> {
    server.run_command(&format!("ZRANGE cloakroom:owner:{owner} 0 -1")).await
}

async fn listed(store: &RedisStore, owner: &str) -> BTreeSet<String> {
    store.owner_index().unwrap().list(owner).await.unwrap().iter().map(|(id, _)| id.to_string()).collect()
}

fn ids<const N: usize>(ids: [&SessionId; N]) -> BTreeSet<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// Returns the number of writes of indexes.
async fn written(server: &Server) -> u32 {
    let stats: String = server.run_command("INFO commandstats").await;
    stats.split_once("cmdstat_zadd:calls=").unwrap().1.split(',').next().unwrap().parse().unwrap()
}

/// Returns the next record after `base`, with another owner.
fn given(base: &Record, owner: Option<&str>) -> Record {
    RecordBuilder::after(base).owner(owner).build()
}

#[tokio::test]
async fn only_a_delete_of_the_owner_s_record_removes_an_entry() {
    let server = Server::start().await;
    let store = server.store().await;
    let (a, b) = (SessionId::random(), SessionId::random());
    let (bobs, eves) = (owned("bob"), given(&owned("bob"), Some("eve")));
    for id in [&a, &b] {
        assert_eq!(store.create(id, &bobs).await.unwrap(), Created::Done);
    }
    // The record has another owner, or none, or is missing.
    assert_eq!(store.replace(&a, &bobs, &eves).await.unwrap(), Replaced::Done);
    assert_eq!((indexed(&server, "bob").await, listed(&store, "bob").await), (ids([&a, &b]), ids([&b])));
    let nobodys = given(&eves, None);
    assert_eq!(store.replace(&a, &eves, &nobodys).await.unwrap(), Replaced::Done);
    assert_eq!((indexed(&server, "eve").await, listed(&store, "eve").await), (ids([&a]), ids([])));
    let _: i64 = server.run_command(&format!("DEL {}", key(&b))).await;
    assert_eq!((indexed(&server, "bob").await, listed(&store, "bob").await), (ids([&a, &b]), ids([])));
    // A delete that found no record of bob's.
    assert_eq!(store.delete(&b, Some(&bobs)).await.unwrap(), Deleted::Gone);
    assert_eq!(store.delete(&b, None).await.unwrap(), Deleted::Gone);
    assert!(matches!(store.delete(&a, Some(&bobs)).await.unwrap(), Deleted::Changed(found) if found == nobodys));
    assert_eq!(store.delete(&a, None).await.unwrap(), Deleted::Done);
    assert_eq!(indexed(&server, "bob").await, ids([&a, &b]));

    let (c, d) = (SessionId::random(), SessionId::random());
    for id in [&c, &d] {
        assert_eq!(store.create(id, &bobs).await.unwrap(), Created::Done);
    }
    assert_eq!(store.delete(&c, None).await.unwrap(), Deleted::Done);
    assert_eq!(store.delete(&d, Some(&bobs)).await.unwrap(), Deleted::Done);
    assert_eq!(indexed(&server, "bob").await, ids([&a, &b]));
}

#[tokio::test]
async fn an_entry_is_written_before_its_record() {
    let server = Server::start().await;
    let store = server.store().await;
    let (id, record) = (SessionId::random(), owned("bob"));
    let _: () = server.run_command(&format!("SET {} x", key(&id))).await;
    assert_eq!(store.create(&id, &record).await.unwrap(), Created::Taken);
    assert_eq!(indexed(&server, "bob").await, ids([&id]));
    // A replace that came too late.
    let next = given(&record, Some("eve"));
    assert!(store.replace(&id, &record, &next).await.unwrap_err().is_undecodable());
    assert_eq!(indexed(&server, "eve").await, ids([&id]));
}

/// An entry that cannot be written is an error if the owner is new, and otherwise housekeeping.
#[tokio::test]
async fn an_index_that_cannot_be_written() {
    let log = Log::capture();
    let server = Server::start().await;
    let store = server.store().await;
    let (id, bobs) = (SessionId::random(), owned("bob"));
    assert_eq!(store.create(&id, &bobs).await.unwrap(), Created::Done);
    for command in ["DEL cloakroom:owner:bob", "SET cloakroom:owner:bob x", "SET cloakroom:owner:eve x"] {
        let _: redis::Value = server.run_command(command).await;
    }
    let error = store.create(&SessionId::random(), &bobs).await.unwrap_err();
    assert!(error.is_not_done() && !error.is_undecodable(), "{error:?}");
    let error = store.replace(&id, &bobs, &given(&bobs, Some("eve"))).await.unwrap_err();
    assert!(error.is_not_done() && !error.is_undecodable(), "{error:?}");
    assert_eq!(store.load(&id).await.unwrap().as_ref(), Some(&bobs));

    let touched = RecordBuilder::after(&bobs).expires_at(NOW.plus(100_000 * SECOND)).build();
    log.take_count("");
    assert_eq!(store.replace(&id, &bobs, &touched).await.unwrap(), Replaced::Done);
    let lines = log.text();
    let warning = lines.lines().find(|line| line.contains("could not be refreshed")).unwrap_or_default();
    for part in ["WARN", &id.to_string(), "WRONGTYPE"] {
        assert!(warning.contains(part), "{part}: {lines}");
    }
    assert_eq!(store.delete(&id, None).await.unwrap(), Deleted::Done, "its entry stays until its time has passed");
}

/// An entry lives as long as its record does, with the ten minutes that Redis keeps it.
#[tokio::test]
async fn an_entry_covers_its_record_and_is_seldom_written() {
    let server = Server::start().await;
    let store = server.store().await;
    let hour = 3600 * SECOND;
    let (id, mut base) = (SessionId::random(), RecordBuilder::new(NOW).owner(Some("bob")).build());
    assert_eq!(store.create(&id, &base).await.unwrap(), Created::Done);
    let before = written(&server).await;
    let mut now = NOW;
    // Twenty hours, with a use every three minutes and an idle limit of one hour.
    for _ in 0..400 {
        now = now.plus(180 * SECOND);
        let touched = RecordBuilder::after(&base).used_at(now).expires_at(now.plus(hour)).build();
        assert_eq!(store.replace(&id, &base, &touched).await.unwrap(), Replaced::Done);
        let until: Option<f64> = server.run_command(&format!("ZSCORE cloakroom:owner:bob {id}")).await;
        let until = Timestamp::from_millis(format!("{:.0}", until.unwrap()).parse().unwrap());
        assert!(until >= touched.expires_at().plus(Record::GRACE), "{until:?}");
        assert!(until <= now.plus(hour + Record::GRACE + 2 * hour), "{until:?}");
        base = touched;
    }
    let writes = written(&server).await - before;
    println!("the index was written at {writes} of 400 uses");
    assert!((20..50).contains(&writes), "{writes}");
    // A session that never ends keeps the index for ever. One that ends earlier does not shorten it.
    for deadline in [Timestamp::MAX, now.plus(SECOND)] {
        let next = RecordBuilder::after(&base).used_at(now).expires_at(deadline).build();
        assert_eq!(store.replace(&id, &base, &next).await.unwrap(), Replaced::Done);
        let until: f64 = server.run_command(&format!("ZSCORE cloakroom:owner:bob {id}")).await;
        assert_eq!(format!("{until:.0}"), Timestamp::MAX.as_millis().to_string());
        assert_eq!(server.run_command::<i64>("PTTL cloakroom:owner:bob").await, -1);
        base = next;
    }
}

/// Each write removes at most a hundred, so that no write takes long.
#[tokio::test]
async fn entries_whose_time_has_passed_go_with_the_next_write() {
    let server = Server::start().await;
    let store = server.store().await;
    for _ in 0..250 {
        store.create(&SessionId::random(), &owned("bob")).await.unwrap();
    }
    let mut left = Vec::new();
    for days in [0, 1, 1, 1, 1] {
        let now = NOW.plus(days * 24 * 3600 * SECOND);
        let later = RecordBuilder::new(now).owner(Some("bob")).build();
        store.create(&SessionId::random(), &later).await.unwrap();
        left.push(indexed(&server, "bob").await.len());
    }
    assert_eq!(left, [251, 152, 53, 3, 4]);
    let ttl: i64 = server.run_command("PTTL cloakroom:owner:bob").await;
    assert!((4_200_000..4 * 3_600_000).contains(&ttl), "{ttl}");
}

/// Records are listed by their first KiB. A record with longer lines before its state is loaded whole.
#[tokio::test]
async fn long_lines_before_the_state() {
    let server = Server::start().await;
    let store = server.store().await;
    let mut monitor = Monitor::start(&server);
    for (length, commands) in
        [(10, vec!["ZRANGE", "GETRANGE"]), (700, vec!["ZRANGE", "GETRANGE"]), (2000, vec!["ZRANGE", "GETRANGE", "GET"])]
    {
        let (id, owner) = (SessionId::random(), format!("bob{length}"));
        let label = "\u{e4}".repeat(length / 2);
        let record = record([("pad", "x".repeat(3000))], 600 * SECOND);
        let record = RecordBuilder::after(&record).owner(Some(&owner)).label(Some(&label)).build();
        store.create(&id, &record).await.unwrap();
        monitor.commands();
        let found = store.owner_index().unwrap().list(&owner).await.unwrap();
        assert_eq!(monitor.commands(), commands);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].0, found[0].1.label(), found[0].1.nonce()), (id, Some(label.as_str()), record.nonce()));
    }
}

#[tokio::test]
async fn many_sessions_end_at_once() {
    let server = Server::start().await;
    let store = server.store().await;
    let mut all = BTreeSet::new();
    for _ in 0..150 {
        let id = SessionId::random();
        store.create(&id, &owned("bob")).await.unwrap();
        all.insert(id);
    }
    assert_eq!(listed(&store, "bob").await.len(), 150);
    let but = *all.first().unwrap();
    let ended = store.owner_index().unwrap().revoke_all("bob", Some(&but)).await.unwrap();
    all.remove(&but);
    assert_eq!(ended.into_iter().collect::<BTreeSet<_>>(), all);
    assert_eq!((indexed(&server, "bob").await, listed(&store, "bob").await), (ids([&but]), ids([&but])));
}
