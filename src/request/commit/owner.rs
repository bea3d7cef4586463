//! The owner that a request writes.

use std::sync::Arc;

use super::{Act, Commit, Error, Loaded, OwnerEdit, Record, owner_valid_from};

impl Commit<'_> {
    /// Reads the value of `owner_valid_from` for a login, before anything is written.
    pub(super) async fn admit(&mut self) -> Result<(), Error> {
        let Some(owner) = self.written_owner()?.flatten() else { return Ok(()) };
        if !self.is_login(self.owner_edit(Some(&Some(Arc::clone(&owner))))) {
            return Ok(());
        }
        let now = owner_valid_from(self.config, &owner).await?;
        self.admitted = match self.edits.admitted {
            // The owner's sessions were ended after the password was checked.
            Some(seen) if seen < now => return Err(Error::login_expired()),
            Some(seen) => seen,
            None => now,
        };
        Ok(())
    }

    /// Returns true if this commit admits the owner: it is a login, or a change of the owner.
    pub(super) fn is_login(&self, edit: OwnerEdit<'_>) -> bool {
        matches!(self.edits.act, Act::Login | Act::Restart) || matches!(edit, OwnerEdit::Set(_))
    }

    /// Returns the owner that the request writes, by `set_owner`, by `login` or under the layer's owner key.
    ///
    /// # Errors
    ///
    /// The value under the owner key cannot be an owner.
    pub(super) fn written_owner(&self) -> Result<Option<Option<Arc<str>>>, Error> {
        if self.edits.owner.is_some() {
            return Ok(self.edits.owner.clone());
        }
        match &self.config.owner_key {
            Some(key) => self.edits.written_owner(key, self.opening.state()),
            None => Ok(None),
        }
    }

    /// Returns the change of the owner, compared with the one that was loaded.
    pub(super) fn owner_edit<'o>(&self, written: Option<&'o Option<Arc<str>>>) -> OwnerEdit<'o> {
        let loaded = self.opening.record().and_then(Record::owner);
        // A logout must not get lost if the session that it ends is not open.
        let may_have_owner = match &self.opening.loaded {
            Loaded::Unavailable => true,
            Loaded::Superseded(record) => record.owner().is_some(),
            _ => loaded.is_some(),
        };
        match written {
            Some(Some(owner)) if loaded != Some(&**owner) => OwnerEdit::Set(owner),
            Some(None) if may_have_owner => OwnerEdit::Remove,
            _ => OwnerEdit::Keep,
        }
    }
}
