//! Device-bound sessions in the layer.

use std::sync::Arc;

use http::Response;

use super::{AnswerFuture, EmptyResponse, FailureResponse, OnFailure, SessionLayer};
use crate::{
    device::DeviceBound,
    error::Error,
    request::{Failure, Headers, OwnResponse, device::DeviceRequest},
};

impl<P> SessionLayer<P> {
    /// Binds sessions to the devices that log in, as far as their browsers can: a stolen cookie then works for one proof's
    /// lifetime at most. Experimental. Default: no.
    ///
    /// The layer answers the two paths of [`DeviceBound::builder`] itself, so it stands around the whole application, and the
    /// type of its responses' body implements `From<String>`. The guide `cloakroom::guide::device_bound` has the rest.
    ///
    /// # Errors
    ///
    /// The sessions live in cookies, which have no place for a device's key ([`Error::is_unsupported`]).
    pub fn device_bound(self, options: DeviceBound) -> Result<SessionLayer<DevicePolicy<P>>, Error> {
        if self.config.backend.is_client_side() {
            return Err(Error::no_devices());
        }
        let SessionLayer { config, policy } = self.with(|config| config.device = Some(Arc::new(options)));
        Ok(SessionLayer { config, policy: DevicePolicy(policy) })
    }

    /// Returns the layer's own answer to a browser's request about its device. `None`: the request is for the application.
    ///
    /// An adapter calls it before [`begin`](Self::begin), with the request's method and path.
    pub fn answer(&self, method: &str, path: &str, headers: &impl Headers) -> Option<AnswerFuture> {
        let request = DeviceRequest::read(&self.config, method, path, headers)?;
        let config = Arc::clone(&self.config);
        Some(AnswerFuture(Box::pin(async move { request.answer(&config).await })))
    }

    /// Returns the layer without its policy, for a framework that makes responses in another way.
    #[cfg(feature = "actix-web")]
    pub(crate) fn without_policy(self) -> SessionLayer {
        SessionLayer { config: self.config, policy: EmptyResponse }
    }
}

impl<P> SessionLayer<DevicePolicy<P>> {
    /// Builds the response that is sent when a session fails. Default: an empty response with
    /// [`failure_status`](Self::failure_status). The layer without devices has the same option.
    pub fn on_failure<B, F>(self, hook: F) -> SessionLayer<DevicePolicy<OnFailure<F>>>
    where
        F: Fn(&Failure) -> Response<B> + Clone,
    {
        SessionLayer { config: self.config, policy: DevicePolicy(OnFailure(hook)) }
    }
}

/// The responses of a layer with device-bound sessions: those of `P` to failures, and the layer's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct DevicePolicy<P = EmptyResponse>(P);

impl<B: From<String>, P: FailureResponse<B>> FailureResponse<B> for DevicePolicy<P> {
    fn answer(&self, failure: Failure) -> Response<B> {
        self.0.answer(failure)
    }

    fn is_own(&self) -> bool {
        self.0.is_own()
    }

    fn own(&self) -> Option<fn(OwnResponse) -> Response<B>> {
        Some(OwnResponse::into_response)
    }
}
