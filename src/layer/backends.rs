//! A layer over several stores.

use super::SessionLayer;
use crate::config::OtherStore;

impl<P> SessionLayer<P> {
    /// Opens the sessions of another store, too: during a move from one store to another, for example. Default: none.
    ///
    /// New sessions begin in the primary store, which the layer was made with. A session is read and written in the store
    /// that has it. `other` is any [`SessionStore`](crate::store::SessionStore), or a `CookieStore`. Call this once for each
    /// further store: they are asked in this order.
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
}
