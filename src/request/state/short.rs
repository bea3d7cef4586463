//! The short way to a new session: the request presented none, did nothing but insert values, and its store never waits.

use tokio::sync::MutexGuard as TurnGuard;

use super::{HeadLines, LoadedSession, Phase, RequestState, at_once, loaded::Attempt, progress::Progress};
use crate::{
    config::{Config, Event},
    request::{Loaded, SharedEdits, Ticket, commit},
    store::{Created, Rest},
};

/// The inserts of which a session begins. No other commit runs as long as it is there.
pub(super) struct Inserts<'a> {
    edits: SharedEdits,
    config: &'a Config,
    _turn: TurnGuard<'a, ()>,
}

impl RequestState {
    /// Returns the request's operations if its session begins the short way.
    pub(super) fn inserts(&self, session: &mut LoadedSession) -> Option<Inserts<'_>> {
        let config = self.config.as_deref().filter(|_| session.only_inserts())?;
        if config.commit_if.is_some() || config.owner_key.is_some() || !config.is_immediate() {
            return None;
        }
        let turn = self.turn.try_lock().ok()?;
        Some(Inserts { edits: session.edits.share(), config, _turn: turn })
    }

    /// Stores the new session, and closes the head. Returns `None` if there is any obstacle. Nothing is stored then, and a
    /// commit does all of it from the start.
    pub(super) fn begin(&self, inserts: &Inserts<'_>) -> Option<HeadLines> {
        let Inserts { edits, config, .. } = inserts;
        let (backend, lifetime, now) = (&config.backend, &config.lifetime, config.now());
        let token = backend.new_token();
        let record = commit::first_record(&token, edits.alone(), Rest::default(), lifetime, now);
        if commit::size(&record) > config.max_bytes || backend.carries(&record).is_err() {
            return None;
        }
        let value = backend.write(&token, &record).ok()?;
        let Ok(Created::Done) = at_once!(backend.create(&token, &record))? else { return None };
        config.emit(&Event::Created { id: token.id });
        let mut progress = self.progress();
        if let Progress { phase: Phase::Loaded(session), .. } = &mut *progress {
            session.edits.settle(edits, record.state());
            session.opening.begun(token, record, now);
            session.attempt = Attempt::None;
            session.ticket = Ticket::Give(value, lifetime.max_age(now, now));
        }
        Some(self.close(&mut progress))
    }
}

