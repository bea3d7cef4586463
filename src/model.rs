//! The commit protocol, explored exhaustively.
//!
//! A state holds a store, a browser with one cookie slot, and requests of the browser's and of an attacker's who knows
//! the token from before the login. A step is one call to the store, one answer that arrives or is lost, a crash, or the
//! passing of the superseded window. Nothing of the protocol is written again here: a request is the real layer, its
//! real handler's session and its real commit, run over again with the store's replies so far up to the next call
//! ([`request`]); the store applies the real `Changes` ([`steps`]). So the model cannot drift away from the code.
//!
//! What must hold is in [`invariants`]. What one cookie slot cannot give, and `World::may_undo_login` lets pass: after a
//! login, the browser's cookie may be another one than the login's where
//!
//! - an answer was made before the login's and arrives after it: the server cannot call it back;
//! - a request without a live session rightly began one: it knows of no login;
//! - a request that was sent before the login's answer arrived renewed a session that nobody logged in to, one that a
//!   sibling had begun, say: it knows of no login either;
//! - the answer to a renewal after the login was lost: the old secret must be dead by then. One can log in again at once.

mod delivery;
pub(crate) mod dice;
mod invariants;
mod kept;
mod request;
mod seeded;
mod steps;
mod tape;
mod tests;
mod world;
