//! Tools for tests: of your own store, and of an application with sessions. Feature `testing`.
//!
//! | tool | for |
//! |---|---|
//! | [`contract`] | the contract of [`SessionStore`](crate::SessionStore), checked against a store of your own |
//! | [`ChangesBuilder`] | changes by hand, for a store's own tests |
//! | [`FaultStore`] | a store that fails, loses replies, is slow or waits where a test says so, and records its calls |
//! | [`TestClock`] | a clock that a test moves |
//! | [`CookieJar`] | cookies between requests, and what a browser drops of them |

pub use self::{
    changes::ChangesBuilder,
    clock::TestClock,
    contract::{Breach, breaches, contract},
    faults::{Call, FaultStore, Gate, Rule, Verb},
    jar::{CookieJar, Refusal},
};

mod changes;
mod clock;
mod contract;
mod faults;
mod jar;
