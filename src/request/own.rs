//! A response of the layer's own, to a request that is not for the application.

use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use super::Headers;

/// A response that the layer makes itself, to a browser's request about its device.
#[derive(Clone, Debug)]
#[must_use]
pub struct OwnResponse {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: String,
}

#[cfg_attr(not(feature = "device-bound"), allow(dead_code))] // Only devices are answered.
impl OwnResponse {
    /// An empty response, which no cache keeps.
    pub(crate) fn new(status: StatusCode) -> Self {
        let headers = vec![(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        Self { status, headers, body: String::new() }
    }

    pub(crate) fn json(mut self, body: String) -> Self {
        self.body = body;
        self.header(header::CONTENT_TYPE, Some(HeaderValue::from_static("application/json")))
    }

    pub(crate) fn header(mut self, name: HeaderName, value: Option<HeaderValue>) -> Self {
        self.headers.extend(value.map(|value| (name, value)));
        self
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Adds its headers to those of a response.
    pub fn write(&self, headers: &mut impl Headers) {
        for (name, value) in &self.headers {
            headers.append(name.clone(), value.clone());
        }
    }

    /// Returns the body.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Makes a response of it.
    #[must_use]
    pub fn into_response<B: From<String>>(self) -> Response<B> {
        let mut response = Response::new(B::from(self.body.clone()));
        *response.status_mut() = self.status;
        self.write(response.headers_mut());
        response
    }
}
