//! The operations of a request's handlers, until they are committed.

use std::{collections::BTreeMap, fmt, sync::Arc};

use smallvec::{SmallVec, smallvec};

use crate::{
    config::OwnerKey,
    store::{Lifetime, Raw, State, Timestamp, text},
};

mod apply;
mod key;
mod owner;
mod pending;
mod settle;

use self::key::{KeyOp, Step, Update, What};
pub(crate) use self::{key::Replay, pending::PendingEdits};

/// The room for further keys. Most requests write one key. A request that writes a second one usually writes several.
const MORE: usize = 7;

/// The operations of a request's handlers.
#[derive(Clone, Default)]
pub(crate) struct Edits {
    pub(crate) act: Act,
    pub(crate) owner: Option<Option<Arc<str>>>,
    pub(crate) label: Option<Option<Arc<str>>>,
    pub(crate) lifetime: Option<Arc<Lifetime>>,
    /// The value of `owner_valid_from` with which the password was checked, if the application read it itself.
    pub(crate) admitted: Option<Option<Timestamp>>,
    /// True if an empty session must be stored, too.
    pub(crate) started: bool,
    /// The time of the last `clear`, by `clock`.
    cleared: Option<u64>,
    /// Sorted by key.
    keys: SmallVec<[KeyOp; 1]>,
    /// Counts the operations that may change the value that the request sees under a key.
    clock: u64,
}

/// Operations that a session and its commits share. A holder copies them before it changes them.
pub(crate) type SharedEdits = triomphe::Arc<Edits>;

/// The operation on the whole session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Act {
    #[default]
    Keep,
    Renew,
    /// A renewal that begins a new session if it lost its race, because the password was checked.
    Login,
    Purge,
    /// A purge, followed by a new session.
    Restart,
}

/// A key's raw value as the request sees it, as bytes.
#[derive(Clone, Copy)]
pub(crate) enum View<'a> {
    /// The request wrote it, or cleared the session before. What other requests write does not matter.
    Own(Option<&'a [u8]>),
    /// The loaded value, perhaps with updates applied.
    Shared(Option<&'a [u8]>),
}

impl<'a> View<'a> {
    fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Own(value) | Self::Shared(value) => value,
        }
    }
}

impl Edits {
    /// Returns whether there is nothing to commit.
    pub(crate) fn is_empty(&self) -> bool {
        self.act == Act::Keep && !self.touches_keys() && !self.touches_meta() && !self.started
    }

    /// Returns whether the owner, the label or the lifetime was set.
    pub(crate) fn touches_meta(&self) -> bool {
        self.owner.is_some() || self.describes()
    }

    /// Returns whether the label or the lifetime was set.
    pub(crate) fn describes(&self) -> bool {
        self.label.is_some() || self.lifetime.is_some()
    }

    /// Returns whether a key was written, removed or cleared.
    pub(crate) fn touches_keys(&self) -> bool {
        self.cleared.is_some() || self.keys.iter().any(|op| !matches!(op.what, What::Affirm(_)))
    }

    /// Returns whether a commit changes how long the cookie lives, if the session's lifetime is `lifetime`.
    pub(crate) fn moves_cookie(&self, lifetime: &Lifetime) -> bool {
        self.lifetime.is_some() || lifetime.moves_cookie()
    }

    /// Returns whether a key was written, removed or cleared, even if its value stays the same.
    pub(crate) fn names_keys(&self) -> bool {
        self.cleared.is_some() || !self.keys.is_empty()
    }

    /// Returns true if values were inserted, and nothing else was done.
    pub(crate) fn only_inserts(&self) -> bool {
        self.act == Act::Keep
            && !self.touches_meta()
            && !self.started
            && self.names_keys()
            && !self.hides_keys()
            && self.keys.iter().all(|op| matches!(op.what, What::Set(_)))
    }

    /// Returns true if keys were written, and nothing else was done. No update has to run again on the state that it read.
    pub(crate) fn only_writes(&self) -> bool {
        let is_made = |what: &What| !matches!(what, What::Update(update) if update.seen.is_none());
        self.act == Act::Keep
            && !self.touches_meta()
            && !self.started
            && !self.hides_keys()
            && self.touches_keys()
            && self.keys.iter().all(|op| is_made(&op.what))
    }

