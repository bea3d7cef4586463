//! What was asked of a store.

use std::fmt;

use crate::token::SessionId;

/// What a store can be asked: the verbs of [`SessionStore`](crate::SessionStore) and of
/// [`OwnerIndex`](crate::OwnerIndex).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// [`SessionStore::load`](crate::SessionStore::load).
    Load,
    /// [`SessionStore::create`](crate::SessionStore::create).
    Create,
    /// [`SessionStore::update`](crate::SessionStore::update).
    Update,
    /// [`SessionStore::delete`](crate::SessionStore::delete).
    Delete,
    /// [`OwnerIndex::list`](crate::OwnerIndex::list).
    List,
    /// [`OwnerIndex::revoke`](crate::OwnerIndex::revoke).
    Revoke,
    /// [`OwnerIndex::revoke_all`](crate::OwnerIndex::revoke_all).
    RevokeAll,
}

impl Verb {
    /// Every verb: for a store that is down altogether.
    ///
    /// ```
    /// # use cloakroom::{MemoryStore, testing::{FaultStore, Verb}};
    /// # let store = FaultStore::new(MemoryStore::new());
    /// for verb in Verb::ALL {
    ///     store.every(verb).fails();
    /// }
    /// ```
    pub const ALL: [Self; 7] =
        [Self::Load, Self::Create, Self::Update, Self::Delete, Self::List, Self::Revoke, Self::RevokeAll];

    /// The method's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Revoke => "revoke",
            Self::RevokeAll => "revoke_all",
        }
    }
}

/// One call of a store. It equals its verb's name, so that `assert_eq!(store.calls(), ["load", "update"])` reads as it
/// should, and shows its id where that fails.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Call {
    /// What was asked.
    pub verb: Verb,
    /// Of which session; for [`Verb::RevokeAll`], the one to keep.
    pub id: Option<SessionId>,
    /// Of which owner, where the index of owners was asked.
    pub owner: Option<String>,
}

impl Call {
    pub(super) fn on(verb: Verb, id: &SessionId) -> Self {
        Self { verb, id: Some(*id), owner: None }
    }

    pub(super) fn of(verb: Verb, owner: &str) -> Self {
        Self { verb, id: None, owner: Some(owner.to_owned()) }
    }
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

/// `update 5f0c..`, `revoke 5f0c.. of "alice"`.
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
