//! Sessions for Actix Web 4: a middleware that drives the same [`Exchange`](crate::adapter::Exchange) as the tower service.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, web};
//! use cloakroom::{MemoryStore, Session, SessionLayer, actix_web::SessionMiddleware};
//!
//! async fn visits(session: Session) -> actix_web::Result<String> {
//!     session.update_or("visits", 1, |visits: u32| visits + 1)?;
//!     Ok(format!("{:?}", session.get::<u32>("visits")?))
//! }
//!
//! #[actix_web::main]
//! async fn main() -> std::io::Result<()> {
//!     let layer = SessionLayer::new(MemoryStore::new());
//!     HttpServer::new(move || {
//!         App::new().wrap(SessionMiddleware::from(layer.clone())).route("/", web::get().to(visits))
//!     })
//!     .bind(("127.0.0.1", 8080))?
//!     .run()
//!     .await
//! }
//! ```
//!
//! The session is loaded before the handler where the request presents a token, because guards and
//! [`get_session`](SessionExt::get_session) cannot wait. [`SessionMiddleware::lazy`] leaves that to the extractors. If the load
//! fails, the error surfaces where the session is used: extractors and operations fail, and handlers that do not use the
//! session are left alone.
//!
//! `Option<Session>` is Actix's own extractor: `Some` if the middleware is there and the session could be loaded, even if no
//! token opened it; ask [`Session::was_presented`](crate::Session::was_presented). It is `None` if the load failed. Since that
//! must not be taken for "logged out", the middleware then answers the failure in the place of every response with a status
//! below 400. A handler that wants to answer without the session takes a [`LazySession`](crate::LazySession).
//!
//! With the feature `actix-session`, the names of that crate are here: the guide `guide::from_actix_session` is the way from there.

mod beside;
mod bridge;
#[cfg(feature = "actix-session")]
#[cfg_attr(docsrs, doc(cfg(feature = "actix-session")))]
pub mod config;
mod error;
mod ext;
mod extract;
#[cfg(feature = "actix-web-key")]
mod key;
mod middleware;
mod service;
#[cfg(feature = "actix-session")]
#[cfg_attr(docsrs, doc(cfg(feature = "actix-session")))]
pub mod storage;

pub use self::{
    ext::SessionExt,
    extract::{ExtractFuture, TypedFuture},
    middleware::SessionMiddleware,
    service::{MiddlewareFuture, SessionMiddlewareService},
};
#[doc(no_inline)]
pub use crate::{Session, SessionGetError, SessionInsertError, SessionStatus, SessionUpdateError};
