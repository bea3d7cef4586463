//! Long random histories, compared with a map.

use std::collections::{HashMap, HashSet};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{
    Suite,
    bench::{Bench, Broken, LIFE, Outcome, ensure, hash, same, same_record},
};
use crate::{
    store::{Created, Deleted, Lifetime, Record, Replaced, SessionId, SessionStore},
    testing::RecordBuilder,
};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .check(
            "random_histories",
            "After any calls in any order, `load` and `list` give what was written last.",
            random_histories,
        )
        .await;
}

/// The number of histories. Each seed makes the same history in every run.
const SEEDS: u64 = 8;
const STEPS: usize = 100;
const KEYS: [&str; 4] = ["", "a", "b", "c"];
const VALUES: [&str; 4] = ["1", "1.0", "\"x\"", "{}"];
const LABELS: [Option<&str>; 3] = [None, Some("phone"), Some("laptop")];

async fn random_histories<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for seed in 0..SEEDS {
        let mut history = History {
            rng: StdRng::seed_from_u64(seed),
            ids: [SessionId::random(), SessionId::random()],
            owners: [SessionId::random(), SessionId::random()].map(|name| name.to_string()),
            expected: HashMap::new(),
            written: vec![bench.record(&[])],
            deleted: HashSet::new(),
            bench: bench.clone(),
        };
        for step in 0..STEPS {
            history.step().await.map_err(|Broken(found)| Broken(format!("seed {seed}, step {step}: {found}")))?;
        }
    }
    Ok(())
}

struct History<S> {
    rng: StdRng,
    ids: [SessionId; 2],
    owners: [String; 2],
    expected: HashMap<SessionId, Record>,
    /// All records that were stored, under either id.
    written: Vec<Record>,
    deleted: HashSet<SessionId>,
    bench: Bench<S>,
}

impl<S: SessionStore> History<S> {
    async fn step(&mut self) -> Outcome {
        let at = self.rng.random_range(0..self.ids.len());
        let id = self.ids[at];
        match self.rng.random_range(0..20) {
            0 => self.delete(&id, None).await?,
            1..4 => {
                let base = self.base(&id);
                self.delete(&id, Some(&base)).await?;
            }
            4..8 => {
                if self.create(&id).await? == Created::Taken && self.deleted.contains(&id) {
                    // The tombstone lasts, so a new id is needed.
                    self.ids[at] = SessionId::random();
                }
            }
            _ => self.replace(&id).await?,
        }
        for id in self.ids {
            self.check(&id).await?;
        }
        self.check_owners().await
    }

    async fn create(&mut self, id: &SessionId) -> Outcome<Created> {
        let record = self.next(RecordBuilder::new(self.bench.now));
        let created = self.bench.store.create(id, &record).await?;
        let is_free = !self.expected.contains_key(id);
        ensure(created == Created::Taken || is_free, || "`create` over a record answered Done".to_owned())?;
        ensure(created == Created::Done || !is_free || self.deleted.contains(id), || {
            "`create` of a new id answered Taken".to_owned()
        })?;
        if created == Created::Done {
            self.store(id, record);
        }
        Ok(created)
    }

    async fn replace(&mut self, id: &SessionId) -> Outcome {
        let base = self.base(id);
        let record = self.next(RecordBuilder::after(&base));
        let found = self.bench.store.replace(id, &base, &record).await?;
        match (self.expected.get(id), found) {
            (None, found) => same("`replace`", found, Replaced::Gone),
            (Some(stored), found) if stored.nonce() == base.nonce() => {
                same("`replace`", found, Replaced::Done)?;
                self.store(id, record);
                Ok(())
            }
            (Some(stored), Replaced::Changed(found)) => same_record("`Changed` has", &found, stored),
            (Some(stored), found) => same("`replace`", found, Replaced::Changed(stored.clone())),
        }
    }

    async fn delete(&mut self, id: &SessionId, base: Option<&Record>) -> Outcome {
        let found = self.bench.store.delete(id, base).await?;
        if base.is_none() {
            self.deleted.insert(*id);
        }
        match (self.expected.get(id), found) {
            (None, found) => same("`delete`", found, Deleted::Gone),
            (Some(stored), found) if base.is_none_or(|base| base.nonce() == stored.nonce()) => {
                same("`delete`", found, Deleted::Done)?;
                self.expected.remove(id);
                self.deleted.insert(*id);
                Ok(())
            }
            (Some(stored), Deleted::Changed(found)) => same_record("`Changed` has", &found, stored),
            (Some(stored), found) => same("`delete`", found, Deleted::Changed(stored.clone())),
        }
    }

    fn store(&mut self, id: &SessionId, record: Record) {
        self.written.push(record.clone());
        self.expected.insert(*id, record);
    }

    async fn check(&self, id: &SessionId) -> Outcome {
        match (self.bench.store.load(id).await?, self.expected.get(id)) {
            (Some(found), Some(expected)) => same_record("`load` gave", &found, expected),
            (Some(_), None) => Err(Broken("`load` found a record that was deleted or never made".to_owned())),
            (None, Some(_)) => Err(Broken("`load` found nothing".to_owned())),
            (None, None) => Ok(()),
        }
    }

    async fn check_owners(&self) -> Outcome {
        if self.bench.store.owner_index().is_none() {
            return Ok(());
        }
        for owner in &self.owners {
            let owned = self.expected.iter().filter(|(_, record)| record.owner() == Some(owner));
            let owned: Vec<_> = owned.map(|(id, record)| (*id, record)).collect();
            self.bench.lists(owner, &owned).await?;
        }
        Ok(())
    }

    /// Returns a base: in most cases the stored record.
    fn base(&mut self, id: &SessionId) -> Record {
        match (self.expected.get(id), self.rng.random_range(0..8)) {
            (Some(stored), 0) => {
                // Only the nonce is compared.
                RecordBuilder::new(self.bench.now).owner(stored.owner()).nonce(stored.nonce()).build()
            }
            (Some(stored), 1..6) => stored.clone(),
            _ => {
                let at = self.rng.random_range(0..self.written.len());
                self.written[at].clone()
            }
        }
    }

    /// Returns a record to write.
    fn next(&mut self, mut next: RecordBuilder) -> Record {
        let now = self.bench.now;
        for _ in 0..self.rng.random_range(0..4) {
            let (key, value) = (self.pick(&KEYS), self.pick(&VALUES));
            next = if self.rng.random_ratio(1, 3) { next.remove(key) } else { next.set(key, value) };
        }
        if self.rng.random_ratio(1, 3) {
            let at = self.rng.random_range(0..3);
            next = next.owner(self.owners.get(at).map(String::as_str));
        }
        if self.rng.random_ratio(1, 4) {
            next = next.label(self.pick(&LABELS));
        }
        if self.rng.random_ratio(1, 8) {
            next = next.lifetime(self.rng.random_bool(0.5).then(Lifetime::default));
        }
        if self.rng.random_ratio(1, 8) {
            next = next.trail();
        }
        let record = next.clone().build();
        if self.rng.random_ratio(1, 8) {
            next = next.credentials(record.credentials().rotated(hash(), now));
        }
        let ends = match self.rng.random_range(0..8) {
            0 => self.bench.before(LIFE / 10),
            quarters => now.plus(LIFE / 4 * quarters),
        };
        next.used_at(now).expires_at(ends).build()
    }

    fn pick<T: Copy, const N: usize>(&mut self, from: &[T; N]) -> T {
        from[self.rng.random_range(0..N)]
    }
}
