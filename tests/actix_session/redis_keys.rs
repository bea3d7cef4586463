//! The keys in Redis.

use cloakroom::{
    Owners, SessionLayer,
    actix_web::{
        SessionMiddleware,
        storage::{RedisActorSessionStore, RedisSessionStore},
    },
};

use crate::{
    house::{Site, builder},
    redis_support::server::Server,
    stores,
    support::Browser,
};

async fn keys(server: &Server) -> Vec<String> {
    server.run_command("KEYS *").await
}

/// Row: keys in Redis.
#[actix_web::test]
async fn a_session_is_one_string_named_by_its_public_id() {
    let server = Server::start().await;
    let browser = Browser::new();
    let site = Site::new(builder(RedisSessionStore::new(server.url()).await.unwrap()).build());
    site.get(&browser, "/app/insert:user:ada").await;
    let id = site.get(&browser, "/app/id").await.body;
    assert_eq!(keys(&server).await, [format!("cloakroom:{id}")]);
    assert_eq!(server.value::<String>(&id, "user").await.as_deref(), Some("\"ada\""));
    let left: i64 = server.run_command(&format!("TTL cloakroom:{id}")).await;
    // A day without use, and ten minutes for a request that loaded the session in time.
    assert!((86_800..=87_000).contains(&left), "{left}");
    assert!(browser.header().starts_with(&format!("id={id}")) && browser.header().len() > 3 + id.len());
    assert_eq!(server.run_command::<String>(&format!("TYPE cloakroom:{id}")).await, "string");
    site.get(&browser, "/app/purge").await;
    // A tombstone keeps a call that arrives late from making the session again.
    assert_eq!(server.run_command::<String>(&format!("GET cloakroom:{id}")).await, "");
    let left: i64 = server.run_command(&format!("TTL cloakroom:{id}")).await;
    assert!((500..=600).contains(&left), "{left}");
}

#[actix_web::test]
async fn each_way_to_redis_takes_names_of_ones_own() {
    let name = |key: &str| format!("{{shop}}/{}", key.replace(':', "/"));
    let server = Server::start().await;
    let single = RedisSessionStore::builder(server.url()).cache_keygen(name).build().await.unwrap();
    let pooled = RedisSessionStore::builder_pooled(stores::pool(&server)).cache_keygen(name).build().await.unwrap();
    let actor = RedisActorSessionStore::builder(server.address()).cache_keygen(name).build();
    let owned = |layer: SessionLayer| layer.owner_key("user");
    let sites = [
        served(builder(single).layer(owned).build()),
        served(builder(pooled).layer(owned).build()),
        served(builder(actor).layer(owned).build()),
    ];
    for (owners, site) in sites {
        let browser = Browser::new();
        site.get(&browser, "/app/insert:user:ada/renew").await;
        let id = site.get(&browser, "/app/id").await.body;
        let mut found = keys(&server).await;
        found.sort_unstable();
        let mut expected = [format!("{{shop}}/{id}"), "{shop}/owner/ada".to_owned()];
        expected.sort_unstable();
        assert_eq!(found, expected);
        assert_eq!(owners.revoke_all("ada").await.unwrap(), 1);
        assert_eq!(site.get(&browser, "/app/get:user").await.body, "none");
        let _: String = server.run_command("FLUSHALL").await;
    }
}

fn served<S: 'static>(middleware: SessionMiddleware<S>) -> (Owners, Site) {
    (middleware.owners().unwrap(), Site::new(middleware))
}
