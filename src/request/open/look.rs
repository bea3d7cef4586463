//! Looks for sessions that have moved.

use crate::{
    config::{Config, Successor},
    request::{
        live,
        successor::{Followed, Origin, follow, successor_of},
    },
    store::{Record, Standing, StoreError, Timestamp, Token},
};

/// Looks whether the session of a token has moved. If it has not, also returns what it becomes when it does.
pub(crate) async fn look(
    config: &Config,
    at: usize,
    token: &Token,
    value: Option<&[u8]>,
    found: Option<Record>,
    now: Timestamp,
) -> Result<(Followed, Option<Box<Successor>>), StoreError> {
    // Only sessions of other backends move here. Elsewhere, those of any backend may.
    let is_known = found.as_ref().is_some_and(|record| record.standing(&token.hash(), now) != Standing::Unknown);
    if at == 0 && is_known && config.moves.as_ref().is_some_and(|moves| moves.is_moving) {
        return Ok((Followed::Stays(found), None));
    }
    let is_client_side = config.backend_at(at).is_client_side();
    // A cookie past its deadline opens nothing, not even what its session has become.
    if is_client_side && found.as_ref().is_some_and(|held| live(config, held, None, now).is_err()) {
        return Ok((Followed::Stays(found), None));
    }
    let Some(successor) = successor_of(config, at, token, value) else {
        return Ok((Followed::Stays(found), None));
    };
    let followed = match found {
        Some(found) if is_known && !is_client_side => Followed::Stays(Some(found)),
        found => follow(config, Origin { at, token, successor: &successor }, found, now).await?,
    };
    Ok((followed, Some(successor)))
}
