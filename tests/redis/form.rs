//! How records stand in Redis: the keys of a small session behind its columns, those of a large one in fields.

use cloakroom::{Created, SessionId, SessionStore, Updated, testing::ChangesBuilder};

use crate::redis_support::{
    NOW, SECOND,
    app::{App, id},
    record,
    server::Server,
};

/// Keys that look like what stands around them, on both sides of the size at which they get fields of their own.
#[tokio::test]
async fn odd_keys() {
    let server = Server::start().await;
    let store = server.store().await;
    let changes = || ChangesBuilder::new(NOW).expires_at(NOW.plus(600 * SECOND));
    let names =
        ["", "=", ":", "\n", "record", "s:record", "s:", "12:34=5:6\n", "1:a=1:1\n", " owner=3:bob", "\u{1f511}", "\0"];
    for size in [0, 1000, 1700, 1800, 9000] {
        let id = SessionId::random();
        let state = names.iter().map(|name| (*name, format!("\"{name}\n=:\""))).chain([("pad", "x".repeat(size))]);
        let mut record = record(state, 600 * SECOND);
        assert_eq!(store.create(&id, &record).await.unwrap(), Created::Done);
        for step in 0..40 {
            let name = names[step % names.len()];
            let changes = match step % 5 {
                0 => changes().remove(name),
                1 => changes().set(name, &"y".repeat(step * 60)),
                2 => changes().remove("pad"),
                3 => changes().set("pad", &"z".repeat(1500 + step * 9)),
                _ => changes().owner(Some(" label=1:x\n owner=3:bob")).label(Some("\n1:a=1:1\n owner=3:eve")),
            };
            let changes = changes.build();
            record = changes.apply(&record).unwrap();
            assert_eq!(store.update(&id, &changes).await.unwrap(), Updated::Done);
            assert_eq!(store.load(&id).await.unwrap().as_ref(), Some(&record), "{step} of {size}");
        }
        let owners = store.owner_index().unwrap();
        assert!(!owners.revoke("bob", &id).await.unwrap() && !owners.revoke("eve", &id).await.unwrap());
        assert!(owners.revoke(" label=1:x\n owner=3:bob", &id).await.unwrap());
    }
}

#[tokio::test]
async fn more_keys_than_a_command_takes() {
    let server = Server::start().await;
    let store = server.store().await;
    let changes = || ChangesBuilder::new(NOW).expires_at(NOW.plus(600 * SECOND));
    let names = |letter: char, count: usize| (0..count).map(move |n| format!("{letter}{n}"));
    for count in [999, 1000, 1001, 9000] {
        let id = SessionId::random();
        let mut record = record(names('a', count).map(|name| (name, "1")), 600 * SECOND);
        assert_eq!(store.create(&id, &record).await.unwrap(), Created::Done);
        let all = names('b', count).fold(changes(), |changes, name| changes.set(&name, "2"));
        let other = names('a', count).fold(changes(), |changes, name| changes.remove(&name));
        for changes in [all, other, changes().clear().set("c", "3")] {
            let changes = changes.build();
            record = changes.apply(&record).unwrap();
            assert_eq!(store.update(&id, &changes).await.unwrap(), Updated::Done);
            assert_eq!(store.load(&id).await.unwrap().as_ref(), Some(&record), "{count}");
        }
        assert_eq!(server.run_command::<usize>(&format!("HLEN cloakroom:{id}")).await, 1);
    }
}

/// Who takes a key out by hand leaves fields of a session that is small then.
#[tokio::test]
async fn fields_of_a_small_session_do_not_come_back() {
    let server = Server::start().await;
    let store = server.store().await;
    let (id, big) = (SessionId::random(), "1".repeat(3000));
    store.create(&id, &record([("a", "1"), ("big", &big), ("old", "1")], 60 * SECOND)).await.unwrap();
    let _: i64 = server.run_command(&format!("HDEL cloakroom:{id} s:big")).await;
    let changes = || ChangesBuilder::new(NOW);
    for changes in [changes().set("b", "1"), changes().remove("old"), changes().set("big", &big)] {
        assert_eq!(store.update(&id, &changes.build()).await.unwrap(), Updated::Done);
    }
    let found = store.load(&id).await.unwrap().unwrap();
    assert_eq!(found.state().iter().map(|(key, _)| key).collect::<Vec<_>>(), ["a", "b", "big"]);
    let left: i64 = server.run_command(&format!("PTTL cloakroom:{id}")).await;
    assert!((60_000..=200_000).contains(&left), "{left}");
}

/// What a small session cannot hold does not stand behind its columns: a write would take it for fields.
#[tokio::test]
async fn a_large_state_behind_the_columns_is_refused() {
    let server = Server::start().await;
    let app = App::new(server.store().await);
    let cookie = app.new_session().await;
    let key = format!("cloakroom:{}", id(&cookie));
    let line: String = server.run_command(&format!("HGET {key} record")).await;
    let large = format!("{line}3:big=3000:{}\n", "1".repeat(3000));
    let mut admin = server.admin().await;
    let _: i64 = redis::cmd("HSET").arg(&key).arg("record").arg(large).query_async(&mut admin).await.unwrap();
    assert_eq!(app.get("/count", Some(&cookie)).await.status, 503);
    assert!(app.last_failure().contains("`state`"), "{}", app.last_failure());
}
