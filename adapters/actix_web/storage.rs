//! The stores, under the names of actix-session 0.11.

use crate::{CookieStore, SessionLayer, actix_web::config::CookieContentSecurity, keys::Keyring};

mod key;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod redis_actor;

pub use self::key::{InvalidSessionKeyError, SessionKey, generate_session_key};
#[cfg(feature = "redis")]
pub use self::{
    redis::{RedisSessionStore, RedisSessionStoreBuilder},
    redis_actor::{RedisActorSessionStore, RedisActorSessionStoreBuilder},
};

/// The stores that [`SessionMiddleware::new`](super::SessionMiddleware::new) takes: [`CookieSessionStore`], every
/// [`cloakroom::store::SessionStore`](crate::store::SessionStore), such as [`MemoryStore`](crate::MemoryStore) and one of your own, and
/// `cloakroom::formats::ActixSession`, which shares the sessions of actix-session's own nodes.
///
/// A store that was written for actix-session has five verbs and is given whole sessions. It has to be written anew, with four:
/// `docs/from-actix-session.md` shows one before, and `examples/actix_session_store.rs` after. For SQL databases there is the crate
/// `cloakroom-sqlx`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session store: a store has four verbs here, not the five of actix-session",
    label = "implement `cloakroom::store::SessionStore` for it, and nothing else",
    note = "the section \"A store of your own\" shows one before and after: https://docs.rs/cloakroom/latest/cloakroom/guide/from_actix_session/index.html#a-store-of-your-own",
    note = "for PostgreSQL, MySQL and SQLite there is the crate `cloakroom-sqlx`"
)]
pub trait SessionStore: IntoLayer {}

impl<S: IntoLayer> SessionStore for S {}

/// Makes a layer over a store. Every [`cloakroom::store::SessionStore`](crate::store::SessionStore) implements it; nothing else has to.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session store: a store has four verbs here, not the five of actix-session",
    label = "implement `cloakroom::store::SessionStore` for it, and nothing else",
    note = "the section \"A store of your own\" shows one before and after: https://docs.rs/cloakroom/latest/cloakroom/guide/from_actix_session/index.html#a-store-of-your-own",
    note = "for PostgreSQL, MySQL and SQLite there is the crate `cloakroom-sqlx`"
)]
pub trait IntoLayer {
    /// Returns the layer over this store, with this key, and with defaults besides.
    fn into_layer(self, keyring: Keyring, content: CookieContentSecurity) -> SessionLayer;
}

/// Signed tokens, whatever `content` says: there is nothing in them to hide.
impl<S: crate::store::SessionStore> IntoLayer for S {
    fn into_layer(self, keyring: Keyring, _content: CookieContentSecurity) -> SessionLayer {
        SessionLayer::new(self).signed(keyring)
    }
}

/// The sessions of actix-session itself, beside its own nodes. Their cookies are under the format's key. `keyring` signs the tokens
/// of the stores that are added to the layer, as it does when one of them is the primary store: nodes of both open them.
#[cfg(feature = "formats")]
impl IntoLayer for crate::formats::ActixSession {
    fn into_layer(self, keyring: Keyring, content: CookieContentSecurity) -> SessionLayer {
        let layer = SessionLayer::foreign(match content {
            CookieContentSecurity::Private => self,
            CookieContentSecurity::Signed => self.signed(),
        });
        layer.signed(keyring)
    }
}

/// Keeps each session in its client's cookie, and nowhere else: see [`CookieStore`] for what such sessions cannot do.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct CookieSessionStore;

impl IntoLayer for CookieSessionStore {
    fn into_layer(self, keyring: Keyring, content: CookieContentSecurity) -> SessionLayer {
        SessionLayer::cookie_store(match content {
            CookieContentSecurity::Private => CookieStore::new(keyring),
            CookieContentSecurity::Signed => CookieStore::insecure_readable(keyring),
        })
    }
}
