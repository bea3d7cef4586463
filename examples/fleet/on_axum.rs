//! The shop on Axum.

use std::{io, net::TcpListener};

use axum::{
    Form, Json, Router,
    extract::{Path, State},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use cloakroom::{Session, SessionLayer};

use super::{
    reply::{Answer, Refusal, Reply},
    servers::Policy,
    shop::{self, Login, Order, Shop},
};

pub(crate) async fn serve<P: Policy>(listener: TcpListener, shop: Shop, layer: SessionLayer<P>) -> io::Result<()> {
    let app = Router::new()
        .route("/", get(home))
        .route("/login", post(login))
        .route("/cart", post(order))
        .route("/logout", post(logout))
        .route("/logout-everywhere", post(logout_everywhere))
        .route("/sessions/{id}/revoke", post(revoke))
        .route("/api/session", get(api))
        .route("/health", get(health))
        .layer(layer)
        .with_state(shop);
    listener.set_nonblocking(true)?;
    axum::serve(tokio::net::TcpListener::from_std(listener)?, app).await
}

async fn home(State(shop): State<Shop>, session: Session) -> Answer {
    shop.home(&session).await
}

async fn login(State(shop): State<Shop>, session: Session, Form(form): Form<Login>) -> Answer {
    shop.login(&session, &form)
}

async fn order(session: Session, Form(form): Form<Order>) -> Answer {
    shop::order(&session, &form)
}

async fn logout(session: Session) -> Reply {
    shop::logout(&session)
}

async fn logout_everywhere(State(shop): State<Shop>, session: Session) -> Answer {
    shop.logout_everywhere(&session).await
}

async fn revoke(State(shop): State<Shop>, session: Session, Path(id): Path<String>) -> Answer {
    shop.revoke(&session, &id).await
}

async fn api(State(shop): State<Shop>, session: Session) -> Answer {
    shop.api(&session)
}

async fn health() -> Reply {
    Reply::Healthy
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        match self {
            Self::Page(html) => Html(html.into_string()).into_response(),
            Self::Status(status) => Json(status).into_response(),
            Self::Home => Redirect::to("/").into_response(),
            Self::Healthy => "ok".into_response(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, self.why).into_response()
    }
}
