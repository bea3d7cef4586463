//! The index of owners: `revoke` and `revoke_all`, alone and in races.

use std::sync::{Arc, Weak};

use super::{
    Suite,
    bench::{Bench, Broken, EXPIRED, Outcome, same},
    owners::owner,
    parallel::parallel,
    races::{ROUNDS, THREADS},
};
use crate::{
    store::{Replaced, SessionId, SessionStore},
    testing::RecordBuilder,
};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite.check("revoke", "`revoke` deletes a record of that owner, and says whether it did.", revoke).await;
    suite.check("revoke_others", "`revoke` of a session that is not that owner's does nothing.", revoke_others).await;
    suite
        .check(
            "revoke_all",
            "`revoke_all` deletes every record of an owner but the one to keep, and no other.",
            revoke_all,
        )
        .await;
    suite
        .check(
            "list_race",
            "No session of an owner is missing from `list`, whatever comes at the same time.",
            list_race,
        )
        .await;
    suite
        .check(
            "revoke_race",
            "A revocation never deletes the record of another owner, and misses none of its own owner.",
            revoke_race,
        )
        .await;
}

async fn revoke<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let alice = owner("alice");
    let ((id, record), (kept, other)) = (bench.owned(&alice).await?, bench.owned(&alice).await?);
    same("`revoke`", bench.index()?.revoke(&alice, &id).await?, true)?;
    bench.holds_nothing(&id).await?;
    bench.is_gone(&id, &record, &RecordBuilder::after(&record).build()).await?;
    same("`revoke` once more", bench.index()?.revoke(&alice, &id).await?, false)?;
    for span in EXPIRED {
        let id = bench.created(&bench.expired_of(&alice, span)).await?;
        same("`revoke` of an expired one", bench.index()?.revoke(&alice, &id).await?, true)?;
        bench.holds_nothing(&id).await?;
    }
    bench.lists(&alice, &[(kept, &other)]).await
}

async fn revoke_others<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let (alice, bob) = (owner("alice"), owner("bob"));
    let (id, record) = bench.owned(&alice).await?;
    let ownerless = bench.record(&[]);
    let ownerless_id = bench.created(&ownerless).await?;
    same("`revoke` of another owner's", bench.index()?.revoke(&bob, &id).await?, false)?;
    same("`revoke` of one without an owner", bench.index()?.revoke(&bob, &ownerless_id).await?, false)?;
    same("`revoke` of a missing one", bench.index()?.revoke(&bob, &SessionId::random()).await?, false)?;
    bench.holds(&id, &record).await?;
    bench.holds(&ownerless_id, &ownerless).await?;
    let record = bench.moved(&id, record, Some(&bob)).await?;
    same("`revoke` by the owner before", bench.index()?.revoke(&alice, &id).await?, false)?;
    same("`revoke_all` of the owner before", bench.index()?.revoke_all(&alice, None).await?.len(), 0)?;
    bench.lists(&bob, &[(id, &record)]).await?;
    let record = bench.moved(&id, record, None).await?;
    same("`revoke` by the last owner", bench.index()?.revoke(&bob, &id).await?, false)?;
    same("`revoke_all` of the last owner", bench.index()?.revoke_all(&bob, None).await?.len(), 0)?;
    bench.holds(&id, &record).await
}

async fn revoke_all<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let (alice, bob) = (owner("alice"), owner("bob"));
    let (bobs, bobs_record) = bench.owned(&bob).await?;
    let mut sessions = Vec::new();
    for _ in 0..20 {
        sessions.push(bench.owned(&alice).await?);
    }
    let expired = bench.expired_of(&alice, EXPIRED[1]);
    sessions.push((bench.created(&expired).await?, expired));
    let (kept, record) = sessions.swap_remove(7);
    let mut ended = bench.index()?.revoke_all(&alice, Some(&kept)).await?;
    ended.sort_unstable();
    let mut expected: Vec<SessionId> = sessions.into_iter().map(|(id, _)| id).collect();
    expected.sort_unstable();
    same("`revoke_all` but one", &ended, &expected)?;
    for id in &ended {
        bench.holds_nothing(id).await?;
    }
    bench.lists(&alice, &[(kept, &record)]).await?;
    // The session to keep belongs to another owner, so none is kept.
    same("`revoke_all`", bench.index()?.revoke_all(&alice, Some(&bobs)).await?, vec![kept])?;
    same("`revoke_all` once more", bench.index()?.revoke_all(&alice, None).await?.len(), 0)?;
    bench.holds_nothing(&kept).await?;
    bench.lists(&alice, &[]).await?;
    bench.lists(&bob, &[(bobs, &bobs_record)]).await
}

