//! The parts of a record other than its keys.

use std::time::Duration;

use super::{
    Suite,
    bench::{Bench, Broken, EXPIRED, LIFE, MILLI, Outcome, credentials, hash},
};
use crate::{
    store::{Lifetime, Record, SessionId, SessionStore, Timestamp, lifetime::LifetimeBuilder},
    testing::RecordBuilder,
};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite.check("credentials", "Credentials are stored whole, superseded ones among them.", all_credentials).await;
    suite.check("owner_and_label", "Owner and label are stored, changed, removed and kept.", owner_and_label).await;
    suite.check("lifetime", "A session's own lifetime is stored, changed, removed and kept.", lifetime).await;
    suite.check("trail", "The trail of nonces is stored with the record.", trail).await;
    suite
        .check(
            "rare_parts",
            "`owner_valid_from` at the login, and lines that this version does not know, are stored.",
            rare_parts,
        )
        .await;
    suite.check("deadline_moves", "The deadline is the last write's, be it earlier or later.", deadline_moves).await;
    suite.check("deadline_far", "A deadline may be far away, or never come.", deadline_far).await;
    suite.check("touch", "A touch changes the times, the nonce and the trail, and nothing else.", touch).await;
    suite.check("small_changes", "A change of one byte is stored, and a record may shrink.", small_changes).await;
}

async fn all_credentials<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let mut record = bench.record(&[("a", "1")]);
    let id = bench.created(&record).await?;
    for _ in 0..7 {
        let rotated = record.credentials().rotated(hash(), bench.now);
        record = bench.steps(&id, record, [|next: RecordBuilder| next.credentials(rotated)]).await?;
    }
    bench.steps(&id, record, [|next: RecordBuilder| next.credentials(credentials())]).await?;
    Ok(())
}

async fn owner_and_label<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let record = bench.record(&[("a", "1")]);
    let id = bench.created(&record).await?;
    let steps: [fn(RecordBuilder) -> RecordBuilder; 9] = [
        |next| next.owner(Some("bob")),
        |next| next.label(Some("Bob's \"laptop\"\n\u{1f4bb}")),
        |next| next.set("a", "2"),
        |next| next.owner(Some("zoë")).label(Some("")),
        |next| next.remove("a"),
        |next| next.owner(None),
        |next| next.label(None).owner(Some("42")),
        |next| next.owner(Some("")),
        |next| next.owner(None).label(None),
    ];
    bench.steps(&id, record, steps).await?;
    Ok(())
}

async fn lifetime<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let built = |builder: LifetimeBuilder| builder.build().map(Some).map_err(|error| Broken(error.to_string()));
    let lifetimes = [
        built(Lifetime::builder().idle(LIFE * 5).absolute(LIFE * 100).persistent())?,
        built(Lifetime::builder().idle(LIFE / 2).insecure_no_absolute().extend_on_change())?,
        None,
        built(Lifetime::builder().idle(LIFE * 2).extend_on_use(0.25))?,
        Some(Lifetime::default()),
        None,
    ];
    let mut record = bench.record(&[("a", "1")]);
    let id = bench.created(&record).await?;
    for lifetime in lifetimes {
        record = bench.steps(&id, record, [|next: RecordBuilder| next.lifetime(lifetime)]).await?;
        record = bench.steps(&id, record, [|next: RecordBuilder| next.set("a", "2")]).await?;
    }
    Ok(())
}

async fn trail<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let first = RecordBuilder::new(bench.now).trail().build();
    let id = bench.created(&first).await?;
    let last = bench.steps(&id, first.clone(), [|next| next; 6]).await?;
    bench.is_changed(&id, &first, &bench.record(&[]), &last).await?;
    let ends = RecordBuilder::after(&last).nonce(u64::MAX).build();
    bench.is_replaced(&id, &last, &ends).await?;
    bench.steps(&id, ends, [|next| next; 2]).await?;
    Ok(())
}

