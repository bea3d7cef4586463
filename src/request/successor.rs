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

use self::{
    records::{draft_of, mark, with_secret},
    target::{Target, activated, discard, targets},
};
use crate::{
    config::{Backend, Config, Event, Moves, Successor},
    store::{
        Created, DynStore, Record, SUPERSEDED_FOR, Standing, State, StoreError, Timestamp, Token, certain,
        certain::Certain, random, random_nonce,
    },
};

mod records;
mod target;

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

    fn moved(&self, at: usize, first: &Token, record: Record, now: Timestamp) -> Followed {
        let Self { token, .. } = *self;
        // A token that was superseded before the move stays superseded.
        let old = || Token::new(first.id, token.secret.clone()).hashed();
        let is_old = record.standing(&first.hash(), now) == Standing::Unknown
            && record.standing(&token.hash(), now) == Standing::Superseded;
        let token = if is_old { old() } else { first.clone() };
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
        for target in targets(config, successor) {
            let Some(mark) = target.backend.load(&target.mark(successor), None).await? else { continue };
            let is_its = |draft: &Record| draft.nonce() == mark.nonce();
            return Ok(match activated(config, &target, successor, is_its, now).await? {
                Some(record) if mark.body().current == successor.moved => {
                    origin.moved(target.at, &target.token, record, now)
                }
                _ => Followed::Ended,
            });
        }
        return Ok(Followed::Stays(found));
    }
    match found {
        Some(found) if found.body().current == successor.moved => {
            for target in targets(config, successor).filter(|target| target.at != at) {
                if let Some(record) = activated(config, &target, successor, |_| true, now).await? {
                    // Another crate's record knows no superseded tokens: for them, the old record stays until it ends.
                    if !target.backend.is_foreign() {
                        let _ = origin.backend(config).delete(token, Some(&found)).await?;
                    }
                    return Ok(origin.moved(target.at, &target.token, record, now));
                }
            }
            Ok(Followed::Ended)
        }
        None => {
            for target in targets(config, successor) {
                let found = target.backend.load(&target.token, None).await?;
                if let Some(record) = found.filter(|record| record.body().current != successor.draft) {
                    return Ok(origin.moved(target.at, &target.token, record, now));
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
    let old = origin.backend(config).store_of(token);
    let old = old.as_deref();
    let Some(target) = Target::of(config, 0, successor) else { return Ok(Some(Followed::Stays(held.cloned()))) };
    let new = &config.backend;
    // The draft is read before the old record. So a draft is never replaced by an older copy: a request that made a newer
    // one has changed its nonce.
    let draft = new.load(&target.token, None).await?;
    let found = load(old, token, held).await?;
    let base = match follow(config, origin, found, now).await? {
        Followed::Stays(Some(base)) => base,
        Followed::Stays(None) | Followed::Ended => {
            discard(&target, draft, successor).await;
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
    if new.carries(&copy).is_err() {
        return Ok(Some(Followed::Stays(Some(base))));
    }
    match &draft {
        None => match new.create(&target.token, &copy).await? {
            Created::Done => {}
            // A tombstone is there. If the session has not ended, its successor was ended by hand. The session stays then.
            Created::Taken if new.load(&target.token, None).await?.is_none() => {
                let found = load(old, token, held).await?;
                return follow(config, origin, found, now).await.map(Some);
            }
            Created::Taken => return Ok(None),
        },
        Some(draft) if draft.nonce() == nonce && draft.body().current == successor.draft => {}
        Some(draft) if draft.body().current == successor.draft => {
            match target.replace(config, draft, &copy.written(nonce, draft), now).await? {
                Certain::Done(None) => {}
                _ => return Ok(None),
            }
        }
        // The successor was in use, and its origin was put back: by a restored backup, for example.
        Some(_) => return Ok(Some(Followed::Stays(Some(base)))),
    }
    let is_marked = match old {
        Some(old) => {
            let mut moved = with_secret(&base, successor.moved, random_nonce());
            if target.backend.is_foreign() {
                moved.body_mut().expires_at = base.expires_at().min(now.plus(SUPERSEDED_FOR));
            } else {
                // A request with a superseded secret finds the successor, and writes there.
                moved.body_mut().rest.superseded.clear();
            }
            // The copy has it. Nodes of another crate would open the session here.
            moved.body_mut().state = State::empty().clone();
            let sent = certain::replace(old, &token.id, &base, &moved, now, config.commit_timeout).await?;
            matches!(sent, Certain::Done(_))
        }
        None => {
            let mark = mark(&base, successor.moved, nonce, now);
            new.create(&target.mark(successor), &mark).await? == Created::Done
        }
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
    for target in targets(config, successor).filter(|target| target.at != at) {
        let Target { backend, token, .. } = &target;
        if is_client_side && let Some(held) = until {
            let (mark, ended) = (target.mark(successor), mark(held, successor.ended, random_nonce(), now));
            match backend.create(&mark, &ended).await {
                Err(error) if error.is_unknown() => backend.create(&mark, &ended).await?,
                created => created?,
            };
        }
        match backend.delete(token, None).await {
            Err(error) if error.is_unknown() => backend.delete(token, None).await?,
            deleted => deleted?,
        };
    }
    Ok(())
}

/// Returns the successor of the session of this token, if sessions of its backend move, or have moved.
pub(crate) fn successor_of(config: &Config, at: usize, token: &Token, value: Option<&[u8]>) -> Option<Box<Successor>> {
    let moves: &Moves = config.moves.as_deref()?;
    let backend = config.backend_at(at);
    if backend.is_client_side() {
        let value = value?;
        // Two users with equal values must not end in one session, so each request gets a successor of its own.
        let successor =
            backend.identity(value).map_or_else(|| moves.of_value(&random::<32>()), |value| moves.of_value(&value));
        Some(Box::new(successor))
    } else {
        Some(Box::new(moves.of_token(token)))
    }
}

/// Loads the record of a session before its move.
async fn load(old: Option<&dyn DynStore>, token: &Token, held: Option<&Record>) -> Result<Option<Record>, StoreError> {
    match old {
        Some(old) => old.load(&token.id).await,
        None => Ok(held.cloned()),
    }
}
