//! Long random histories, beside a reference that is `Changes::apply` alone.

use std::collections::HashMap;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{
    Suite,
    bench::{Bench, Broken, LIFE, Outcome, hash, same, same_record},
};
use crate::{
    changes::{Changes, Expected},
    lifetime::Lifetime,
    record::Record,
    store::{Created, SessionStore, Updated},
    testing::ChangesBuilder,
    token::SessionId,
};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .check(
            "random_histories",
            "After any calls in any order, `load` gives what `Changes::apply` says.",
            random_histories,
        )
        .await;
}

/// Each seed is one history, the same on every run.
const SEEDS: u64 = 8;
const STEPS: usize = 100;
const KEYS: [&str; 4] = ["", "a", "b", "c"];
const VALUES: [&str; 4] = ["1", "1.0", "\"x\"", "{}"];
const OWNERS: [Option<&str>; 3] = [None, Some("alice"), Some("bob")];

async fn random_histories<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for seed in 0..SEEDS {
        let mut history = History {
            rng: StdRng::seed_from_u64(seed),
            ids: [SessionId::random(), SessionId::random()],
            expected: HashMap::new(),
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
    /// What there is, expired or not.
    expected: HashMap<SessionId, Record>,
    bench: Bench<S>,
}

impl<S: SessionStore> History<S> {
    async fn step(&mut self) -> Outcome {
        let id = self.ids[self.rng.random_range(0..self.ids.len())];
        match self.rng.random_range(0..20) {
            0 => {
                self.bench.store.delete(&id).await?;
                self.expected.remove(&id);
            }
            1..4 => self.create(&id).await?,
            4..7 => self.bench.now = self.bench.now.plus(LIFE / 2),
            _ => self.update(&id).await?,
        }
        for id in self.ids {
            self.check(&id).await?;
        }
        Ok(())
    }

    async fn create(&mut self, id: &SessionId) -> Outcome {
        let entries = [(self.pick(&KEYS), self.pick(&VALUES)), (self.pick(&KEYS), "2")];
        let record = self.bench.record(&entries);
        let expected = if self.live(id).is_some() { Created::Taken } else { Created::Done };
        same("`create`", self.bench.store.create(id, &record).await?, expected)?;
        if expected == Created::Done {
            self.expected.insert(*id, record);
        }
        Ok(())
    }

    async fn update(&mut self, id: &SessionId) -> Outcome {
        let changes = self.changes(id);
        let expected = match self.live(id).map(|record| (record, changes.apply(record))) {
            None => Updated::Gone,
            Some((_, Ok(_))) => Updated::Done,
            Some((record, Err(_))) => Updated::Conflict(Box::new(record.clone())),
        };
        let found = self.bench.store.update(id, &changes).await?;
        match (&found, &expected) {
            (Updated::Conflict(found), Updated::Conflict(expected)) => {
                same_record("the Conflict carried", found, expected)?;
            }
            _ => same("`update`", found, expected)?,
        }
        if let Some(Ok(after)) = self.live(id).map(|record| changes.apply(record)) {
            self.expected.insert(*id, after);
        }
        Ok(())
    }

    async fn check(&self, id: &SessionId) -> Outcome {
        match (self.bench.store.load(id).await?, self.expected.get(id)) {
            (Some(found), Some(expected)) => same_record("`load` gave", &found, expected),
            (Some(_), None) => Err(Broken("`load` found a record that was deleted or never made".to_owned())),
            (None, Some(expected)) if expected.is_live(self.bench.now) => {
                Err(Broken("`load` found nothing".to_owned()))
            }
            (None, _) => Ok(()),
        }
    }

    fn live(&self, id: &SessionId) -> Option<&Record> {
        self.expected.get(id).filter(|record| record.is_live(self.bench.now))
    }

    fn changes(&mut self, id: &SessionId) -> Changes {
        let now = self.bench.now;
        let mut changes = ChangesBuilder::new(now).expires_at(now.plus(LIFE / 4 * self.rng.random_range(0..8)));
        if self.rng.random_ratio(1, 8) {
            changes = changes.clear();
        }
        for _ in 0..self.rng.random_range(0..4) {
            changes = self.key(id, changes);
        }
        if self.rng.random_ratio(1, 4) {
            changes = changes.owner(self.pick(&OWNERS));
        }
        if self.rng.random_ratio(1, 4) {
            changes = changes.label(self.pick(&OWNERS));
        }
        if self.rng.random_ratio(1, 8) {
            changes = changes.lifetime(Lifetime::default()).expires_at(now.plus(LIFE));
        }
        let Some(record) = self.expected.get(id) else { return changes.build() };
        let rotated = record.credentials().rotated(hash(), now);
        match self.rng.random_range(0..8) {
            0 => changes.rotate(&record.credentials(), &rotated).build(),
            1 => changes.rotate(&rotated, &rotated).build(),
            _ => changes.build(),
        }
    }

    /// Something done to a key, on a condition or not; most conditions hold.
    fn key(&mut self, id: &SessionId, changes: ChangesBuilder) -> ChangesBuilder {
        let key = self.pick(&KEYS);
        let there = self.expected.get(id).and_then(|record| record.state().get(key)).map(str::to_owned);
        let expected = match (self.rng.random_range(0..8), &there) {
            (0, _) => Expected::Absent,
            (1, _) => Expected::Value(self.pick(&VALUES)),
            (2..5, Some(raw)) => Expected::Value(raw),
            (2..5, None) => Expected::Absent,
            _ => Expected::Anything,
        };
        if self.rng.random_ratio(1, 3) {
            changes.remove_if(key, expected)
        } else {
            changes.set_if(key, expected, self.pick(&VALUES))
        }
    }

    fn pick<T: Copy, const N: usize>(&mut self, from: &[T; N]) -> T {
        from[self.rng.random_range(0..N)]
    }
}
