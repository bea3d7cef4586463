//! Calls that come at the same time.

use super::{
    Suite,
    bench::{Bench, Broken, LIFE, Outcome, ensure, hash, same},
    parallel::parallel,
};
use crate::{
    changes::{Changes, Expected},
    credentials::Credentials,
    record::Record,
    store::{Created, SessionStore, Updated},
    token::SessionId,
};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .check("parallel_updates", "Of parallel updates on condition of one key, none is lost.", parallel_updates)
        .await;
    suite.check("parallel_writes", "Parallel writes to different keys are all kept.", parallel_writes).await;
    suite
        .check(
            "create_race",
            "Of parallel `create`s of one id, exactly one is `Done`, and its record stays.",
            create_race,
        )
        .await;
    suite
        .check(
            "create_race_over_expired",
            "Of parallel `create`s over an expired record, exactly one is `Done`, and its record stays.",
            create_race_over_expired,
        )
        .await;
    suite.check("delete_race", "A deleted record stays deleted, whatever comes at the same time.", delete_race).await;
    suite
        .check(
            "rotation_race",
            "A rotation loses no parallel write and no write undoes it; of two parallel ones, one is `Done`.",
            rotation_race,
        )
        .await;
}

const THREADS: usize = 8;
const ROUNDS: usize = 10;
/// A store that is atomic lets one of the contenders through at every turn.
const TRIES: usize = 10_000;

async fn parallel_updates<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let record = bench.record(&[("n", "0")]);
    let id = bench.created(&record).await?;
    let jobs = (0..THREADS).map(|_| {
        // All have loaded the same record when they start, so that all but one meet a conflict.
        let (bench, loaded) = (bench.clone(), record.clone());
        async move || {
            bench.count(&id, loaded).await?;
            for _ in 1..ROUNDS {
                bench.count(&id, bench.found(&id).await?).await?;
            }
            Ok(())
        }
    });
    parallel(jobs).await?;
    let found = bench.found(&id).await?;
    same("the count", found.state().get("n"), Some((THREADS * ROUNDS).to_string().as_str()))
}

async fn parallel_writes<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let id = bench.created(&bench.record(&[])).await?;
    let jobs = (0..THREADS).map(|thread| {
        let bench = bench.clone();
        async move || {
            for round in 0..ROUNDS {
                bench.does(&id, &bench.changes().set(&format!("{thread} {round}"), "1").build()).await?;
            }
            Ok(())
        }
    });
    parallel(jobs).await?;
    same("the keys kept", bench.found(&id).await?.state().len(), THREADS * ROUNDS)
}

async fn create_race<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for _ in 0..ROUNDS {
        bench.clone().race_to_create(SessionId::random()).await?;
    }
    Ok(())
}

async fn create_race_over_expired<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for _ in 0..ROUNDS {
        let id = bench.created(&bench.record(&[("old", "1")])).await?;
        let later = Bench { now: bench.now.plus(LIFE), ..bench.clone() };
        later.race_to_create(id).await?;
    }
    Ok(())
}

async fn delete_race<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for _ in 0..ROUNDS {
        let id = bench.created(&bench.record(&[("n", "0")])).await?;
        let jobs = (0..THREADS).map(|thread| {
            let bench = bench.clone();
            async move || {
                if thread == 0 {
                    return Ok(bench.store.delete(&id).await?);
                }
                for _ in 0..ROUNDS {
                    let changes = bench.changes().set("n", "1").expires_at(bench.now.plus(LIFE * 2)).build();
                    bench.store.update(&id, &changes).await?;
                }
                Ok(())
            }
        });
        parallel(jobs).await?;
        bench.holds_nothing(&id).await?;
    }
    Ok(())
}

async fn rotation_race<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for _ in 0..ROUNDS {
        let record = bench.record(&[]);
        let id = bench.created(&record).await?;
        let jobs = (0..THREADS).map(|thread| {
            let (bench, old) = (bench.clone(), record.credentials());
            async move || {
                let key = format!("{thread}");
                if thread < 2 {
                    let new = old.rotated(hash(), bench.now);
                    let changes = bench.changes().rotate(&old, &new).set(&key, "1").build();
                    return Ok(bench.tries(&id, &changes).await?.then_some((key, Some(new))));
                }
                bench.does(&id, &bench.changes().set(&key, "1").build()).await?;
                Ok(Some((key, None)))
            }
        });
        let done: Vec<(String, Option<Credentials>)> = parallel(jobs).await?.into_iter().flatten().collect();
        let rotated: Vec<_> = done.iter().filter_map(|(_, credentials)| credentials.as_ref()).collect();
        same("the rotations that were `Done`", rotated.len(), 1)?;
        let found = bench.found(&id).await?;
        ensure(rotated.contains(&&found.credentials()), || "the rotation was undone".to_owned())?;
        let kept: Vec<&str> = found.state().iter().map(|(key, _)| key).collect();
        let mut written: Vec<&str> = done.iter().map(|(key, _)| key.as_str()).collect();
        written.sort_unstable();
        same("the keys kept", kept, written)?;
    }
    Ok(())
}

impl<S: SessionStore> Bench<S> {
    pub(super) async fn found(&self, id: &SessionId) -> Outcome<Record> {
        self.store.load(id).await?.ok_or_else(|| Broken("the record is gone".to_owned()))
    }

    async fn does(&self, id: &SessionId, changes: &Changes) -> Outcome {
        let is_done = self.tries(id, changes).await?;
        ensure(is_done, || "`update` without a condition answered Conflict".to_owned())
    }

    async fn tries(&self, id: &SessionId, changes: &Changes) -> Outcome<bool> {
        match self.store.update(id, changes).await? {
            Updated::Done => Ok(true),
            Updated::Conflict(_) => Ok(false),
            Updated::Gone => Err(Broken("`update` of a live record answered Gone".to_owned())),
        }
    }

    /// Counts one up, as a commit does: again on the record that each conflict brings.
    async fn count(&self, id: &SessionId, mut seen: Record) -> Outcome {
        for _ in 0..TRIES {
            let raw = seen.state().get("n").unwrap_or("nothing");
            let n: u64 = raw.parse().map_err(|_| Broken(format!("{raw} instead of a count")))?;
            let changes = self.changes().set_if("n", Expected::Value(raw), &(n + 1).to_string()).build();
            match self.store.update(id, &changes).await? {
                Updated::Done => return Ok(()),
                Updated::Gone => return Err(Broken("`update` of a live record answered Gone".to_owned())),
                Updated::Conflict(found) => seen = *found,
            }
        }
        Err(Broken(format!("{TRIES} conflicts in a row")))
    }

    async fn race_to_create(&self, id: SessionId) -> Outcome {
        let jobs = (0..THREADS).map(|thread| {
            let bench = self.clone();
            async move || {
                let record = bench.record(&[("thread", &thread.to_string())]);
                let created = bench.store.create(&id, &record).await?;
                Ok((created == Created::Done).then_some(record))
            }
        });
        let done: Vec<Record> = parallel(jobs).await?.into_iter().flatten().collect();
        same("the `create`s that were `Done`", done.len(), 1)?;
        ensure(done.contains(&self.found(&id).await?), || "another record than the one that was `Done`".to_owned())
    }
}
