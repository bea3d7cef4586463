//! The device of a request.

use std::time::SystemTime;

use super::{LazySession, Session};
use crate::{error::Error, request::Failure};

/// The device to which a session is bound, as the request that it came from has proved.
///
/// Experimental.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// The time at which the browser registered it.
    pub bound_at: SystemTime,
    /// The time at which it last proved that it has its key.
    pub proved_at: SystemTime,
}

impl Session {
    /// Returns the device from which the request comes. `None`: the session is not bound, or the request brings no proof: the
    /// browser does not know device-bound sessions, or is about to register.
    ///
    /// Experimental.
    #[must_use]
    #[cfg_attr(docsrs, doc(cfg(feature = "device-bound")))]
    pub fn device(&self) -> Option<Device> {
        let device = |device: &crate::store::BoundDevice| Device {
            bound_at: device.bound_at.into(),
            proved_at: device.proved_at.into(),
        };
        self.request.with(|session| session.device().map(device)).ok()?
    }
}

/// A guard for sensitive routes: an extractor that refuses a request without the proof of a bound device, with 403.
///
/// Experimental. Browsers without device-bound sessions are refused, too, so offer another way: ask for the password again, say.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequireBoundDevice {
    /// The session.
    pub session: Session,
    /// Its device.
    pub device: Device,
}

impl RequireBoundDevice {
    /// Loads the session of a request, and returns it with its device.
    ///
    /// # Errors
    ///
    /// The session is not bound, or the request brings no proof ([`Error::is_unbound`]); or the load failed.
    pub async fn extract(lazy: &LazySession) -> Result<Self, Failure> {
        lazy.extract().await?.try_into()
    }
}

/// Fails if the request brings no proof of a device ([`Error::is_unbound`]).
impl TryFrom<Session> for RequireBoundDevice {
    type Error = Failure;

    fn try_from(session: Session) -> Result<Self, Failure> {
        match session.device() {
            Some(device) => Ok(Self { session, device }),
            None => Err(Error::unbound().into()),
        }
    }
}
