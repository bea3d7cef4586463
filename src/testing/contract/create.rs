//! `load` and `create`.

use super::{
    Suite,
    bench::{Bench, LAST, LIFE, MILLI, Outcome, credentials, ensure, same},
};
use crate::{
    record::Record,
    state::State,
    store::{Created, SessionStore},
    token::SessionId,
};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite.check("load_missing", "`load` of a missing record is `None`, and no error.", load_missing).await;
    suite.check("create_stores", "`create` stores the whole record: `load` gives it back, equal.", create_stores).await;
    suite
        .check("create_taken", "`create` never overwrites a live record: it is `Taken`, nothing changes.", create_taken)
        .await;
    suite
        .check(
            "create_over_expired",
            "A record that expired by the new one's `created_at` counts as missing, and nothing of it stays.",
            create_over_expired,
        )
        .await;
    suite.check("ids_apart", "Every id, whatever its bytes, has a record of its own.", ids_apart).await;
}

async fn load_missing<S: SessionStore>(bench: Bench<S>) -> Outcome {
    bench.holds_nothing(&SessionId::random()).await
}

async fn create_stores<S: SessionStore>(bench: Bench<S>) -> Outcome {
    bench.created(&bench.record(&[])).await?;
    bench.created(&bench.record(&[("cart", "[1,2]"), ("user", "\"bob\"")])).await?;
    bench.created(&bench.record_of("bob", &[("cart", "[1,2]")])?).await?;
    Ok(())
}

async fn create_taken<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let first = bench.record_of("bob", &[("a", "1")])?;
    let id = bench.created(&first).await?;
    // One millisecond before the deadline is still before it.
    for now in [bench.now, bench.now.plus(LAST)] {
        let second = bench.record_at(now, &[("b", "2")]);
        same("`create` over a live record", bench.store.create(&id, &second).await?, Created::Taken)?;
        bench.holds(&id, &first).await?;
    }
    same("`create` of the same once more", bench.store.create(&id, &first).await?, Created::Taken)
}

async fn create_over_expired<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for late in [LIFE, LIFE + MILLI, LIFE * 2] {
        let id = bench.created(&bench.record_of("bob", &[("a", "1")])?).await?;
        bench.creates(&id, &bench.record_at(bench.now.plus(late), &[("b", "2")])).await?;
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
    let records: Vec<Record> = (0..ids.len())
        .map(|n| {
            let state: State = [("n", n.to_string())].into_iter().collect();
            Record::new(credentials(), state, bench.now, bench.now.plus(LIFE))
        })
        .collect();
    for (id, record) in ids.iter().zip(&records) {
        same("`create`", bench.store.create(id, record).await?, Created::Done)?;
    }
    for (id, record) in ids.iter().zip(&records) {
        let found = bench.store.load(id).await?;
        ensure(found.as_ref() == Some(record), || format!("another record under {id}: {found:?}"))?;
    }
    Ok(())
}
