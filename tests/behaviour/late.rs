//! Changes after the response's head is sent: streaming bodies, server-sent events, tasks and sockets, all of them
//! real.

use std::{net::TcpListener, sync::Arc, thread};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, http::header::ContentType, web};
use axum::{
    Router,
    body::Body,
    extract::{
        State,
        ws::{Message, WebSocketUpgrade},
    },
    response::{
        IntoResponse as _, Response,
        sse::{Event, Sse},
    },
    routing::get,
};
use cloakroom::{Error, MemoryStore, Session, SessionLayer, actix_web::SessionMiddleware};
use futures_util::{SinkExt as _, StreamExt as _, stream};
use tokio::{
    net::TcpStream,
    sync::{
        Mutex,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    },
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{self, client::IntoClientRequest as _},
};

use crate::{app::Browser, support::log::Log};

/// Runs a command of the test after the head is sent, and returns the result.
async fn obey(session: &Session, command: &str) -> String {
    let save = async || word(session.save().await);
    match command.split_once(' ').unwrap_or((command, "")) {
        ("set", value) => {
            session.insert("n", value.parse::<u32>().unwrap()).unwrap();
            save().await
        }
        ("add", _) => {
            session.update("n", |n: u32| n + 1).unwrap();
            save().await
        }
        ("note", value) => {
            session.insert("note", value).unwrap();
            "noted".to_owned()
        }
        ("save", _) => save().await,
        ("read", _) => match session.reload().await {
            Ok(()) => look(session),
            error => word(error),
        },
        ("renew", _) => {
            session.renew();
            save().await
        }
        ("purge", _) => {
            session.purge();
            save().await
        }
        ("start", _) => word(session.start().await),
        other => panic!("{other:?}"),
    }
}

fn look(session: &Session) -> String {
    let n = session.get::<u32>("n").unwrap();
    let note = session.get::<String>("note").unwrap().unwrap_or_default();
    format!("{n:?} {note}")
}

