//! Judges a token by the record under its id.

use crate::{
    config::{Config, Rejection},
    store::{Record, Standing, StoreError, Timestamp, Token},
};

/// The relation of a token to the record under its id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Opens,
    Superseded,
    Rejected(Rejection),
}

/// Judges a token by the record and the layer's options. [`revoked_by_owner`] asks the application.
pub(crate) fn judge(config: &Config, token: &Token, found: Option<&Record>, now: Timestamp) -> Verdict {
    let Some(record) = found else { return Verdict::Rejected(Rejection::Unknown) };
    let standing = record.standing(&token.hash(), now);
    if standing == Standing::Unknown {
        return Verdict::Rejected(Rejection::WrongSecret);
    }
    match live(config, record, None, now) {
        Err(reason) => Verdict::Rejected(reason),
        Ok(()) if standing == Standing::Current => Verdict::Opens,
        Ok(()) => Verdict::Superseded,
    }
}

/// Judges a record by its deadlines and by the values that end sessions at once. `valid_from` is the value for the
/// record's owner.
pub(crate) fn live(
    config: &Config,
    record: &Record,
    valid_from: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Rejection> {
    if record.deadline(&config.lifetime) <= now {
        return Err(Rejection::Expired);
    }
    // Both values come from the application, so no two clocks are compared: the value with which the login was
    // admitted, and today's.
    if record.created_at() < config.valid_from.get() || valid_from > record.admitted() {
        return Err(Rejection::Revoked);
    }
    Ok(())
}

/// Rejects a session whose login was admitted with an older value of its owner's `owner_valid_from`.
pub(crate) async fn revoked_by_owner(
    config: &Config,
    judge: Verdict,
    found: Option<&Record>,
) -> Result<Verdict, StoreError> {
    let (Verdict::Opens | Verdict::Superseded, Some(record)) = (judge, found) else { return Ok(judge) };
    let Some(owner) = record.owner() else { return Ok(judge) };
    let is_revoked = owner_valid_from(config, owner).await? > record.admitted();
    Ok(if is_revoked { Verdict::Rejected(Rejection::Revoked) } else { judge })
}

/// Asks the application for the value of `owner_valid_from`.
pub(crate) async fn owner_valid_from(config: &Config, owner: &str) -> Result<Option<Timestamp>, StoreError> {
    let Some(ask) = &config.owner_valid_from else { return Ok(None) };
    Ok(ask(owner.to_owned()).await?.map(Timestamp::from))
}