async fn list_race<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let names = [owner("alice"), owner("bob")];
    let first = bench.record(&[]);
    let id = bench.created(&first).await?;
    let (writing, shared, all) = (Arc::new(()), bench.clone(), names.clone());
    let is_writing = Arc::downgrade(&writing);
    let jobs = (0..THREADS).map(move |thread| {
        let (bench, names, first, is_writing) = (shared.clone(), all.clone(), first.clone(), Weak::clone(&is_writing));
        let writing = (thread % 2 == 0).then(|| Arc::clone(&writing));
        async move || {
            if writing.is_none() {
                while is_writing.strong_count() > 0 {
                    bench.is_listed(&id, &names).await?;
                }
                return Ok(());
            }
            for round in 0..ROUNDS * 4 {
                // The third one has no owner.
                let owner = names.get((thread + round) % 3).map(String::as_str);
                bench.retried(&id, first.clone(), |seen| Ok(RecordBuilder::after(seen).owner(owner))).await?;
            }
            Ok(())
        }
    });
    parallel(jobs).await?;
    let record = bench.found(&id).await?;
    for name in &names {
        let owned = (record.owner() == Some(name)).then_some((id, &record));
        bench.lists(name, owned.as_slice()).await?;
        same("`revoke_all` after it", bench.index()?.revoke_all(name, None).await?.len(), owned.iter().len())?;
    }
    Ok(())
}

impl<S: SessionStore> Bench<S> {
    /// Checks that a record is in the list of its present owner.
    async fn is_listed(&self, id: &SessionId, names: &[String]) -> Outcome {
        for name in names {
            let before = self.found(id).await?;
            let listed = self.index()?.list(name).await?;
            let is_missing = before.owner() == Some(name) && listed.iter().all(|(listed, _)| listed != id);
            if is_missing && self.found(id).await?.nonce() == before.nonce() {
                return Err(Broken("`list` missed a session that was its owner's before and after".to_owned()));
            }
        }
        Ok(())
    }
}

/// Some writers give the record to another owner, and others keep the owner. One of them may win. Other threads revoke.
async fn revoke_race<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for round in 0..ROUNDS * 3 {
        let (alice, bob) = (owner("alice"), owner("bob"));
        let (id, base) = bench.owned(&alice).await?;
        let jobs = (0..THREADS).map(|thread| {
            let (bench, base, alice) = (bench.clone(), base.clone(), alice.clone());
            let new = if thread % 2 == 0 { bob.clone() } else { alice.clone() };
            // The threads change roles, so that none always starts first.
            async move || match (thread + round) % THREADS {
                0 => Ok((None, usize::from(bench.index()?.revoke(&alice, &id).await?))),
                1 => Ok((None, bench.index()?.revoke_all(&alice, None).await?.len())),
                _ => {
                    let next = RecordBuilder::after(&base).owner(Some(&new)).build();
                    let replaced = bench.store.replace(&id, &base, &next).await?;
                    Ok(((replaced == Replaced::Done).then_some(next), 0))
                }
            }
        });
        let ended = parallel(jobs).await?;
        let revoked: usize = ended.iter().map(|(_, revoked)| revoked).sum();
        match ended.into_iter().find_map(|(record, _)| record).filter(|record| record.owner() == Some(&bob)) {
            Some(record) => {
                same("the revocations of another owner's record", revoked, 0)?;
                bench.holds(&id, &record).await?;
            }
            None => {
                same("the revocations of the record", revoked, 1)?;
                bench.holds_nothing(&id).await?;
            }
        }
    }
    Ok(())
}
