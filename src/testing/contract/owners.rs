//! The index of owners: `list`.

use super::{
    Suite,
    bench::{Bench, Broken, EXPIRED, LIFE, MILLI, Outcome, ensure, hash, same, same_record},
    cancel::{POLLS, drop_after},
};
use crate::{
    store::{DynOwnerIndex, Record, SessionId, SessionStore, State},
    testing::RecordBuilder,
};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite.check("list", "`list` gives the records of an owner, each as it is stored, and no other.", list).await;
    suite.check("list_long", "`list` gives long records, too, with all of it but their state.", list_long).await;
    suite.check("list_expired", "`list` gives expired records, too, as long as they are kept.", list_expired).await;
    suite.check("list_moves", "A session is listed for the owner that its record has now.", list_moves).await;
    suite.check("list_unchanged", "A call that changes nothing moves no session.", list_unchanged).await;
    suite.check("owner_names", "Every text is an owner, and no two texts are the same owner.", owner_names).await;
    suite
        .check(
            "cancel_listed",
            "A record that a dropped call stored is in its owner's list: the entry is written first.",
            cancel_listed,
        )
        .await;
}

/// Returns the name of an owner that only this check uses.
pub(super) fn owner(name: &str) -> String {
    format!("{name} {}", SessionId::random())
}

impl<S: SessionStore> Bench<S> {
    pub(super) fn index(&self) -> Outcome<&dyn DynOwnerIndex> {
        self.store.owner_index().ok_or_else(|| Broken("the index of owners comes and goes".to_owned()))
    }

    /// Checks that the owner has these records, and no others.
    pub(super) async fn lists(&self, owner: &str, expected: &[(SessionId, &Record)]) -> Outcome {
        let what = format!("`list` of {owner:?}");
        let mut found = self.index()?.list(owner).await?;
        found.sort_by_key(|(id, _)| *id);
        let mut expected = expected.to_vec();
        expected.sort_by_key(|(id, _)| *id);
        let ids: Vec<SessionId> = expected.iter().map(|(id, _)| *id).collect();
        same(&what, found.iter().map(|(id, _)| *id).collect(), ids)?;
        for ((_, found), (_, expected)) in found.iter().zip(expected) {
            same_record(&format!("{what} gave"), &stateless(found), &stateless(expected))?;
        }
        Ok(())
    }

    pub(super) async fn owned(&self, owner: &str) -> Outcome<(SessionId, Record)> {
        let record = self.record_of(owner, &[("a", "1")]);
        Ok((self.created(&record).await?, record))
    }

    /// Gives a session another owner, or none.
    pub(super) async fn moved(&self, id: &SessionId, record: Record, owner: Option<&str>) -> Outcome<Record> {
        self.steps(id, record, [|next: RecordBuilder| next.owner(owner)]).await
    }
}

/// Removes the state, which a list may leave out.
fn stateless(record: &Record) -> Record {
    let mut record = record.clone();
    record.body_mut().state = State::default();
    record
}

async fn list<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let (alice, bob) = (owner("alice"), owner("bob"));
    bench.lists(&alice, &[]).await?;
    let (first, record) = bench.owned(&alice).await?;
    let (second, other) = bench.owned(&alice).await?;
    let (third, bobs) = bench.owned(&bob).await?;
    bench.created(&bench.record(&[])).await?;
    bench.lists(&alice, &[(first, &record), (second, &other)]).await?;
    bench.lists(&bob, &[(third, &bobs)]).await?;

    let (used, ends) = (bench.now.plus(LIFE / 2), bench.now.plus(LIFE * 2));
    let steps: [&dyn Fn(RecordBuilder) -> RecordBuilder; 4] = [
        &|next| next.label(Some("phone")),
        &|next| next.used_at(used).expires_at(ends),
        &|next| next.credentials(bench.record(&[]).credentials()),
        &|next| next.set("a", "2").lifetime(None).admitted(None),
    ];
    let record = bench.steps(&first, record, steps).await?;
    bench.is_deleted(&second, None).await?;
    bench.lists(&alice, &[(first, &record)]).await?;
    bench.is_deleted(&first, Some(&record)).await?;
    bench.lists(&alice, &[]).await?;
    bench.lists(&bob, &[(third, &bobs)]).await
}

