//! The calls of a store.

use std::fmt;

use crate::store::SessionId;

/// The verbs of [`SessionStore`](crate::store::SessionStore) and of [`OwnerIndex`](crate::store::OwnerIndex).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// [`SessionStore::load`](crate::store::SessionStore::load).
    Load,
    /// [`SessionStore::create`](crate::store::SessionStore::create).
    Create,
    /// [`SessionStore::replace`](crate::store::SessionStore::replace).
    Replace,
    /// [`SessionStore::delete`](crate::store::SessionStore::delete), with a base or without.
    Delete,
    /// [`OwnerIndex::list`](crate::store::OwnerIndex::list).
    List,
    /// [`OwnerIndex::revoke`](crate::store::OwnerIndex::revoke).
    Revoke,
    /// [`OwnerIndex::revoke_all`](crate::store::OwnerIndex::revoke_all).
    RevokeAll,
}

impl Verb {
    /// Lists every verb, for a store that is down.
    ///
    /// ```
    /// # use cloakroom::{MemoryStore, testing::{FaultStore, Verb}};
    /// # let store = FaultStore::new(MemoryStore::new());
    /// for verb in Verb::ALL {
    ///     store.every(verb).fails();
    /// }
    /// ```
    pub const ALL: [Self; 7] =
        [Self::Load, Self::Create, Self::Replace, Self::Delete, Self::List, Self::Revoke, Self::RevokeAll];

    /// Returns the method's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Revoke => "revoke",
            Self::RevokeAll => "revoke_all",
        }
    }
}

/// A call of a store. It equals its verb's name, so that `assert_eq!(store.calls(), ["load", "replace"])` compiles. Its
/// `Debug` shows the id, too.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Call {
    /// The method.
    pub verb: Verb,
    /// The session's id. For [`Verb::RevokeAll`], the id of the session to keep.
    pub id: Option<SessionId>,
    /// The owner, for a call of the index of owners.
    pub owner: Option<String>,
}

impl PartialEq<str> for Call {
    fn eq(&self, name: &str) -> bool {
        self.verb.name() == name
    }
}

impl PartialEq<&str> for Call {
    fn eq(&self, name: &&str) -> bool {
        self.verb.name() == *name
    }
}

impl PartialEq<Verb> for Call {
    fn eq(&self, verb: &Verb) -> bool {
        self.verb == *verb
    }
}

/// Writes `replace 5f0c..` or `revoke 5f0c.. of "alice"`.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verb.name())?;
        if let Some(id) = &self.id {
            write!(f, " {id}")?;
        }
        if let Some(owner) = &self.owner {
            write!(f, " of {owner:?}")?;
        }
        Ok(())
    }
}
