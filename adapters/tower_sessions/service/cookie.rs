//! The protection of the cookie.

use crate::SessionLayer;

/// The protection of the cookie: [`PlaintextCookie`], or `SignedCookie` or `PrivateCookie`.
///
/// It is there for types that are generic over it, as axum-login's are.
pub trait CookieController: Clone + Send + 'static {
    #[doc(hidden)]
    fn protect(&self, layer: SessionLayer) -> SessionLayer;
}

/// A cookie with a plain token: an id and a secret. It is the default.
#[derive(Clone, Copy, Debug)]
pub struct PlaintextCookie;

impl CookieController for PlaintextCookie {
    fn protect(&self, layer: SessionLayer) -> SessionLayer {
        layer
    }
}

#[cfg(feature = "tower-sessions-signed")]
pub use self::keyed::{PrivateCookie, SignedCookie};

#[cfg(feature = "tower-sessions-signed")]
mod keyed {
    use std::{fmt, sync::Once};

    use ::tower_cookies::Key;

    use super::CookieController;
    use crate::{SessionLayer, keys};

    /// A cookie whose token has a MAC.
    #[derive(Clone)]
    pub struct SignedCookie(keys::Keyring);

    /// A cookie whose token has a MAC. There is nothing in a token to hide, so it is not encrypted.
    #[derive(Clone)]
    pub struct PrivateCookie(SignedCookie);

    impl SignedCookie {
        pub(in crate::tower_sessions::service) fn new(key: &Key) -> Self {
            static WARNED: Once = Once::new();
            let key = keys::SecretKey::from_bytes(key.master()).unwrap_or_else(|error| {
                WARNED.call_once(|| tracing::warn!("{error}: anyone can make a session of any user"));
                keys::SecretKey::insecure_from_bytes(key.master())
            });
            Self(key.into())
        }
    }

    impl PrivateCookie {
        pub(in crate::tower_sessions::service) fn new(key: &Key) -> Self {
            Self(SignedCookie::new(key))
        }
    }

    impl CookieController for SignedCookie {
        fn protect(&self, layer: SessionLayer) -> SessionLayer {
            layer.signed(self.0.clone())
        }
    }

    impl CookieController for PrivateCookie {
        fn protect(&self, layer: SessionLayer) -> SessionLayer {
            self.0.protect(layer)
        }
    }

    /// Shows no key.
    impl fmt::Debug for SignedCookie {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("SignedCookie(..)")
        }
    }

    /// Shows no key.
    impl fmt::Debug for PrivateCookie {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("PrivateCookie(..)")
        }
    }
}