async fn list_long<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let alice = owner(&"\u{1f512}".repeat(50));
    let label = "\u{1f4bb}".repeat(500);
    let large = format!("\"{}\"", "a".repeat(60 * 1024));
    let record = bench.record_of(&alice, &[("a", &large)]);
    let id = bench.created(&record).await?;
    let rotated = (0..4).fold(record.credentials(), |credentials, _| credentials.rotated(hash(), bench.now));
    let record =
        bench.steps(&id, record, [|next: RecordBuilder| next.label(Some(&label)).credentials(rotated)]).await?;
    bench.lists(&alice, &[(id, &record)]).await
}

async fn list_expired<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let alice = owner("alice");
    let mut records = Vec::new();
    for span in EXPIRED {
        let record = bench.expired_of(&alice, span);
        records.push((bench.created(&record).await?, record));
    }
    let (id, record) = bench.owned(&alice).await?;
    let cut = bench.steps(&id, record, [|next: RecordBuilder| next.expires_at(bench.before(MILLI))]).await?;
    records.push((id, cut));
    let expected: Vec<_> = records.iter().map(|(id, record)| (*id, record)).collect();
    bench.lists(&alice, &expected).await
}

async fn list_moves<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let (alice, bob) = (owner("alice"), owner("bob"));
    let mut record = bench.record(&[("a", "1")]);
    let id = bench.created(&record).await?;
    for now in [Some(&alice), Some(&alice), Some(&bob), None, Some(&bob), Some(&alice), None, None] {
        record = bench.moved(&id, record, now.map(String::as_str)).await?;
        record = bench.steps(&id, record, [|next: RecordBuilder| next.set("a", "2")]).await?;
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
    let other = bench.record(&[]);
    let bobs = RecordBuilder::after(&record).owner(Some(&bob)).build();
    bench.is_changed(&id, &other, &bobs, &record).await?;
    bench.is_taken(&id, &bobs, &record).await?;
    bench.is_not_deleted(&id, &other, &record).await?;
    bench.is_gone(&SessionId::random(), &record, &bobs).await?;
    bench.lists(&alice, &[(id, &record)]).await?;
    bench.lists(&bob, &[]).await
}

async fn owner_names<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let unique = owner("");
    let long = "x".repeat(300);
    let [longer, last] = [format!("{long}y"), format!("{long}z")];
    let names = [
        "",
        " ",
        "  ",
        ":",
        "'",
        "\"",
        "\\",
        "\n",
        "\0",
        "%",
        "*",
        "?",
        "{a}",
        "é",
        "e\u{301}",
        "a",
        "A",
        "a ",
        "ß",
        "ss",
        "\u{1f512}",
        &long,
        &longer,
        &last,
    ];
    let names: Vec<String> = names.iter().map(|name| format!("{unique}{name}")).collect();
    let mut sessions = Vec::new();
    for name in &names {
        sessions.push(bench.owned(name).await?);
    }
    for (name, (id, record)) in names.iter().zip(&sessions) {
        bench.lists(name, &[(*id, record)]).await?;
    }
    for (name, (id, _)) in names.iter().zip(&sessions) {
        same(&format!("`revoke_all` of {name:?}"), bench.index()?.revoke_all(name, None).await?, vec![*id])?;
        bench.holds_nothing(id).await?;
    }
    // The empty name is an owner, too. Other runs may have used it in the same database.
    let (id, _) = bench.owned("").await?;
    let listed = bench.index()?.list("").await?;
    ensure(listed.iter().any(|(listed, _)| *listed == id), || "the owner \"\" has no sessions".to_owned())?;
    ensure(bench.index()?.revoke("", &id).await?, || "the owner \"\" cannot revoke".to_owned())
}

async fn cancel_listed<S: SessionStore>(bench: Bench<S>) -> Outcome {
    for polls in 0..POLLS {
        let (alice, bob) = (owner("alice"), owner("bob"));
        let record = bench.record_of(&alice, &[]);
        let created = SessionId::random();
        drop_after(polls, bench.store.create(&created, &record)).await;
        let (moved, before) = bench.owned(&bob).await?;
        let after = RecordBuilder::after(&before).owner(Some(&alice)).build();
        drop_after(polls, bench.store.replace(&moved, &before, &after)).await;
        for id in [created, moved] {
            let Some(found) = bench.store.load(&id).await? else { continue };
            let owner = if found.owner() == Some(&alice) { &alice } else { &bob };
            let listed = bench.index()?.list(owner).await?;
            ensure(listed.iter().any(|(listed, _)| *listed == id), || {
                format!("the session of {owner:?} is not listed, after {polls} polls")
            })?;
        }
    }
    Ok(())
}
