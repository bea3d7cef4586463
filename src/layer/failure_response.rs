//! Failures, and how they reach the client.

use std::fmt;

use http::Response;

use crate::request::{Failure, OwnResponse};

/// Makes the response of a tower service to a request whose commit failed.
pub trait FailureResponse<B> {
    /// Answers in the place of the handler's response.
    fn answer(&self, failure: Failure) -> Response<B>;

    /// Returns whether a failure that an extractor has answered is answered again, in the application's own way. Default: no, so that
    /// what stands between keeps the headers that it added.
    fn is_own(&self) -> bool {
        false
    }

    /// Returns the function that makes a response of the layer's own answers. Default: none, so that every request goes to the
    /// inner service.
    fn own(&self) -> Option<fn(OwnResponse) -> Response<B>> {
        None
    }
}

/// The default: an empty response.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmptyResponse;

impl<B: Default> FailureResponse<B> for EmptyResponse {
    fn answer(&self, failure: Failure) -> Response<B> {
        failure.into_response()
    }
}

/// An answer of the application's own: what [`SessionLayer::on_failure`](crate::SessionLayer::on_failure) makes.
#[derive(Clone, Copy)]
pub struct OnFailure<F>(pub(crate) F);

impl<B, F: Fn(&Failure) -> Response<B>> FailureResponse<B> for OnFailure<F> {
    fn answer(&self, failure: Failure) -> Response<B> {
        let mut response = (self.0)(&failure);
        failure.write(response.headers_mut());
        response
    }

    fn is_own(&self) -> bool {
        true
    }
}

impl<F> fmt::Debug for OnFailure<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnFailure").finish_non_exhaustive()
    }
}
