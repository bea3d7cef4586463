//! The owner that a request's operations write.

use std::sync::Arc;

use super::Edits;
use crate::{
    config::{OwnerKey, at, owner_in, splits},
    error::Error,
    store::State,
};

impl Edits {
    /// Returns the owner that the operations write, on top of the state that was loaded. The outer `None`: they write none. The inner
    /// one: they remove the owner. A closure of the application may run, so no lock may be held.
    ///
    /// # Errors
    ///
    /// The value cannot name an owner.
    pub(crate) fn written_owner(&self, key: &OwnerKey, loaded: &State) -> Result<Option<Option<Arc<str>>>, Error> {
        match key {
            OwnerKey::Path(path) => self.owner_at(path, loaded),
            OwnerKey::Closure(_) if !self.names_keys() => Ok(None),
            OwnerKey::Closure(owner) => {
                let before = if self.hides_session() { None } else { owner(loaded) };
                let now = owner(&self.entries(loaded).into_iter().collect());
                Ok((now != before).then(|| now.map(Into::into)))
            }
        }
    }

    /// Looks for the owner under the longest key that is a prefix of the path, because keys may have dots of their own.
    fn owner_at(&self, path: &str, loaded: &State) -> Result<Option<Option<Arc<str>>>, Error> {
        let loaded = if self.hides_loaded() { State::empty() } else { loaded };
        let mut written = None;
        for (key, fields) in splits(path) {
            let before = loaded.get(key).filter(|_| !fields.is_empty()).and_then(|raw| at(raw, fields));
            match self.written(key) {
                // A longer key is there, and stays: it is the one that the path means.
                None if loaded.contains_key(key) => break,
                None => {}
                Some(None) if fields.is_empty() || before.is_some() || self.hides_keys() => written = Some(None),
                Some(None) => {}
                Some(Some(raw)) => {
                    let Some(value) = at(raw, fields) else {
                        // The path leads nowhere. That means something only if it led somewhere before.
                        if before.is_some() {
                            written = Some(None);
                        }
                        continue;
                    };
                    return owner_in(&value).map(Some).ok_or_else(|| Error::no_owner(path));
                }
            }
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Raw;

    type Keys = &'static [(&'static str, &'static str)];

    /// A key that is written; no value removes it.
    type Writes = &'static [(&'static str, Option<&'static str>)];

    /// See [`Edits::written_owner`].
    type Owner = Result<Option<Option<String>>, ()>;

    fn written(key: &OwnerKey, loaded: Keys, writes: Writes) -> Owner {
        let mut edits = Edits::default();
        for (key, value) in writes {
            edits.write(key, value.map(Raw::new));
        }
        let written = edits.written_owner(key, &loaded.iter().copied().collect()).map_err(drop)?;
        Ok(written.map(|owner| owner.as_deref().map(str::to_owned)))
    }

    #[test]
    fn a_path_leads_to_the_owner_from_the_longest_key() {
        const USER: &str = r#"{"user_id":"ada"}"#;
        const NOBODY: &str = r#"{"user_id":null}"#;
        let ada = || Ok(Some(Some("ada".to_owned())));
        let table: [(Keys, Writes, Owner); 17] = [
            (&[], &[], Ok(None)),
            (&[], &[("other", Some("1"))], Ok(None)),
            (&[], &[("app.data", Some(USER))], ada()),
            (&[], &[("app", Some(r#"{"data":{"user_id":"ada"}}"#))], ada()),
            (&[], &[("app.data.user_id", Some("\"ada\""))], ada()),
            (&[], &[("app.data", Some(r#"{"user_id":7}"#))], Ok(Some(Some("7".to_owned())))),
            (&[], &[("app.data", Some(NOBODY))], Ok(Some(None))),
            // Not an owner.
            (&[], &[("app.data", Some(r#"{"user_id":[1]}"#))], Err(())),
            (&[], &[("app.data", Some(r#"{"user_id":99999999999999999999999}"#))], Err(())),
            // A path that leads nowhere says nothing, unless it led somewhere before.
            (&[], &[("app.data", Some("{}"))], Ok(None)),
            (&[], &[("app", Some("1"))], Ok(None)),
            (&[("app.data", USER)], &[("app.data", Some("{}"))], Ok(Some(None))),
            (&[("app.data", USER)], &[("app.data", None)], Ok(Some(None))),
            (&[("app", "1")], &[("app", None)], Ok(None)),
            (&[], &[("app.data.user_id", None)], Ok(Some(None))),
            // The longest key decides, be it written or loaded.
            (&[], &[("app", Some(r#"{"data":{"user_id":"eve"}}"#)), ("app.data", Some(USER))], ada()),
            (&[("app.data", USER)], &[("app", Some(r#"{"data":{"user_id":"eve"}}"#))], Ok(None)),
        ];
        let key = OwnerKey::Path("app.data.user_id".into());
        for (at, (loaded, writes, expected)) in table.into_iter().enumerate() {
            assert_eq!(written(&key, loaded, writes), expected, "row {at}");
        }
    }

    #[test]
    fn a_clear_removes_the_owner() {
        let mut edits = Edits::default();
        edits.clear();
        for path in ["user", "app.user"] {
            let key = OwnerKey::Path(path.into());
            assert_eq!(
                edits.written_owner(&key, &[("app", "{}")].into_iter().collect()).unwrap(),
                Some(None),
                "{path}"
            );
        }
    }

    #[test]
    fn a_closure_writes_an_owner_only_if_its_answer_changes() {
        let key = OwnerKey::Closure(Arc::new(|state| {
            let first = state.get("users")?.trim_matches(['[', ']']).split(',').next()?;
            (!first.is_empty()).then(|| first.to_owned())
        }));
        let seven = Ok(Some(Some("7".to_owned())));
        assert_eq!(written(&key, &[], &[("users", Some("[7,8]"))]), seven);
        assert_eq!(written(&key, &[("users", "[6]")], &[("users", Some("[7]"))]), seven);
        assert_eq!(written(&key, &[("users", "[7]")], &[("users", Some("[7,9]"))]), Ok(None));
        assert_eq!(written(&key, &[("users", "[7]")], &[("cart", Some("1"))]), Ok(None));
        assert_eq!(written(&key, &[("users", "[7]")], &[("users", None)]), Ok(Some(None)));
        assert_eq!(written(&key, &[("users", "[7]")], &[("users", Some("[]"))]), Ok(Some(None)));
    }
}
