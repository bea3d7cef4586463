//! What `update` does to a record besides its keys.

use std::time::Duration;

use super::{
    Suite,
    bench::{Bench, Broken, LAST, LIFE, Outcome, credentials, hash},
};
use crate::{
    lifetime::{Lifetime, LifetimeBuilder},
    record::Record,
    state::State,
    store::SessionStore,
    testing::ChangesBuilder,
    time::Timestamp,
};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite.check("credentials_whole", "New credentials replace the old ones whole.", credentials_whole).await;
    suite.check("owner_and_label", "Owner and label are set, taken away, or kept.", owner_and_label).await;
    suite.check("deadline_moves_out", "Deadlines only move out, unless a lifetime is set.", deadline_moves_out).await;
    suite
        .check("lifetime_sets_deadline", "With a lifetime, the deadline is replaced, even by an earlier one.", lifetime)
        .await;
    suite.check("deadline_far", "A deadline may be as far as it likes, also one that never comes.", deadline_far).await;
    suite.check("touch", "A touch changes times and nonce, and nothing else.", touch).await;
}

async fn credentials_whole<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let mut record = bench.record(&[("a", "1")]);
    let id = bench.created(&record).await?;
    for _ in 0..7 {
        let rotated = record.credentials().rotated(hash(), bench.now);
        let changes = bench.changes().rotate(&record.credentials(), &rotated).build();
        record = bench.applies(&id, &record, &changes).await?;
    }
    let alone = credentials();
    let changes = bench.changes().rotate(&record.credentials(), &alone).build();
    bench.applies(&id, &record, &changes).await?;
    Ok(())
}

async fn owner_and_label<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let mut record = bench.record(&[("a", "1")]);
    let id = bench.created(&record).await?;
    let steps = [
        bench.changes().owner(Some("bob")),
        bench.changes().label(Some("Bob's \"laptop\"\n\u{1f4bb}")),
        bench.changes().set("a", "2"),
        bench.changes().owner(Some("zoë")).label(Some("")),
        bench.changes().clear(),
        bench.changes().owner(None),
        bench.changes().label(None).owner(Some("42")),
        bench.changes().owner(None).label(None),
    ];
    for changes in steps {
        record = bench.applies(&id, &record, &changes.build()).await?;
    }
    Ok(())
}

async fn deadline_moves_out<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let mut record = bench.record(&[("a", "1")]);
    let id = bench.created(&record).await?;
    for deadline in [LAST, LIFE * 3, LIFE * 2, LIFE * 3, Duration::ZERO] {
        let changes = bench.changes().set("a", "2").expires_at(bench.now.plus(deadline)).build();
        record = bench.applies(&id, &record, &changes).await?;
    }
    // It lives on where it would have ended, and it was used later than some request that comes late.
    let later = ChangesBuilder::new(bench.now.plus(LIFE * 2 + LAST)).set("a", "3").build();
    record = bench.applies(&id, &record, &later).await?;
    bench.applies(&id, &record, &bench.changes().set("a", "4").build()).await?;
    bench.is_gone(&id, &ChangesBuilder::new(bench.now.plus(LIFE * 3)).set("a", "5").build()).await
}

async fn lifetime<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let built = |builder: LifetimeBuilder| builder.build().map_err(|error| Broken(error.to_string()));
    let lifetimes = [
        built(Lifetime::builder().idle(LIFE * 5).absolute(LIFE * 100).persistent())?,
        built(Lifetime::builder().idle(LIFE / 2).insecure_no_absolute().extend_on_change())?,
        built(Lifetime::builder().idle(LIFE * 2).extend_on_use(0.25))?,
        Lifetime::default(),
    ];
    let mut record = bench.record(&[("a", "1")]);
    let id = bench.created(&record).await?;
    for lifetime in lifetimes {
        let deadline = bench.now.plus(lifetime.idle());
        let changes = bench.changes().lifetime(lifetime).expires_at(deadline).build();
        record = bench.applies(&id, &record, &changes).await?;
        record = bench.applies(&id, &record, &bench.changes().set("a", "2").build()).await?;
    }
    let short = built(Lifetime::builder().idle(LIFE / 2))?;
    let changes = bench.changes().lifetime(short).expires_at(bench.now.plus(LIFE / 2)).build();
    bench.applies(&id, &record, &changes).await?;
    bench.is_gone(&id, &ChangesBuilder::new(bench.now.plus(LIFE / 2)).set("a", "3").build()).await
}

async fn deadline_far<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let year_10000 = Timestamp::from_millis(253_402_300_800_000);
    let signed = Timestamp::from_millis(1 << 63);
    for deadline in [year_10000, signed, Timestamp::MAX] {
        let record = Record::new(credentials(), State::default(), bench.now, deadline);
        let id = bench.created(&record).await?;
        bench.applies(&id, &record, &bench.changes().set("a", "1").build()).await?;
        let record = bench.record(&[]);
        let id = bench.created(&record).await?;
        let record = bench.applies(&id, &record, &bench.changes().expires_at(deadline).build()).await?;
        bench.applies(&id, &record, &bench.changes().set("a", "1").build()).await?;
    }
    Ok(())
}

async fn touch<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let record = bench.record_of("bob", &[("a", "1"), ("b", "2")])?;
    let id = bench.created(&record).await?;
    let now = bench.now.plus(LIFE / 2);
    let touch = ChangesBuilder::new(now).expires_at(now.plus(LIFE)).build();
    let touched = bench.applies(&id, &record, &touch).await?;
    bench.applies(&id, &touched, &touch).await?;
    Ok(())
}