    /// Returns true if every update has read the value that `loaded` has.
    pub(crate) fn have_read(&self, loaded: &State) -> bool {
        self.keys.iter().all(|op| match &op.what {
            What::Update(update) => update.seen.as_ref().is_some_and(|seen| loaded.has(&op.key, seen.as_ref())),
            What::Set(_) | What::Affirm(_) | What::Remove => true,
        })
    }

    /// Returns whether a `clear` hides the keys that were loaded.
    pub(crate) fn hides_keys(&self) -> bool {
        self.cleared.is_some()
    }

    /// Returns whether a purge or a `clear` hides the keys that were loaded.
    pub(crate) fn hides_loaded(&self) -> bool {
        self.hides_keys() || self.hides_session()
    }

    /// Returns true if the secret or the whole session must be replaced.
    pub(crate) fn renews(&self) -> bool {
        self.act != Act::Keep
    }

    /// Returns true if the whole session must end.
    pub(crate) fn hides_session(&self) -> bool {
        matches!(self.act, Act::Purge | Act::Restart)
    }

    /// Returns the raw value under a key as the request sees it.
    pub(crate) fn seen<'a>(&'a self, key: &str, loaded: &'a State) -> Option<&'a str> {
        self.view_of(self.what(key), key, loaded).bytes().map(text)
    }

    fn view_of<'a>(&self, what: Option<&'a What>, key: &str, loaded: &'a State) -> View<'a> {
        match what {
            Some(What::Set(value)) => View::Own(Some(value.as_bytes())),
            Some(What::Remove) => View::Own(None),
            Some(What::Update(update)) => View::Shared(update.made.as_ref().map(|made| made.as_bytes())),
            None if self.hides_loaded() => View::Own(None),
            None | Some(What::Affirm(_)) => View::Shared(loaded.find(key)),
        }
    }

    /// Returns the value that the request writes under a key, even if it is the one that was loaded. `None` if it
    /// writes none, `Some(None)` if it removes the key.
    pub(crate) fn written(&self, key: &str) -> Option<Option<&str>> {
        match self.what(key) {
            Some(What::Set(value)) => Some(Some(value)),
            // To write the loaded owner again is not the same as to have no owner.
            Some(What::Affirm(value)) => Some(Some(value)),
            Some(What::Remove) => Some(None),
            Some(What::Update(update)) => Some(update.made.as_deref()),
            None => self.cleared.map(|_| None),
        }
    }

    /// Sets a key to a raw value. If the request sees that value already, the insert is kept as [`What::Affirm`]. When
    /// a user logs in again, the application makes such an insert; it must not get lost if the record is gone at the
    /// commit.
    pub(crate) fn insert(&mut self, key: &str, value: Raw, loaded: &State) {
        let place = self.find(key);
        let what = place.ok().and_then(|at| self.keys.get(at)).map(|op| &op.what);
        let is_seen = self.view_of(what, key, loaded).bytes() == Some(value.as_bytes());
        match place {
            Ok(_) if is_seen => {}
            Err(_) if is_seen => self.put(place, key, What::Affirm(value)),
            Ok(_) | Err(_) => self.put(place, key, What::Set(value)),
        }
    }

    /// Sets a key to a raw value, or removes it, whatever was done to it before.
    pub(crate) fn write(&mut self, key: &str, value: Option<Raw>) {
        self.put(self.find(key), key, value.map_or(What::Remove, What::Set));
    }

    /// Adds a step from the raw value that the request sees to another one.
    pub(crate) fn update(&mut self, key: &str, seen: Option<Raw>, made: Option<Raw>, replay: Replay) {
        let place = self.find(key);
        let what = place.ok().and_then(|at| self.keys.get(at)).map(|op| &op.what);
        let is_own = match what {
            Some(What::Set(_) | What::Remove) => true,
            Some(What::Affirm(_) | What::Update(_)) => false,
            None => self.hides_loaded(),
        };
        let at = self.clock + 1;
        let step = Step { at, replay };
        match place.ok().and_then(|at| self.keys.get_mut(at)) {
            _ if is_own => self.put(place, key, made.map_or(What::Remove, What::Set)),
            Some(KeyOp { what: What::Update(update), at: last, .. }) => {
                (*last, self.clock) = (at, at);
                update.made = made;
                update.steps.push(step);
            }
            _ => {
                let update = Update { seen: Some(seen), made, steps: smallvec![step] };
                self.put(place, key, What::Update(Box::new(update)));
            }
        }
    }

