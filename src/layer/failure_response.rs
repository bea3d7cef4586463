//! Failures, and the responses that they become.

use std::fmt;

use http::Response;

use crate::request::{Failure, OwnResponse};

/// Makes the response of a tower service to a request whose commit failed.
pub trait FailureResponse<B> {
    /// Returns the response that is sent instead of the handler's.
    fn answer(&self, failure: Failure) -> Response<B>;

    /// Returns true if this response also replaces the one that an extractor made of a failure. Default: false, which
    /// keeps the headers that inner middleware added.
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

/// A response made by the application. [`SessionLayer::on_failure`](crate::SessionLayer::on_failure) returns a layer
/// with it.
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
