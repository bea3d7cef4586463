//! The stores that a layer accepts beside its primary one.

use std::sync::Arc;

use super::Backend;
use crate::{client::PlainTokens, store::SessionStore};

/// A store that [`SessionLayer::also`](crate::SessionLayer::also) accepts: every
/// [`SessionStore`](crate::store::SessionStore), `CookieStore`, and the formats of `cloakroom::formats`. Other types cannot implement it.
pub trait OtherStore: IntoBackend {}

#[expect(unnameable_types, reason = "only this crate implements it")]
/// Makes a backend of a store. It seals [`OtherStore`].
pub trait IntoBackend {
    #[doc(hidden)]
    fn into_backend(self) -> OtherBackend;
}

/// Hides the type of the backend.
#[expect(unnameable_types, reason = "only this crate makes it")]
pub struct OtherBackend(pub(crate) Backend);

impl<S: SessionStore> OtherStore for S {}

impl<S: SessionStore> IntoBackend for S {
    fn into_backend(self) -> OtherBackend {
        OtherBackend(Backend::records(self, Arc::new(PlainTokens)))
    }
}

/// Sessions in the format of another crate, which [`SessionLayer::foreign`](crate::SessionLayer::foreign) accepts:
/// [`ActixSession`](crate::formats::ActixSession) and [`TowerSessions`](crate::formats::TowerSessions). Other types cannot
/// implement it.
#[cfg(feature = "formats")]
pub trait ForeignSessions: OtherStore {}

#[cfg(feature = "formats")]
impl ForeignSessions for crate::formats::ActixSession {}

#[cfg(feature = "formats")]
impl ForeignSessions for crate::formats::TowerSessions {}

#[cfg(feature = "formats")]
impl OtherStore for crate::formats::ActixSession {}

#[cfg(feature = "formats")]
impl IntoBackend for crate::formats::ActixSession {
    fn into_backend(self) -> OtherBackend {
        OtherBackend(Backend::foreign(self.into_foreign(), "ActixSession"))
    }
}

#[cfg(feature = "formats")]
impl OtherStore for crate::formats::TowerSessions {}

#[cfg(feature = "formats")]
impl IntoBackend for crate::formats::TowerSessions {
    fn into_backend(self) -> OtherBackend {
        OtherBackend(Backend::foreign(self.into_foreign(), "TowerSessions"))
    }
}

#[cfg(feature = "secure-cookies")]
impl OtherStore for crate::client::CookieStore {}

#[cfg(feature = "secure-cookies")]
impl IntoBackend for crate::client::CookieStore {
    fn into_backend(self) -> OtherBackend {
        OtherBackend(Backend::client_side(Arc::new(self.into_format())))
    }
}
