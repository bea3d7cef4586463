//! The bare frameworks: the same routes, and no sessions.

use actix_web::{App, HttpResponse, web};
use axum::{Router, http::StatusCode, routing::get};
use tower_layer::Identity;

use super::{Contestant, Framework, Role, Store};
use crate::frameworks;

/// Bare Axum.
pub const AXUM: Contestant = Contestant {
    name: "no sessions",
    framework: Framework::Axum,
    store: Store::Memory,
    role: Role::Baseline,
    open: |_| Box::pin(async { frameworks::axum::app(routes()) }),
};

/// The cost of any layer on Axum, which boxes each layered route for every request.
pub const AXUM_LAYER: Contestant = Contestant {
    name: "a layer that does nothing",
    role: Role::Floor,
    open: |_| Box::pin(async { frameworks::axum::app(routes().layer(Identity::new())) }),
    ..AXUM
};

/// Bare Actix Web.
pub const ACTIX: Contestant = Contestant {
    name: "no sessions",
    framework: Framework::Actix,
    store: Store::Memory,
    role: Role::Baseline,
    open: |_| {
        Box::pin(async {
            let app = App::new()
                .route("/plain", web::get().to(bare))
                .route("/read", web::get().to(bare))
                .route("/write", web::get().to(bare))
                .route("/create/small", web::get().to(bare))
                .route("/create/kib", web::get().to(bare));
            frameworks::actix::app(app).await
        })
    },
};

fn routes() -> Router {
    Router::new()
        .route("/plain", get(plain))
        .route("/read", get(plain))
        .route("/write", get(plain))
        .route("/create/small", get(plain))
        .route("/create/kib", get(plain))
}

/// Responds as every handler on Axum does.
pub(super) async fn plain() -> StatusCode {
    StatusCode::OK
}

/// Responds as every handler on Actix Web does.
pub(super) async fn bare() -> HttpResponse {
    HttpResponse::Ok().finish()
}