impl LoadedSession {
    /// Returns true if no session was loaded, and the request did nothing but insert values.
    fn only_inserts(&self) -> bool {
        matches!(self.opening.loaded, Loaded::Nothing)
            && matches!(self.attempt, Attempt::None | Attempt::Failed)
            && !self.resends
            && self.closures.is_empty()
            && self.edits.only_inserts()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::{
        Lifetime, MemoryStore, SessionLayer,
        request::{Act, Asked, Found, OwnerEdit, Plan, plan},
        store::{Record, State, Timestamp},
        testing::FaultStore,
    };

    /// Operations of a handler.
    type Operations = fn(&mut LoadedSession);

    /// Returns the decision of `plan` about a request without a record.
    fn decision(session: &LoadedSession) -> Plan {
        let (act, owner) = (session.edits.act, session.edits.owner.clone());
        let owner = match &owner {
            None => OwnerEdit::Keep,
            Some(None) => OwnerEdit::Remove,
            Some(Some(owner)) => OwnerEdit::Set(owner),
        };
        let writes = session.edits.started || session.edits.inserts(act != Act::Keep);
        plan(&session.opening.loaded, Found::Gone, Asked { act, owner, writes, upkeep: false })
    }

    #[test]
    fn the_short_way_is_for_inserts_without_a_session_and_the_plan_says_create_then() {
        let insert = |session: &mut LoadedSession| session.insert("n", "1".into());
        // Operations after an insert, and whether the session begins the short way.
        let table: [(Operations, bool); 14] = [
            (|_| (), true),
            (|session| session.insert("m", "2".into()), true),
            (|session| session.insert("n", "2".into()), true),
            (|session| session.edits.write("n", None), false),
            (|session| session.edits.clear(), false),
            (|session| session.edits.act = Act::Renew, false),
            (|session| session.log_in("ada".into(), None), false),
            (|session| session.edits.end(Act::Purge), false),
            (|session| session.edits.owner = Some(Some("ada".into())), false),
            (|session| session.edits.label = Some(Some("phone".into())), false),
            (|session| session.edits.lifetime = Some(Lifetime::default().into()), false),
            (|session| session.edits.started = true, false),
            (|session| session.resends = true, false),
            (|session| session.attempt = Attempt::Running, false),
        ];
        for (at, (act, is_short)) in table.into_iter().enumerate() {
            let mut session = LoadedSession::empty();
            insert(&mut session);
            act(&mut session);
            assert_eq!(session.only_inserts(), is_short, "row {at}");
            assert!(!is_short || decision(&session) == Plan::Create, "row {at}");
        }

        assert!(!LoadedSession::empty().only_inserts(), "there is nothing to store");
        let record = || {
            Record::new(
                crate::store::Credentials::new(crate::store::SecretHash::OF_NONE),
                State::default(),
                Timestamp::default(),
                Timestamp::MAX,
            )
        };
        let all = [
            Loaded::Nothing,
            Loaded::Current(record()),
            Loaded::Superseded(record()),
            Loaded::Undecodable,
            Loaded::Unproven,
            Loaded::Unavailable,
            Loaded::Ended,
            Loaded::Gone,
        ];
        for loaded in all {
            let mut session = LoadedSession::empty();
            session.opening.loaded = loaded;
            insert(&mut session);
            assert_eq!(session.only_inserts(), decision(&session) == Plan::Create, "{:?}", session.opening.loaded);
        }
    }

    /// Stores a session of two keys, and returns its record and the names and values of the response's headers.
    async fn begun(layer: &SessionLayer) -> (Record, Vec<(String, String)>) {
        let exchange = layer.begin(&HeaderMap::new());
        let session = exchange.session().load().await.unwrap();
        session.insert("n", 1).unwrap();
        session.insert("text", "a \"b\"").unwrap();
        let head = exchange.commit(StatusCode::OK).await.unwrap();
        let mut headers = HeaderMap::new();
        head.write(&mut headers);
        let shown = headers.iter().map(|(name, value)| {
            let (value, attributes) = value.to_str().unwrap().split_once(';').unwrap_or((value.to_str().unwrap(), ""));
            let value = if name == http::header::SET_COOKIE { value.len().to_string() } else { value.to_owned() };
            (name.to_string(), value + attributes)
        });
        let shown = shown.collect();
        assert_eq!(session.get::<i32>("n").unwrap(), Some(1), "the session stays open");
        assert!(session.id().is_some() && session.status() == crate::SessionStatus::Unchanged);
        (session.request.with(|session| session.opening.record().cloned()).unwrap().unwrap(), shown)
    }

    #[tokio::test]
    async fn both_ways_end_alike() {
        let lifetimes = [
            Lifetime::default(),
            Lifetime::builder().persistent().build().unwrap(),
            Lifetime::builder().idle(Duration::from_secs(60)).persistent_while_used().build().unwrap(),
        ];
        for lifetime in lifetimes {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
            let short = SessionLayer::new(MemoryStore::new()).lifetime(lifetime.clone()).clock(move || now);
            let long = SessionLayer::new(FaultStore::new(MemoryStore::new())).lifetime(lifetime).clock(move || now);
            let ((short, short_head), (long, long_head)) = (begun(&short).await, begun(&long).await);
            assert_eq!(short_head, long_head);
            let same = |record: &Record| {
                let mut record = record.clone();
                let body = record.body_mut();
                (body.current, body.nonce, body.rest.trail) = (crate::store::SecretHash::OF_NONE, 0, None);
                record
            };
            assert!(same(&short) == same(&long), "{short:?} {long:?}");
            assert!(short.nonce() != 0 && short.body().current != crate::store::SecretHash::OF_NONE);
        }
    }

    #[tokio::test]
    async fn an_obstacle_is_left_to_the_long_way() {
        let layer = SessionLayer::new(MemoryStore::new()).max_bytes(8);
        let exchange = layer.begin(&HeaderMap::new());
        let session = exchange.session().load().await.unwrap();
        session.insert("n", "longer than eight bytes").unwrap();
        let failure = exchange.commit(StatusCode::OK).await.unwrap_err();
        assert!(failure.error().is_too_large());
    }
}