async fn rare_parts<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let record = bench.record(&[("a", "1")]);
    let id = bench.created(&record).await?;
    let steps: [fn(RecordBuilder) -> RecordBuilder; 6] = [
        |next| next.admitted(Some(Timestamp::default())),
        |next| next.unknown("later", "1"),
        |next| next.admitted(Some(Timestamp::MAX)).set("a", "2"),
        |next| next.unknown("much", "later\n"),
        |next| next.admitted(None),
        |next| next.set("a", "3"),
    ];
    bench.steps(&id, record, steps).await?;
    Ok(())
}

async fn deadline_moves<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let record = bench.record(&[("a", "1")]);
    let id = bench.created(&record).await?;
    let later = [LIFE / 2, LIFE * 3, LIFE * 2, Duration::ZERO, LIFE * 3, MILLI];
    let times = later.map(|span| bench.now.plus(span)).into_iter().chain(EXPIRED.map(|span| bench.before(span)));
    let steps = times.chain([bench.now.plus(LIFE)]).map(|time| move |next: RecordBuilder| next.expires_at(time));
    bench.steps(&id, record, steps).await?;
    Ok(())
}

async fn deadline_far<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let year_10000 = Timestamp::from_millis(253_402_300_800_000);
    let nearly = Timestamp::from_millis(Timestamp::MAX.as_millis() - 1);
    for deadline in [year_10000, nearly, Timestamp::MAX] {
        let record = RecordBuilder::new(bench.now).expires_at(deadline).build();
        let id = bench.created(&record).await?;
        let times = [deadline, bench.now.plus(LIFE), deadline, Timestamp::MAX, bench.now.plus(LIFE)];
        bench.steps(&id, record, times.map(|time| move |next: RecordBuilder| next.expires_at(time))).await?;
    }
    Ok(())
}

async fn touch<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let large = format!("\"{}\"", "\u{1f512}".repeat(15 * 1024));
    for value in ["1", &large] {
        let record = bench.record_of("bob", &[("a", "1"), ("b", value)]);
        let (id, now) = (bench.created(&record).await?, bench.now);
        let record = bench.touched(&id, record).await?;
        // A touch of a record without a trail, an owner and a label.
        let bare = RecordBuilder::new(now).set("b", value).build();
        bench.is_replaced(&id, &record, &bare).await?;
        let bare = bench.touched(&id, bare).await?;
        bench.is_changed(&id, &record, &bench.record(&[]), &bare).await?;
    }
    Ok(())
}

impl<S: SessionStore> Bench<S> {
    /// Moves both times, one of them, or none.
    async fn touched(&self, id: &SessionId, record: Record) -> Outcome<Record> {
        let now = self.now;
        let moved = [(MILLI, LIFE), (LIFE / 2, LIFE * 2), (LIFE / 2, LIFE * 2), (LIFE / 2, LIFE), (LIFE, LIFE)];
        let steps = moved
            .map(|(used, ends)| move |next: RecordBuilder| next.used_at(now.plus(used)).expires_at(now.plus(ends)));
        self.steps(id, record, steps).await
    }
}

async fn small_changes<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for length in [1, 60 * 1024] {
        let [a, b] = ["a", "b"].map(|letter| format!("\"{}\"", letter.repeat(length)));
        let last = format!("\"{}b\"", "a".repeat(length - 1));
        let record = bench.record_of("bob", &[("k", &a), ("z", "1")]);
        let id = bench.created(&record).await?;
        let steps: [&dyn Fn(RecordBuilder) -> RecordBuilder; 9] = [
            &|next| next.set("z", "2"),
            &|next| next.set("k", &last),
            &|next| next.set("k", &b),
            &|next| next.owner(Some("bop")),
            &|next| next.label(Some("laptob")),
            &|next| next.admitted(Some(bench.now.plus(MILLI))),
            &|next| next.remove("z").set("y", "2"),
            &|next| next.set("k", "1"),
            &|next| next.remove("k").remove("y"),
        ];
        bench.steps(&id, record, steps).await?;
    }
    Ok(())
}
