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

/// Returns the owner that a raw value names: the text of a string, the digits of a whole number, or none for `null`.
/// The outer `None` says that the value cannot be an owner. The digits are not parsed, because that could change them.
pub(crate) fn owner_in(raw: &str) -> Option<Option<Arc<str>>> {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    if raw == "null" {
        Some(None)
    } else if raw.starts_with('"') {
        serde_json::from_str::<String>(raw).ok().map(|text| Some(text.into()))
    } else if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Some(Some(raw.into()))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::owner_in;

    #[test]
    fn an_owner_is_a_string_or_a_whole_number_digit_by_digit() {
        let owner = |raw| owner_in(raw).map(|owner| owner.as_deref().map(str::to_owned));
        let table = [
            ("\"alice\"", Some(Some("alice"))),
            ("\"al\\u0069ce\"", Some(Some("alice"))),
            ("\"\"", Some(Some(""))),
            ("7", Some(Some("7"))),
            ("-7", Some(Some("-7"))),
            ("340282366920938463463374607431768211455", Some(Some("340282366920938463463374607431768211455"))),
            ("null", Some(None)),
            ("7.0", None),
            ("1e3", None),
            ("true", None),
            ("[7]", None),
            ("{\"id\":7}", None),
            ("-", None),
        ];
        for (raw, expected) in table {
            assert_eq!(owner(raw), expected.map(|owner| owner.map(str::to_owned)), "{raw}");
        }
    }
}
