//! `load` and `create`.

use super::{
    Suite,
    bench::{Bench, EXPIRED, Outcome, ensure, same},
};
use crate::{
    store::{Created, Record, SessionId, SessionStore, Timestamp},
    testing::RecordBuilder,
};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite.check("load_missing", "`load` of a missing record is `None`, and no error.", load_missing).await;
    suite.check("load_expired", "`load` gives an expired record, too, as long as it is kept.", load_expired).await;
    suite.check("create_stores", "`create` stores the whole record: `load` gives it back, equal.", create_stores).await;
    suite.check("create_taken", "`create` over a record is `Taken`, and nothing changes.", create_taken).await;
    suite
        .check(
            "create_over_expired",
            "`create` over an expired record is `Taken`, and nothing changes.",
            create_over_expired,
        )
        .await;
    suite.check("ids_apart", "Every id, whatever its bytes, has a record of its own.", ids_apart).await;
}

async fn load_missing<S: SessionStore>(bench: Bench<S>) -> Outcome {
    bench.holds_nothing(&SessionId::random()).await
}

async fn load_expired<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for span in EXPIRED {
        bench.created(&bench.expired_of("bob", span)).await?;
    }
    Ok(())
}

async fn create_stores<S: SessionStore>(bench: Bench<S>) -> Outcome {
    bench.created(&bench.record(&[])).await?;
    bench.created(&bench.record(&[("cart", "[1,2]"), ("user", "\"bob\"")])).await?;
    bench.created(&bench.record_of("bob", &[])).await?;
    bench.created(&bench.record_of("bob", &[("cart", "[1,2]")])).await?;
    bench.created(&RecordBuilder::new(bench.now).expires_at(Timestamp::MAX).build()).await?;
    Ok(())
}

async fn create_taken<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let first = bench.record_of("bob", &[("a", "1")]);
    let id = bench.created(&first).await?;
    let namesake = RecordBuilder::new(bench.now).nonce(first.nonce()).build();
    for record in [bench.record(&[("b", "2")]), bench.record_of("eve", &[]), namesake, first.clone()] {
        bench.is_taken(&id, &record, &first).await?;
    }
    let second = RecordBuilder::after(&first).set("a", "2").build();
    bench.is_replaced(&id, &first, &second).await?;
    // A repeated packet.
    bench.is_taken(&id, &first, &second).await
}

async fn create_over_expired<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for span in EXPIRED {
        let expired = bench.expired_of("bob", span);
        let id = bench.created(&expired).await?;
        bench.is_taken(&id, &bench.record(&[("b", "2")]), &expired).await?;
    }
    Ok(())
}

async fn ids_apart<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let base = *SessionId::random().as_bytes();
    let mut ids = vec![SessionId::from_bytes(base)];
    for at in 0..base.len() {
        for byte in [0x00, b'\n', b'%', b'*', b':', b'\\', b'{', 0x80, 0xff] {
            let mut bytes = base;
            bytes[at] = byte;
            ids.push(SessionId::from_bytes(bytes));
        }
    }
    ids.sort_unstable();
    ids.dedup();
    let records: Vec<Record> = (0..ids.len()).map(|n| bench.record(&[("n", &n.to_string())])).collect();
    for (id, record) in ids.iter().zip(&records) {
        same("`create`", bench.store.create(id, record).await?, Created::Done)?;
    }
    for (id, record) in ids.iter().zip(&records) {
        let found = bench.store.load(id).await?;
        ensure(found.as_ref() == Some(record), || format!("another record under {id}: {found:?}"))?;
    }
    Ok(())
}
