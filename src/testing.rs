//! Tools for tests: of your own store, and of an application with sessions. Feature `testing`.
//!
//! | tool | for |
//! |---|---|
//! | [`FaultStore`] | a store that fails, loses replies, is slow or waits where a test says so, and records its calls |
//! | [`TestClock`] | a clock that a test moves |

pub use self::{
    clock::TestClock,
    faults::{Call, FaultStore, Gate, Rule, Verb},
};

mod clock;
mod faults;
