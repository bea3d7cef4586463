//! Sessions that move into SQL, and out of it, while requests write them.

use cloakroom::{MemoryStore, SessionLayer, keys::SecretKey, store::SessionStore};
use tokio::task::JoinSet;

use crate::{
    app::App,
    servers::{mariadb, postgres, sqlite::File},
};

/// Eight requests at once, half of them on nodes that only know the move, count in one session.
async fn moves(from: impl SessionStore + Clone, to: impl SessionStore + Clone) {
    let key = SecretKey::generate();
    let old = App::over(SessionLayer::new(from.clone()).also(to.clone()).moved(&key));
    let new = App::over(SessionLayer::new(to.clone()).also(from.clone()).moving(&key));
    let cookie = old.new_session().await;
    let mut requests = JoinSet::new();
    for at in 0..8 {
        let (app, cookie) = (if at % 2 == 0 { new.clone() } else { old.clone() }, cookie.clone());
        requests.spawn(async move { app.get("/count", Some(&cookie)).await });
    }
    let answers = requests.join_all().await;
    let statuses: Vec<_> = answers.iter().map(|seen| (seen.status, &seen.body)).collect();
    assert!(answers.iter().all(|seen| seen.status == 200), "{statuses:?}");
    let moved = answers.iter().find_map(|seen| seen.cookie.clone()).expect("the token of the moved session");
    assert_ne!(moved, cookie);
    for app in [&new, &old, &App::new(to.clone())] {
        assert_eq!(app.get("/read", Some(&moved)).await.body, "9");
    }
    assert_eq!(new.get("/logout", Some(&moved)).await.status, 200);
    for app in [&new, &old] {
        for cookie in [&cookie, &moved] {
            assert_eq!(app.get("/read", Some(cookie)).await.body, "", "it has ended");
        }
    }
}

#[tokio::test]
async fn into_sql_and_out_of_it() {
    let file = File::new();
    let (postgres, mariadb, sqlite) =
        (postgres::SHARED.store().await, mariadb::SHARED.store().await, file.store().await);
    moves(MemoryStore::new(), postgres.clone()).await;
    moves(postgres.clone(), MemoryStore::new()).await;
    moves(postgres, mariadb.clone()).await;
    moves(mariadb, sqlite.clone()).await;
    moves(sqlite, MemoryStore::new()).await;
}
