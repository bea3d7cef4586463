//! The commit protocol, explored exhaustively.
//!
//! A state holds a store with its index of owners, packets that are still under way, a browser with one cookie slot, and
//! requests of the browser's and of an attacker's. The attacker knows the token from before the login. A step is one call
//! to the store, one packet that arrives late, one answer that arrives or is lost, a crash, or the end of the superseded
//! window. The protocol is not written a second time here: a request is the real layer, the real handle and the real
//! commit with its queue, run again with the store's replies so far up to the next call ([`replay`]). The store has the
//! verbs of the contract and nothing else ([`store`]). So the model cannot drift away from the code.
//!
//! Each request has a layer of its own, so each is a process of its own. [`Options::skew`](request::Options) lets the
//! clocks of requests with odd and with even numbers differ. `model/queue.rs` explores the real queue with several writers
//! of one process; it is a part of `store/queue.rs`, whose private state it compares.
//!
//! [`invariants`] has the properties. Every path of the model ends, since each step is one more reply on a tape: that the
//! exploration comes to an end proves that no request waits or tries for ever.
//!
//! One cookie slot cannot give everything. After a login the browser's cookie may rightly open no logged-in session if
//!
//! - it came with an answer that was committed before a renewal whose answer arrived earlier;
//! - its request had no session, and began one;
//! - its request was sent before the login's answer arrived, and renewed a session that no user had logged in to;
//! - it is one that such an answer led to;
//! - the answer of a renewal was lost, or its outcome stayed unknown. The user can log in again at once.

mod calls;
mod delivery;

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
