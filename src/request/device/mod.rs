//! A browser's requests about its device, which the layer answers itself.

use http::{HeaderName, HeaderValue, StatusCode, header};

use self::decide::{Refresh, Register, refresh, register};
use super::{Headers, Loaded, Next, Opening, Presented, Verdict, judge, revoked_by_owner};
use crate::{
    client::Opened,
    config::{Config, Event},
    device::{Challenge, DeviceBound, ENDED, Jwt, MAX_JWT, Proof, instructions, quoted},
    error::Error,
    request::OwnResponse,
    store::{Binding, Record, SessionId, Timestamp},
};

mod check;
mod decide;
mod write;

pub(crate) use self::check::{DeviceProof, proof_of};
use self::write::{Put, Turn};

/// The header of a device's JWT.
const RESPONSE: HeaderName = HeaderName::from_static("secure-session-response");
/// The header of the session that a browser refreshes.
const ID: HeaderName = HeaderName::from_static("sec-secure-session-id");
const CHALLENGE: HeaderName = HeaderName::from_static("secure-session-challenge");
/// The header that asks a browser for a key.
pub(crate) const REGISTRATION: HeaderName = HeaderName::from_static("secure-session-registration");

/// A browser's request about its device.
pub(crate) struct DeviceRequest {
    presented: Presented,
    call: Call,
    jwt: Option<String>,
}

/// The path that the browser posted to.
enum Call {
    Register,
    /// `None`: the request names no session.
    Refresh(Option<SessionId>),
}

impl DeviceRequest {
    /// Reads a request. `None`: it is one for the application.
    pub(crate) fn read(config: &Config, method: &str, path: &str, headers: &impl Headers) -> Option<Self> {
        let options = config.device.as_deref()?;
        if method != "POST" {
            return None;
        }
        let text = |name: &HeaderName| headers.values(name).next().and_then(quoted);
        let call = if path == options.register_path() {
            Call::Register
        } else if path == options.refresh_path() {
            Call::Refresh(text(&ID).and_then(|id| id.parse().ok()))
        } else {
            return None;
        };
        let mut presented = Presented::nothing();
        presented.read(config, |name| headers.values(name));
        // One character more than is read: a longer one is refused as a JWT.
        let jwt = text(&RESPONSE).map(|jwt| jwt.get(..=MAX_JWT).unwrap_or(jwt).to_owned());
        Some(Self { presented, call, jwt })
    }

    /// Answers it.
    pub(crate) async fn answer(self, config: &Config) -> OwnResponse {
        let Some(options) = config.device.as_deref() else { return OwnResponse::new(StatusCode::NOT_FOUND) };
        let answered = match self.call {
            Call::Register => self.register(config, options).await,
            Call::Refresh(Some(id)) => self.refresh(config, options, id).await,
            Call::Refresh(None) => Ok(OwnResponse::new(StatusCode::BAD_REQUEST)),
        };
        answered.unwrap_or_else(|error| {
            if let Some(event) = Event::failed(&error, None) {
                config.emit(&event);
            }
            OwnResponse::new(error.status(config.failure_status))
        })
    }

    async fn register(&self, config: &Config, options: &DeviceBound) -> Result<OwnResponse, Error> {
        let jwt = self.jwt.as_deref().and_then(Jwt::read);
        let Some((jwt, key)) = jwt.as_ref().and_then(|jwt| jwt.key.as_ref().map(|key| (jwt, key))) else {
            return Ok(OwnResponse::new(StatusCode::BAD_REQUEST));
        };
        let Some((mut turn, mut record)) = self.find(config, None).await? else { return Ok(ended()) };
        let id = turn.id();
        loop {
            let now = config.now();
            let binding = match register(options, &id, record.binding(), jwt, key, now) {
                Register::Refuse => return Ok(OwnResponse::new(StatusCode::FORBIDDEN)),
                Register::Repeat(binding, at) => return Ok(proven(config, options, &id, binding, at)),
                Register::Bind(binding) => binding,
            };
            match turn.put(&record, &binding, now).await? {
                Put::Done => {
                    config.emit(&Event::DeviceBound { id });
                    return Ok(proven(config, options, &id, &binding, now));
                }
                Put::Found(Some(found)) => record = found,
                Put::Found(None) => return Ok(ended()),
            }
        }
    }

