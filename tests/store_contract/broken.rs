//! A store with one fault, of the kinds that real stores have.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use cloakroom::{
    SessionId, StoreError,
    store::{Created, Deleted, DynOwnerIndex, Record, Replaced, SessionStore, Timestamp},
    testing::RecordBuilder,
};

#[path = "index.rs"]
mod index;
#[path = "kept.rs"]
mod kept;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    LoadsThenOverwrites,
    ReplacesBlindly,
    RecreatesOnReplace,
    OverwritesOnCreate,
    CreatesOverExpired,
    DeletesBlindly,
    ComparesAll,
    ComparesTimes,
    FloatNonces,
    HalfNonces,
    KeepsNonce,
    AnswersBase,
    HidesExpired,
    ReplacesLiveOnly,
    MovesDeadlinesOut,
    KeepsLabels,
    /// The line with this name.
    Loses(&'static str),
    RoundsTimes,
    CutsDeadlines,
    CutsValues,
    ReparsesNumbers,
    TrimsKeys,
    WritesHeadOnly,
    WritesHalves,
    DeletesTooMuch,
    Revives,
    HalfTombstones,
    IndexesLate,
    UnlistsAtMoves,
    TidiesLists,
    UnlistsAtReplace,
    ListsMoved,
    ListsLiveOnly,
    CutsLists,
    FoldsOwners,
    TrimsOwners,
    CutsOwners,
    RevokesAnybodys,
    RevokesBlindly,
    RevokesOnce,
    RevokesLiveOnly,
    KeepsNone,
}

pub(crate) struct Careless {
    fault: Fault,
    data: Mutex<Data>,
}

#[derive(Default)]
struct Data {
    records: BTreeMap<SessionId, Record>,
    /// The index, with the owners as this store spells them.
    entries: BTreeSet<(String, SessionId)>,
    /// Deleted records that are only marked as deleted.
    marked: BTreeMap<SessionId, Record>,
    tombstones: BTreeSet<SessionId>,
}

impl Careless {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, data: Mutex::default() }
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().expect("nothing panics under it")
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// Waits for a round trip to a database, if this store has the fault of two calls that should be one.
    async fn round_trip(&self, fault: Fault) {
        if self.has(fault) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn is_base(&self, stored: &Record, base: &Record) -> bool {
        match self.fault {
            Fault::ComparesAll => stored == base,
            Fault::ComparesTimes => stored.last_used() == base.last_used(),
            #[allow(clippy::cast_precision_loss, clippy::float_cmp)] // That is the fault.
            Fault::FloatNonces => stored.nonce() as f64 == base.nonce() as f64,
            Fault::HalfNonces => stored.nonce() << 32 == base.nonce() << 32,
            _ => stored.nonce() == base.nonce(),
        }
    }

    fn put(&self, id: &SessionId, record: &Record) {
        let mut data = self.data();
        let kept = self.kept(record, data.records.get(id));
        data.records.insert(*id, kept);
    }
}

fn is_expired(record: &Record) -> bool {
    record.expires_at() <= Timestamp::from(SystemTime::now())
}

impl SessionStore for Careless {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        let found = self.data().records.get(id).cloned();
        Ok(found.filter(|found| !self.has(Fault::HidesExpired) || !is_expired(found)))
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        let is_taken = |data: &Data| match data.records.get(id) {
            Some(_) if self.has(Fault::OverwritesOnCreate) => false,
            Some(found) if self.has(Fault::CreatesOverExpired) => !is_expired(found),
            found => found.is_some() || data.tombstones.contains(id),
        };
        if self.has(Fault::LoadsThenOverwrites) {
            if is_taken(&self.data()) {
                return Ok(Created::Taken);
            }
            self.round_trip(Fault::LoadsThenOverwrites).await;
        }
        self.enters(id, record, Fault::IndexesLate);
        {
            let mut data = self.data();
            if let Some(old) = data.marked.remove(id) {
                data.records.insert(*id, old);
                return Ok(Created::Done);
            }
            if !self.has(Fault::LoadsThenOverwrites) && is_taken(&data) {
                return Ok(Created::Taken);
            }
            let kept = self.kept(record, None);
            data.records.insert(*id, kept);
        }
        self.enters_late(id, record).await;
        Ok(Created::Done)
    }

    async fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        let check = |data: &Data| {
            let Some(found) =
                data.records.get(id).filter(|found| !self.has(Fault::ReplacesLiveOnly) || !is_expired(found))
            else {
                return (!self.has(Fault::RecreatesOnReplace)).then_some(Replaced::Gone);
            };
            let is_base = self.has(Fault::ReplacesBlindly) || self.is_base(found, base);
            let answer = if self.has(Fault::AnswersBase) { base } else { found };
            (!is_base).then(|| Replaced::Changed(answer.clone()))
        };
        if matches!(self.fault, Fault::LoadsThenOverwrites | Fault::WritesHalves) {
            if let Some(answer) = check(&self.data()) {
                return Ok(answer);
            }
            if self.has(Fault::WritesHalves) {
                self.put(id, &RecordBuilder::of(base).owner(record.owner()).build());
                tokio::task::yield_now().await;
            }
            self.round_trip(Fault::LoadsThenOverwrites).await;
        }
        self.enters(id, record, Fault::IndexesLate);
        // As slow as the calls that it meets.
        for fault in [Fault::TidiesLists, Fault::UnlistsAtMoves, Fault::RevokesBlindly, Fault::RevokesOnce] {
            self.round_trip(fault).await;
        }
        {
            let mut data = self.data();
            if let Some(answer) = check(&data).filter(|_| !self.has(Fault::LoadsThenOverwrites)) {
                return Ok(answer);
            }
            let mut kept = self.kept(record, data.records.get(id));
            if self.has(Fault::KeepsNonce) {
                kept = RecordBuilder::of(&kept).nonce(base.nonce()).build();
            }
            data.records.insert(*id, kept);
        }
        self.enters_late(id, record).await;
        self.leaves(id, base, record).await;
        Ok(Replaced::Done)
    }

    async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        let mut data = self.data();
        let base = base.filter(|_| !self.has(Fault::DeletesBlindly));
        match (data.records.get(id), base) {
            (None, _) => return Ok(Deleted::Gone),
            (Some(found), Some(base)) if !self.is_base(found, base) => return Ok(Deleted::Changed(found.clone())),
            (Some(_), _) => {}
        }
        let Some(removed) = data.records.remove(id) else { return Ok(Deleted::Gone) };
        if let Some(owner) = removed.owner() {
            data.entries.remove(&(self.spelled(owner), *id));
            if self.has(Fault::DeletesTooMuch) {
                data.records.retain(|_, record| record.owner() != Some(owner));
            }
        }
        if self.has(Fault::Revives) {
            data.marked.insert(*id, removed);
        } else if self.has(Fault::HalfTombstones) {
            data.tombstones.insert(*id);
        }
        Ok(Deleted::Done)
    }

    fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        Some(self)
    }
}
