//! A test suite for the contract of [`SessionStore`].

use std::{fmt, sync::Arc};

use self::bench::{Bench, Outcome};
use crate::store::SessionStore;

mod bench;
mod cancel;
mod create;
mod delete;
mod meta;
mod owners;
mod parallel;
mod races;
mod random;
mod replace;
mod revoke;
mod values;

/// Tests a store against the contract of [`SessionStore`], and of [`OwnerIndex`](crate::store::OwnerIndex) if the store
/// has an index.
///
/// `make` returns a store for each check. All of them may share one database, because every check uses ids and owners
/// of its own. Expired records of the suite are within [`Record::GRACE`](crate::store::Record::GRACE).
///
/// ```
/// # use cloakroom::MemoryStore;
/// // #[tokio::test]
/// async fn contract() {
///     cloakroom::testing::contract(async || MemoryStore::new()).await;
/// }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(contract());
/// ```
///
/// The suite needs no test framework, and no runtime unless the store needs one. Its races run on threads, in the
/// context of the `tokio` runtime if one runs the suite.
///
/// # Panics
///
/// The store breaks its contract. For each failed check, the message has the broken sentence of the contract, and the
/// fault that was found.
pub async fn contract<S: SessionStore>(make: impl AsyncFn() -> S) {
    let breaches = breaches(make).await;
    let lines: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "the store breaks its contract:\n\n{}", lines.join("\n\n"));
}

/// Runs the checks of [`contract`], and returns those that failed, in the suite's order. Use it for reports.
///
/// ```
/// # use cloakroom::MemoryStore;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let breaches = cloakroom::testing::breaches(async || MemoryStore::new()).await;
/// assert!(breaches.is_empty());
/// # });
/// ```
pub async fn breaches<S: SessionStore>(make: impl AsyncFn() -> S) -> Vec<Breach> {
    let mut suite = Suite { make, breaches: Vec::new() };
    create::run(&mut suite).await;
    replace::run(&mut suite).await;
    meta::run(&mut suite).await;
    values::run(&mut suite).await;
    delete::run(&mut suite).await;
    random::run(&mut suite).await;
    races::run(&mut suite).await;
    cancel::run(&mut suite).await;
    if (suite.make)().await.owner_index().is_some() {
        owners::run(&mut suite).await;
        revoke::run(&mut suite).await;
    }
    suite.breaches
}

/// A check that a store failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Breach {
    /// The check's name.
    pub check: &'static str,
    /// The sentence of the contract that was broken.
    pub sentence: &'static str,
    /// The fault that the check found.
    pub found: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    {}", self.check, self.sentence, self.found)
    }
}

struct Suite<M> {
    make: M,
    breaches: Vec<Breach>,
}

impl<M> Suite<M> {
    async fn check<S: SessionStore>(
        &mut self,
        check: &'static str,
        sentence: &'static str,
        run: impl AsyncFnOnce(Bench<S>) -> Outcome,
    ) where
        M: AsyncFn() -> S,
    {
        let store = Arc::new((self.make)().await);
        if let Err(broken) = run(Bench::new(store)).await {
            self.breaches.push(Breach { check, sentence, found: broken.0 });
        }
    }
}
