//! Random histories of sessions in another crate's format: requests side by side, failed calls, lost replies, and calls that arrive
//! twice or late.

use std::sync::{Arc, Mutex};

use cloakroom::{
    CookieOptions, MemoryStore, SessionLayer, StoreError,
    formats::{ActixSession, ByteStore, Stored, TowerSessions},
    keys::SecretKey,
    store::{Created, Deleted, Replaced},
    testing::MemoryBytes,
};

use crate::{
    nodes::jar_key,
    support::{
        App,
        drivers::tower,
        history::{Dice, History, Went},
    },
};

/// A byte store whose calls are disturbed at random.
#[derive(Clone)]
struct Disturbed {
    inner: MemoryBytes,
    dice: Arc<Mutex<Option<Dice>>>,
    late: Arc<Mutex<Vec<Call>>>,
}

#[derive(Clone)]
enum Call {
    Create(String, Stored),
    Replace(String, Vec<u8>, Stored),
    Delete(String, Option<Vec<u8>>),
}

enum Fate {
    Done,
    Fails,
    LosesItsReply,
    ArrivesTwice,
    ArrivesLate,
}

impl Disturbed {
    fn new() -> Self {
        Self { inner: MemoryBytes::new(), dice: Arc::default(), late: Arc::default() }
    }

    /// Lets other requests go on, and decides the fate of the call.
    async fn fate(&self) -> Fate {
        let turns = self.dice.lock().unwrap().as_mut().map_or(0, |dice| dice.roll(3));
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        let mut dice = self.dice.lock().unwrap();
        match dice.as_mut().map_or(9, |dice| dice.roll(24)) {
            0 => Fate::Fails,
            1 | 2 => Fate::LosesItsReply,
            3 => Fate::ArrivesTwice,
            4 => Fate::ArrivesLate,
            _ => Fate::Done,
        }
    }

    async fn make(&self, call: Call) -> Result<(), StoreError> {
        match call {
            Call::Create(key, record) => self.inner.create(&key, &record).await.map(drop),
            Call::Replace(key, base, record) => self.inner.replace(&key, &base, &record).await.map(drop),
            Call::Delete(key, base) => self.inner.delete(&key, base.as_deref()).await.map(drop),
        }
    }

    /// Lets the calls arrive that were held back.
    async fn arrive(&self) {
        let late = std::mem::take(&mut *self.late.lock().unwrap());
        for call in late {
            self.make(call).await.unwrap();
        }
    }

    async fn disturb<T>(&self, call: Call, done: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let lost = || StoreError::new("the reply is lost");
        match self.fate().await {
            Fate::Done => done.await,
            Fate::Fails => Err(StoreError::not_done("it is refused")),
            Fate::LosesItsReply => done.await.and_then(|_| Err(lost())),
            Fate::ArrivesTwice => {
                let reply = done.await;
                self.make(call).await?;
                reply
            }
            Fate::ArrivesLate => {
                self.late.lock().unwrap().push(call);
                Err(lost())
            }
        }
    }
}

impl ByteStore for Disturbed {
    async fn load(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        match self.fate().await {
            Fate::Fails => Err(StoreError::not_done("it is refused")),
            _ => self.inner.load(key).await,
        }
    }

    async fn create(&self, key: &str, record: &Stored) -> Result<Created, StoreError> {
        self.disturb(Call::Create(key.to_owned(), record.clone()), self.inner.create(key, record)).await
    }

    async fn replace(&self, key: &str, base: &[u8], record: &Stored) -> Result<Replaced<Stored>, StoreError> {
        let call = Call::Replace(key.to_owned(), base.to_vec(), record.clone());
        self.disturb(call, self.inner.replace(key, base, record)).await
    }

    async fn delete(&self, key: &str, base: Option<&[u8]>) -> Result<Deleted<Stored>, StoreError> {
        let call = Call::Delete(key.to_owned(), base.map(<[u8]>::to_vec));
        self.disturb(call, self.inner.delete(key, base)).await
    }
}

/// The steps of a roll-out that may run side by side.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Theirs,
    Moving,
    Back,
}

fn apps(theirs: &Disturbed, is_tower: bool, phase: Phase) -> Vec<App> {
    let (ours, key) = (MemoryStore::new(), SecretKey::generate());
    let formed =
        |layer: SessionLayer| layer.cookie(CookieOptions::builder().name("id").build().unwrap()).owner_key("user");
    let foreign = || {
        formed(if is_tower {
            SessionLayer::foreign(TowerSessions::new(theirs.clone()))
        } else {
            SessionLayer::foreign(ActixSession::new(theirs.clone(), &jar_key()).unwrap())
        })
    };
    let native = || {
        let layer = formed(SessionLayer::new(ours.clone()));
        if is_tower {
            layer.also(TowerSessions::new(theirs.clone()))
        } else {
            layer.also(ActixSession::new(theirs.clone(), &jar_key()).unwrap())
        }
    };
    let layers = match phase {
        Phase::Theirs => vec![foreign(), foreign()],
        Phase::Moving => vec![foreign().also(ours.clone()).moved(&key), native().moving(&key)],
        Phase::Back => vec![foreign().also(ours.clone()).moving(&key), native().moved(&key)],
    };
    layers.into_iter().map(tower::app).collect()
}

async fn history(seed: u64, is_tower: bool, phase: Phase) -> bool {
    let theirs = Disturbed::new();
    let (apps, mut dice) = (apps(&theirs, is_tower, phase), Dice(seed));
    let (first, told) = (dice.pick(&apps), format!("seed {seed} {is_tower} {phase:?}"));
    let mut history = History::begin(dice, first, "/app/insert:user:ada/renew", told).await;
    let mut is_out = false;
    for _ in 0..8 {
        *theirs.dice.lock().unwrap() = Some(Dice(history.dice.roll(1 << 30)));
        let went = history.step(&apps).await;
        *theirs.dice.lock().unwrap() = None;
        match went {
            Went::On => {}
            Went::Out => is_out = true,
            Went::Unknown => return false,
        }
        if is_out {
            break;
        }
        if history.dice.roll(3) == 0 {
            theirs.arrive().await;
        }
        history.check(&apps).await;
    }
    theirs.arrive().await;
    if is_out {
        history.check_ended(&apps).await;
    }
    is_out
}

#[tokio::test]
async fn acknowledged_writes_stay_and_what_was_purged_stays_ended() {
    for is_tower in [false, true] {
        for phase in [Phase::Theirs, Phase::Moving, Phase::Back] {
            let mut purged = 0;
            for seed in 0..150 {
                purged += u64::from(history(seed, is_tower, phase).await);
            }
            assert!(purged > 15, "{phase:?}: {purged}");
        }
    }
}
