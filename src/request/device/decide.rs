//! Decides what a device's request comes to. Pure: no I/O, no clock, no randomness.

use crate::{
    device::{Challenge, DeviceBound, Jwt},
    store::{Binding, BoundDevice, ChallengeStamp, PublicKey, SessionId, Timestamp},
};

/// The decision about a registration.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Register<'a> {
    /// It answers no challenge of this session's login, or the session is bound already.
    Refuse,
    /// The same request came before, at this time, and its response may be lost. Its proof is given again, and no later one.
    Repeat(&'a Binding, Timestamp),
    /// Bind the session.
    Bind(Binding),
}

/// The decision about a refresh.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refresh<'a> {
    /// The session is not bound.
    End,
    /// There is no signature, or it is for a challenge that is over: ask for one.
    Ask(&'a Binding),
    /// The signature under a live challenge is wrong.
    Mismatch,
    /// Store that the device has proved its key.
    Prove(Binding),
}

pub(super) fn register<'a>(
    options: &DeviceBound,
    id: &SessionId,
    binding: Option<&'a Binding>,
    jwt: &Jwt<'_>,
    key: &PublicKey,
    now: Timestamp,
) -> Register<'a> {
    let Some(binding) = binding else { return Register::Refuse };
    // A signature is checked under a live challenge only: that of a long RSA key takes time.
    let stamp = live(options, id, binding, jwt, now).filter(|_| jwt.is_signed_by(key));
    match (stamp, &binding.device) {
        (None, _) => Register::Refuse,
        (Some(stamp), None) => {
            let device = BoundDevice { public_key: key.clone(), bound_at: now, proved_at: now, accepted: stamp };
            Register::Bind(Binding { key: binding.key.clone(), device: Some(device) })
        }
        (Some(stamp), Some(device)) => {
            let is_same = device.public_key == *key && device.accepted == stamp;
            if is_same && now.since(device.bound_at) < options.settling() {
                Register::Repeat(binding, device.bound_at)
            } else {
                Register::Refuse
            }
        }
    }
}

pub(super) fn refresh<'a>(
    options: &DeviceBound,
    id: &SessionId,
    binding: Option<&'a Binding>,
    jwt: Option<&Jwt<'_>>,
    now: Timestamp,
) -> Refresh<'a> {
    let Some((binding, device)) = binding.and_then(|binding| Some((binding, binding.device.as_ref()?))) else {
        return Refresh::End;
    };
    let Some(jwt) = jwt else { return Refresh::Ask(binding) };
    match live(options, id, binding, jwt, now) {
        // A lost response, or another tab was faster: that is no theft.
        Some(stamp) if stamp <= device.accepted => Refresh::Ask(binding),
        None => Refresh::Ask(binding),
        Some(_) if !jwt.is_signed_by(&device.public_key) => Refresh::Mismatch,
        Some(stamp) => {
            let device = BoundDevice { proved_at: now.max(device.proved_at), accepted: stamp, ..device.clone() };
            Refresh::Prove(Binding { key: binding.key.clone(), device: Some(device) })
        }
    }
}

/// Returns the challenge that a JWT answers, if this session gave it and it is not over.
fn live(
    options: &DeviceBound,
    id: &SessionId,
    binding: &Binding,
    jwt: &Jwt<'_>,
    now: Timestamp,
) -> Option<ChallengeStamp> {
    let stamp = Challenge { key: &binding.key, id }.read(&jwt.challenge)?;
    (now.since(stamp.at) < options.challenge_lifetime()).then_some(stamp)
}
