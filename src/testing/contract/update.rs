//! `update` without conditions.

use super::{
    Suite,
    bench::{Bench, LAST, LIFE, MILLI, Outcome, ensure},
};
use crate::{store::SessionStore, testing::ChangesBuilder, token::SessionId};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .check("update_missing", "`update` of a missing record is `Gone`, and nothing re-creates it.", update_missing)
        .await;
    suite
        .check("update_expired", "`update` of a record that expired by `Changes::now` is `Gone`.", update_expired)
        .await;
    suite.check("update_sets", "`update` sets and removes its keys, as `Changes::apply` does.", update_sets).await;
    suite
        .check(
            "update_merges",
            "`update` applies to the record as it is now: keys that it does not name stay as they are.",
            update_merges,
        )
        .await;
    suite
        .check("update_clears", "Clear takes away all keys that are there by now; keys are set after.", update_clears)
        .await;
}

async fn update_missing<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let id = SessionId::random();
    let touch = bench.changes().expires_at(bench.now.plus(LIFE));
    let owned = bench.changes().set("a", "1").owner(Some("bob")).expires_at(bench.now.plus(LIFE));
    let cleared = bench.changes().clear();
    for changes in [touch, owned, cleared, bench.changes().remove("a")] {
        bench.is_gone(&id, &changes.build()).await?;
        bench.holds_nothing(&id).await?;
    }
    Ok(())
}

async fn update_expired<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for late in [LIFE, LIFE + MILLI, LIFE * 1000] {
        let record = bench.record(&[("a", "1")]);
        let id = bench.created(&record).await?;
        let now = bench.now.plus(late);
        let changes = ChangesBuilder::new(now).set("a", "2").expires_at(now.plus(LIFE)).build();
        bench.is_gone(&id, &changes).await?;
        let found = bench.store.load(&id).await?;
        // A store may clean up an expired record whenever it likes.
        ensure(found.is_none_or(|found| found == record), || "the expired record was changed".to_owned())?;
    }
    let record = bench.record(&[("a", "1")]);
    let id = bench.created(&record).await?;
    let last = ChangesBuilder::new(bench.now.plus(LAST)).set("a", "2").build();
    bench.applies(&id, &record, &last).await?;
    Ok(())
}

async fn update_sets<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let mut record = bench.record(&[("a", "1"), ("b", "2"), ("c", "3")]);
    let id = bench.created(&record).await?;
    let steps = [
        bench.changes().set("a", "10"),
        bench.changes().set("d", "4").remove("b"),
        bench.changes().remove("nowhere"),
        bench.changes().set("a", "10"),
        bench.changes().set("a", "null").set("c", "\"\""),
        bench.changes().remove("a").remove("c").remove("d"),
        bench.changes().set("z", "[]").set("0", "{}"),
    ];
    for changes in steps {
        record = bench.applies(&id, &record, &changes.build()).await?;
    }
    Ok(())
}

async fn update_merges<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let loaded = bench.record(&[("a", "1"), ("b", "1")]);
    let id = bench.created(&loaded).await?;
    // Both were made by requests that loaded the same record.
    let (one, other) = (bench.changes().set("a", "2").build(), bench.changes().remove("b").set("c", "2").build());
    let between = bench.applies(&id, &loaded, &one).await?;
    bench.applies(&id, &between, &other).await?;
    Ok(())
}

async fn update_clears<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let loaded = bench.record_of("bob", &[("a", "1"), ("b", "1")])?;
    let id = bench.created(&loaded).await?;
    let unseen = bench.applies(&id, &loaded, &bench.changes().set("c", "1").build()).await?;
    let clear = bench.changes().clear().set("b", "2").set("d", "1").remove("a").build();
    let after = bench.applies(&id, &unseen, &clear).await?;
    let after = bench.applies(&id, &after, &bench.changes().clear().build()).await?;
    let after = bench.applies(&id, &after, &bench.changes().clear().build()).await?;
    bench.applies(&id, &after, &bench.changes().set("a", "1").build()).await?;
    Ok(())
}
