//! The contract suite. The crate's own stores pass it, and it finds every store that breaks the contract.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, SystemTime},
};

use cloakroom::{
    MemoryStore, SessionId,
    store::{Deleted, SessionStore as _, Timestamp},
    testing::{FaultStore, RecordBuilder, breaches, contract},
};

#[path = "store_contract/broken.rs"]
mod broken;
#[allow(dead_code, unreachable_pub)] // It is a program of its own.
#[path = "../examples/custom_store.rs"]
mod custom_store;
#[allow(dead_code, unreachable_pub)] // As well.
#[path = "../examples/actix_session_store.rs"]
mod directory;
#[path = "store_contract/table.rs"]
mod table;

#[tokio::test]
async fn the_memory_store_keeps_it() {
    contract(async || MemoryStore::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_store_keeps_it_on_several_threads() {
    contract(async || MemoryStore::new()).await;
}

#[tokio::test]
async fn a_bounded_memory_store_keeps_it() {
    contract(async || MemoryStore::bounded(10_000)).await;
}

#[tokio::test]
async fn one_store_for_all_checks_keeps_it() {
    let store = MemoryStore::new();
    contract(async || store.clone()).await;
}

#[tokio::test]
async fn a_fault_store_without_faults_keeps_it() {
    contract(async || FaultStore::new(MemoryStore::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_fault_store_for_all_checks_keeps_it_on_several_threads() {
    let store = FaultStore::new(MemoryStore::new());
    contract(async || store.clone()).await;
}

#[tokio::test]
async fn the_example_keeps_it() {
    contract(async || custom_store::Records::default()).await;
}

#[tokio::test]
async fn the_example_over_files_keeps_it_and_gives_space_back() {
    let place = tempfile::tempdir().expect("a writable directory");
    let open = || {
        let path = tempfile::tempdir_in(&place).expect("a writable directory").keep();
        directory::Directory::open(path).expect("it is there")
    };
    contract(async || open()).await;

    let (store, now) = (open(), Timestamp::from(SystemTime::now()));
    let (expired, live, deleted) = (SessionId::random(), SessionId::random(), SessionId::random());
    let record = RecordBuilder::new(now).build();
    for id in [&expired, &deleted] {
        store.create(id, &record).await.expect("it works");
    }
    let long = RecordBuilder::of(&record).expires_at(now.plus(Duration::from_secs(20 * 60 * 60))).build();
    store.create(&live, &long).await.expect("it works");
    assert_eq!(store.delete(&deleted, None).await.expect("it works"), Deleted::Done);
    let sweep = async |minutes: u64| {
        let removed = store.sweep(now.plus(Duration::from_secs(minutes * 60)));
        removed.await.expect("it works")
    };
    assert_eq!(sweep(5).await, 0, "the tombstone stays for ten minutes");
    assert_eq!(sweep(65).await, 1, "the record stays for ten minutes after its hour");
    assert_eq!(sweep(75).await, 1);
    assert_eq!(sweep(76).await, 0);
    assert!(store.load(&live).await.expect("it works").is_some());
}

#[test]
fn it_needs_no_runtime() {
    let found = thread::spawn(|| {
        let mut suite = pin!(breaches(async || custom_store::Records::default()));
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            match suite.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(found) => return found,
                Poll::Pending => thread::park(),
            }
        }
    });
    assert_eq!(found.join().expect("no panic"), []);
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
