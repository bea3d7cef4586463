//! What a request's handlers asked for, until it is committed.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use smallvec::{SmallVec, smallvec};

use crate::{error::Error, lifetime::Lifetime, raw::Raw, state::State, time::Timestamp};

mod apply;
mod pending;
mod settle;

pub(crate) use self::pending::Pending;

/// Most requests write one key; one that writes another writes some more.
const MORE: usize = 7;

/// What was asked for.
#[derive(Clone, Default)]
pub(crate) struct Ops {
    pub(crate) act: Act,
    pub(crate) owner: Option<Option<Arc<str>>>,
    pub(crate) label: Option<Option<Arc<str>>>,
    pub(crate) lifetime: Option<Arc<Lifetime>>,
    /// The value of `owner_valid_from` under which the password was checked, if the application read it itself.
    pub(crate) admitted: Option<Option<Timestamp>>,
    /// Whether an empty session is worth a record, too.
    pub(crate) started: bool,
    /// When everything was cleared, in `clock`'s time.
    cleared: Option<u64>,
    /// Sorted by key.
    keys: SmallVec<[KeyOp; 1]>,
    /// Counts what may change the value that is seen under a key.
    clock: u64,
}

/// What was asked for, where several hold it: whoever changes it copies it first.
pub(crate) type SharedOps = triomphe::Arc<Ops>;

/// What is to become of the session as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Act {
    #[default]
    Keep,
    Renew,
    /// A renewal that lost its race begins a new session: the password was checked.
    Login,
    Purge,
    /// A purge, then a new session.
    Restart,
}

#[derive(Clone)]
struct KeyOp {
    key: Raw,
    at: u64,
    what: What,
}

/// What is to become of one key.
#[derive(Clone)]
enum What {
    Set(Raw),
    /// An insert of what was loaded: no change, unless a renewal ends in another record than the one that was loaded.
    Affirm(Raw),
    Remove,
    Update(Box<Update>),
}

/// A read-modify-write.
#[derive(Clone)]
struct Update {
    /// What was read; where that is nothing at all, what was made was made of a value that never came to be stored.
    seen: Option<Option<Raw>>,
    made: Option<Raw>,
    /// How to make it again of another value.
    steps: SmallVec<[Step; 1]>,
}

/// One step of an update.
#[derive(Clone)]
struct Step {
    at: u64,
    replay: Replay,
}

/// Makes a raw value of the raw value that is there.
pub(crate) type Make = dyn FnMut(Option<&str>) -> Result<Option<Raw>, Error> + Send;

/// How to take a step again.
#[derive(Clone)]
pub(crate) enum Replay {
    /// Its closure runs again. It is taken out while it runs: no lock is held then.
    With(Arc<Mutex<Option<Box<Make>>>>),
    /// Its closure cannot run again.
    Never,
}

impl Replay {
    pub(crate) fn with(make: impl FnMut(Option<&str>) -> Result<Option<Raw>, Error> + Send + 'static) -> Self {
        Self::With(Arc::new(Mutex::new(Some(Box::new(make)))))
    }

    /// Whether nothing else holds the closure.
    pub(crate) fn is_last(&self) -> bool {
        matches!(self, Self::With(place) if Arc::strong_count(place) == 1)
    }

    /// Runs the closure on the raw value under `key`.
    pub(crate) fn run(&self, key: &str, raw: Option<&str>) -> Result<Option<Raw>, Error> {
        let Self::With(place) = self else { return Err(Error::conflict_on(key)) };
        let taken = place.lock().unwrap_or_else(PoisonError::into_inner).take();
        // It runs already, and has called back into its own session; or it has panicked.
        let Some(mut make) = taken else { return Err(Error::conflict_on(key)) };
        let made = make(raw);
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(make);
        made
    }
}

/// A key's raw value as the request sees it.
#[derive(Clone, Copy)]
pub(crate) enum View<'a> {
    /// The request wrote it, or cleared the session before: no other request matters.
    Own(Option<&'a str>),
    /// It is what was loaded, perhaps with updates on top.
    Shared(Option<&'a str>),
}

impl<'a> View<'a> {
    pub(crate) fn value(self) -> Option<&'a str> {
        match self {
            Self::Own(value) | Self::Shared(value) => value,
        }
    }
}

impl Ops {
    /// Whether there is nothing to commit.
    pub(crate) fn is_empty(&self) -> bool {
        self.act == Act::Keep && !self.touches_keys() && !self.touches_meta() && !self.started
    }

    /// Whether the owner, the label or the lifetime was set.
    pub(crate) fn touches_meta(&self) -> bool {
        self.owner.is_some() || self.describes()
    }

    /// Whether the label or the lifetime was set.
    pub(crate) fn describes(&self) -> bool {
        self.label.is_some() || self.lifetime.is_some()
    }

    /// Whether a key was written, removed or cleared.
    pub(crate) fn touches_keys(&self) -> bool {
        self.cleared.is_some() || self.keys.iter().any(|op| !matches!(op.what, What::Affirm(_)))
    }

