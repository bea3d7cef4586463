//! The index of owners of a careless store: a table beside the records.

use cloakroom::{
    SessionId, StoreError,
    store::{Deleted, OwnerIndex, Record, SessionStore as _},
    testing::RecordBuilder,
};

use super::{Careless, Fault, is_expired};

impl Careless {
    /// Returns the owner as the index spells it.
    pub(super) fn spelled(&self, owner: &str) -> String {
        match self.fault {
            Fault::FoldsOwners => owner.to_lowercase(),
            Fault::TrimsOwners => owner.trim_end().to_owned(),
            Fault::CutsOwners => owner.chars().take(255).collect(),
            _ => owner.to_owned(),
        }
    }

    /// Writes the entry before the record.
    pub(super) fn enters(&self, id: &SessionId, record: &Record, late: Fault) {
        if let Some(owner) = record.owner().filter(|_| !self.has(late)) {
            self.data().entries.insert((self.spelled(owner), *id));
        }
    }

    /// Writes the entry after the record.
    pub(super) async fn enters_late(&self, id: &SessionId, record: &Record) {
        self.round_trip(Fault::IndexesLate).await;
        self.enters(id, record, Fault::None);
    }

    /// Removes the entry of the previous owner.
    pub(super) async fn leaves(&self, id: &SessionId, base: &Record, record: &Record) {
        let is_moved = base.owner() != record.owner();
        let is_removed = match self.fault {
            Fault::UnlistsAtMoves => is_moved,
            Fault::UnlistsAtReplace => !is_moved,
            _ => false,
        };
        if let Some(owner) = base.owner().filter(|_| is_removed) {
            self.round_trip(Fault::UnlistsAtMoves).await;
            self.data().entries.remove(&(self.spelled(owner), *id));
        }
    }

    fn is_listed(&self, owner: &str, record: &Record) -> bool {
        let is_owned = record.owner().map(|owner| self.spelled(owner)) == Some(self.spelled(owner));
        match self.fault {
            Fault::ListsMoved => true,
            Fault::ListsLiveOnly | Fault::HidesExpired => is_owned && !is_expired(record),
            _ => is_owned,
        }
    }

    async fn end(&self, owner: &str, id: &SessionId, mut found: Option<Record>) -> Result<bool, StoreError> {
        while let Some(record) = found {
            let is_owned = record.owner() == Some(owner) || self.has(Fault::RevokesAnybodys);
            if !is_owned || (self.has(Fault::RevokesLiveOnly) && is_expired(&record)) {
                return Ok(false);
            }
            self.round_trip(Fault::RevokesBlindly).await;
            self.round_trip(Fault::RevokesOnce).await;
            let base = Some(&record).filter(|_| !self.has(Fault::RevokesBlindly));
            found = match self.delete(id, base).await? {
                Deleted::Done => return Ok(true),
                Deleted::Gone => None,
                Deleted::Changed(_) if self.has(Fault::RevokesOnce) => None,
                Deleted::Changed(found) => Some(found),
            };
        }
        Ok(false)
    }
}

impl OwnerIndex for Careless {
    async fn list(&self, owner: &str) -> Result<Vec<(SessionId, Record)>, StoreError> {
        let spelled = self.spelled(owner);
        let (listed, stale) = {
            let data = self.data();
            let ids = data.entries.iter().filter(|(of, _)| *of == spelled).map(|(_, id)| *id);
            let records =
                ids.map(|id| (id, data.records.get(&id).filter(|record| self.is_listed(owner, record)).cloned()));
            records.partition::<Vec<_>, _>(|(_, record)| record.is_some())
        };
        if self.has(Fault::TidiesLists) {
            self.round_trip(Fault::TidiesLists).await;
            let mut data = self.data();
            for (id, _) in stale {
                data.entries.remove(&(spelled.clone(), id));
            }
        }
        let seen = |record: Record| match record.label() {
            Some(label) if self.has(Fault::CutsLists) => {
                RecordBuilder::of(&record).label(Some(&label.chars().take(255).collect::<String>())).build()
            }
            _ => record,
        };
        Ok(listed.into_iter().filter_map(|(id, record)| Some((id, seen(record?)))).collect())
    }

    async fn revoke(&self, owner: &str, id: &SessionId) -> Result<bool, StoreError> {
        let found = self.load(id).await?;
        self.end(owner, id, found).await
    }

    async fn revoke_all(&self, owner: &str, but: Option<&SessionId>) -> Result<Vec<SessionId>, StoreError> {
        let but = but.filter(|_| !self.has(Fault::KeepsNone));
        let mut ended = Vec::new();
        for (id, record) in OwnerIndex::list(self, owner).await?.into_iter().filter(|(id, _)| Some(id) != but) {
            if self.end(owner, &id, Some(record)).await? {
                ended.push(id);
            }
        }
        Ok(ended)
    }
}
