//! `delete`.

use super::{
    Suite,
    bench::{Bench, Outcome},
};
use crate::{store::SessionStore, token::SessionId};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite.check("delete_ends", "A deleted record is missing: `load` is `None`, `update` is `Gone`.", delete_ends).await;
    suite.check("delete_again", "`delete` of a missing record is no error.", delete_again).await;
    suite.check("delete_one", "`delete` takes away one record, and no other.", delete_one).await;
    suite.check("create_anew", "A deleted id is free, and nothing of the old record comes back.", create_anew).await;
}

async fn delete_ends<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let id = bench.created(&bench.record_of("bob", &[("a", "1")])?).await?;
    bench.store.delete(&id).await?;
    bench.holds_nothing(&id).await?;
    bench.is_gone(&id, &bench.changes().set("a", "2").build()).await?;
    bench.holds_nothing(&id).await
}

async fn delete_again<S: SessionStore>(bench: Bench<S>) -> Outcome {
    bench.store.delete(&SessionId::random()).await?;
    let id = bench.created(&bench.record(&[])).await?;
    bench.store.delete(&id).await?;
    bench.store.delete(&id).await?;
    bench.holds_nothing(&id).await
}

async fn delete_one<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let kept = bench.record_of("bob", &[("a", "1")])?;
    let (id, other) = (bench.created(&kept).await?, bench.created(&kept).await?);
    bench.store.delete(&other).await?;
    bench.holds(&id, &kept).await
}

async fn create_anew<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let id = bench.created(&bench.record_of("bob", &[("a", "1"), ("b", "2")])?).await?;
    bench.store.delete(&id).await?;
    bench.creates(&id, &bench.record(&[("a", "3")])).await
}
