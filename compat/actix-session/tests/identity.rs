//! The owners of sessions are the users that actix-identity logs in.

use std::cell::RefCell;

use actix_identity::IdentityMiddleware;
use actix_web::{
    App, Error,
    body::{MessageBody, to_bytes},
    cookie::Cookie,
    dev::{Service, ServiceResponse},
    test::{TestRequest, init_service},
    web::Data,
};

#[allow(dead_code)] // It is a program of its own.
#[path = "../examples/identity.rs"]
mod example;

#[allow(dead_code)] // Other programs need more of it.
#[path = "../../../tests/support/log.rs"]
mod log;

/// A browser with the session's cookie.
struct Device(RefCell<Option<Cookie<'static>>>);

impl Device {
    /// Posts a form, and returns the response.
    async fn post<B: MessageBody>(
        &self,
        app: &impl Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
        path: &str,
        form: &[(&str, &str)],
    ) -> u16 {
        self.send(app, TestRequest::post().uri(path).set_form(form)).await.0
    }

    async fn home<B: MessageBody>(
        &self,
        app: &impl Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
    ) -> String {
        self.send(app, TestRequest::get()).await.1
    }

    async fn send<B: MessageBody>(
        &self,
        app: &impl Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
        request: TestRequest,
    ) -> (u16, String) {
        let held = self.0.borrow().clone();
        let request = held.into_iter().fold(request, TestRequest::cookie);
        let response = app.call(request.to_request()).await.expect("no error");
        if let Some(cookie) = response.response().cookies().next() {
            let is_removal = cookie.value().is_empty();
            *self.0.borrow_mut() = (!is_removal).then(|| cookie.into_owned());
        }
        let status = response.status().as_u16();
        let Ok(bytes) = to_bytes(response.into_body()).await else { panic!("a body") };
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }
}

#[actix_web::test]
async fn one_call_logs_a_user_out_on_all_devices() {
    let log = log::Log::capture();
    let sessions = example::sessions();
    let owners = sessions.owners().expect("memory has an index of owners");
    let app = App::new()
        .wrap(IdentityMiddleware::default())
        .wrap(sessions)
        .app_data(Data::new(owners.clone()))
        .configure(example::routes);
    let app = init_service(app).await;

    let [laptop, phone, other, nobody] = [const { Device(RefCell::new(None)) }; 4];
    for (device, name) in [(&laptop, "ada"), (&phone, "ada"), (&other, "grace")] {
        assert_eq!(device.post(&app, "/login", &[("name", name)]).await, 303);
        assert_eq!(device.home(&app).await, format!("hello, {name}\n"));
    }
    assert_eq!(nobody.home(&app).await, "hello, stranger\n");
    assert_eq!(nobody.post(&app, "/logout-everywhere", &[]).await, 401);
    assert_eq!(owners.list("ada").await.expect("it works").len(), 2);

    assert_eq!(phone.post(&app, "/logout-everywhere", &[]).await, 303);
    for (device, name) in [(&laptop, "stranger"), (&phone, "stranger"), (&other, "grace")] {
        assert_eq!(device.home(&app).await, format!("hello, {name}\n"));
    }
    assert!(phone.0.borrow().is_none(), "its own cookie is gone");
    assert!(!log.has("ERROR") && log.has("session created"), "it runs on these sessions: {}", log.text());
}

#[actix_web::test]
async fn the_application_can_log_a_user_out_from_elsewhere() {
    let sessions = example::sessions();
    let owners = sessions.owners().expect("memory has an index of owners");
    let app = App::new().wrap(IdentityMiddleware::default()).wrap(sessions).configure(example::routes);
    let app = init_service(app).await;
    let [laptop, phone] = [const { Device(RefCell::new(None)) }; 2];
    for device in [&laptop, &phone] {
        device.post(&app, "/login", &[("name", "ada")]).await;
    }
    assert_eq!(laptop.post(&app, "/logout", &[]).await, 303);
    assert_eq!(owners.list("ada").await.expect("it works").len(), 1, "a logout takes one's own away");
    assert_eq!(owners.revoke_all("ada").await.expect("it works"), 1);
    assert_eq!(phone.home(&app).await, "hello, stranger\n");
    assert_eq!(owners.revoke_all("ada").await.expect("it works"), 0);
}
