//! Replaces a record by a login, within the owner's limit.

use super::{Change, Commit, Error, Timestamp, make::Put, write::Stored};
use crate::{
    request::Admission,
    store::{DynStore, certain, certain::Certain, random_nonce},
};

impl Commit<'_> {
    /// Returns true if a replacement gives the session an owner with a limit.
    pub(super) fn gains_owner(&self, put: &Put) -> bool {
        self.config.quota.is_some()
            && put.change == Change::Renew
            && put.record.owner().is_some()
            && put.record.owner() != put.base.owner()
    }

    /// Stores a login within its owner's limit.
    pub(super) async fn store_within_quota(
        &mut self,
        mut put: Put,
        store: &dyn DynStore,
        now: Timestamp,
    ) -> Result<Stored, Error> {
        let owner = put.record.owner().map(str::to_owned);
        let admission = Admission::ask(self.config, owner.as_deref(), put.id, now).await?;
        if let Some(admission) = &admission {
            put.record.body_mut().last_used = admission.now().max(put.record.last_used());
        }
        let sent = certain::replace(store, &put.id, &put.base, &put.record, now, self.patience()).await;
        match self.told(sent)? {
            Certain::Done(later) => {
                if let Some(admission) = admission
                    && let Err(error) = admission.keep().await
                {
                    self.put_back(put, store, now).await;
                    return Err(error);
                }
                self.stored(put, later, now).map(|()| Stored::Done)
            }
            Certain::Changed(found) => Ok(Stored::Found(Some(found))),
            Certain::Gone => Ok(Stored::Found(None)),
        }
    }

    /// Undoes a login that the owner's limit refused after its write. The session gets its previous content, and its
    /// previous token opens it again.
    async fn put_back(&self, put: Put, store: &dyn DynStore, now: Timestamp) {
        let Put { id, base, record, .. } = put;
        let before = base.written(random_nonce(), &record);
        match certain::replace(store, &id, &record, &before, now, self.patience()).await {
            // The record is changed or gone. No client has the new token, so it was a merge or a delete, which stays.
            Ok(_) => {}
            Err(error) => self.config.upkeep_failed(id, &error.into()),
        }
    }
}
