//! Moves a session to the primary store, and finds one that has moved.
//!
//! A move has four writes, each of which another request may find done:
//!
//! 1. A copy under the successor's id: a draft, which no token opens.
//! 2. The old record gets a secret that no token has. From here on the session is moved. For a session in a cookie, a
//!    record at the successor's mark says so.
//! 3. The draft becomes the session: it gets the successor's first secret.
//! 4. The old record is deleted. Only then does a client get the new token.
//!
//! A draft without an old record belongs to a session that was purged meanwhile. It opens nothing.

use self::records::{draft_of, mark, with_secret};
use crate::{
    config::{Backend, Config, Event, Moves, Successor},
    store::{
        Created, DynStore, Record, SessionId, Standing, StoreError, Timestamp, Token, certain, certain::Certain,
        random_nonce,
    },
};

mod records;

/// The number of times that a move begins again while other requests change the session.
const TRIES: u32 = 64;
/// The number of calls with an unknown outcome after which a move fails. Each of its writes can be made again.
const UNKNOWN: u32 = 3;

/// A session before its move.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) at: usize,
    pub(crate) token: &'a Token,
    pub(crate) successor: &'a Successor,
}

/// The session after its move.
pub(crate) struct Moved {
    pub(crate) at: usize,
    /// The token by which the request's own token opens the successor. It may be superseded there.
    pub(crate) token: Token,
    pub(crate) record: Record,
}

/// The outcome of looking for a session that may have moved, and of moving it.
pub(crate) enum Followed {
    /// It is where it was, with this record.
    Stays(Option<Record>),
    Moved(Box<Moved>),
    /// It has moved, and ended since; or it ended while it was moved.
    Ended,
}

impl Origin<'_> {
    fn backend<'c>(&self, config: &'c Config) -> &'c Backend {
        config.backend_at(self.at)
    }

    fn moved(&self, at: usize, record: Record, now: Timestamp) -> Followed {
        let Self { token, successor, .. } = *self;
        let first = successor.token.clone();
        // A token that was superseded before the move stays superseded.
        let old = || Token::new(first.id, token.secret.clone()).hashed();
        let is_old = record.standing(&first.hash(), now) == Standing::Unknown
            && record.standing(&token.hash(), now) == Standing::Superseded;
        let token = if is_old { old() } else { first };
        Followed::Moved(Box::new(Moved { at, token, record }))
    }
}

/// Finds the session if it has moved. `found` is the record in its old place, or the one that its cookie holds. Ends a
/// move that another request has begun and not ended.
pub(crate) async fn follow(
    config: &Config,
    origin: Origin<'_>,
    found: Option<Record>,
    now: Timestamp,
) -> Result<Followed, StoreError> {
    let Origin { at, token, successor } = origin;
    if origin.backend(config).is_client_side() {
        for (to, store) in stores(config) {
            let Some(mark) = store.load(&successor.mark).await? else { continue };
            let is_its = |draft: &Record| draft.nonce() == mark.nonce();
            return Ok(match activated(config, store, successor, is_its, now).await? {
                Some(record) if mark.body().current == successor.moved => origin.moved(to, record, now),
                _ => Followed::Ended,
            });
        }
        return Ok(Followed::Stays(found));
    }
    match found {
        Some(found) if found.body().current == successor.moved => {
            for (to, store) in stores(config).filter(|(to, _)| *to != at) {
                if let Some(record) = activated(config, store, successor, |_| true, now).await? {
                    let _ = origin.backend(config).delete(&token.id, Some(&found)).await?;
                    return Ok(origin.moved(to, record, now));
                }
            }
            Ok(Followed::Ended)
        }
        None => {
            for (to, store) in stores(config) {
                let found = store.load(&successor.token.id).await?;
                if let Some(record) = found.filter(|record| record.body().current != successor.draft) {
                    return Ok(origin.moved(to, record, now));
                }
            }
            Ok(Followed::Stays(None))
        }
        found => Ok(Followed::Stays(found)),
    }
}

