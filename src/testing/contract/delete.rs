//! `delete`, with and without a base.

use super::{
    Suite,
    bench::{Bench, EXPIRED, Outcome, same},
};
use crate::{
    store::{Created, Deleted, Replaced, SessionId, SessionStore},
    testing::RecordBuilder,
};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .check("delete_ends", "A deleted record is missing: `load` is `None`, `replace` is `Gone`.", delete_ends)
        .await;
    suite.check("delete_missing", "`delete` of a missing record is `Gone`.", delete_missing).await;
    suite
        .check(
            "delete_base",
            "With a base, `delete` is `Done` if the stored nonce is the base's. Otherwise it is `Changed` with the stored \
             record, and nothing changes.",
            delete_base,
        )
        .await;
    suite
        .check("delete_expired", "`delete` judges no deadline: it is `Done` for an expired record.", delete_expired)
        .await;
    suite.check("delete_one", "`delete` deletes one record, and no other.", delete_one).await;
    suite
        .check(
            "delete_final",
            "A deleted record never comes back: `create` of its id is `Taken`, or stores the new record alone.",
            delete_final,
        )
        .await;
    suite
        .check(
            "tombstones",
            "A store with tombstones keeps one for every record that it deleted, and for every id that it was told to \
             delete without a base.",
            tombstones,
        )
        .await;
}

async fn delete_ends<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let record = bench.record_of("bob", &[("a", "1")]);
    for base in [None, Some(&record)] {
        let id = bench.created(&record).await?;
        bench.is_deleted(&id, base).await?;
        bench.is_gone(&id, &record, &RecordBuilder::after(&record).set("a", "2").build()).await?;
        bench.is_gone(&id, &record, &record).await?;
        for base in [None, Some(&record)] {
            same("`delete` once more", bench.store.delete(&id, base).await?, Deleted::Gone)?;
        }
        bench.holds_nothing(&id).await?;
    }
    Ok(())
}

async fn delete_missing<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let record = bench.record(&[]);
    for base in [Some(&record), None] {
        let id = SessionId::random();
        same("`delete`", bench.store.delete(&id, base).await?, Deleted::Gone)?;
        bench.holds_nothing(&id).await?;
    }
    Ok(())
}

async fn delete_base<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let first = bench.record_of("bob", &[("a", "1")]);
    let id = bench.created(&first).await?;
    let second = RecordBuilder::after(&first).set("a", "2").build();
    bench.is_replaced(&id, &first, &second).await?;
    let twin = RecordBuilder::of(&second).nonce(first.nonce()).build();
    for base in [first, twin, bench.record(&[])] {
        bench.is_not_deleted(&id, &base, &second).await?;
    }
    bench.is_deleted(&id, Some(&second)).await?;
    let id = bench.created(&second).await?;
    bench.is_deleted(&id, None).await
}

async fn delete_expired<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for span in EXPIRED {
        let expired = bench.expired_of("bob", span);
        let (id, other) = (bench.created(&expired).await?, bench.created(&expired).await?);
        bench.is_not_deleted(&id, &bench.record(&[]), &expired).await?;
        bench.is_deleted(&id, Some(&expired)).await?;
        bench.is_deleted(&other, None).await?;
    }
    Ok(())
}

async fn delete_one<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let kept = bench.record_of("bob", &[("a", "1")]);
    let ids = [bench.created(&kept).await?, bench.created(&kept).await?, bench.created(&kept).await?];
    bench.is_deleted(&ids[0], None).await?;
    bench.is_deleted(&ids[1], Some(&kept)).await?;
    bench.holds(&ids[2], &kept).await
}

async fn delete_final<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let old = bench.record_of("bob", &[("a", "1"), ("b", "2")]);
    for base in [None, Some(&old)] {
        for record in [bench.record(&[("c", "3")]), bench.record_of("eve", &[]), old.clone()] {
            let id = bench.created(&old).await?;
            bench.is_deleted(&id, base).await?;
            match bench.store.create(&id, &record).await? {
                Created::Done => bench.holds(&id, &record).await?,
                Created::Taken => bench.holds_nothing(&id).await?,
            }
        }
    }
    Ok(())
}

async fn tombstones<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let record = bench.record_of("bob", &[("a", "1")]);
    let deleted = bench.created(&record).await?;
    bench.is_deleted(&deleted, None).await?;
    if bench.store.create(&deleted, &record).await? == Created::Done {
        return Ok(());
    }
    let deleted_by_base = bench.created(&record).await?;
    bench.is_deleted(&deleted_by_base, Some(&record)).await?;
    // Its `create` may arrive later.
    let missing = SessionId::random();
    bench.store.delete(&missing, None).await?;
    for (case, id) in
        [("deleted", deleted), ("deleted by its base", deleted_by_base), ("deleted while missing", missing)]
    {
        let next = RecordBuilder::after(&record).build();
        same(&format!("`create`, {case}"), bench.store.create(&id, &record).await?, Created::Taken)?;
        same(&format!("`replace`, {case}"), bench.store.replace(&id, &record, &next).await?, Replaced::Gone)?;
        for base in [Some(&record), None] {
            same(&format!("`delete`, {case}"), bench.store.delete(&id, base).await?, Deleted::Gone)?;
        }
        bench.holds_nothing(&id).await?;
    }
    Ok(())
}
