//! Browsers, and requests through a layer.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use cloakroom::tower_sessions::{Session, SessionManagerLayer, SessionStore, service::CookieController};
use http::{Request, Response, StatusCode, header};
use tower::{Layer as _, ServiceExt as _, service_fn};

pub(crate) use crate::support::{Browser, browser::URL};

impl Browser {
    /// The session cookie.
    pub(crate) fn token(&self) -> Option<String> {
        self.value(URL, "id")
    }

    /// A request whose handler answers 200. Gives what the handler gives.
    pub(crate) async fn visit<S, C, F, T>(
        &mut self,
        layer: &SessionManagerLayer<S, C>,
        handler: impl FnOnce(Session) -> F + Send + 'static,
    ) -> T
    where
        S: SessionStore,
        C: CookieController,
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let given = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&given);
        let response = self.send(layer, async move |session| {
            let value = handler(session).await;
            *keep.lock().unwrap() = Some(value);
            StatusCode::OK
        });
        assert_eq!(response.await.status(), StatusCode::OK);
        given.lock().unwrap().take().expect("the handler ran")
    }

    /// A request whose handler answers with a status of its own. Gives the response.
    pub(crate) async fn send<S, C, F>(
        &mut self,
        layer: &SessionManagerLayer<S, C>,
        handler: impl FnOnce(Session) -> F + Send + 'static,
    ) -> Response<String>
    where
        S: SessionStore,
        C: CookieController,
        F: Future<Output = StatusCode> + Send + 'static,
    {
        let handler = Arc::new(Mutex::new(Some(handler)));
        let service = service_fn(move |request: Request<()>| {
            let session = request.extensions().get::<Session>().cloned().expect("the layer gives one");
            let handler = handler.lock().unwrap().take().expect("one request");
            let status = handler(session);
            async move {
                let mut response = Response::<String>::default();
                *response.status_mut() = status.await;
                Ok::<_, Infallible>(response)
            }
        });
        let Ok(response) = layer.layer(service).oneshot(self.request()).await;
        self.keep_of(response.headers(), URL);
        response
    }

    /// Returns a browser that holds this as its session cookie.
    pub(crate) fn with_cookie(value: &str) -> Self {
        let browser = Self::default();
        browser.set("id", value);
        browser
    }
}

/// The `Set-Cookie` of a response.
pub(crate) fn set_cookie(response: &Response<String>) -> Option<&str> {
    response.headers().get(header::SET_COOKIE).map(|value| value.to_str().expect("text"))
}