/// Moves a session to the primary store. `held` is its record if its cookie holds it.
pub(crate) async fn move_session(
    config: &Config,
    origin: Origin<'_>,
    held: Option<&Record>,
    now: Timestamp,
) -> Result<Followed, StoreError> {
    let (mut unknown, mut last) = (0, StoreError::not_done("other requests kept changing the session"));
    for _ in 0..TRIES {
        match Box::pin(try_move(config, origin, held, now)).await {
            Ok(Some(Followed::Moved(moved))) => {
                config.emit(&Event::Moved { from: origin.token.id, to: moved.token.id });
                return Ok(Followed::Moved(moved));
            }
            Ok(Some(followed)) => return Ok(followed),
            Ok(None) => {}
            Err(error) if error.is_unknown() && unknown < UNKNOWN => (unknown, last) = (unknown + 1, error),
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// Makes the first two writes of a move, or ends the move that another request has begun. Returns `None` if another
/// request was faster.
async fn try_move(
    config: &Config,
    origin: Origin<'_>,
    held: Option<&Record>,
    now: Timestamp,
) -> Result<Option<Followed>, StoreError> {
    let Origin { token, successor, .. } = origin;
    let old = origin.backend(config).as_store();
    let Some(new) = config.backend.as_store() else { return Ok(Some(Followed::Stays(held.cloned()))) };
    let id = &successor.token.id;
    // The draft is read before the old record. So a draft is never replaced by an older copy: a request that made a newer
    // one has changed its nonce.
    let draft = new.load(id).await?;
    let found = load(old, token, held).await?;
    let base = match follow(config, origin, found, now).await? {
        Followed::Stays(Some(base)) => base,
        Followed::Stays(None) | Followed::Ended => {
            discard(new, id, draft, successor).await;
            return Ok(Some(Followed::Ended));
        }
        moved @ Followed::Moved(_) => return Ok(Some(moved)),
    };
    if base.standing(&token.hash(), now) != Standing::Current || base.is_bound() {
        return Ok(Some(Followed::Stays(Some(base))));
    }
    // The draft has the nonce of the record of which it is a copy. A cookie has no nonce, and never changes.
    let nonce = match (old, &draft) {
        (Some(_), _) => base.nonce(),
        (None, Some(draft)) => draft.nonce(),
        (None, None) => random_nonce(),
    };
    let copy = draft_of(config, &base, successor, nonce);
    match &draft {
        None => match new.create(id, &copy).await? {
            Created::Done => {}
            // A tombstone is there. If the session has not ended, its successor was ended by hand. The session stays then.
            Created::Taken if new.load(id).await?.is_none() => {
                let found = load(old, token, held).await?;
                return follow(config, origin, found, now).await.map(Some);
            }
            Created::Taken => return Ok(None),
        },
        Some(draft) if draft.nonce() == nonce && draft.body().current == successor.draft => {}
        Some(draft) if draft.body().current == successor.draft => {
            match certain::replace(new, id, draft, &copy.written(nonce, draft), now, config.commit_timeout).await? {
                Certain::Done(None) => {}
                _ => return Ok(None),
            }
        }
        // The successor was in use, and its origin was put back: by a restored backup, for example.
        Some(_) => return Ok(Some(Followed::Stays(Some(base)))),
    }
    let is_marked = match old {
        Some(old) => {
            // Without the superseded secrets: a request that has one finds the successor, and writes there.
            let mut moved = with_secret(&base, successor.moved, random_nonce());
            moved.body_mut().rest.superseded.clear();
            let sent = certain::replace(old, &token.id, &base, &moved, now, config.commit_timeout).await?;
            matches!(sent, Certain::Done(_))
        }
        None => new.create(&successor.mark, &mark(&base, successor.moved, nonce, now)).await? == Created::Done,
    };
    if !is_marked {
        return Ok(None);
    }
    let found = load(old, token, held).await?;
    follow(config, origin, found, now).await.map(Some)
}

/// Ends the successor of a session that is purged, and keeps the session from moving later. `until` is the deadline of
/// the cookie that held it.
pub(crate) async fn end(
    config: &Config,
    origin: Origin<'_>,
    until: Option<&Record>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Origin { at, successor, .. } = origin;
    let is_client_side = origin.backend(config).is_client_side();
    for (to, store) in stores(config).filter(|(to, _)| *to != at) {
        if is_client_side && let Some(held) = until {
            let ended = mark(held, successor.ended, random_nonce(), now);
            match store.create(&successor.mark, &ended).await {
                Err(error) if error.is_unknown() => store.create(&successor.mark, &ended).await?,
                created => created?,
            };
        }
        let id = &successor.token.id;
        match config.backend_at(to).delete(id, None).await {
            Err(error) if error.is_unknown() => config.backend_at(to).delete(id, None).await?,
            deleted => deleted?,
        };
    }
    Ok(())
}

/// Returns the successor of the session of this token, if sessions of its backend move, or have moved.
pub(crate) fn successor_of(config: &Config, at: usize, token: &Token, value: Option<&[u8]>) -> Option<Box<Successor>> {
    let moves: &Moves = config.moves.as_deref()?;
    if config.backend_at(at).is_client_side() {
        value.map(|value| Box::new(moves.of_value(value)))
    } else {
        Some(Box::new(moves.of_token(token)))
    }
}

/// Returns the session at the successor's id. A draft that `is_its` accepts becomes the session.
async fn activated(
    config: &Config,
    store: &dyn DynStore,
    successor: &Successor,
    is_its: impl Fn(&Record) -> bool,
    now: Timestamp,
) -> Result<Option<Record>, StoreError> {
    let id = &successor.token.id;
    let Some(draft) = store.load(id).await? else { return Ok(None) };
    if draft.body().current != successor.draft {
        return Ok(Some(draft));
    }
    if !is_its(&draft) {
        return Ok(None);
    }
    let session = with_secret(&draft, successor.token.hash(), random_nonce());
    Ok(match certain::replace(store, id, &draft, &session, now, config.commit_timeout).await? {
        Certain::Done(later) => Some(later.unwrap_or(session)),
        Certain::Changed(found) => Some(found).filter(|found| found.body().current != successor.draft),
        Certain::Gone => None,
    })
}

/// Loads the record of a session before its move.
async fn load(old: Option<&dyn DynStore>, token: &Token, held: Option<&Record>) -> Result<Option<Record>, StoreError> {
    match old {
        Some(old) => old.load(&token.id).await,
        None => Ok(held.cloned()),
    }
}

/// Deletes a draft whose session has ended. It opens nothing, so a failure does no harm.
async fn discard(store: &dyn DynStore, id: &SessionId, draft: Option<Record>, successor: &Successor) {
    if let Some(draft) = draft.filter(|draft| draft.body().current == successor.draft) {
        let _ = store.delete(id, Some(&draft)).await;
    }
}

fn stores(config: &Config) -> impl Iterator<Item = (usize, &dyn DynStore)> {
    config.backends().enumerate().filter_map(|(at, backend)| Some((at, backend.as_store()?)))
}
