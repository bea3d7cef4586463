//! Sessions of actix-session and tower-sessions, read and written in their own formats.
//!
//! A layer over such a format shares its sessions with nodes of the other crate, so that a fleet can be replaced node by node
//! and no user has to log in again. `cloakroom::guide::roll_out` has the steps.
//!
//! [`SessionLayer::foreign`](crate::SessionLayer::foreign) makes a layer whose sessions begin in the format.
//! [`SessionLayer::also`](crate::SessionLayer::also) opens them beside those of a store of ours, and
//! [`SessionLayer::moving`](crate::SessionLayer::moving) moves them there.
//!
//! The drop-ins take them, too: `SessionMiddleware` of `cloakroom::actix_web` an [`ActixSession`], and `SessionManagerLayer` of
//! `cloakroom::tower_sessions` a [`TowerSessions`].
//!
//! # What holds
//!
//! *Writes.* A record is replaced only if its bytes are those that the request loaded. If another node was faster, the request's
//! changes are applied to what that node wrote. A session that has ended stays ended. Nodes of the other crate compare nothing:
//! they write the whole state as they have loaded it, and so undo what was written in between, as they do among themselves.
//!
//! *Renewals.* There is no place for a second token in such a record, because its key is the token. So a renewal, and each login,
//! makes a record under a new key, and the old record becomes a marker for 60 s. It opens nothing, and our nodes know by it that
//! the session was renewed: a request that is still in progress covers no cookie. Its writes are dropped
//! ([`Event::GoneWriteDropped`](crate::Event::GoneWriteDropped)), also the removal of its owner. Its purge ends the renewed session:
//! the new key is derived from the old one, the marker and the key of the cookie jar. [`Session::id`](crate::Session::id) changes by a
//! renewal.
//!
//! *Unknown outcomes.* If the reply of the store is lost, the write is sent again. If the store has other bytes by then, the layer
//! cannot tell whether they are those of this write or of another one, and the request fails.
//!
//! # What a format cannot carry
//!
//! | | |
//! |---|---|
//! | an owner, by [`login`](crate::Session::login), `set_owner` or `clear_owner` | [`Error::is_unsupported`](crate::Error::is_unsupported) at the commit |
//! | an owner under the layer's [`owner_key`](crate::SessionLayer::owner_key) | works, because the state has it |
//! | lists of an owner's sessions, `max_per_owner` | none: the stores have no index |
//! | a label, a lifetime of the session's own, `owner_valid_from` | [`Error::is_unsupported`](crate::Error::is_unsupported) at the commit |
//! | the time of the creation | the last use stands for it. So the absolute limit never ends such a session, and [`valid_from`](crate::SessionLayer::valid_from) ends those that were not used since |
//! | the last use | it follows from the deadline and the layer's idle limit, so set that to the old nodes' TTL |
//! | the key `cloakroom` of the state | [`Error::is_unsupported`](crate::Error::is_unsupported) at the commit: it is that of the markers |
//! | a device | sessions cannot be bound |
//!
//! A session that has one of these stays where it is when other sessions move into the format.

use std::sync::Arc;

use crate::client::Format;

mod actix;
mod byte_store;
mod codec;
mod cookies;
mod error;
mod jar;
mod marker;
mod records;
mod tokens;
mod tower;
mod value;

pub(crate) use self::records::ForeignRecords;
pub use self::{
    actix::ActixSession,
    byte_store::{ByteStore, Stored},
    error::FormatError,
    tower::TowerSessions,
};

type ForeignStore = Arc<dyn byte_store::DynByteStore>;

/// Sessions of another crate: in a store, or in cookies.
pub(crate) enum Foreign {
    Records(ForeignRecords, Arc<dyn Format>),
    Cookies(Arc<dyn Format>),
}