fn word(result: Result<(), Error>) -> String {
    match result {
        Ok(()) => "ok".to_owned(),
        Err(error) if error.is_gone() => "gone".to_owned(),
        Err(error) if error.is_too_late() => "too late".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Runs before the head is sent. Paths that end in `unstarted` do not start the session.
async fn begin(session: &Session, path: &str) {
    if !path.ends_with("unstarted") {
        session.start().await.expect("memory");
    }
}

/// Handles the other requests: one that reads, one that adds, a login and a logout.
fn plain(session: &Session, path: &str) -> String {
    match path {
        "/look" => {}
        "/add" => session.update_or("n", 1, |n: u32| n + 1).unwrap(),
        "/renew" => session.renew(),
        "/leave" => session.purge(),
        other => panic!("{other}"),
    }
    look(session)
}

/// The source of commands for long-lived handlers, and the place of a task's answers.
#[derive(Clone)]
struct Desk {
    commands: Arc<Mutex<Option<UnboundedReceiver<String>>>>,
    replies: UnboundedSender<String>,
}

impl Desk {
    /// Returns a streaming body with a reply to each command.
    async fn replies(&self, session: Session) -> impl stream::Stream<Item = String> + Send + use<> {
        let commands = self.commands.lock().await.take().expect("one stream a desk");
        stream::unfold((session, commands), async |(session, mut commands)| {
            let command = commands.recv().await?;
            Some((obey(&session, &command).await, (session, commands)))
        })
    }
}

async fn in_task(desk: Desk, session: Session) {
    let mut replies = Box::pin(desk.replies(session).await);
    while let Some(reply) = replies.next().await {
        let _ = desk.replies.send(reply);
    }
}

mod on_axum {
    use super::*;

    pub(super) async fn serve(listener: TcpListener, layer: SessionLayer, desk: Desk) {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        axum::serve(listener, app(layer, desk)).await.unwrap();
    }

    pub(super) fn app(layer: SessionLayer, desk: Desk) -> Router {
        Router::new()
            .route("/socket", get(socket))
            .route("/socket/unstarted", get(socket))
            .route("/{kind}", get(other))
            .route("/{kind}/unstarted", get(other))
            .with_state(desk)
            .layer(layer)
    }

    async fn socket(session: Session, uri: http::Uri, upgrade: WebSocketUpgrade) -> Response {
        begin(&session, uri.path()).await;
        upgrade.on_upgrade(async move |mut socket| {
            while let Some(Ok(Message::Text(command))) = socket.recv().await {
                let reply = obey(&session, &command).await;
                socket.send(Message::Text(reply.into())).await.unwrap();
            }
        })
    }

    async fn other(State(desk): State<Desk>, session: Session, uri: http::Uri) -> Response {
        let path = uri.path();
        match path.split('/').nth(1).unwrap() {
            "body" => {
                begin(&session, path).await;
                Body::from_stream(desk.replies(session).await.map(Ok::<_, Error>)).into_response()
            }
            "events" => {
                begin(&session, path).await;
                let events = desk.replies(session).await.map(|reply| Ok::<_, Error>(Event::default().data(reply)));
                Sse::new(events).into_response()
            }
            "task" => {
                begin(&session, path).await;
                tokio::spawn(in_task(desk, session));
                "begun".into_response()
            }
            _ => plain(&session, path).into_response(),
        }
    }
}

mod on_actix {
    use super::*;

    pub(super) fn serve(listener: TcpListener, layer: SessionLayer, desk: Desk) -> ServerHandle {
        let (started, handle) = std::sync::mpsc::channel();
        thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let app = move || {
                    App::new()
                        .app_data(web::Data::new(desk.clone()))
                        .wrap(SessionMiddleware::from(layer.clone()))
                        .default_service(web::to(handle_all))
                };
                let server = HttpServer::new(app).workers(1).listen(listener).unwrap().disable_signals().run();
                started.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        handle.recv().unwrap()
    }

    async fn handle_all(
        desk: web::Data<Desk>,
        session: Session,
        request: HttpRequest,
        body: web::Payload,
    ) -> actix_web::Result<HttpResponse> {
        let path = request.path().to_owned();
        let desk = desk.get_ref().clone();
        Ok(match path.split('/').nth(1).unwrap() {
            "socket" => {
                begin(&session, &path).await;
                let (response, mut out, mut messages) = actix_ws::handle(&request, body)?;
                actix_web::rt::spawn(async move {
                    while let Some(Ok(actix_ws::Message::Text(command))) = messages.next().await {
                        let reply = obey(&session, &command).await;
                        out.text(reply).await.unwrap();
                    }
                });
                response
            }
            "body" => {
                begin(&session, &path).await;
                let replies = desk.replies(session).await;
                HttpResponse::Ok().streaming(replies.map(|reply| Ok::<_, Error>(web::Bytes::from(reply))))
            }
            "events" => {
                begin(&session, &path).await;
                let events = desk.replies(session).await;
                let events = events.map(|reply| Ok::<_, Error>(web::Bytes::from(format!("data: {reply}\n\n"))));
                HttpResponse::Ok().content_type("text/event-stream").streaming(events)
            }
            "task" => {
                begin(&session, &path).await;
                actix_web::rt::spawn(in_task(desk, session));
                HttpResponse::Ok().body("begun")
            }
            _ => HttpResponse::Ok().content_type(ContentType::plaintext()).body(plain(&session, &path)),
        })
    }
}

/// A server of one framework, one browser, and one open line to a handler.
struct House {
    url: String,
    browser: Browser,
    client: reqwest::Client,
    commands: UnboundedSender<String>,
    replies: UnboundedReceiver<String>,
    line: Line,
    _server: Server,
}

enum Server {
    Axum(tokio::task::JoinHandle<()>),
    Actix(ServerHandle),
}

impl Drop for Server {
    fn drop(&mut self) {
        match self {
            Self::Axum(task) => task.abort(),
            // The server stops at this call. The future only waits for that.
            Self::Actix(handle) => drop(handle.stop(false)),
        }
    }
}

enum Line {
    None,
    Socket(Box<WebSocketStream<MaybeTlsStream<TcpStream>>>),
    Body(reqwest::Response),
    Events(reqwest::Response),
    Task,
}

#[derive(Clone, Copy, Debug)]
enum Framework {
    Axum,
    Actix,
}

impl House {
    fn new(framework: Framework) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (commands, taken) = unbounded_channel();
        let (given, replies) = unbounded_channel();
        let desk = Desk { commands: Arc::new(Mutex::new(Some(taken))), replies: given };
        let layer = SessionLayer::new(MemoryStore::new()).insecure_http();
        let server = match framework {
            Framework::Axum => Server::Axum(tokio::spawn(on_axum::serve(listener, layer, desk))),
            Framework::Actix => Server::Actix(on_actix::serve(listener, layer, desk)),
        };
        let (browser, client) = (Browser::default(), reqwest::Client::new());
        Self { url, browser, client, commands, replies, line: Line::None, _server: server }
    }

    async fn get(&mut self, path: &str) -> reqwest::Response {
        let url = format!("{}{path}", self.url);
        let mut request = self.client.get(&url);
        if let Some(cookies) = self.browser.cookies(&url) {
            request = request.header("cookie", cookies);
        }
        let response = request.send().await.unwrap().error_for_status().unwrap();
        self.browser.keep_of(response.headers(), &url);
        response
    }

    async fn text(&mut self, path: &str) -> String {
        self.get(path).await.text().await.unwrap()
    }

    fn token(&self) -> Option<String> {
        self.browser.value(&self.url, "id")
    }

    /// Begins a response that goes on after its head.
    async fn open(&mut self, path: &str) {
        self.line = match path.split('/').nth(1).unwrap() {
            "socket" => {
                let mut request = format!("{}{path}", self.url.replace("http", "ws")).into_client_request().unwrap();
                if let Some(cookies) = self.browser.cookies(&self.url) {
                    request.headers_mut().insert("cookie", cookies);
                }
                let (socket, response) = tokio_tungstenite::connect_async(request).await.unwrap();
                self.browser.keep_of(response.headers(), &self.url);
                Line::Socket(Box::new(socket))
            }
            "body" => Line::Body(self.get(path).await),
            "events" => Line::Events(self.get(path).await),
            _ => {
                assert_eq!(self.text(path).await, "begun");
                Line::Task
            }
        };
    }

    async fn ask(&mut self, command: &str) -> String {
        if let Line::Socket(socket) = &mut self.line {
            socket.send(tungstenite::Message::text(command)).await.unwrap();
            return socket.next().await.unwrap().unwrap().into_text().unwrap().as_str().to_owned();
        }
        self.commands.send(command.to_owned()).unwrap();
        match &mut self.line {
            Line::Body(response) => String::from_utf8(response.chunk().await.unwrap().unwrap().to_vec()).unwrap(),
            Line::Events(response) => {
                let event = String::from_utf8(response.chunk().await.unwrap().unwrap().to_vec()).unwrap();
                event.strip_prefix("data: ").and_then(|data| data.strip_suffix("\n\n")).expect("an event").to_owned()
            }
            _ => self.replies.recv().await.unwrap(),
        }
    }
}

/// Runs the same story on every kind of long-lived response.
async fn everywhere(story: impl AsyncFn(House, &str, String)) {
    for framework in [Framework::Axum, Framework::Actix] {
        for path in ["/socket", "/body", "/events", "/task"] {
            story(House::new(framework), path, format!("{framework:?} {path}")).await;
        }
    }
}

#[tokio::test]
async fn what_is_saved_late_is_there_for_the_next_request_and_the_other_way_round() {
    everywhere(async |mut house, path, what| {
        house.open(path).await;
        assert!(house.token().is_some(), "{what}: the cookie came with the head");
        assert_eq!(house.ask("set 1").await, "ok", "{what}");
        assert_eq!(house.text("/look").await, "Some(1) ", "{what}");
        assert_eq!(house.text("/add").await, "Some(2) ", "{what}");
        assert_eq!(house.ask("read").await, "Some(2) ", "{what}");
        // Unsaved changes stay on top of a reload, and other requests' keys are there.
        assert_eq!(house.ask("note mine").await, "noted", "{what}");
        assert_eq!(house.text("/add").await, "Some(3) ", "{what}: nobody else sees it");
        assert_eq!(house.ask("read").await, "Some(3) mine", "{what}");
        assert_eq!(house.ask("save").await, "ok", "{what}");
        assert_eq!(house.text("/look").await, "Some(3) mine", "{what}");
        // The update counts from the stored value, not from the one that was read.
        house.text("/add").await;
        assert_eq!(house.ask("add").await, "ok", "{what}");
        assert_eq!(house.text("/look").await, "Some(5) mine", "{what}");
    })
    .await;
}

#[tokio::test]
async fn a_session_that_needs_a_cookie_is_too_late() {
    everywhere(async |mut house, path, what| {
        house.open(&format!("{path}/unstarted")).await;
        assert_eq!(house.token(), None, "{what}");
        assert_eq!(house.ask("save").await, "ok", "{what}: nothing to save");
        assert_eq!(house.ask("set 1").await, "too late", "{what}");
        assert_eq!(house.ask("start").await, "too late", "{what}");
        assert_eq!(house.text("/look").await, "None ", "{what}");
    })
    .await;
}

#[tokio::test]
async fn a_late_renewal_is_too_late_and_leaves_the_token_as_it_is() {
    everywhere(async |mut house, path, what| {
        house.open(path).await;
        assert_eq!(house.ask("set 1").await, "ok", "{what}");
        let token = house.token();
        assert_eq!(house.ask("renew").await, "too late", "{what}");
        assert_eq!(house.text("/look").await, "Some(1) ", "{what}");
        assert_eq!(house.token(), token, "{what}");
    })
    .await;
}

#[tokio::test]
async fn a_late_purge_ends_the_session() {
    everywhere(async |mut house, path, what| {
        house.open(path).await;
        assert_eq!(house.ask("set 1").await, "ok", "{what}");
        assert_eq!(house.ask("purge").await, "ok", "{what}");
        assert_eq!(house.text("/look").await, "None ", "{what}");
        // Later changes have no effect.
        assert_eq!(house.ask("set 2").await, "ok", "{what}");
        assert_eq!(house.text("/look").await, "None ", "{what}");
    })
    .await;
}

#[tokio::test]
async fn after_a_logout_elsewhere_the_session_is_gone_and_stays_so() {
    everywhere(async |mut house, path, what| {
        house.open(path).await;
        assert_eq!(house.ask("set 1").await, "ok", "{what}");
        let stolen = house.browser.clone();
        house.text("/leave").await;
        house.browser = stolen;
        assert_eq!(house.ask("read").await, "gone", "{what}");
        assert_eq!(house.ask("set 2").await, "gone", "{what}");
        assert_eq!(house.text("/look").await, "None ", "{what}: not revived");
    })
    .await;
}

#[tokio::test]
async fn after_a_login_elsewhere_writes_land_in_the_renewed_session() {
    everywhere(async |mut house, path, what| {
        house.open(path).await;
        assert_eq!(house.ask("set 1").await, "ok", "{what}");
        house.text("/renew").await;
        assert_eq!(house.ask("set 2").await, "ok", "{what}");
        assert_eq!(house.text("/look").await, "Some(2) ", "{what}");
        // To read on, the handle would need the new token.
        assert_eq!(house.ask("read").await, "gone", "{what}");
    })
    .await;
}

const WARNING: &str = "session dropped with unsaved changes";

#[tokio::test]
async fn a_handle_dropped_with_unsaved_changes_warns_in_axum() {
    for (command, warns) in [("note secret", true), ("set 1", false), ("read", false)] {
        let log = Log::capture();
        let (commands, taken) = unbounded_channel();
        let desk = Desk { commands: Arc::new(Mutex::new(Some(taken))), replies: unbounded_channel().0 };
        let app = on_axum::app(SessionLayer::new(MemoryStore::new()), desk);
        commands.send(command.to_owned()).unwrap();
        drop(commands);
        let response = Browser::default().axum(&app, "/body").await;
        assert!(!response.body().is_empty());
        let log = log.text();
        assert_eq!(log.matches(WARNING).count(), usize::from(warns), "{command}: {log}");
        assert!(!log.contains("secret"), "{log}");
    }
}

#[actix_web::test]
async fn a_handle_dropped_with_unsaved_changes_warns_in_actix() {
    async fn body(session: Session, command: web::Path<String>) -> HttpResponse {
        session.start().await.expect("memory");
        let body = stream::once(async move {
            obey(&session, &command).await;
            Ok::<_, Error>(web::Bytes::from("done"))
        });
        HttpResponse::Ok().streaming(body)
    }
    for (path, warns) in [("/note%20secret", true), ("/set%201", false), ("/read", false)] {
        let log = Log::capture();
        let middleware = SessionMiddleware::from(SessionLayer::new(MemoryStore::new()));
        let app = App::new().wrap(middleware).route("/{command}", web::get().to(body));
        let app = actix_web::test::init_service(app).await;
        assert_eq!(Browser::default().actix(&app, path).await.body(), "done");
        let log = log.text();
        assert_eq!(log.matches(WARNING).count(), usize::from(warns), "{path}: {log}");
        assert!(!log.contains("secret"), "{log}");
    }
}
