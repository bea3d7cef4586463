//! The keys in Redis: one string, its TTL, and tombstones.

use cloakroom::{
    SessionId,
    store::{Created, Deleted, Record, Replaced, SessionStore, Timestamp},
    testing::RecordBuilder,
};

use crate::{
    records::{NOW, is_about, key, owned, record},
    redis_support::{SECOND, server::Server},
};

#[tokio::test]
async fn a_record_is_one_string_that_a_person_can_read() {
    let server = Server::start().await;
    let (store, id) = (server.store().await, SessionId::random());
    let first =
        RecordBuilder::after(&record([("color", "\"red\""), ("n", "1")], 600 * SECOND)).owner(Some("bob")).build();
    assert_eq!(store.create(&id, &first).await.unwrap(), Created::Done);
    assert_eq!(server.stored(&id).await.unwrap(), first.to_bytes());
    let text = String::from_utf8(server.stored(&id).await.unwrap()).unwrap();
    let nonce = format!("{:016x}", first.nonce());
    assert!(
        text.starts_with(&format!("cloakroom=1 nonce={nonce} expires=001700000600000 used=001700000000000 ")),
        "{text}"
    );
    assert!(text.contains("\nowner=3:bob\n") && text.ends_with("\n\n5:color=5:\"red\"\n1:n=1:1\n"), "{text}");

    let second = RecordBuilder::after(&first).set("n", "2").build();
    assert_eq!(store.replace(&id, &first, &second).await.unwrap(), Replaced::Done);
    assert_eq!(server.stored(&id).await.unwrap(), second.to_bytes());
    assert_eq!(server.run_command::<Vec<String>>("KEYS *").await.len(), 2, "the record and its owner's index");
}

/// Small and large states, with keys that look like parts of a record.
#[tokio::test]
async fn every_state_comes_back_as_it_went_in() {
    let server = Server::start().await;
    let store = server.store().await;
    let names = [
        "",
        "=",
        ":",
        "\n",
        "owner",
        "owner=3:bob",
        "12:34=5:6\n",
        "1:a=1:1\n",
        "\n\n",
        "!",
        "\u{1f511}",
        "\0",
        "\r\n",
    ];
    for size in [0, 300, 1700, 4000, 9000, 100_000] {
        let id = SessionId::random();
        let state = names.iter().map(|name| (*name, format!("\"{name}\n=:\""))).chain([("pad", "x".repeat(size))]);
        let mut base = record(state, 600 * SECOND);
        assert_eq!(store.create(&id, &base).await.unwrap(), Created::Done);
        for step in 0..40 {
            let name = names[step % names.len()];
            let next = RecordBuilder::after(&base);
            let next = match step % 5 {
                0 => next.remove(name),
                1 => next.set(name, &"y".repeat(step * 60)),
                2 => next.remove("pad"),
                3 => next.set("pad", &"z".repeat(size + step * 9)),
                _ => next.owner(Some(" \n label=1:x\n owner=3:bob")).label(Some("\n1:a=1:1\n owner=3:eve")),
            };
            let next = next.build();
            assert_eq!(store.replace(&id, &base, &next).await.unwrap(), Replaced::Done, "{step} of {size}");
            assert_eq!(store.load(&id).await.unwrap().as_ref(), Some(&next), "{step} of {size}");
            assert_eq!(server.stored(&id).await.unwrap(), next.to_bytes());
            base = next;
        }
    }
}

/// The TTL is ten minutes longer than the deadline. It moves only with the deadline.
#[tokio::test]
async fn the_ttl_of_a_record() {
    let server = Server::start().await;
    for (store, kind) in [(server.store().await, "server"), (server.provided().await, "provided")] {
        // This holds for a record of which only the head is sent, too.
        for size in [10, 60_000] {
            let id = SessionId::random();
            let mut base = record([("pad", "x".repeat(size))], 160 * SECOND);
            assert_eq!(store.create(&id, &base).await.unwrap(), Created::Done);
            assert!(is_about(server.ttl(&id).await, 160 * SECOND + Record::GRACE));

            // Makes the key look older.
            let _: i64 = server.run_command(&format!("PEXPIRE {} 100000", key(&id))).await;
            let after = |seconds| NOW.plus(seconds * SECOND);
            // The last use, the deadline, and the TTL, in seconds.
            let steps = [
                ("a write", 0, Some(160), Some(100)),
                ("a use", 60, Some(160), Some(100)),
                ("a touch", 60, Some(360), Some(900)),
                ("an earlier end", 60, Some(61), Some(601)),
                ("an end that has passed", 70, Some(65), Some(600)),
                ("no end", 70, None, None),
                ("still no end", 80, None, None),
                ("an end again", 80, Some(130), Some(650)),
            ];
            for (step, used, expires, ttl) in steps {
                let next = RecordBuilder::after(&base).used_at(after(used));
                let next = next.expires_at(expires.map_or(Timestamp::MAX, after));
                let next = if step == "a write" { next.set("a", "1") } else { next }.build();
                assert_eq!(store.replace(&id, &base, &next).await.unwrap(), Replaced::Done, "{step}");
                let found = server.ttl(&id).await;
                let is_right = ttl.map_or(found == -1, |ttl| is_about(found, ttl * SECOND));
                assert!(is_right, "{kind}, {size}, {step}: {found}, not {ttl:?}");
                assert_eq!(server.stored(&id).await.unwrap(), next.to_bytes(), "{kind}, {size}, {step}");
                base = next;
            }
        }
    }
}

