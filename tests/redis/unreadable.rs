//! Keys that hold a damaged record or no record are undecodable. The cause names the reason.

use cloakroom::{
    SessionId, StoreError,
    redis::RedisStore,
    store::{Created, Deleted, Record, SessionStore},
    testing::RecordBuilder,
};

use crate::{
    records::{is_about, key, owned},
    redis_support::server::Server,
};

/// Asserts that every call on an unreadable record fails without an effect, except a delete without a base.
async fn is_undecodable(server: &Server, store: &RedisStore, id: &SessionId, base: &Record, why: &str) {
    let before = dump(server, id).await;
    let next = RecordBuilder::after(base).build();
    let errors: [(&str, StoreError); 3] = [
        ("load", store.load(id).await.unwrap_err()),
        ("replace", store.replace(id, base, &next).await.unwrap_err()),
        ("delete", store.delete(id, Some(base)).await.unwrap_err()),
    ];
    for (call, error) in errors {
        assert!(error.is_undecodable() && error.is_not_done(), "{call}, {why}: {error:?}");
        let text = format!("{error:?}");
        assert!(text.contains(&id.to_string()) && text.contains(why), "{call}: {text}, not {why}");
        assert!(!text.contains("s3cret"), "{text}");
    }
    assert_eq!(store.create(id, base).await.unwrap(), Created::Taken);
    let found: Vec<SessionId> =
        store.owner_index().unwrap().list("bob").await.unwrap().into_iter().map(|(id, _)| id).collect();
    assert!(!found.contains(id), "{why}");
    assert_eq!(dump(server, id).await, before, "{why}");
}

async fn dump(server: &Server, id: &SessionId) -> Vec<u8> {
    redis::cmd("DUMP").arg(key(id)).query_async(&mut server.admin().await).await.unwrap()
}

#[tokio::test]
async fn damaged_strings() {
    let server = Server::start().await;
    for store in [server.store().await, server.provided().await] {
        let base = RecordBuilder::after(&owned("bob")).set("password", "\"s3cret\"").build();
        let bytes = base.to_bytes();
        let text = String::from_utf8(bytes.clone()).unwrap();
        let damages: Vec<(Vec<u8>, &str)> = vec![
            (b"s3cret".to_vec(), "not a cloakroom record"),
            (b"s3cret, and more of it than a nonce takes".to_vec(), "not a cloakroom record"),
            (text.replacen("cloakroom=1", "cloakroom=2", 1).into(), "format 2 is newer"),
            (text.replacen("expires=0", "expires=x", 1).into(), "`expires`"),
            (text.replacen("owner=3:bob", "owner=2:bob", 1).into(), "`owner`"),
            (text.replacen("owner=", "!owned=", 1).into(), "its line `!owned` is required"),
            (bytes[..bytes.len() - 1].to_vec(), "it is cut off"),
            (bytes[..100].to_vec(), "it is cut off"),
            ([&bytes[..], b"x"].concat(), "entry 2"),
        ];
        for (damaged, why) in damages {
            let id = SessionId::random();
            assert_eq!(store.create(&id, &base).await.unwrap(), Created::Done);
            // If the damage is after the nonce, the nonce is another writer's.
            let damaged = if damaged.len() > 34 {
                [&damaged[..18], b"0123456789abcdef", &damaged[34..]].concat()
            } else {
                damaged
            };
            server.store_bytes(&id, &damaged, Some(700_000)).await;
            is_undecodable(&server, &store, &id, &base, why).await;
            assert_eq!(store.delete(&id, None).await.unwrap(), Deleted::Done, "{why}");
            assert_eq!(server.stored(&id).await.as_deref(), Some(&b""[..]));
            assert_eq!(store.load(&id).await.unwrap(), None);
        }
    }
}

#[tokio::test]
async fn other_kinds_of_keys() {
    let server = Server::start().await;
    for store in [server.store().await, server.provided().await] {
        let base = owned("bob");
        for command in
            ["HSET key record format=1", "HSET key n 1", "LPUSH key s3cret", "ZADD key 1 s3cret", "SADD key s3cret"]
        {
            let id = SessionId::random();
            let _: i64 = server.run_command(&command.replacen("key", &key(&id), 1)).await;
            is_undecodable(&server, &store, &id, &base, "another kind of key").await;
            let error = store.load(&id).await.unwrap_err();
            assert!(format!("{error:?}").contains("a hash was written by a version before 0.1"), "{error:?}");
            assert_eq!(store.delete(&id, None).await.unwrap(), Deleted::Done);
            assert_eq!(server.stored(&id).await.as_deref(), Some(&b""[..]));
            assert!(is_about(server.ttl(&id).await, Record::TOMBSTONE));
        }
    }
}

#[tokio::test]
async fn an_index_of_another_kind_is_an_error() {
    let server = Server::start().await;
    let (store, id) = (server.store().await, SessionId::random());
    let _: () = server.run_command("SET cloakroom:owner:bob x").await;
    let error = store.create(&id, &owned("bob")).await.unwrap_err();
    assert!(error.is_not_done() && !error.is_undecodable(), "{error:?}");
    assert_eq!(store.load(&id).await.unwrap(), None, "the entry comes before the record");
    let error = store.owner_index().unwrap().list("bob").await.unwrap_err();
    assert!(error.is_not_done() && format!("{error:?}").contains("WRONGTYPE"), "{error:?}");
}
