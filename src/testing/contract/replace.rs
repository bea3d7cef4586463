//! `replace`, one call after another.

use super::{
    Suite,
    bench::{Bench, EXPIRED, LIFE, Outcome, hash, state},
};
use crate::{
    store::{Lifetime, SessionId, SessionStore, Timestamp},
    testing::RecordBuilder,
};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .check("replace_stores", "`replace` of the base is `Done`, and stores exactly the new record.", replace_stores)
        .await;
    suite
        .check(
            "replace_changed",
            "If the stored nonce is not the base's, `replace` is `Changed` with the stored record, and nothing changes.",
            replace_changed,
        )
        .await;
    suite
        .check("replace_missing", "`replace` of a missing record is `Gone`, and creates nothing.", replace_missing)
        .await;
    suite
        .check("replace_twice", "A `replace` that arrives twice is done once: then it is `Changed`.", replace_twice)
        .await;
    suite
        .check("replace_expired", "`replace` judges no deadline: it works on an expired record, too.", replace_expired)
        .await;
    suite.check("nonce_only", "`replace` compares the nonces, and no other part of the records.", nonce_only).await;
    suite.check("nonce_ends", "A nonce has 64 bits, and every one of them counts.", nonce_ends).await;
}

async fn replace_stores<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let full = bench.record_of("bob", &[("a", "1"), ("b", "2"), ("c", "3")]);
    let id = bench.created(&full).await?;
    let full = bench
        .steps(
            &id,
            full,
            [
                (|next| next.set("a", "10")) as fn(RecordBuilder) -> RecordBuilder,
                |next| next.set("d", "4").remove("b"),
                |next| next,
                |next| next.set("a", "null").set("c", "\"\""),
                |next| next.remove("a").remove("c").remove("d"),
                |next| next.set("z", "[]").set("0", "{}"),
            ],
        )
        .await?;
    // Nothing of the previous record must stay.
    let bare = bench.record(&[]);
    bench.is_replaced(&id, &full, &bare).await?;
    bench.is_replaced(&id, &bare, &full).await?;
    bench.is_replaced(&id, &full, &bench.record(&[("z", "1")])).await
}

async fn replace_changed<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let first = bench.record_of("bob", &[("a", "1")]);
    let id = bench.created(&first).await?;
    let second = RecordBuilder::after(&first).set("a", "2").build();
    bench.is_replaced(&id, &first, &second).await?;
    let all = RecordBuilder::after(&first).state(state(&[("b", "3")])).owner(Some("eve")).label(None);
    let all = all.credentials(first.credentials().rotated(hash(), bench.now)).lifetime(Some(Lifetime::default()));
    let all = all.admitted(None).used_at(bench.now.plus(LIFE)).expires_at(Timestamp::MAX);
    let records = [RecordBuilder::after(&first), all, RecordBuilder::after(&second)];
    for record in records.map(RecordBuilder::build) {
        bench.is_changed(&id, &first, &record, &second).await?;
        bench.is_changed(&id, &bench.record(&[]), &record, &second).await?;
    }
    // The record of `Changed` is the base of the next try.
    bench.is_replaced(&id, &second, &RecordBuilder::after(&second).set("b", "3").build()).await
}

async fn replace_missing<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let base = bench.record_of("bob", &[("a", "1")]);
    let next = RecordBuilder::after(&base);
    for record in [next.clone().build(), next.set("a", "2").build(), bench.record(&[]), base.clone()] {
        bench.is_gone(&SessionId::random(), &base, &record).await?;
    }
    Ok(())
}

async fn replace_twice<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let first = bench.record_of("bob", &[("a", "1")]);
    let id = bench.created(&first).await?;
    let second = RecordBuilder::after(&first).set("a", "2").build();
    bench.is_replaced(&id, &first, &second).await?;
    bench.is_changed(&id, &first, &second, &second).await?;
    let third = RecordBuilder::after(&second).set("a", "3").build();
    bench.is_replaced(&id, &second, &third).await?;
    bench.is_changed(&id, &first, &second, &third).await
}

async fn replace_expired<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for span in EXPIRED {
        let expired = bench.expired_of("bob", span);
        let id = bench.created(&expired).await?;
        bench.is_changed(&id, &bench.record(&[]), &bench.record(&[]), &expired).await?;
        let still = RecordBuilder::after(&expired).set("a", "2").build();
        bench.is_replaced(&id, &expired, &still).await?;
        let alive = RecordBuilder::after(&still).used_at(bench.now).expires_at(bench.now.plus(LIFE)).build();
        bench.is_replaced(&id, &still, &alive).await?;
    }
    Ok(())
}

async fn nonce_only<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let stored = bench.record_of("bob", &[("a", "1")]);
    let id = bench.created(&stored).await?;
    // It equals the stored record in everything but the nonce, so it is not the base.
    let other = RecordBuilder::after(&stored).set("a", "2").build();
    for nonce in [stored.nonce().wrapping_add(1), stored.nonce() ^ 1 << 63] {
        let twin = RecordBuilder::of(&stored).nonce(nonce).build();
        bench.is_changed(&id, &twin, &other, &stored).await?;
    }
    // It equals the stored record in nothing but the nonce, so it is the base.
    let namesake = RecordBuilder::new(bench.now.plus(LIFE)).owner(Some("bob")).nonce(stored.nonce()).build();
    bench.is_replaced(&id, &namesake, &other).await?;
    let namesake = RecordBuilder::new(bench.now).owner(Some("bob")).set("b", "3").nonce(other.nonce()).build();
    bench.is_deleted(&id, Some(&namesake)).await
}

async fn nonce_ends<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let ends = [0, 1, 1 << 53, (1 << 53) + 1, i64::MAX as u64, 1 << 63, u64::MAX - 1, u64::MAX];
    for nonce in ends {
        let with = |nonce| RecordBuilder::new(bench.now).set("n", "1").nonce(nonce).build();
        let stored = with(nonce);
        let id = bench.created(&stored).await?;
        for other in ends.into_iter().filter(|other| *other != nonce) {
            bench.is_changed(&id, &with(other), &bench.record(&[]), &stored).await?;
            bench.is_not_deleted(&id, &with(other), &stored).await?;
        }
        let between = bench.record(&[]);
        bench.is_replaced(&id, &stored, &between).await?;
        bench.is_replaced(&id, &between, &stored).await?;
        bench.is_deleted(&id, Some(&stored)).await?;
    }
    Ok(())
}
