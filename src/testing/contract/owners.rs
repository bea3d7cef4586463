//! The index of owners, where the store has one.

use super::{
    Suite,
    bench::{Bench, Broken, LAST, LIFE, Outcome, apply, ensure, same},
    parallel::parallel,
};
use crate::{
    changes::Expected,
    owners::{DynOwnerIndex, OwnedSession},
    record::Record,
    store::{Created, SessionStore},
    testing::ChangesBuilder,
    time::Timestamp,
    token::SessionId,
};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    if (suite.make)().await.owner_index().is_none() {
        return;
    }
    suite.check("list", "`list` gives the live sessions of an owner, each as its record is, and no other.", list).await;
    suite.check("list_expired", "`list` leaves out what has expired by its `now`.", list_expired).await;
    suite.check("list_moves", "A session is listed for the owner that its record has now.", list_moves).await;
    suite.check("list_unchanged", "An `update` that changes nothing moves no session.", list_unchanged).await;
    suite.check("owner_names", "Every text is an owner, and no two texts are the same owner.", owner_names).await;
    suite.check("revoke", "`revoke` ends a session of that owner, and says whether it did.", revoke).await;
    suite.check("revoke_others", "`revoke` of a session that is not that owner's does nothing.", revoke_others).await;
    suite
        .check(
            "revoke_all",
            "`revoke_all` ends every session of an owner but the one to keep, and no other.",
            revoke_all,
        )
        .await;
    suite.check("owner_race", "No session that is an owner's is missed, whatever comes in parallel.", owner_race).await;
}

/// An owner of this check alone.
fn owner(name: &str) -> String {
    format!("{name} {}", SessionId::random())
}

impl<S: SessionStore> Bench<S> {
    fn index(&self) -> Outcome<&dyn DynOwnerIndex> {
        self.store.owner_index().ok_or_else(|| Broken("the index of owners comes and goes".to_owned()))
    }

    async fn lists(&self, owner: &str, expected: &[(SessionId, &Record)]) -> Outcome {
        self.lists_at(self.now, owner, expected).await
    }

    async fn lists_at(&self, now: Timestamp, owner: &str, expected: &[(SessionId, &Record)]) -> Outcome {
        let mut found = self.index()?.list(owner, now).await?;
        let mut expected: Vec<_> = expected.iter().map(|(id, record)| OwnedSession::new(*id, record)).collect();
        found.sort_by_key(|session| session.id);
        expected.sort_by_key(|session| session.id);
        same(&format!("`list` of {owner:?}"), found, expected)
    }

    async fn owned(&self, owner: &str) -> Outcome<(SessionId, Record)> {
        let record = self.record_of(owner, &[("a", "1")])?;
        Ok((self.created(&record).await?, record))
    }
}

async fn list<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let (alice, bob) = (owner("alice"), owner("bob"));
    bench.lists(&alice, &[]).await?;
    let (first, mut record) = bench.owned(&alice).await?;
    let (second, other) = bench.owned(&alice).await?;
    let (third, bobs) = bench.owned(&bob).await?;
    bench.created(&bench.record(&[])).await?;
    bench.lists(&alice, &[(first, &record), (second, &other)]).await?;
    bench.lists(&bob, &[(third, &bobs)]).await?;

    let now = bench.now.plus(LIFE / 2);
    let changes = ChangesBuilder::new(now).label(Some("phone")).expires_at(now.plus(LIFE)).build();
    record = bench.applies(&first, &record, &changes).await?;
    bench.store.delete(&second).await?;
    bench.lists(&alice, &[(first, &record)]).await?;

    let taken = bench.record_of(&bob, &[])?;
    same("`create` over a live record", bench.store.create(&first, &taken).await?, Created::Taken)?;
    bench.lists(&alice, &[(first, &record)]).await?;
    bench.lists(&bob, &[(third, &bobs)]).await
}

async fn list_expired<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let alice = owner("alice");
    let (id, record) = bench.owned(&alice).await?;
    bench.lists_at(bench.now.plus(LAST), &alice, &[(id, &record)]).await?;
    bench.lists_at(bench.now.plus(LIFE), &alice, &[]).await?;
    let (id, record) = bench.owned(&alice).await?;
    let longer = bench.applies(&id, &record, &bench.changes().expires_at(bench.now.plus(LIFE * 2)).build()).await?;
    bench.lists_at(bench.now.plus(LIFE), &alice, &[(id, &longer)]).await?;

    let bob = owner("bob");
    let late = bench.now.plus(LIFE * 2);
    let changes = ChangesBuilder::new(late).owner(Some(&bob)).build();
    let anew = apply(&changes, &bench.record_at(late, &[]))?;
    bench.creates(&id, &anew).await?;
    bench.lists_at(late, &alice, &[]).await?;
    bench.lists_at(late, &bob, &[(id, &anew)]).await
}

async fn list_moves<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let (alice, bob) = (owner("alice"), owner("bob"));
    let mut record = bench.record(&[("a", "1")]);
    let id = bench.created(&record).await?;
    for now in [Some(&alice), Some(&alice), Some(&bob), None, Some(&bob), Some(&alice), None, None] {
        let changes = bench.changes().owner(now.map(String::as_str)).build();
        record = bench.applies(&id, &record, &changes).await?;
        record = bench.applies(&id, &record, &bench.changes().clear().set("a", "2").build()).await?;
        for name in [&alice, &bob] {
            let expected = (now == Some(name)).then_some((id, &record));
            bench.lists(name, expected.as_slice()).await?;
        }
    }
    Ok(())
}