    /// Drops the operations on keys, and hides the keys that were loaded.
    pub(crate) fn clear(&mut self) {
        self.clock += 1;
        self.cleared = Some(self.clock);
        self.keys.clear();
    }

    /// Hides the keys that were loaded, and keeps the request's own inserts. A login to another user's session starts
    /// from an empty one.
    pub(crate) fn start_over(&mut self) {
        self.clock += 1;
        self.cleared = Some(self.clock);
        let at = self.clock;
        for op in &mut self.keys {
            op.at = at;
            match &mut op.what {
                What::Affirm(value) => op.what = What::Set(std::mem::take(value)),
                // It runs again at the commit, from no value, because this value was made from the other user's.
                What::Update(update) => (update.seen, update.made) = (None, None),
                What::Set(_) | What::Remove => {}
            }
        }
        self.drop_once();
    }

    /// Drops the updates that cannot run again. In a new session there is no value for them.
    pub(crate) fn drop_once(&mut self) {
        for op in &mut self.keys {
            let is_once = |update: &Update| update.steps.iter().any(|step| matches!(step.replay, Replay::Never));
            if matches!(&op.what, What::Update(update) if is_once(update)) {
                op.what = What::Remove;
            }
        }
    }

    /// Returns whether an update cannot run again.
    pub(crate) fn has_once(&self) -> bool {
        let is_once = |update: &Update| update.steps.iter().any(|step| matches!(step.replay, Replay::Never));
        self.keys.iter().any(|op| matches!(&op.what, What::Update(update) if is_once(update)))
    }

    /// Ends the session, and drops all operations. `act` says whether another session begins.
    pub(crate) fn end(&mut self, act: Act) {
        *self = Self { act, clock: self.clock + 1, ..Self::default() };
    }

    /// Drops the login from these operations, and keeps the writes. `owner_key` names the keys that must not be written
    /// then.
    pub(crate) fn drop_login(&mut self, owner_key: Option<&OwnerKey>) {
        (self.act, self.owner, self.admitted) = (Act::Keep, None, None);
        self.keys.retain(|op| owner_key.is_none_or(|owner_key| !owner_key.depends_on(&op.key)));
    }

    /// Drops all operations but the act, if `commit_if` does not keep the writes.
    pub(crate) fn drop_writes(&mut self) {
        // Without its owner, a login is a renewal.
        self.end(if self.act == Act::Login { Act::Renew } else { self.act });
    }

    /// Returns every key with its raw value, as the request sees them.
    pub(crate) fn entries<'a>(&'a self, loaded: &'a State) -> BTreeMap<&'a str, &'a str> {
        let mut entries: BTreeMap<_, _> = loaded.iter().filter(|_| !self.hides_loaded()).collect();
        for KeyOp { key, what, .. } in &self.keys {
            let value = match what {
                What::Affirm(_) => continue,
                What::Set(value) => Some(value),
                What::Remove => None,
                What::Update(update) => update.made.as_ref(),
            };
            match value {
                Some(value) => entries.insert(key, value),
                None => entries.remove(&**key),
            };
        }
        entries
    }

    fn what(&self, key: &str) -> Option<&What> {
        self.find(key).ok().and_then(|at| self.keys.get(at)).map(|op| &op.what)
    }

    fn put(&mut self, place: Result<usize, usize>, key: &str, what: What) {
        self.clock += 1;
        let at = self.clock;
        match place {
            Ok(index) => {
                if let Some(op) = self.keys.get_mut(index) {
                    (op.at, op.what) = (at, what);
                }
            }
            Err(index) => {
                if self.keys.len() == self.keys.capacity() {
                    self.keys.reserve(self.keys.len().max(MORE));
                }
                self.keys.insert(index, KeyOp { key: key.into(), at, what });
            }
        }
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.keys.binary_search_by(|op| (*op.key).cmp(key))
    }
}

/// Shows keys, not values.
impl fmt::Debug for Edits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.keys.iter().map(|op| &*op.key).collect();
        f.debug_struct("Edits").field("act", &self.act).field("keys", &keys).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