#[tokio::test]
async fn a_record_that_never_ends_has_no_ttl() {
    let server = Server::start().await;
    let (store, id) = (server.store().await, SessionId::random());
    let record = RecordBuilder::new(NOW).owner(Some("bob")).expires_at(Timestamp::MAX).build();
    assert_eq!(store.create(&id, &record).await.unwrap(), Created::Done);
    assert_eq!(server.ttl(&id).await, -1);
    assert_eq!(server.run_command::<i64>("PTTL cloakroom:owner:bob").await, -1);
}

#[tokio::test]
async fn a_delete_leaves_a_tombstone_for_ten_minutes() {
    let server = Server::start().await;
    for store in [server.store().await, server.provided().await] {
        for is_conditional in [false, true] {
            let (id, record) = (SessionId::random(), owned("bob"));
            assert_eq!(store.create(&id, &record).await.unwrap(), Created::Done);
            let base = is_conditional.then_some(&record);
            assert_eq!(store.delete(&id, base).await.unwrap(), Deleted::Done);
            assert_eq!(server.stored(&id).await.as_deref(), Some(&b""[..]));
            assert!(is_about(server.ttl(&id).await, Record::TOMBSTONE));
            assert_eq!(server.run_command::<i64>("EXISTS cloakroom:owner:bob").await, 0);

            assert_eq!(store.load(&id).await.unwrap(), None);
            assert_eq!(store.create(&id, &record).await.unwrap(), Created::Taken);
            let next = RecordBuilder::after(&record).build();
            assert_eq!(store.replace(&id, &record, &next).await.unwrap(), Replaced::Gone);
            assert_eq!(store.delete(&id, Some(&record)).await.unwrap(), Deleted::Gone);
            assert_eq!(store.delete(&id, None).await.unwrap(), Deleted::Gone);
            assert_eq!(server.stored(&id).await.as_deref(), Some(&b""[..]));
            let _: i64 = server.run_command("DEL cloakroom:owner:bob").await;
        }
        // An id that never existed.
        let id = SessionId::random();
        assert_eq!(store.delete(&id, Some(&owned("bob"))).await.unwrap(), Deleted::Gone);
        assert_eq!(server.stored(&id).await, None);
        assert_eq!(store.delete(&id, None).await.unwrap(), Deleted::Gone);
        assert_eq!(server.stored(&id).await.as_deref(), Some(&b""[..]), "a create may be under way");
    }
}

/// A full server refuses every `SET`. A logout still works.
#[tokio::test]
async fn a_delete_needs_no_memory() {
    let server = Server::start().await;
    let store = server.store().await;
    let [a, b, c, d, hash, never] = [(); 6].map(|()| SessionId::random());
    let record = owned("bob");
    for id in [&a, &b] {
        assert_eq!(store.create(id, &record).await.unwrap(), Created::Done);
    }
    server.store_bytes(&c, b"short", None).await;
    server.store_bytes(&d, b"ends amid the nonce of a", None).await;
    let _: i64 = server.run_command(&format!("HSET {} record 1", key(&hash))).await;
    let _: () = server.run_command("CONFIG SET maxmemory 1").await;
    let error = store.create(&SessionId::random(), &record).await.unwrap_err();
    assert!(error.is_not_done() && format!("{error:?}").contains("OOM"), "{error:?}");
    let error = store.replace(&a, &record, &RecordBuilder::after(&record).build()).await.unwrap_err();
    assert!(error.is_not_done() && format!("{error:?}").contains("OOM"), "{error:?}");

    assert_eq!(store.delete(&a, None).await.unwrap(), Deleted::Done);
    assert_eq!(store.delete(&b, Some(&record)).await.unwrap(), Deleted::Done);
    for id in [&a, &b] {
        assert_eq!(server.stored(id).await.as_deref(), Some(&b""[..]));
        assert!(is_about(server.ttl(id).await, Record::TOMBSTONE));
        assert_eq!(store.delete(id, None).await.unwrap(), Deleted::Gone);
    }
    for (id, deleted) in [(&c, Deleted::Done), (&d, Deleted::Done), (&never, Deleted::Gone)] {
        assert_eq!(store.delete(id, None).await.unwrap(), deleted);
        assert_eq!(server.stored(id).await.as_deref(), Some(&b""[..]), "a create may be under way");
        assert!(is_about(server.ttl(id).await, Record::TOMBSTONE));
    }
    assert_eq!(store.delete(&hash, None).await.unwrap(), Deleted::Done);
    assert_eq!(store.load(&hash).await.unwrap(), None);
    assert_eq!(server.run_command::<i64>("EXISTS cloakroom:owner:bob").await, 0);
    // The create arrives when there is memory again.
    let _: () = server.run_command("CONFIG SET maxmemory 0").await;
    assert_eq!(store.create(&never, &record).await.unwrap(), Created::Taken);
}
