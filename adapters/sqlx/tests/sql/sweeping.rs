//! Clean-up.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use cloakroom::{
    SessionId,
    store::{Created, Record, Replaced, SessionStore, Timestamp},
    testing::RecordBuilder,
};
use cloakroom_sqlx::{Database, MySqlStore, PostgresStore, SqlStore};
use sqlx::AssertSqlSafe;

use crate::{
    app::App,
    servers::{mariadb, postgres, sqlite::File, table},
};

const MINUTE: Duration = Duration::from_mins(1);

fn now() -> Timestamp {
    SystemTime::now().into()
}

fn ago(span: Duration) -> Timestamp {
    Timestamp::from_millis(now().as_millis() - u64::try_from(span.as_millis()).unwrap())
}

fn ending(at: Timestamp) -> Record {
    RecordBuilder::new(ago(200 * MINUTE)).set("a", "1").owner(Some("alice")).expires_at(at).build()
}

async fn stored(store: &impl SessionStore, record: &Record) -> SessionId {
    let id = SessionId::random();
    assert_eq!(store.create(&id, record).await.unwrap(), Created::Done);
    id
}

async fn sweeps<DB: Database>(store: SqlStore<DB>) {
    assert_eq!(store.sweep(100).await.unwrap(), 0);
    // An hour is full at most 60 minutes after the grace.
    let old = ending(ago(Record::GRACE + 61 * MINUTE));
    let dead = [stored(&store, &old).await, stored(&store, &old).await, stored(&store, &old).await];
    let kept = [ending(ago(9 * MINUTE)), ending(now().plus(MINUTE)), ending(Timestamp::MAX)];
    let mut alive = Vec::new();
    for record in &kept {
        alive.push((stored(&store, record).await, record));
    }
    let gone = stored(&store, &old).await;
    store.delete(&gone, None).await.unwrap();

    // A request that has loaded the record in time may write, and then it is not swept.
    let touched = RecordBuilder::after(&old).expires_at(now()).build();
    let used = stored(&store, &old).await;
    assert_eq!(store.replace(&used, &old, &touched).await.unwrap(), Replaced::Done);

    assert_eq!(store.sweep(2).await.unwrap(), 2);
    assert_eq!(store.sweep(2).await.unwrap(), 1);
    assert_eq!(store.sweep(2).await.unwrap(), 0);
    for id in dead {
        assert_eq!(store.load(&id).await.unwrap(), None);
        assert_eq!(store.create(&id, &old).await.unwrap(), Created::Done, "no row is left");
    }
    for (id, record) in alive {
        assert_eq!(store.load(&id).await.unwrap().as_ref(), Some(record));
    }
    assert_eq!(store.load(&used).await.unwrap(), Some(touched));
    assert_eq!(store.create(&gone, &old).await.unwrap(), Created::Taken, "the tombstone is kept");
}

#[tokio::test]
async fn nothing_is_swept_before_its_grace_and_no_tombstone_before_its_time() {
    sweeps(postgres::SHARED.store().await).await;
    sweeps(postgres::SHARED.store().await.unprepared()).await;
    sweeps(mariadb::SHARED.store().await).await;
    sweeps(File::new().store().await).await;
}

/// Two that sweep without a pause, each of its own connections: nothing is deleted twice, and nothing is missed.
async fn two_sweep_at_once<DB: Database>(store: SqlStore<DB>) {
    const ROWS: u64 = 400;
    let old = ending(ago(Record::GRACE + 61 * MINUTE));
    for _ in 0..ROWS {
        stored(&store, &old).await;
    }
    let sweep = async |store: SqlStore<DB>| {
        let mut swept = 0;
        loop {
            match store.sweep(7).await {
                Ok(0) => return swept,
                Ok(rows) => swept += rows,
                // The other one has a lock that this one needs.
                Err(error) => assert!(error.is_not_done(), "{error:?}"),
            }
        }
    };
    let (one, two) = tokio::join!(sweep(store.clone()), sweep(store.clone()));
    // Rows that the other one has locked are left to it, so one of them may end before all is done.
    assert_eq!(one + two + sweep(store).await, ROWS);
}

#[tokio::test]
async fn two_sweepers_share_the_work() {
    two_sweep_at_once(postgres::SHARED.store().await).await;
    two_sweep_at_once(mariadb::SHARED.store().await).await;
    two_sweep_at_once(File::new().store().await).await;
}

const ROWS: u64 = 100_000;

