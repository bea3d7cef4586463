//! The table.

use cloakroom::{
    SessionId,
    store::{Created, Deleted, OwnerIndex as _, Record, SessionStore},
    testing::RecordBuilder,
};
use cloakroom_sqlx::{Database, MySqlStore, PostgresStore, SqlStore, SqliteStore};
use sqlx::Row as _;

use crate::servers::{mariadb, postgres, sqlite::File, table};

fn record(owner: &str) -> Record {
    RecordBuilder::new(std::time::SystemTime::now().into()).set("cart", "[1,2]").owner(Some(owner)).build()
}

async fn works<DB: Database>(store: &SqlStore<DB>) {
    let (id, record) = (SessionId::random(), record("alice"));
    assert_eq!(store.create(&id, &record).await.unwrap(), Created::Done);
    assert_eq!(store.list("alice").await.unwrap().len(), 1);
    assert_eq!(store.delete(&id, Some(&record)).await.unwrap(), Deleted::Done);
}

/// Eight at once, and once more when all is there.
async fn migrates<DB: Database>(store: &SqlStore<DB>) {
    let all: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.migrate().await })
        })
        .collect();
    for one in all {
        one.await.unwrap().unwrap();
    }
    works(store).await;
    store.migrate().await.unwrap();
    works(store).await;
}

#[tokio::test]
async fn migrations_are_idempotent_also_at_once_and_make_nothing_else() {
    let (server, name) = (&*postgres::SHARED, table());
    migrates(&PostgresStore::new(server.pool()).table(&name).unwrap()).await;
    migrates(&MySqlStore::new(mariadb::SHARED.pool()).table(&name).unwrap()).await;
    let file = File::new();
    migrates(&SqliteStore::new(file.pool()).table(&name).unwrap()).await;
    let all = "select name from sqlite_schema where name not like 'sqlite_%' order by name";
    let made: Vec<String> = sqlx::query_scalar(all).fetch_all(&file.pool()).await.unwrap();
    assert_eq!(made, [name.clone(), format!("{name}_owner"), format!("{name}_sweep")]);
    for table in ["_sqlx_migrations", "cloakroom_sessions"] {
        let found = "select count(*) from pg_tables where tablename = $1";
        let found: i64 = sqlx::query_scalar(found).bind(table).fetch_one(&server.pool()).await.unwrap();
        assert_eq!(found, 0, "{table}");
    }
}

#[tokio::test]
async fn a_table_may_be_in_another_schema() {
    let (server, name) = (&*postgres::SHARED, table());
    sqlx::query("create schema auth").execute(&server.pool()).await.unwrap();
    let store = PostgresStore::new(server.pool()).table(&format!("auth.{name}")).unwrap();
    migrates(&store).await;
    let server = &*mariadb::SHARED;
    sqlx::query("create database auth").execute(&server.pool()).await.unwrap();
    migrates(&MySqlStore::new(server.pool()).table(&format!("auth.{name}")).unwrap()).await;
    let file = File::new();
    migrates(&SqliteStore::new(file.pool()).table(&format!("main.{name}")).unwrap()).await;
    // It is not made.
    let store = PostgresStore::new(postgres::SHARED.pool()).table("nowhere.sessions").unwrap();
    assert!(store.migrate().await.unwrap_err().to_string().contains("nowhere"));
}

#[tokio::test]
async fn a_name_that_is_no_word_is_refused() {
    let error = PostgresStore::new(postgres::SHARED.pool()).table("s; drop table users").unwrap_err();
    assert!(error.to_string().contains("drop table users"), "{error}");
}

/// The statements of the file, as an application's own migration runs them.
#[tokio::test]
async fn the_schema_is_a_file_that_migrations_can_have() {
    assert_eq!(PostgresStore::schema(), include_str!("../../schema/postgres.sql"));
    assert_eq!(MySqlStore::schema(), include_str!("../../schema/mysql.sql"));
    let file = File::new();
    sqlx::raw_sql(SqliteStore::schema()).execute(&file.pool()).await.unwrap();
    works(&SqliteStore::new(file.pool())).await;

    let (server, name) = (&*postgres::SHARED, table());
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("create database {name}"))).execute(&server.pool()).await.unwrap();
    let pool = postgres::pool(server.options().database(&name));
    sqlx::raw_sql(PostgresStore::schema()).execute(&pool).await.unwrap();
    works(&PostgresStore::new(pool)).await;

    let server = &*mariadb::SHARED;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("create database {name}"))).execute(&server.pool()).await.unwrap();
    let pool = mariadb::pool(server.options().database(&name));
    sqlx::raw_sql(MySqlStore::schema()).execute(&pool).await.unwrap();
    works(&MySqlStore::new(pool)).await;
}

/// A person finds the sessions of a user with the database's own program.
#[tokio::test]
async fn a_person_can_read_the_table() {
    let (server, name) = (&*postgres::SHARED, table());
    let store = PostgresStore::new(server.pool()).table(&name).unwrap();
    store.migrate().await.unwrap();
    let (id, record) = (SessionId::random(), record("alice"));
    store.create(&id, &record).await.unwrap();
    let text = format!(
        "select id, to_timestamp(expires_at / 1000.0)::text, convert_from(record, 'utf8') from {name} where owner = 'alice'"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_one(&server.pool()).await.unwrap();
    assert_eq!(row.get::<String, _>(0), id.to_string());
    assert!(row.get::<String, _>(1).starts_with("20"));
    assert!(row.get::<String, _>(2).ends_with("\nowner=5:alice\n\n4:cart=5:[1,2]\n"), "{}", row.get::<String, _>(2));
}

/// The default collation of MySQL takes one for the other.
#[tokio::test]
async fn owners_are_bytes() {
    let store = mariadb::SHARED.store().await;
    let owners = ["alice", "ALICE", "'ALICE '", "alice ", "Älice", "alic\u{65}\u{301}", "alicé"];
    for owner in owners {
        store.create(&SessionId::random(), &record(owner)).await.unwrap();
    }
    for owner in owners {
        assert_eq!(store.list(owner).await.unwrap().len(), 1, "{owner}");
        assert_eq!(store.revoke_all(owner, None).await.unwrap().len(), 1, "{owner}");
    }
}
