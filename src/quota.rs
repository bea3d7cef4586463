//! How many sessions one owner may have at once.

use crate::{
    core::Core,
    error::Error,
    event::Event,
    owners::{DynOwnerIndex, OwnedSession},
    token::SessionId,
};

/// What a login over an owner's limit comes to: see [`SessionLayer::max_per_owner`](crate::SessionLayer::max_per_owner).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OverLimit {
    /// The login fails: its commit is an error, [`Error::is_over_limit`], and stores nothing.
    Refuse,
    /// The owner's oldest sessions end.
    EndOldest,
}

/// A limit, and what a login over it comes to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    pub(crate) max: usize,
    pub(crate) over: OverLimit,
}

/// A session on its way to its owner: it keeps the owner's limit.
pub(crate) struct Admission<'a> {
    core: &'a Core,
    quota: Quota,
    owner: &'a str,
    id: SessionId,
}

impl<'a> Admission<'a> {
    /// Asks whether the session may become the owner's; `None` where there is no limit.
    pub(crate) async fn ask(core: &'a Core, owner: Option<&'a str>, id: SessionId) -> Result<Option<Self>, Error> {
        let (Some(quota), Some(owner)) = (core.quota, owner) else { return Ok(None) };
        let admission = Self { core, quota, owner, id };
        if quota.over == OverLimit::Refuse && admission.others().await?.len() >= quota.max {
            return Err(Error::over_limit(quota.max));
        }
        Ok(Some(admission))
    }

    /// Looks again, now that the session is the owner's: others may have come at the same time.
    pub(crate) async fn keep(self) -> Result<(), Error> {
        match self.quota.over {
            OverLimit::Refuse => {
                if self.others().await?.len() >= self.quota.max {
                    // Two logins that raced for the last place both give it up: the limit holds, the users try again.
                    self.core.store.delete(&self.id).await?;
                    return Err(Error::over_limit(self.quota.max));
                }
            }
            OverLimit::EndOldest => {
                // The login itself is done: its token must reach the client, and the next login ends what is left.
                if let Err(error) = self.end_oldest().await {
                    self.core.emit(&Event::StoreFailed { error: &error });
                }
            }
        }
        Ok(())
    }

    async fn end_oldest(&self) -> Result<(), Error> {
        let mut others = self.others().await?;
        others.sort_by_key(|session| (session.created_at, session.id));
        let excess = (others.len() + 1).saturating_sub(self.quota.max);
        for session in others.into_iter().take(excess) {
            if self.index()?.revoke(self.owner, &session.id).await? {
                self.core.emit(&Event::Destroyed { id: session.id });
            }
        }
        Ok(())
    }

    async fn others(&self) -> Result<Vec<OwnedSession>, Error> {
        let mut sessions = self.index()?.list(self.owner, self.core.now()).await?;
        sessions.retain(|session| session.id != self.id);
        Ok(sessions)
    }

    fn index(&self) -> Result<&dyn DynOwnerIndex, Error> {
        self.core.store.owner_index().ok_or_else(Error::no_owner_index)
    }
}
