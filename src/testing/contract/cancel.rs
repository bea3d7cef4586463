//! Calls that nobody waits for any more.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use super::{
    Suite,
    bench::{Bench, LIFE, Outcome, apply, ensure},
};
use crate::{
    store::{SessionStore, Updated},
    token::SessionId,
};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .check("cancel_create", "A `create` that is dropped half-way is done or not done, never half.", cancel_create)
        .await;
    suite
        .check("cancel_update", "An `update` that is dropped half-way is done or not done, never half.", cancel_update)
        .await;
    suite
        .check("cancel_delete", "A `delete` that is dropped half-way is done or not done, never half.", cancel_delete)
        .await;
}

/// How many awaits of a call are tried.
const POLLS: usize = 8;

/// Polls a call so many times at most, each time that it asks to be polled, then drops it.
async fn drop_after<F: Future>(polls: usize, call: F) {
    let mut call = pin!(call);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        let is_ready = call.as_mut().poll(context).is_ready();
        if is_ready || left == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

async fn cancel_create<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for polls in 0..POLLS {
        let record = bench.record_of("bob", &[("a", "1")])?;
        let id = SessionId::random();
        drop_after(polls, bench.store.create(&id, &record)).await;
        let found = bench.store.load(&id).await?;
        ensure(found.is_none_or(|found| found == record), || format!("half a record, after {polls} polls"))?;
        // What was sent may still arrive, so the second one may be too late.
        bench.store.create(&id, &record).await?;
        bench.holds(&id, &record).await?;
    }
    Ok(())
}

async fn cancel_update<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for polls in 0..POLLS {
        let before = bench.record_of("bob", &[("a", "1"), ("b", "1")])?;
        let id = bench.created(&before).await?;
        let changes = bench.changes().set("a", "2").remove("b").set("c", "2").owner(Some("eve")).label(None);
        let changes = changes.expires_at(bench.now.plus(LIFE * 2)).build();
        drop_after(polls, bench.store.update(&id, &changes)).await;
        let after = apply(&changes, &before)?;
        let found = bench.found(&id).await?;
        ensure(found == before || found == after, || format!("half the changes, after {polls} polls"))?;
        let again = bench.store.update(&id, &changes).await?;
        ensure(again == Updated::Done, || format!("`update` answered {again:?}, after {polls} polls"))?;
        bench.holds(&id, &after).await?;
    }
    Ok(())
}

async fn cancel_delete<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for polls in 0..POLLS {
        let record = bench.record_of("bob", &[("a", "1")])?;
        let id = bench.created(&record).await?;
        drop_after(polls, bench.store.delete(&id)).await;
        let found = bench.store.load(&id).await?;
        ensure(found.is_none_or(|found| found == record), || format!("half a record, after {polls} polls"))?;
        bench.store.delete(&id).await?;
        bench.holds_nothing(&id).await?;
    }
    Ok(())
}