    async fn refresh(&self, config: &Config, options: &DeviceBound, id: SessionId) -> Result<OwnResponse, Error> {
        let Some((mut turn, mut record)) = self.find(config, Some(id)).await? else { return Ok(ended()) };
        let jwt = match self.jwt.as_deref().map(Jwt::read) {
            None => None,
            // A refresh carries no key: the record has it.
            Some(Some(jwt)) if jwt.key.is_none() => Some(jwt),
            Some(_) => return Ok(OwnResponse::new(StatusCode::BAD_REQUEST)),
        };
        loop {
            let now = config.now();
            let binding = match refresh(options, &id, record.binding(), jwt.as_ref(), now) {
                Refresh::End => return Ok(ended()),
                Refresh::Ask(binding) => return Ok(asked(config, &id, binding)),
                Refresh::Mismatch => {
                    config.emit(&Event::DeviceMismatch { id });
                    if !options.on_mismatch_is_end() {
                        return Ok(OwnResponse::new(StatusCode::BAD_REQUEST));
                    }
                    match turn.end(&record).await? {
                        Put::Done => {
                            config.emit(&Event::Destroyed { id });
                            return Ok(ended());
                        }
                        Put::Found(Some(found)) => record = found,
                        Put::Found(None) => return Ok(ended()),
                    }
                    continue;
                }
                Refresh::Prove(binding) => binding,
            };
            match turn.put(&record, &binding, now).await? {
                Put::Done => return Ok(proven(config, options, &id, &binding, now)),
                Put::Found(Some(found)) => record = found,
                Put::Found(None) => return Ok(ended()),
            }
        }
    }

    /// Finds the record that a presented token opens, or is superseded on: a renewal may be under way.
    async fn find<'c>(
        &self,
        config: &'c Config,
        wanted: Option<SessionId>,
    ) -> Result<Option<(Turn<'c>, Record)>, Error> {
        let mut opening = Opening::of(Loaded::Nothing);
        while let Some(Next { opened, at, value, .. }) = opening.open_next(config, &self.presented.claims) {
            let Ok(Opened { token, record, .. }) = opened else {
                config.emit(&Event::Forged);
                continue;
            };
            if wanted.is_some_and(|id| id != token.id) {
                continue;
            }
            let token = token.hashed();
            let found = match config.backend_at(at).load(&token, record).await {
                Err(error) if error.is_undecodable() => continue,
                found => found?,
            };
            if found.is_none() && opening.pass_on(config, at, value) {
                continue;
            }
            let verdict = judge(config, &token, found.as_ref(), config.now());
            let verdict = revoked_by_owner(config, verdict, found.as_ref()).await?;
            if let (Verdict::Opens | Verdict::Superseded, Some(record)) = (verdict, found) {
                return Ok(Some((Turn::new(config, at, token), record)));
            }
        }
        Ok(None)
    }
}

/// Returns the header that asks the browser for a key, after a login.
pub(crate) fn registration(config: &Config, id: &SessionId, binding: &Binding) -> Option<Box<HeaderValue>> {
    let options = config.device.as_deref()?;
    let challenge = Challenge { key: &binding.key, id }.issue(config.now(), None);
    HeaderValue::try_from(crate::device::registration(options, &challenge)).ok().map(Box::new)
}

/// Answers that the session is over.
fn ended() -> OwnResponse {
    OwnResponse::new(StatusCode::OK).json(ENDED.to_owned())
}

/// Asks for a signature.
fn asked(config: &Config, id: &SessionId, binding: &Binding) -> OwnResponse {
    OwnResponse::new(StatusCode::FORBIDDEN).header(CHALLENGE, challenge(config, id, binding))
}

/// Gives the browser the proof of a signature that was checked `at` this time, and the challenge for the next one.
fn proven(config: &Config, options: &DeviceBound, id: &SessionId, binding: &Binding, at: Timestamp) -> OwnResponse {
    let Some(cookie) = &config.proof_cookie else { return ended() };
    let proof = Proof { key: &binding.key, id }.issue(at);
    let left = options.max_age().saturating_sub(config.now().since(at));
    let body = instructions(options, id, cookie.name(), cookie.attributes());
    OwnResponse::new(StatusCode::OK)
        .json(body)
        .header(header::SET_COOKIE, cookie.set(proof.as_bytes(), Some(left)).ok())
        .header(CHALLENGE, challenge(config, id, binding))
}

/// Makes the value of `Secure-Session-Challenge`.
fn challenge(config: &Config, id: &SessionId, binding: &Binding) -> Option<HeaderValue> {
    let accepted = binding.device.as_ref().map(|device| device.accepted);
    let challenge = Challenge { key: &binding.key, id }.issue(config.now(), accepted);
    HeaderValue::try_from(format!(r#""{challenge}";id="{id}""#)).ok()
}
