//! A layer over several stores.

use super::SessionLayer;
use crate::config::OtherStore;

impl<P> SessionLayer<P> {
    /// Opens the sessions of another store, too: during a move from one store to another, for example. Default: none.
    ///
    /// New sessions begin in the primary store, which the layer was made with. A session is read and written in the store
    /// that has it. `other` is any [`SessionStore`](crate::store::SessionStore), a `CookieStore`, or a format of
    /// `cloakroom::formats`. Call this once for each further store: they are asked in this order.
    ///
    /// ```
    /// # use cloakroom::{MemoryStore, SessionLayer};
    /// # let (new, old) = (MemoryStore::new(), MemoryStore::new());
    /// let layer = SessionLayer::new(new).also(old);
    /// ```
    ///
    /// A request whose token the primary store knows makes no call to the others. A token that it does not know costs one
    /// call to the next store. A store that fails is an error only for requests whose token may be its own. The store with
    /// a record under the token's id is the only one that is asked for it: a record with another secret, or one past its
    /// deadline, opens nothing, whatever the next store has.
    ///
    /// A token that no store knows costs a call to each. If tokens are `signed`, forged ones cost none.
    ///
    /// The tokens of all stores have one form, signed or not: see `signed`. [`owners`](Self::owners) lists and ends the
    /// sessions of all stores, and [`max_per_owner`](Self::max_per_owner) counts all of them. Sessions in a `CookieStore`
    /// have no index, so they are neither listed nor counted.
    pub fn also(self, other: impl OtherStore) -> Self {
        self.with(|config| {
            let mut other = other.into_backend().0;
            other.set_tokens(&config.tokens);
            config.others.push(other);
        })
    }

    /// Moves sessions of the other stores to the primary one, each at its next commit that writes. Default: no moves.
    ///
    /// A commit writes if a handler changed something, if it renews the session, and if the deadline has to move on (a
    /// touch). `key` is a secret that all nodes share. [The guide](crate::guide::moving) has the steps of a roll-out, and the
    /// way back of each.
    ///
    /// ```
    /// # use cloakroom::{MemoryStore, SessionLayer, keys::SecretKey};
    /// # let (new, old, key) = (MemoryStore::new(), MemoryStore::new(), SecretKey::generate());
    /// let layer = SessionLayer::new(new).also(old).moving(&key);
    /// ```
    ///
    /// *The new session.* Its id and its first secret are derived from the old token by HMAC-SHA256 under `key`. So all
    /// requests of one browser end in the same new session, and their writes are merged as usual. The response carries the
    /// new token. [`Session::id`](crate::Session::id) changes by the move, and [`Event::Moved`](crate::Event::Moved) names
    /// both ids. The old record is deleted when the new one is stored, and changes that arrive in between are carried over.
    ///
    /// *The old token* opens the new session until the new session is renewed, by a login for example, or ends: the response
    /// that carried the new token may have been lost. Each response to it sends the new token again. After a renewal it is a
    /// superseded token for 60 s, and unknown then, as the new session's own first token is. An old cookie opens nothing
    /// after its own deadline. So a thief who has the old token keeps what it opened, until the next renewal.
    ///
    /// *A purge* ends both. A session from a cookie leaves a record in the primary store until the cookie's deadline, so
    /// that no copy of this cookie opens a session again. If [`MemoryStore::bounded`](crate::MemoryStore::bounded) ends
    /// that record for room, the old cookie opens its session once more.
    ///
    /// *Into a [`CookieStore`](crate::CookieStore).* If the primary is a `CookieStore`, a session keeps its id, and its old
    /// record stays for 60 s, for requests with the old token. Their responses carry a cookie, too, and the one that arrives
    /// last wins, as always with sessions in cookies. A session that does not fit into a cookie stays in its store. A session of
    /// another crate's store is renewed when it moves: its old token opens nothing from then on.
    ///
    /// A session does not move after the response's head was sent, because its token could not reach the client. A session
    /// whose old store or new store fails does not move; a touch then does not fail the request.
    ///
    /// If `key` leaks, replace it. An attacker with the key still needs the old token to derive the new one.
    #[cfg(feature = "secure-cookies")]
    pub fn moving(self, key: &crate::keys::SecretKey) -> Self {
        self.with_moves(key, true)
    }

    /// Recognises sessions that other nodes have moved with [`moving`](Self::moving) and this `key`, and moves none. Default:
    /// no.
    ///
    /// It is for nodes beside those that move: an old token opens the session that it has become, and a purge ends both.
    #[cfg(feature = "secure-cookies")]
    pub fn moved(self, key: &crate::keys::SecretKey) -> Self {
        self.with_moves(key, false)
    }

    #[cfg(feature = "secure-cookies")]
    fn with_moves(self, key: &crate::keys::SecretKey, is_moving: bool) -> Self {
        use crate::{config::Moves, keys::Purpose};
        let moves = Moves::new(&key.derive(Purpose::Move, ""), is_moving);
        self.with(|config| config.moves = Some(moves.into()))
    }
}
