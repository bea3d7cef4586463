//! Concurrent calls.

use super::{
    Suite,
    bench::{Bench, Broken, Outcome, ensure, same, same_record},
    parallel::parallel,
};
use crate::{
    store::{Created, Deleted, Record, Replaced, SessionId, SessionStore},
    testing::RecordBuilder,
};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .check(
            "replace_race",
            "Of parallel `replace`s of one base, exactly one is `Done`. The others are `Changed` with its record.",
            replace_race,
        )
        .await;
    suite.check("counters", "Of parallel loops that load and replace, no write is lost.", counters).await;
    suite
        .check(
            "create_race",
            "Of parallel `create`s of one id, exactly one is `Done`, and its record stays.",
            create_race,
        )
        .await;
    suite.check("delete_race", "A deleted record stays deleted, whatever comes at the same time.", delete_race).await;
    suite
        .check("delete_base_race", "A `delete` with a base is `Done` only if nothing came between.", delete_base_race)
        .await;
}

pub(super) const THREADS: usize = 8;
pub(super) const ROUNDS: usize = 10;
/// The limit of tries. In an atomic store, one of the contenders succeeds at each try.
const TRIES: usize = 10_000;

async fn replace_race<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for _ in 0..ROUNDS {
        bench.race_from_one_base(THREADS).await?;
    }
    Ok(())
}

async fn delete_base_race<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for round in 0..ROUNDS {
        bench.race_from_one_base(round % THREADS).await?;
    }
    Ok(())
}

async fn counters<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let first = bench.record(&[("n", "0")]);
    let id = bench.created(&first).await?;
    let jobs = (0..THREADS).map(|_| {
        // All have loaded the same record when they start, so all but one lose.
        let (bench, first) = (bench.clone(), first.clone());
        async move || {
            bench.retried(&id, first, counted).await?;
            for _ in 1..ROUNDS {
                bench.retried(&id, bench.found(&id).await?, counted).await?;
            }
            Ok(())
        }
    });
    parallel(jobs).await?;
    let found = bench.found(&id).await?;
    same("the count", found.state().get("n"), Some((THREADS * ROUNDS).to_string().as_str()))
}

fn counted(record: &Record) -> Outcome<RecordBuilder> {
    let raw = record.state().get("n").unwrap_or("nothing");
    let n: u64 = raw.parse().map_err(|_| Broken(format!("{raw} instead of a count")))?;
    Ok(RecordBuilder::after(record).set("n", &(n + 1).to_string()))
}

async fn create_race<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for _ in 0..ROUNDS {
        let id = SessionId::random();
        let jobs = (0..THREADS).map(|thread| {
            let bench = bench.clone();
            async move || {
                let record = bench.record_of("bob", &[("thread", &thread.to_string())]);
                let created = bench.store.create(&id, &record).await?;
                Ok((created == Created::Done).then_some(record))
            }
        });
        let done: Vec<Record> = parallel(jobs).await?.into_iter().flatten().collect();
        same("the `create`s that were `Done`", done.len(), 1)?;
        ensure(done.contains(&bench.found(&id).await?), || {
            "`load` gave another record than that of the `create` that was `Done`".to_owned()
        })?;
    }
    Ok(())
}

async fn delete_race<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for round in 0..ROUNDS {
        let first = bench.record(&[("n", "0")]);
        let id = bench.created(&first).await?;
        let jobs = (0..THREADS).map(|thread| {
            let (bench, mut seen) = (bench.clone(), first.clone());
            async move || {
                if thread == round % THREADS {
                    return Ok(usize::from(bench.store.delete(&id, None).await? == Deleted::Done));
                }
                for _ in 0..ROUNDS {
                    let next = RecordBuilder::after(&seen).set("n", "1").build();
                    seen = match bench.store.replace(&id, &seen, &next).await? {
                        Replaced::Done => next,
                        Replaced::Changed(found) => found,
                        Replaced::Gone => break,
                    };
                }
                Ok(0)
            }
        });
        same("the `delete`s that were `Done`", parallel(jobs).await?.into_iter().sum(), 1)?;
        bench.holds_nothing(&id).await?;
    }
    Ok(())
}

/// The reply of a call in a race, and the record that it wrote.
enum Answer {
    Done(Option<Record>),
    Changed(Record),
    Gone,
}

impl<S: SessionStore> Bench<S> {
    /// Races one `delete`, on the thread number `deletes`, and `replace`s, all with the same base. One of them may win.
    async fn race_from_one_base(&self, deletes: usize) -> Outcome {
        let base = self.record_of("bob", &[("n", "0")]);
        let id = self.created(&base).await?;
        let jobs = (0..THREADS).map(|thread| {
            let (bench, base) = (self.clone(), base.clone());
            async move || {
                if thread == deletes {
                    return Ok(match bench.store.delete(&id, Some(&base)).await? {
                        Deleted::Done => Answer::Done(None),
                        Deleted::Changed(found) => Answer::Changed(found),
                        Deleted::Gone => Answer::Gone,
                    });
                }
                let next = RecordBuilder::after(&base).set("n", &thread.to_string()).build();
                Ok(match bench.store.replace(&id, &base, &next).await? {
                    Replaced::Done => Answer::Done(Some(next)),
                    Replaced::Changed(found) => Answer::Changed(found),
                    Replaced::Gone => Answer::Gone,
                })
            }
        });
        let answers = parallel(jobs).await?;
        let done: Vec<_> = answers
            .iter()
            .filter_map(|answer| if let Answer::Done(record) = answer { Some(record) } else { None })
            .collect();
        same("the calls that were `Done`", done.len(), 1)?;
        let winner = done.into_iter().flatten().next();
        for answer in &answers {
            match (answer, winner) {
                (Answer::Done(_), _) | (Answer::Gone, None) => {}
                (Answer::Changed(found), Some(winner)) => same_record("`Changed` has", found, winner)?,
                (Answer::Changed(_), None) => return Err(Broken("`Changed` after the `delete`".to_owned())),
                (Answer::Gone, Some(_)) => return Err(Broken("`Gone` without a `delete`".to_owned())),
            }
        }
        match winner {
            Some(winner) => self.holds(&id, winner).await,
            None => self.holds_nothing(&id).await,
        }
    }

    /// Replaces a record as the core does: after `Changed`, tries again with that record as the base.
    pub(super) async fn retried(
        &self,
        id: &SessionId,
        mut seen: Record,
        next: impl Fn(&Record) -> Outcome<RecordBuilder>,
    ) -> Outcome {
        for _ in 0..TRIES {
            match self.store.replace(id, &seen, &next(&seen)?.build()).await? {
                Replaced::Done => return Ok(()),
                Replaced::Gone => return Err(Broken("`replace` of a stored record answered Gone".to_owned())),
                Replaced::Changed(found) => seen = found,
            }
        }
        Err(Broken(format!("`replace` answered Changed {TRIES} times in a row")))
    }
}
