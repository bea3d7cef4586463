//! Connections that break in the middle of a write, and calls that are dropped half-way.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use cloakroom::{
    SessionId,
    store::{Record, SessionStore},
    testing::RecordBuilder,
};
use cloakroom_sqlx::{Database, MySqlStore, PostgresStore, SqlStore};
use sqlx::{mysql::MySqlPoolOptions, postgres::PgPoolOptions, sqlite::SqlitePoolOptions};

use crate::{
    app::App,
    servers::{
        mariadb, postgres,
        proxy::{Cut, Proxy},
        sqlite::File,
        table,
    },
};

const CUTS: [Cut; 3] = [Cut::Request, Cut::Reply, Cut::NoReply];

/// A thousand requests count, and the connection of each breaks while its record is written.
async fn a_thousand_cuts_count_a_thousand<DB: Database>(proxy: &Proxy, store: SqlStore<DB>) {
    store.migrate().await.unwrap();
    let app = App::new(store);
    let cookie = app.new_session().await;
    for n in 0..1000 {
        // Values of prepared statements have no quotes: only a record begins like this.
        proxy.arm(CUTS[n % 3], "cloakroom=1 nonce=");
        let seen = app.get("/count", Some(&cookie)).await;
        assert_eq!((seen.status, seen.body), (200, (n + 2).to_string()), "{n}: {}", app.last_failure());
        assert!(proxy.has_cut(), "{n}");
    }
    assert_eq!(app.get("/read", Some(&cookie)).await.body, "1001");
}

#[tokio::test]
async fn a_thousand_cuts_in_postgres() {
    let server = &*postgres::SHARED;
    let proxy = Proxy::start(server.port()).await;
    let pool = postgres::pool(server.options().port(proxy.port));
    a_thousand_cuts_count_a_thousand(&proxy, PostgresStore::new(pool).table(&table()).unwrap()).await;
}

#[tokio::test]
async fn a_thousand_cuts_in_mariadb() {
    let server = &*mariadb::SHARED;
    let proxy = Proxy::start(server.port()).await;
    let pool = mariadb::pool(server.options().port(proxy.port));
    a_thousand_cuts_count_a_thousand(&proxy, MySqlStore::new(pool).table(&table()).unwrap()).await;
}

fn record(owner: &str) -> Record {
    RecordBuilder::new(std::time::SystemTime::now().into()).set("a", "1").owner(Some(owner)).build()
}

/// Polls a call so many times, each time that it asks to be polled, then drops it. Returns whether it ended before.
async fn drop_after<F: Future>(polls: usize, call: F) -> bool {
    let mut call = pin!(call);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        match call.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Drops each verb at each of its awaits. No later call gets a reply that is not its own, and the pool of one connection
/// always has it for the next call.
async fn is_dropped_at_each_await<DB: Database>(store: SqlStore<DB>) -> usize {
    store.migrate().await.unwrap();
    let others: Vec<(SessionId, Record)> =
        (0..4).map(|n| (SessionId::random(), record(&format!("owner {n}")))).collect();
    for (id, record) in &others {
        store.create(id, record).await.unwrap();
    }
    let mut polls = 0;
    loop {
        let mut all_ended = true;
        for verb in 0..6 {
            let (id, first) = (SessionId::random(), record("alice"));
            let next = RecordBuilder::after(&first).set("a", "2").build();
            // Another statement each time, so that most are prepared anew.
            store.create(&id, &first).await.unwrap();
            let index = store.owner_index().unwrap();
            all_ended &= match verb {
                0 => drop_after(polls, store.load(&id)).await,
                1 => drop_after(polls, store.replace(&id, &first, &next)).await,
                2 => drop_after(polls, store.delete(&id, Some(&first))).await,
                3 => drop_after(polls, store.create(&SessionId::random(), &first)).await,
                4 => drop_after(polls, index.list("owner 1")).await,
                _ => drop_after(polls, index.revoke_all("alice", None)).await,
            };
            for (id, record) in &others {
                let found = store.load(id).await.unwrap();
                assert_eq!(found.as_ref(), Some(record), "after verb {verb} and {polls} polls");
            }
            let found = store.load(&id).await.unwrap();
            assert!(found.is_none_or(|found| found == first || found == next), "after verb {verb} and {polls} polls");
        }
        if all_ended {
            return polls;
        }
        polls += 1;
    }
}

#[tokio::test]
async fn a_dropped_call_leaves_no_reply_for_the_next_one() {
    let server = &*postgres::SHARED;
    let name = table();
    for capacity in [0, 100] {
        let options = server.options().statement_cache_capacity(capacity);
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
        let store = PostgresStore::new(pool).table(&name).unwrap();
        println!("PostgreSQL: {} polls", is_dropped_at_each_await(store.clone()).await);
        println!("PostgreSQL, unprepared: {} polls", is_dropped_at_each_await(store.unprepared()).await);
        let options = mariadb::SHARED.options().statement_cache_capacity(capacity);
        let pool = MySqlPoolOptions::new().max_connections(1).connect_lazy_with(options);
        let store = MySqlStore::new(pool).table(&name).unwrap();
        println!("MariaDB: {} polls", is_dropped_at_each_await(store).await);
    }
    let file = File::new();
    let pool = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(file.options());
    println!("SQLite: {} polls", is_dropped_at_each_await(SqlStore::new(pool)).await);
}
