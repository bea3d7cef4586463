//! The shop on Actix Web.

use std::{io, net::TcpListener};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, Responder, ResponseError,
    http::{StatusCode, header::ContentType},
    web::{self, Data, Form, Path},
};
use cloakroom::{Session, actix_web::SessionMiddleware};

use super::{
    reply::{Answer, Refusal, Reply},
    shop::{self, Login, Order, Shop},
};

pub(crate) async fn serve(listener: TcpListener, shop: Shop, middleware: SessionMiddleware) -> io::Result<()> {
    let app = move || {
        App::new()
            // The extractors load the session, so `/health` works while the store does not.
            .wrap(middleware.clone().lazy())
            .app_data(Data::new(shop.clone()))
            .route("/", web::get().to(home))
            .route("/login", web::post().to(login))
            .route("/cart", web::post().to(order))
            .route("/logout", web::post().to(logout))
            .route("/logout-everywhere", web::post().to(logout_everywhere))
            .route("/sessions/{id}/revoke", web::post().to(revoke))
            .route("/api/session", web::get().to(api))
            .route("/health", web::get().to(health))
    };
    // `main` handles the signals, and ends all three servers.
    HttpServer::new(app).listen(listener)?.disable_signals().run().await
}

async fn home(shop: Data<Shop>, session: Session) -> Answer {
    shop.home(&session).await
}

async fn login(shop: Data<Shop>, session: Session, form: Form<Login>) -> Answer {
    shop.login(&session, &form)
}

async fn order(session: Session, form: Form<Order>) -> Answer {
    shop::order(&session, &form)
}

async fn logout(session: Session) -> Reply {
    shop::logout(&session)
}

async fn logout_everywhere(shop: Data<Shop>, session: Session) -> Answer {
    shop.logout_everywhere(&session).await
}

async fn revoke(shop: Data<Shop>, session: Session, id: Path<String>) -> Answer {
    shop.revoke(&session, &id).await
}

async fn api(shop: Data<Shop>, session: Session) -> Answer {
    shop.api(&session)
}

async fn health() -> Reply {
    Reply::Healthy
}

impl Responder for Reply {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        match self {
            Self::Page(html) => HttpResponse::Ok().content_type(ContentType::html()).body(html.into_string()),
            Self::Status(status) => HttpResponse::Ok().json(status),
            Self::Home => web::Redirect::to("/").see_other().respond_to(request).map_into_boxed_body(),
            Self::Healthy => HttpResponse::Ok().body("ok"),
        }
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).content_type(ContentType::plaintext()).body(self.why)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.why)
    }
}
