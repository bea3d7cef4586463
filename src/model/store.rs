//! The store: the verbs of the contract, tombstones, and an index of owners.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    does::ALICE,
    kept::Kept,
    request::{Call, Reply},
    seeded::Bug,
};
use crate::{
    SessionId,
    store::{Record, Timestamp},
};

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Store {
    slots: BTreeMap<SessionId, Slot>,
    index: BTreeSet<(String, SessionId)>,
    /// The value of `owner_valid_from` for [`ALICE`].
    pub(super) epoch: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Slot {
    Live(Kept),
    Tombstone,
}

/// The effect of a verb.
#[derive(Debug)]
pub(super) enum Effect {
    Nothing,
    Created(SessionId, Kept),
    Replaced(SessionId, Kept, Kept),
    Deleted(SessionId),
}

impl Store {
    pub(super) fn put(&mut self, id: SessionId, kept: Kept) {
        self.enter(&id, &kept);
        self.slots.insert(id, Slot::Live(kept));
    }

    pub(super) fn get(&self, id: &SessionId) -> Option<&Kept> {
        match self.slots.get(id) {
            Some(Slot::Live(kept)) => Some(kept),
            Some(Slot::Tombstone) | None => None,
        }
    }

    pub(super) fn live(&self) -> impl Iterator<Item = (&SessionId, &Kept)> {
        self.slots.iter().filter_map(|(id, slot)| match slot {
            Slot::Live(kept) => Some((id, kept)),
            Slot::Tombstone => None,
        })
    }

    pub(super) fn lists(&self, owner: &str, id: &SessionId) -> bool {
        self.index.contains(&(owner.to_owned(), *id))
    }

    /// Writes the index entry that a record needs. Returns true if there was none.
    pub(super) fn enter(&mut self, id: &SessionId, record: &Record) -> bool {
        record.owner().is_some_and(|owner| self.index.insert((owner.to_owned(), *id)))
    }

    pub(super) fn settle(&mut self, (id, owner, is_written): (SessionId, String, bool)) {
        if is_written {
            self.index.insert((owner, id));
        } else {
            self.remove_entry(&owner, &id);
        }
    }

    fn remove_entry(&mut self, owner: &str, id: &SessionId) {
        self.index.remove(&(owner.to_owned(), *id));
    }

    /// Returns true if `record` opens nothing, because its owner was logged out everywhere.
    pub(super) fn is_revoked(&self, record: &Record) -> bool {
        record.owner() == Some(ALICE) && self.epoch > record.admitted()
    }

    /// Runs a verb in one step. The caller writes the index entries.
    pub(super) fn act(&mut self, call: &Call, bug: Option<Bug>) -> (Reply, Effect) {
        match call {
            Call::Load(id) => (self.get(id).map_or(Reply::Missing, |kept| Reply::Found(kept.clone())), Effect::Nothing),
            Call::Create(id, record) => match self.slots.get(id) {
                Some(_) => (Reply::Taken, Effect::Nothing),
                None => {
                    self.slots.insert(*id, Slot::Live(record.clone()));
                    (Reply::Done, Effect::Created(*id, record.clone()))
                }
            },
            Call::Replace(id, base, record) => match self.get(id).cloned() {
                None => (Reply::Gone, Effect::Nothing),
                Some(found) if found.nonce() != *base && bug != Some(Bug::NoNonce) => {
                    (Reply::Changed(found), Effect::Nothing)
                }
                Some(found) => {
                    self.slots.insert(*id, Slot::Live(record.clone()));
                    (Reply::Done, Effect::Replaced(*id, found, record.clone()))
                }
            },
            Call::Delete(id, base) => match self.get(id).cloned() {
                Some(found) if base.is_some_and(|base| base != found.nonce()) => {
                    (Reply::Changed(found), Effect::Nothing)
                }
                Some(found) => {
                    self.end(id, bug);
                    if let Some(owner) = found.owner() {
                        self.remove_entry(owner, id);
                    }
                    (Reply::Done, Effect::Deleted(*id))
                }
                None => {
                    if base.is_none() {
                        self.end(id, bug);
                    }
                    (Reply::Gone, Effect::Nothing)
                }
            },
            Call::List => {
                let is_listed = |(id, _): &(&SessionId, &Kept)| self.lists(ALICE, id);
                (
                    Reply::Listed(self.live().filter(is_listed).map(|(id, kept)| (*id, kept.clone())).collect()),
                    Effect::Nothing,
                )
            }
            Call::Epoch(owner) => (Reply::Epoch(self.epoch.filter(|_| owner == ALICE)), Effect::Nothing),
            Call::Check => (Reply::Epoch(self.epoch), Effect::Nothing),
            Call::MoveEpoch => {
                self.epoch = Some(
                    self.epoch.map_or(Timestamp::from_millis(1), |epoch| Timestamp::from_millis(epoch.as_millis() + 1)),
                );
                (Reply::Done, Effect::Nothing)
            }
            Call::Hold => (Reply::Done, Effect::Nothing),
        }
    }

    fn end(&mut self, id: &SessionId, bug: Option<Bug>) {
        if matches!(bug, Some(Bug::NoTombstone | Bug::CreateTwice)) {
            self.slots.remove(id);
        } else {
            self.slots.insert(*id, Slot::Tombstone);
        }
    }
}

impl Call {
    /// Returns true if it writes one record.
    pub(super) fn is_write(&self) -> bool {
        matches!(self, Self::Create(..) | Self::Replace(..) | Self::Delete(..))
    }

    /// Returns the record that it stores.
    pub(super) fn stores(&self) -> Option<(&SessionId, &Kept)> {
        match self {
            Self::Create(id, record) | Self::Replace(id, _, record) => Some((id, record)),
            _ => None,
        }
    }
}

/// The entries that a seeded bug must still write (`true`) or remove.
pub(super) type Owed = Vec<(SessionId, String, bool)>;
