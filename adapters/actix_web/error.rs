//! Failures as Actix errors.

use std::{fmt, sync::Arc};

use ::actix_web::{HttpResponse, ResponseError, http::StatusCode};

use super::service::FailureHook;
use crate::{
    Error, Failure, SessionGetError, SessionInsertError, SessionUpdateError,
    adapter::{Head, OwnResponse},
};

/// An empty response: the client is told a status, and nothing of the cause.
impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status().as_u16()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
    }

    fn error_response(&self) -> HttpResponse {
        with_headers_of(self, HttpResponse::new(self.status_code()))
    }
}

fn with_headers_of(failure: &Failure, mut response: HttpResponse) -> HttpResponse {
    failure.write(response.headers_mut());
    response
}

/// A failure that the application answers itself.
pub(super) struct Hooked {
    failure: Failure,
    hook: Arc<FailureHook>,
}

impl Hooked {
    pub(super) fn new(failure: Failure, hook: Arc<FailureHook>) -> Self {
        Self { failure, hook }
    }
}

impl ResponseError for Hooked {
    fn status_code(&self) -> StatusCode {
        (self.hook)(&self.failure).status()
    }

    fn error_response(&self) -> HttpResponse {
        with_headers_of(&self.failure, (self.hook)(&self.failure))
    }
}

impl fmt::Display for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.failure, f)
    }
}

/// An empty response, with the status that [`Error`] says.
impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        status(self)
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

fn status(error: &Error) -> StatusCode {
    let status = Failure::status_of(error).as_u16();
    StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
}

/// Logs the error of a value. The layer has logged the failure of its store.
fn tell(error: &(dyn std::error::Error + 'static), cause: &Error) {
    if !cause.is_store() {
        tracing::error!(error, "session value");
    }
}

macro_rules! value_error {
    ($($error:ty),*) => {$(
        /// An empty response: 503 if the store failed, else 500. The cause goes to the log.
        impl ResponseError for $error {
            fn status_code(&self) -> StatusCode {
                status(self.error())
            }

            fn error_response(&self) -> HttpResponse {
                tell(self, self.error());
                HttpResponse::new(self.status_code())
            }
        }
    )*};
}

value_error!(SessionGetError, SessionInsertError, SessionUpdateError);

/// A response of the layer's own.
#[derive(Debug)]
pub(super) struct Own(pub(super) OwnResponse);

impl ResponseError for Own {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response =
            HttpResponse::new(self.status_code()).set_body(self.0.body().to_owned()).map_into_boxed_body();
        self.0.write(response.headers_mut());
        response
    }
}

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a response about a device")
    }
}

/// Adds the session's headers to the response that an error becomes. The error stays of its type: outer middlewares look for theirs by
/// `as_error`.
pub(super) fn with_head(mut error: ::actix_web::Error, head: Head) -> ::actix_web::Error {
    error.add_response_mapper(move |mut response| {
        head.clone().write(response.headers_mut());
        response
    });
    error
}