async fn list_unchanged<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let (alice, bob) = (owner("alice"), owner("bob"));
    let (id, record) = bench.owned(&alice).await?;
    let conflict = bench.changes().owner(Some(&bob)).set_if("a", Expected::Absent, "2").build();
    bench.conflicts(&id, &record, &conflict).await?;
    bench.lists(&alice, &[(id, &record)]).await?;
    bench.is_gone(&SessionId::random(), &bench.changes().owner(Some(&bob)).build()).await?;
    bench.lists(&bob, &[]).await
}

async fn owner_names<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let unique = owner("");
    let names =
        ["", " ", ":", "'", "\"", "\\", "\n", "\0", "%", "*", "?", "{a}", "é", "e\u{301}", "a", "A", "\u{1f512}"];
    let names: Vec<String> = names.iter().map(|name| format!("{unique}{name}")).collect();
    let mut sessions = Vec::new();
    for name in &names {
        sessions.push(bench.owned(name).await?);
    }
    for (name, (id, record)) in names.iter().zip(&sessions) {
        bench.lists(name, &[(*id, record)]).await?;
    }
    for (name, (id, _)) in names.iter().zip(&sessions) {
        same(&format!("`revoke_all` of {name:?}"), bench.index()?.revoke_all(name, None).await?.len(), 1)?;
        bench.holds_nothing(id).await?;
    }
    // The owner without a name is one, too; others may have used it in the same database.
    let (id, _) = bench.owned("").await?;
    let listed = bench.index()?.list("", bench.now).await?;
    ensure(listed.iter().any(|session| session.id == id), || "the owner \"\" has no sessions".to_owned())?;
    ensure(bench.index()?.revoke("", &id).await?, || "the owner \"\" cannot revoke".to_owned())
}

async fn revoke<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let alice = owner("alice");
    let ((id, _), (kept, record)) = (bench.owned(&alice).await?, bench.owned(&alice).await?);
    same("`revoke`", bench.index()?.revoke(&alice, &id).await?, true)?;
    bench.holds_nothing(&id).await?;
    bench.is_gone(&id, &bench.changes().set("a", "2").owner(Some(&alice)).build()).await?;
    same("`revoke` once more", bench.index()?.revoke(&alice, &id).await?, false)?;
    bench.lists(&alice, &[(kept, &record)]).await
}

async fn revoke_others<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let (alice, bob) = (owner("alice"), owner("bob"));
    let (id, mut record) = bench.owned(&alice).await?;
    let ownerless = bench.record(&[]);
    let ownerless_id = bench.created(&ownerless).await?;
    same("`revoke` of another owner's", bench.index()?.revoke(&bob, &id).await?, false)?;
    same("`revoke` of nobody's", bench.index()?.revoke(&bob, &ownerless_id).await?, false)?;
    same("`revoke` of a missing one", bench.index()?.revoke(&bob, &SessionId::random()).await?, false)?;
    bench.holds(&id, &record).await?;
    bench.holds(&ownerless_id, &ownerless).await?;
    record = bench.applies(&id, &record, &bench.changes().owner(Some(&bob)).build()).await?;
    same("`revoke` by the owner before", bench.index()?.revoke(&alice, &id).await?, false)?;
    same("`revoke_all` of the owner before", bench.index()?.revoke_all(&alice, None).await?.len(), 0)?;
    bench.lists(&bob, &[(id, &record)]).await
}

async fn revoke_all<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let (alice, bob) = (owner("alice"), owner("bob"));
    let (bobs, bobs_record) = bench.owned(&bob).await?;
    let mut sessions = Vec::new();
    for _ in 0..20 {
        sessions.push(bench.owned(&alice).await?);
    }
    let (kept, record) = &sessions[7];
    same("`revoke_all` but one", bench.index()?.revoke_all(&alice, Some(kept)).await?.len(), 19)?;
    for (id, _) in sessions.iter().filter(|(id, _)| id != kept) {
        bench.holds_nothing(id).await?;
    }
    bench.lists(&alice, &[(*kept, record)]).await?;
    // Another owner's session to keep keeps nothing.
    same("`revoke_all`", bench.index()?.revoke_all(&alice, Some(&bobs)).await?.len(), 1)?;
    same("`revoke_all` once more", bench.index()?.revoke_all(&alice, None).await?.len(), 0)?;
    bench.holds_nothing(kept).await?;
    bench.lists(&alice, &[]).await?;
    bench.lists(&bob, &[(bobs, &bobs_record)]).await
}

async fn owner_race<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let names = [owner("alice"), owner("bob")];
    for _ in 0..10 {
        let id = bench.created(&bench.record(&[])).await?;
        let jobs = (0..8).map(|n| {
            let (bench, name) = (bench.clone(), names[n % 2].clone());
            async move || {
                match n {
                    7 => bench.index()?.revoke_all(&name, None).await.map(drop)?,
                    6 => bench.store.update(&id, &bench.changes().owner(None).build()).await.map(drop)?,
                    _ => bench.store.update(&id, &bench.changes().owner(Some(&name)).build()).await.map(drop)?,
                }
                Ok(())
            }
        });
        parallel(jobs).await?;
        let record = bench.store.load(&id).await?;
        for name in &names {
            let owned = record.as_ref().filter(|record| record.owner() == Some(name)).map(|record| (id, record));
            bench.lists(name, owned.as_slice()).await?;
            same("`revoke_all` after it", bench.index()?.revoke_all(name, None).await?.len(), owned.iter().len())?;
        }
    }
    Ok(())
}
