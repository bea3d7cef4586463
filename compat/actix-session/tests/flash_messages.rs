//! actix-web-flash-messages 0.5 requires actix-session 0.10, and runs unmodified on our sessions.

use actix_session::{Session, SessionMiddleware};
use actix_web::{
    App, Responder,
    body::to_bytes,
    cookie::Key,
    dev::Service as _,
    test::{TestRequest, init_service},
    web::{Redirect, get, post},
};
use actix_web_flash_messages::{
    FlashMessage, FlashMessagesFramework, IncomingFlashMessages, storage::SessionMessageStore,
};
use cloakroom::MemoryStore;

async fn login(session: Session) -> actix_web::Result<impl Responder> {
    session.renew();
    session.insert("user", "ada")?;
    FlashMessage::success("welcome").send();
    Ok(Redirect::to("/").see_other())
}

async fn home(session: Session, messages: IncomingFlashMessages) -> actix_web::Result<String> {
    let texts: Vec<&str> = messages.iter().map(FlashMessage::content).collect();
    Ok(format!("{}: {}", session.get::<String>("user")?.unwrap_or_default(), texts.join(", ")))
}

#[actix_web::test]
async fn a_message_is_shown_once_in_the_session_that_it_was_sent_in() {
    let messages = FlashMessagesFramework::builder(SessionMessageStore::default()).build();
    let sessions = SessionMiddleware::new(MemoryStore::new(), Key::generate());
    let app = App::new().wrap(messages).wrap(sessions).route("/", get().to(home)).route("/login", post().to(login));
    let app = init_service(app).await;
    let request = TestRequest::post().uri("/login").to_request();
    let response = app.call(request).await.expect("no error");
    let cookie = response.response().cookies().next().expect("a session").into_owned();
    for (cookie, text) in [(None, ": "), (Some(&cookie), "ada: welcome"), (Some(&cookie), "ada: ")] {
        let request = cookie.cloned().into_iter().fold(TestRequest::get(), TestRequest::cookie);
        let response = app.call(request.to_request()).await.expect("no error");
        assert_eq!(to_bytes(response.into_body()).await.expect("a body"), text);
    }
}
