//! The records that a move writes.

use crate::{
    config::{Config, Successor},
    store::{Body, Credentials, Parts, Record, Rest, SecretHash, State, Timestamp},
};

/// Returns a copy of a session under its successor's id, which no token opens yet.
pub(super) fn draft_of(config: &Config, base: &Record, successor: &Successor, nonce: u64) -> Record {
    let mut copy = base.clone();
    let body = copy.body_mut();
    (body.current, body.nonce) = (successor.draft, nonce);
    if config.backend.is_foreign() {
        // It has no place for the last use: its deadline stands for it.
        body.expires_at = base.deadline(&config.lifetime);
    }
    body.rest.trail = (!config.backend.is_immediate()).then_some([0; 4]);
    #[cfg(feature = "formats")]
    if body.rest.foreign.is_some() {
        body.rest.foreign = None;
    }
    let rest = std::mem::take(&mut body.rest);
    body.rest = rest.tidied();
    copy
}

/// Returns the record that replaces `base` with another secret.
pub(super) fn with_secret(base: &Record, secret: SecretHash, nonce: u64) -> Record {
    let mut record = base.clone();
    record.body_mut().current = secret;
    record.written(nonce, base)
}

/// Returns the record that says what has become of a session in a cookie, for as long as the cookie is valid.
pub(super) fn mark(held: &Record, says: SecretHash, nonce: u64, now: Timestamp) -> Record {
    let (current, _) = Credentials::new(says).into_parts();
    Record::of(Body {
        state: State::empty().clone(),
        current,
        created_at: now,
        last_used: now,
        expires_at: held.expires_at(),
        nonce,
        rest: Rest::of(Parts::default()),
    })
}
