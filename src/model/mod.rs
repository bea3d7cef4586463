//! The commit protocol, explored exhaustively.
//!
//! A state holds a store with its index of owners, packets that may still arrive, a browser with one cookie slot, and
//! requests of the browser and of an attacker. The attacker knows the token from before the login. A step is one call
//! to the store, one packet that arrives late, one answer that arrives or is lost, a crash, or the end of the
//! superseded window. The protocol is not written a second time here. A request is the real layer, the real handle and
//! the real commit with its queue. It runs again with all replies of the store so far, up to the next call
//! ([`replay`]). The store has the verbs of the contract and nothing else ([`store`]). So the model always agrees with
//! the code.
//!
//! Each request has a layer of its own, so each is a process of its own. [`Options::skew`](request::Options) lets the
//! clocks of requests with odd and with even numbers differ. `model/queue.rs` explores the real queue with several
//! writers of one process; it is a part of `store/queue.rs`, whose private state it compares.
//!
//! [`invariants`] has the properties. Each step adds one reply to a tape. So when the exploration ends, it has proved
//! that no request waits or tries for ever.
//!
//! A browser has one cookie slot. After a login, its cookie may open no logged-in session in these cases:
//!
//! - It came with an answer that was committed before a renewal whose answer arrived earlier.
//! - Its request had no session, and began one.
//! - Its request was sent before the login's answer arrived, and renewed a session without an owner.
//! - Its request presented a cookie from such an answer.
//! - The answer of a renewal was lost, or its outcome stayed unknown. The user can log in again at once.

mod calls;
mod delivery;
#[cfg(feature = "device-bound")]
mod device;
mod does;
mod invariants;
mod kept;
mod replay;
mod request;
mod seeded;
mod steps;
mod store;
mod tape;
mod tests;
mod world;
mod writes;
