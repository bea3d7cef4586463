//! A cookie for tests.

use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::SessionLayer;
use crate::session::Session;

impl<P> SessionLayer<P> {
    /// Makes the `Cookie` header of a client whose session `fill` has filled. For tests of pages that need a login. Feature
    /// `testing`.
    ///
    /// The session is stored in this layer's own store, under its options, so a clone of the layer in the application opens it.
    ///
    /// ```
    /// # use cloakroom::{LazySession, MemoryStore, SessionLayer};
    /// # use http::{Request, header};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let layer = SessionLayer::new(MemoryStore::new());
    /// let cookie = layer
    ///     .test_cookie(|session| {
    ///         session.login("ada");
    ///         session.insert("theme", "dark").unwrap();
    ///     })
    ///     .await;
    /// let request = Request::get("/account").header(header::COOKIE, cookie).body(()).unwrap();
    /// # let session = layer.begin(request.headers()).session().load().await.unwrap();
    /// # assert_eq!(session.owner().as_deref(), Some("ada"));
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the session cannot be stored, if `fill` purged it, or if the layer sends no cookie. It is for tests only.
    pub async fn test_cookie(&self, fill: impl FnOnce(&Session)) -> HeaderValue {
        let exchange = self.begin(&HeaderMap::new());
        let session = exchange.session().load().await.expect("a request without a token has nothing to load");
        fill(&session);
        session.start().await.expect("the test's session can be stored");
        let head = exchange.commit(StatusCode::OK).await.expect("the test's session can be committed");
        let mut headers = HeaderMap::new();
        head.write(&mut headers);
        let line = headers
            .get(header::SET_COOKIE)
            .expect("the layer sends a cookie, and the closure did not purge the session");
        let pair = line.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        let mut cookie = HeaderValue::from_bytes(pair).expect("a part of a header value is one");
        cookie.set_sensitive(true);
        cookie
    }
}
