//! The requests of a browser.

use crate::app::{Op, Values};

/// A request of a browser.
pub struct Request {
    pub client: reqwest::Client,
    pub url: String,
    pub cookie: Option<String>,
    pub op: Op,
}

/// Its response.
pub struct Answer {
    /// The cookie of the request.
    pub cookie: Option<String>,
    pub headers: http::HeaderMap,
    /// The values that the session had before the request, or the failure.
    pub before: Result<Values, String>,
}

impl Request {
    pub async fn send(self) -> Answer {
        let mut request = self.client.post(self.url).body(serde_json::to_string(&self.op).unwrap());
        if let Some(cookie) = &self.cookie {
            request = request.header(http::header::COOKIE, cookie);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.text().await.unwrap();
        let before = match status.as_u16() {
            200 => serde_json::from_str(&body).map_err(|error| error.to_string()),
            _ => Err(format!("{status}: {body}")),
        };
        Answer { cookie: self.cookie, headers, before }
    }
}
