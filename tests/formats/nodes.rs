//! A byte store with a hook, and layers over it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use cloakroom::{
    CookieOptions, Lifetime, MemoryStore, SessionLayer, StoreError,
    formats::{ActixSession, ByteStore, Stored, TowerSessions},
    keys::SecretKey,
    store::{Created, Deleted, Replaced},
    testing::{MemoryBytes, TestClock},
};

use crate::support::{App, drivers::tower};

pub const HOUR: Duration = Duration::from_secs(3600);
/// The key of actix-session under which the vectors' session is.
pub const KEY: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// The published crate `cookie` made these, with the key 0, 1, .. 63 and the name `id`.
pub const SIGNED: &str =
    "CyizWiY2ui4TImxPXaMF7+KVYacc8rCVwj%2FyhcD5lMo%3Daaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub const PRIVATE: &str = "g4Q0JD4r4cKC+aJjVGWq6cMycb73KltreMZI99Zyp7+baaugxZ3i7iodbBw0Gpd2pHvXF3adaufd1q5MQ+ThinxKYT8ZtsCgOZxQEPtifrwPCIV+A0+qVvf3ryA%3D";
/// The id 1 of tower-sessions, as a cookie.
pub const ID: &str = "AQAAAAAAAAAAAAAAAAAAAA";

pub fn jar_key() -> Vec<u8> {
    (0..64).collect()
}

/// A byte store that runs a hook before a write, and can fail.
#[derive(Clone)]
pub struct Bytes {
    pub inner: MemoryBytes,
    hook: Arc<Mutex<Option<Hook>>>,
    fails: Arc<Mutex<Option<StoreError>>>,
    written: Arc<Mutex<Vec<String>>>,
}

type Hook = Box<dyn FnOnce(&str) -> Option<Stored> + Send>;

impl Bytes {
    pub fn new(clock: &TestClock) -> Self {
        let inner = MemoryBytes::new().clock(clock.clone());
        Self { inner, hook: Arc::default(), fails: Arc::default(), written: Arc::default() }
    }

    /// Returns every record that replaced another one, as text.
    pub fn take_written(&self) -> Vec<String> {
        std::mem::take(&mut *self.written.lock().unwrap())
    }

    /// Puts a record under a key, or removes it, when the next write comes: as another node that was faster.
    pub fn before_write(&self, hook: impl FnOnce(&str) -> Option<Stored> + Send + 'static) {
        *self.hook.lock().unwrap() = Some(Box::new(hook));
    }

    pub fn fail(&self, error: Option<StoreError>) {
        *self.fails.lock().unwrap() = error;
    }

    pub async fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        let record = Stored { bytes: bytes.into(), ttl: Some(24 * HOUR) };
        self.inner.delete(key, None).await.unwrap();
        self.inner.create(key, &record).await.unwrap();
    }

    pub async fn text(&self, key: &str) -> Option<String> {
        let stored = self.inner.load(key).await.unwrap()?;
        Some(String::from_utf8_lossy(&stored.bytes).into_owned())
    }

    async fn run_hook(&self, key: &str) -> Result<(), StoreError> {
        tokio::task::yield_now().await;
        let hook = self.hook.lock().unwrap().take();
        if let Some(hook) = hook {
            let record = hook(key);
            self.inner.delete(key, None).await?;
            if let Some(record) = record {
                self.inner.create(key, &record).await?;
            }
        }
        self.fails.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

impl ByteStore for Bytes {
    async fn load(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        // Other requests go on between the calls, as with a store behind a network.
        tokio::task::yield_now().await;
        if let Some(error) = self.fails.lock().unwrap().clone() {
            return Err(error);
        }
        self.inner.load(key).await
    }

    async fn create(&self, key: &str, record: &Stored) -> Result<Created, StoreError> {
        tokio::task::yield_now().await;
        self.inner.create(key, record).await
    }

    async fn replace(&self, key: &str, base: &[u8], record: &Stored) -> Result<Replaced<Stored>, StoreError> {
        self.run_hook(key).await?;
        self.written.lock().unwrap().push(String::from_utf8_lossy(&record.bytes).into_owned());
        self.inner.replace(key, base, record).await
    }

    async fn delete(&self, key: &str, base: Option<&[u8]>) -> Result<Deleted<Stored>, StoreError> {
        tokio::task::yield_now().await;
        self.inner.delete(key, base).await
    }
}

/// The stores of a fleet that moves, and its keys.
pub struct Nodes {
    pub clock: TestClock,
    pub theirs: Bytes,
    pub ours: MemoryStore,
    pub key: SecretKey,
    pub is_tower: bool,
    pub once: bool,
}

impl Nodes {
    pub fn actix() -> Self {
        let clock = TestClock::new();
        let (theirs, ours, key) = (Bytes::new(&clock), MemoryStore::new(), SecretKey::generate());
        Self { clock, theirs, ours, key, is_tower: false, once: false }
    }

    pub fn tower() -> Self {
        Self { is_tower: true, ..Self::actix() }
    }

    /// Returns other nodes with the same stores and keys.
    pub fn same(&self) -> Self {
        let Self { clock, theirs, ours, key, is_tower, once } = self;
        let (clock, theirs, ours, key) = (clock.clone(), theirs.clone(), ours.clone(), key.clone());
        Self { clock, theirs, ours, key, is_tower: *is_tower, once: *once }
    }

    pub fn both() -> [Self; 2] {
        [Self::actix(), Self::tower()]
    }

    pub fn formed(&self, layer: SessionLayer) -> SessionLayer {
        let lifetime = Lifetime::builder().idle(24 * HOUR).build().unwrap();
        let cookie = CookieOptions::builder().name("id").build().unwrap();
        layer.clock(self.clock.clone()).cookie(cookie).lifetime(lifetime).owner_key("user")
    }

    fn actix_sessions(&self) -> ActixSession {
        ActixSession::new(self.theirs.clone(), &jar_key()).unwrap()
    }

    fn tower_sessions(&self) -> TowerSessions {
        let sessions = TowerSessions::new(self.theirs.clone());
        if self.once { sessions.accept_once() } else { sessions }
    }

    pub fn foreign(&self) -> SessionLayer {
        self.formed(if self.is_tower {
            SessionLayer::foreign(self.tower_sessions())
        } else {
            SessionLayer::foreign(self.actix_sessions())
        })
    }

    pub fn beside(&self) -> SessionLayer {
        self.also_theirs(self.formed(SessionLayer::new(self.ours.clone())))
    }

    pub fn also_theirs(&self, ours: SessionLayer) -> SessionLayer {
        if self.is_tower { ours.also(self.tower_sessions()) } else { ours.also(self.actix_sessions()) }
    }

    /// Step 1 of a roll-out: their format alone.
    pub fn theirs_app(&self) -> App {
        tower::app(self.foreign())
    }

    /// Step 2: their format, and our store also.
    pub fn both_app(&self) -> App {
        tower::app(self.foreign().also(self.ours.clone()).moved(&self.key))
    }

    /// Step 3: our store, and their format moves there.
    pub fn moving_app(&self) -> App {
        tower::app(self.beside().moving(&self.key))
    }

    /// Step 4: our store alone.
    pub fn ours_app(&self) -> App {
        tower::app(self.formed(SessionLayer::new(self.ours.clone())))
    }

    /// The way back: our sessions move into their format.
    pub fn back_app(&self) -> App {
        tower::app(self.foreign().also(self.ours.clone()).moving(&self.key))
    }
}