    /// Whether a commit changes how long the cookie lives, where the session's lifetime is `lifetime`.
    pub(crate) fn moves_cookie(&self, lifetime: &Lifetime) -> bool {
        self.lifetime.is_some() || lifetime.moves_cookie()
    }

    /// Whether a key was written, removed or cleared, be it to what it was.
    pub(crate) fn names_keys(&self) -> bool {
        self.cleared.is_some() || !self.keys.is_empty()
    }

    /// Whether the keys that were loaded are hidden behind a clear.
    pub(crate) fn hides_keys(&self) -> bool {
        self.cleared.is_some()
    }

    /// Whether what was loaded is hidden behind a purge or a clear.
    pub(crate) fn hides_loaded(&self) -> bool {
        self.hides_keys() || self.hides_session()
    }

    /// Whether the secret is to be replaced, or the session as a whole.
    pub(crate) fn renews(&self) -> bool {
        self.act != Act::Keep
    }

    /// Whether the session as a whole is to end.
    pub(crate) fn hides_session(&self) -> bool {
        matches!(self.act, Act::Purge | Act::Restart)
    }

    pub(crate) fn view<'a>(&'a self, key: &str, loaded: &'a State) -> View<'a> {
        self.view_of(self.what(key), key, loaded)
    }

    fn view_of<'a>(&self, what: Option<&'a What>, key: &str, loaded: &'a State) -> View<'a> {
        match what {
            Some(What::Set(value)) => View::Own(Some(value)),
            Some(What::Remove) => View::Own(None),
            Some(What::Update(update)) => View::Shared(update.made.as_deref()),
            None if self.hides_loaded() => View::Own(None),
            None | Some(What::Affirm(_)) => View::Shared(loaded.get(key)),
        }
    }

    /// What the request makes of a key, also where that is what was there before; `None` where it leaves it alone.
    pub(crate) fn written(&self, key: &str) -> Option<Option<&str>> {
        match self.what(key) {
            Some(What::Set(value)) => Some(Some(value)),
            // An owner that is written as it was loaded is told from no owner at all.
            Some(What::Affirm(value)) => Some(Some(value)),
            Some(What::Remove) => Some(None),
            Some(What::Update(update)) => Some(update.made.as_deref()),
            None => self.cleared.map(|_| None),
        }
    }

    /// Sets a key to a raw value. Where that is what the request sees already, it is only noted: a login by who was logged in
    /// before is such an insert, and must not lose its user where the record has gone meanwhile.
    pub(crate) fn insert(&mut self, key: &str, value: Raw, loaded: &State) {
        let place = self.find(key);
        let what = place.ok().and_then(|at| self.keys.get(at)).map(|op| &op.what);
        let is_seen = self.view_of(what, key, loaded).value() == Some(&value);
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

    /// Takes a step to another raw value, if `seen` still is the one that the request sees; says whether it is.
    pub(crate) fn update(
        &mut self,
        key: &str,
        loaded: &State,
        seen: Option<Raw>,
        made: Option<Raw>,
        replay: Replay,
    ) -> bool {
        let place = self.find(key);
        let what = place.ok().and_then(|at| self.keys.get(at)).map(|op| &op.what);
        let view = self.view_of(what, key, loaded);
        if view.value() != seen.as_deref() {
            return false;
        }
        let is_own = matches!(view, View::Own(_));
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
        true
    }

    /// Drops what was done to the keys, and all that is there.
    pub(crate) fn clear(&mut self) {
        self.clock += 1;
        self.cleared = Some(self.clock);
        self.keys.clear();
    }

    /// Hides the keys that were loaded, and keeps what the request itself inserted: a login to the session of somebody else
    /// starts from an empty one.
    pub(crate) fn start_over(&mut self) {
        self.clock += 1;
        self.cleared = Some(self.clock);
        let at = self.clock;
        for op in &mut self.keys {
            op.at = at;
            match &mut op.what {
                What::Affirm(value) => op.what = What::Set(std::mem::take(value)),
                // It runs again when it is stored, on nothing: its value was made of the other one's.
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

    /// Whether an update cannot run again.
    pub(crate) fn has_once(&self) -> bool {
        let is_once = |update: &Update| update.steps.iter().any(|step| matches!(step.replay, Replay::Never));
        self.keys.iter().any(|op| matches!(&op.what, What::Update(update) if is_once(update)))
    }

    /// Ends the session, and all that was done to it; `act` says whether another one begins.
    pub(crate) fn end(&mut self, act: Act) {
        *self = Self { act, clock: self.clock + 1, ..Self::default() };
    }

    /// Drops everything but the act: what `commit_if` does not let through.
    pub(crate) fn drop_writes(&mut self) {
        // Without its owner, a login is a renewal.
        self.end(if self.act == Act::Login { Act::Renew } else { self.act });
    }

    /// Every key with its raw value, as the request sees them.
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
impl fmt::Debug for Ops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.keys.iter().map(|op| &*op.key).collect();
        f.debug_struct("Ops").field("act", &self.act).field("keys", &keys).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
