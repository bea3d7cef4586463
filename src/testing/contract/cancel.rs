//! Calls whose futures are dropped.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use super::{
    Suite,
    bench::{Bench, LIFE, Outcome, ensure},
};
use crate::{
    store::{Record, Replaced, SessionId, SessionStore},
    testing::RecordBuilder,
};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .check("cancel_create", "A `create` that is dropped half-way is done or not done, never half.", cancel_create)
        .await;
    suite
        .check(
            "cancel_replace",
            "A `replace` that is dropped half-way is done or not done, never half.",
            cancel_replace,
        )
        .await;
    suite
        .check("cancel_delete", "A `delete` that is dropped half-way is done or not done, never half.", cancel_delete)
        .await;
}

/// The number of awaits after which a call is dropped.
pub(super) const POLLS: usize = 8;

/// Polls a call at most `polls` times, each time when it asks to be polled, and then drops it.
pub(super) async fn drop_after<F: Future>(polls: usize, call: F) {
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

fn half(polls: usize) -> impl FnOnce() -> String {
    move || format!("half a call is done, after {polls} polls")
}

async fn cancel_create<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for polls in 0..POLLS {
        let record = bench.record_of("bob", &[("a", "1")]);
        let id = SessionId::random();
        drop_after(polls, bench.store.create(&id, &record)).await;
        let found = bench.store.load(&id).await?;
        ensure(found.is_none_or(|found| found == record), half(polls))?;
        // The first call may still run, so the calls may take effect in either order.
        bench.store.create(&id, &record).await?;
        bench.holds(&id, &record).await?;
    }
    Ok(())
}

async fn cancel_replace<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for polls in 0..POLLS {
        let before = bench.record_of("bob", &[("a", "1"), ("b", "1")]);
        let id = bench.created(&before).await?;
        let after =
            RecordBuilder::after(&before).set("a", "2").remove("b").set("c", "2").owner(Some("eve")).label(None);
        let after = after.expires_at(bench.now.plus(LIFE * 2)).build();
        drop_after(polls, bench.store.replace(&id, &before, &after)).await;
        let found = bench.found(&id).await?;
        ensure(found == before || found == after, half(polls))?;
        let again = bench.store.replace(&id, &before, &after).await?;
        let is_known = |found: &Record| *found == after;
        let is_right =
            matches!(&again, Replaced::Done) || matches!(&again, Replaced::Changed(found) if is_known(found));
        ensure(is_right, || format!("the second `replace` answered {again:?}, after {polls} polls of the first"))?;
        bench.holds(&id, &after).await?;
    }
    Ok(())
}

async fn cancel_delete<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for polls in 0..POLLS * 2 {
        let record = bench.record_of("bob", &[("a", "1")]);
        let id = bench.created(&record).await?;
        let base = (polls % 2 == 1).then_some(&record);
        drop_after(polls / 2, bench.store.delete(&id, base)).await;
        let found = bench.store.load(&id).await?;
        ensure(found.is_none_or(|found| found == record), half(polls / 2))?;
        bench.store.delete(&id, base).await?;
        bench.holds_nothing(&id).await?;
    }
    Ok(())
}
