//! `update` on conditions.

use super::{
    Suite,
    bench::{Bench, LIFE, MILLI, Outcome, credentials, ensure, hash},
};
use crate::{
    changes::Expected, credentials::Credentials, lifetime::Lifetime, store::SessionStore, store::Updated,
    testing::ChangesBuilder,
};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite.check("condition_holds", "Where its conditions hold, an `update` is `Done`.", condition_holds).await;
    suite
        .check(
            "key_condition",
            "Where a key is not what the changes saw, `update` is a `Conflict` with the record as it is now, and nothing \
             changes.",
            key_condition,
        )
        .await;
    suite.check("condition_is_raw", "A condition compares raw values, byte for byte.", condition_is_raw).await;
    suite
        .check(
            "credentials_condition",
            "Where the credentials are not as expected, `update` is a `Conflict` with the record as it is now, and \
             nothing changes.",
            credentials_condition,
        )
        .await;
    suite
        .check("gone_before_conflict", "A record that has expired is `Gone`, also where a condition fails.", gone_first)
        .await;
    suite
        .check(
            "nonce_names_the_write",
            "The record keeps the last commit's nonce: changes sent twice find it in their `Conflict`.",
            nonce_names_the_write,
        )
        .await;
}

async fn condition_holds<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let mut record = bench.record(&[("n", "1"), ("other", "1")]);
    let id = bench.created(&record).await?;
    let rotated = record.credentials().rotated(hash(), bench.now);
    let steps = [
        bench.changes().set_if("n", Expected::Value("1"), "2"),
        bench.changes().set_if("new", Expected::Absent, "1"),
        bench.changes().set_if("n", Expected::Value("2"), "3").set_if("new", Expected::Value("1"), "2"),
        bench.changes().remove_if("new", Expected::Value("2")),
        bench.changes().remove_if("new", Expected::Absent),
        bench.changes().rotate(&record.credentials(), &rotated).set_if("n", Expected::Value("3"), "4"),
        bench.changes().expect_credentials(&rotated).set("other", "2"),
        // The condition is on what was there before the clear.
        bench.changes().clear().set_if("n", Expected::Value("4"), "5"),
    ];
    for changes in steps {
        record = bench.applies(&id, &record, &changes.build()).await?;
    }
    Ok(())
}

async fn key_condition<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let record = bench.record_of("bob", &[("n", "2"), ("other", "1")])?;
    let id = bench.created(&record).await?;
    let all = || {
        let everything = bench.changes().set("other", "9").set("a", "9").set("z", "9").remove("gone");
        everything.owner(Some("eve")).label(None).lifetime(Lifetime::default()).expires_at(bench.now.plus(LIFE * 2))
    };
    let table = [
        bench.changes().set_if("n", Expected::Value("1"), "3"),
        bench.changes().set_if("n", Expected::Absent, "3"),
        bench.changes().set_if("missing", Expected::Value("1"), "3"),
        bench.changes().remove_if("n", Expected::Value("1")),
        bench.changes().remove_if("n", Expected::Absent),
        bench.changes().remove_if("missing", Expected::Value("1")),
        bench.changes().set_if("n", Expected::Value("2"), "3").set_if("other", Expected::Value("0"), "3"),
        bench.changes().clear().set_if("n", Expected::Absent, "3"),
        all().set_if("n", Expected::Value("1"), "3"),
        all().clear().set_if("n", Expected::Value("1"), "3"),
        all().rotate(&record.credentials(), &credentials()).set_if("n", Expected::Value("1"), "3"),
    ];
    for changes in table {
        bench.conflicts(&id, &record, &changes.build()).await?;
    }
    Ok(())
}

async fn condition_is_raw<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let pairs = [
        ("1", "1.0"),
        ("1e2", "100"),
        ("12345678901234567890123", "12345678901234567890124"),
        ("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}"),
        ("[1,2]", "[1, 2]"),
        ("\"é\"", "\"\\u00e9\""),
        ("\"a\"", "\"A\""),
        ("null", "false"),
    ];
    for (there, seen) in pairs {
        let record = bench.record(&[("k", there)]);
        let id = bench.created(&record).await?;
        bench.conflicts(&id, &record, &bench.changes().set_if("k", Expected::Value(seen), "0").build()).await?;
        bench.applies(&id, &record, &bench.changes().set_if("k", Expected::Value(there), "0").build()).await?;
    }
    let record = bench.record(&[("k", "null")]);
    let id = bench.created(&record).await?;
    bench.conflicts(&id, &record, &bench.changes().set_if("k", Expected::Absent, "0").build()).await
}

async fn credentials_condition<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let loaded = bench.record(&[("a", "1")]);
    let id = bench.created(&loaded).await?;
    let current = hash();
    let first = loaded.credentials().rotated(current, bench.now);
    let login = bench.changes().rotate(&loaded.credentials(), &first).set("user", "\"bob\"").build();
    let record = bench.applies(&id, &loaded, &login).await?;

    let late = loaded.credentials().rotated(hash(), bench.now);
    let table = [
        bench.changes().rotate(&loaded.credentials(), &late).owner(Some("eve")).set("a", "2"),
        bench.changes().rotate(&credentials(), &late),
        bench.changes().expect_credentials(&loaded.credentials()).set("a", "2"),
        bench.changes().expect_credentials(&loaded.credentials()).clear(),
        // The condition is on all of the credentials: what they supersede counts as well as what opens the session.
        bench.changes().rotate(&Credentials::new(current), &late),
        bench.changes().rotate(&credentials().rotated(current, bench.now), &late),
        bench.changes().rotate(&loaded.credentials().rotated(current, bench.now.plus(MILLI)), &late),
    ];
    for changes in table {
        bench.conflicts(&id, &record, &changes.build()).await?;
    }
    let second = first.rotated(hash(), bench.now);
    bench.applies(&id, &record, &bench.changes().rotate(&first, &second).build()).await?;
    Ok(())
}

async fn gone_first<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let record = bench.record(&[("n", "1")]);
    let id = bench.created(&record).await?;
    let late = ChangesBuilder::new(bench.now.plus(LIFE));
    bench.is_gone(&id, &late.clone().set_if("n", Expected::Absent, "2").build()).await?;
    bench.is_gone(&id, &late.rotate(&credentials(), &credentials()).build()).await
}

async fn nonce_names_the_write<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for nonce in [0, 1, 1 << 53, (1 << 53) + 1, u64::MAX >> 1, u64::MAX - 1, u64::MAX] {
        let record = bench.record(&[("n", "1")]);
        let id = bench.created(&record).await?;
        let changes = bench.changes().nonce(nonce).set_if("n", Expected::Value("1"), "2").build();
        bench.applies(&id, &record, &changes).await?;
        let again = bench.store.update(&id, &changes).await?;
        let is_known = matches!(&again, Updated::Conflict(found) if found.nonce() == nonce);
        ensure(is_known, || format!("the second time, `update` answered {again:?}"))?;
    }
    Ok(())
}
