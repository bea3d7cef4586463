//! From the first visit to the logout.

use actix_web::{cookie::time::Duration, guard, web};
use cloakroom::{
    Session,
    actix_web::{
        SessionExt as _,
        config::{CookieContentSecurity, PersistentSession},
        storage::SessionStore,
    },
};

use crate::{
    house::{Site, attribute, builder, is_server_side, max_age},
    stores::over_every_store,
    support::{Browser, Sent, drivers::actix::routes},
};

const WEEK: Duration = Duration::days(7);

async fn a_value_is_there_in_the_next_request<S: SessionStore + 'static>(store: S, content: CookieContentSecurity) {
    let middleware = builder(store)
        .cookie_name("shop-session".into())
        .cookie_path("/app/".into())
        .cookie_domain(Some("localhost".into()))
        .cookie_content_security(content)
        .session_lifecycle(PersistentSession::default().session_ttl(Duration::seconds(100)));
    let site = Site::new(middleware.build());
    let page = site.peek(&Browser::new(), "/app/insert:n:100").await;
    assert!(page.cookies()[0].starts_with("shop-session="), "{page:?}");
    assert_eq!((attribute(&page, "Path"), attribute(&page, "Domain")), (Some("/app/"), Some("localhost")));
    assert_eq!(max_age(&page), Some(100));
    assert_eq!(site.get(&Browser::echo(&page), "/app/get:n").await.body, "100");
}
over_every_store!(a_value_is_there_in_the_next_request);

async fn visits_then_a_login_then_a_logout<S: SessionStore + 'static>(store: S, content: CookieContentSecurity) {
    let middleware = builder(store)
        .cookie_content_security(content)
        .session_lifecycle(PersistentSession::default().session_ttl(WEEK))
        .build();
    let site = Site::new(middleware);
    let browser = Browser::new();
    let read = "/app/get:user/get:n";
    let week = Some(WEEK.whole_seconds().unsigned_abs());

    let page = site.get(&browser, read).await;
    assert_eq!((page.body.as_str(), page.sent()), ("none none", Sent::Nothing), "an empty session has no cookie");
    let page = site.get(&browser, "/app/count:n/get:n").await;
    assert_eq!((page.body.as_str(), page.sent(), max_age(&page)), ("1", Sent::Token, week));
    let page = site.get(&browser, read).await;
    assert_eq!((page.body.as_str(), page.sent()), ("none 1", Sent::Nothing), "a reader is sent none");
    let page = site.get(&browser, "/app/count:n/get:n").await;
    assert_eq!((page.body.as_str(), page.sent(), max_age(&page)), ("2", Sent::Token, week), "a change extends");

    let before = browser.copied();
    let page = site.get(&browser, "/app/insert:user:ferris/renew/get:n/state").await;
    assert_eq!((page.body.as_str(), page.sent(), max_age(&page)), ("2 Renewed", Sent::Token, week));
    assert_ne!(browser.header(), before.header());
    assert_eq!(site.get(&browser, read).await.body, "ferris 2");
    assert_eq!(site.get(&browser, "/app/count:n/get:n").await.body, "3");

    let page = site.peek(&before, read).await;
    let expected = if is_server_side::<S>() { "none none" } else { "none 2" };
    assert_eq!((page.body.as_str(), page.sent()), (expected, Sent::Nothing), "the cookie from before the login");

    let stolen = browser.copied();
    let page = site.get(&browser, "/app/purge").await;
    assert_eq!((page.sent(), attribute(&page, "Path")), (Sent::Removal, Some("/")));
    let page = site.get(&browser, read).await;
    assert_eq!((page.body.as_str(), page.sent()), ("none none", Sent::Nothing));
    let page = site.peek(&stolen, read).await;
    let expected = if is_server_side::<S>() { "none none" } else { "ferris 3" };
    assert_eq!((page.body.as_str(), page.sent()), (expected, Sent::Nothing), "the cookie from before the logout");
}
over_every_store!(visits_then_a_login_then_a_logout);

fn guarded(config: &mut web::ServiceConfig) {
    let is_user = guard::fn_guard(|context| context.get_session().get::<String>("user").unwrap().is_some());
    let count = async |session: Session| session.get::<u32>("n").unwrap().unwrap_or_default().to_string();
    routes(config);
    config.service(web::scope("/members").guard(is_user).route("/count", web::get().to(count)));
}

async fn a_guard_lets_members_in<S: SessionStore + 'static>(store: S, content: CookieContentSecurity) {
    let site = Site::with(builder(store).cookie_content_security(content).build(), guarded);
    let browser = Browser::new();
    assert_eq!(site.get(&browser, "/members/count").await.status, 404);
    site.get(&browser, "/app/insert:user:ferris/renew").await;
    site.get(&browser, "/app/count:n").await;
    let page = site.get(&browser, "/members/count").await;
    assert_eq!((page.status.as_u16(), page.body.as_str()), (200, "1"));
    site.get(&browser, "/app/purge").await;
    assert_eq!(site.get(&browser, "/members/count").await.status, 404);
}
over_every_store!(a_guard_lets_members_in);
