//! Tools for tests of stores and of applications with sessions. They need the feature `testing`.
//!
//! | tool | purpose |
//! |---|---|
//! | [`contract`] | tests your store against the contract of [`SessionStore`](crate::store::SessionStore) |
//! | [`RecordBuilder`] | makes records by hand, for a store's own tests |
//! | [`FaultStore`] | fails, loses replies, delays or repeats the calls that a test names, and records all calls |
//! | [`TestClock`] | stands still until a test moves it |
//! | `MemoryBytes`, `byte_contract` | the same for the stores of other crates' records; with `formats` |
//! | [`CookieJar`] | keeps cookies between requests as a browser does, and reports those that a browser drops |
//!
//! A test of an application uses most of them:
//!
//! ```
//! use std::{convert::Infallible, time::Duration};
//!
//! use cloakroom::{
//!     LazySession, MemoryStore, SessionLayer,
//!     testing::{CookieJar, FaultStore, TestClock, Verb},
//! };
//! use http::{Request, Response, StatusCode, header};
//! use tower::{ServiceBuilder, ServiceExt as _};
//!
//! const URL: &str = "https://example.com/";
//!
//! // Counts a browser's visits, and responds with the count.
//! async fn visit(request: Request<()>) -> Result<Response<u32>, Infallible> {
//!     let lazy = request.extensions().get::<LazySession>().expect("the layer");
//!     let Ok(session) = lazy.load().await else { return Ok(Response::new(0)) };
//!     session.update_or("visits", 1, |n: u32| n + 1).expect("a number");
//!     Ok(Response::new(session.get("visits").expect("a number").unwrap_or_default()))
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let (store, clock) = (FaultStore::new(MemoryStore::new()), TestClock::new());
//! let layer = SessionLayer::new(store.clone()).clock(clock.clone());
//! let app = ServiceBuilder::new().layer(layer).service_fn(visit);
//!
//! let mut jar = CookieJar::new().clock(clock.clone());
//! let mut get = async || {
//!     let mut request = Request::get(URL).body(()).expect("a request");
//!     request.headers_mut().extend(jar.header(URL).map(|cookies| (header::COOKIE, cookies)));
//!     let response = app.clone().oneshot(request).await.expect("infallible");
//!     assert_eq!(jar.store(response.headers(), URL), [], "the browser keeps the cookie");
//!     (response.status(), *response.body())
//! };
//!
//! assert_eq!(get().await, (StatusCode::OK, 1));
//! assert_eq!(get().await, (StatusCode::OK, 2));
//! assert_eq!(store.take_calls(), ["create", "load", "replace"]);
//!
//! store.next(Verb::Replace).fails();
//! assert_eq!(get().await.0, StatusCode::SERVICE_UNAVAILABLE);
//! assert_eq!(get().await, (StatusCode::OK, 3));
//!
//! clock.advance(Duration::from_secs(25 * 60 * 60));
//! assert_eq!(get().await, (StatusCode::OK, 1), "the session was idle for too long");
//! # });
//! ```
#[cfg(feature = "formats")]
#[cfg_attr(docsrs, doc(cfg(feature = "formats")))]
pub use self::{
    byte_contract::{byte_breaches, byte_contract},
    bytes::MemoryBytes,
};
pub use self::{
    clock::TestClock,
    jar::{CookieJar, Refusal},
};
pub use self::{
    contract::{Breach, breaches, contract},
    faults::{Call, FaultStore, Gate, Late, Rule, Verb},
    record::RecordBuilder,
};
#[cfg(feature = "formats")]
mod byte_contract;
#[cfg(feature = "formats")]
mod bytes;
mod clock;
mod contract;
mod faults;
mod jar;
mod record;