/// Two sweepers work in the background while requests run. No live session is touched, and every request is answered.
async fn sweeps_while_requests_run<DB: Database>(name: &str, store: SqlStore<DB>, count: impl AsyncFn() -> u64) {
    let app = App::new(store.clone());
    let cookie = app.new_session().await;
    let is_done = Arc::new(AtomicBool::new(false));
    let requests = {
        let (app, is_done) = (app.clone(), Arc::clone(&is_done));
        tokio::spawn(async move {
            let (mut longest, mut counted) = (Duration::ZERO, 1);
            while !is_done.load(Ordering::Relaxed) {
                let seen = app.get("/count", Some(&cookie)).await;
                counted += 1;
                assert_eq!(seen.body, counted.to_string(), "{}", app.last_failure());
                let fresh = app.get("/count", None).await;
                assert_eq!(fresh.body, "1", "{}", app.last_failure());
                longest = longest.max(seen.took).max(fresh.took);
            }
            (longest, counted)
        })
    };
    let started = Instant::now();
    let sweepers = [store.sweep_every(Duration::from_millis(1)), store.sweep_every(Duration::from_millis(1))];
    while count().await > 0 {
        assert!(started.elapsed() < 5 * MINUTE && !requests.is_finished());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = started.elapsed();
    for sweeper in sweepers {
        sweeper.stop().await;
    }
    is_done.store(true, Ordering::Relaxed);
    let (longest, counted) = requests.await.unwrap();
    println!("{name}: {ROWS} rows swept in {took:?}, longest of {} requests: {longest:?}", counted * 2);
}

/// Counts the rows that may be swept.
macro_rules! left {
    ($pool:expr, $table:expr) => {{
        let (pool, text) = ($pool, format!("select count(*) from {} where sweep = 1", $table));
        async move || {
            let count = sqlx::query_scalar::<_, i64>(AssertSqlSafe(text.as_str())).fetch_one(&pool).await.unwrap();
            count.cast_unsigned()
        }
    }};
}

const COLUMNS: &str = "(id, nonce, expires_at, sweep, owner, record)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_rows_in_postgres() {
    let (server, name) = (&*postgres::SHARED, table());
    let store = PostgresStore::new(server.pool()).table(&name).unwrap();
    store.migrate().await.unwrap();
    let fill = format!(
        "insert into {name} {COLUMNS} select lpad(n::text, 22, '0'), n, 0, 1, 'alice', repeat('x', 300)::bytea \
         from generate_series(1, {ROWS}) n"
    );
    sqlx::query(AssertSqlSafe(fill)).execute(&server.pool()).await.unwrap();
    sweeps_while_requests_run("PostgreSQL", store, left!(server.pool(), name)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_rows_in_mariadb() {
    let (server, name) = (&*mariadb::SHARED, table());
    let store = MySqlStore::new(server.pool()).table(&name).unwrap();
    store.migrate().await.unwrap();
    let fill = format!(
        "insert into {name} {COLUMNS} select lpad(seq, 22, '0'), seq, 0, 1, 'alice', repeat('x', 300) from seq_1_to_{ROWS}"
    );
    sqlx::query(AssertSqlSafe(fill)).execute(&server.pool()).await.unwrap();
    sweeps_while_requests_run("MariaDB", store, left!(server.pool(), name)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_rows_in_sqlite() {
    let file = File::new();
    let store = file.store().await;
    let fill = format!(
        "insert into cloakroom_sessions {COLUMNS} with recursive s(n) as (select 1 union all select n + 1 from s limit {ROWS}) \
         select printf('%022d', n), n, 0, 1, 'alice', cast(printf('%0300d', n) as blob) from s"
    );
    sqlx::query(AssertSqlSafe(fill)).execute(&file.pool()).await.unwrap();
    sweeps_while_requests_run("SQLite", store, left!(file.pool(), "cloakroom_sessions")).await;
}

#[tokio::test]
async fn a_sweeper_goes_on_after_errors_and_ends_when_told_or_dropped() {
    let file = File::new();
    let store = file.store().await;
    let old = ending(ago(Record::GRACE + 61 * MINUTE));
    let sweeper = store.sweep_every(Duration::from_millis(20));
    let is_swept = async || {
        let id = stored(&store, &old).await;
        let started = Instant::now();
        while store.load(&id).await.unwrap().is_some() {
            assert!(started.elapsed() < Duration::from_secs(5), "nothing was swept");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    is_swept().await;
    let pool = file.pool();
    sqlx::query("alter table cloakroom_sessions rename to hidden").execute(&pool).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    sqlx::query("alter table hidden rename to cloakroom_sessions").execute(&pool).await.unwrap();
    is_swept().await;

    sweeper.stop().await;
    let id = stored(&store, &old).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(store.load(&id).await.unwrap().is_some());

    // With its period, it would sweep at once.
    drop(store.sweep_every(Duration::ZERO));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(store.load(&id).await.unwrap().is_some());
}
