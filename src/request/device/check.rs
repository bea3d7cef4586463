//! The check of a bound session's proof when a request opens the session.

use crate::{
    config::{Config, Event, Rejection},
    device::Proof,
    request::Presented,
    store::{Record, SessionId, Timestamp},
};

/// The proof that a request brings for its session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DeviceProof {
    /// The session is bound to no device, or the proof's cookie may not have reached the browser yet.
    #[default]
    NotNeeded,
    Live,
    /// There is none, and the options want it reported only.
    Reported,
    Missing,
}

/// Looks for a live proof. It calls no store.
pub(crate) fn proof_of(
    config: &Config,
    presented: &Presented,
    id: &SessionId,
    record: &Record,
    now: Timestamp,
) -> DeviceProof {
    let Some((binding, device)) = record.binding().and_then(|binding| Some((binding, binding.device.as_ref()?))) else {
        return DeviceProof::NotNeeded;
    };
    let proof = Proof { key: &binding.key, id };
    // A layer without the option has no cookie to look at, and does not open bound sessions.
    let options = config.device.as_deref();
    let is_live =
        |value: &[u8]| options.zip(proof.read(value)).is_some_and(|(options, at)| now.since(at) < options.lifetime());
    if presented.proofs.iter().any(|claim| is_live(&claim.0)) {
        return DeviceProof::Live;
    }
    if options.is_some_and(|options| now.since(device.bound_at) < options.settling()) {
        return DeviceProof::NotNeeded;
    }
    config.emit(&Event::Rejected { id: *id, reason: Rejection::Unproven });
    if options.is_some_and(crate::device::DeviceBound::is_report_only) {
        DeviceProof::Reported
    } else {
        DeviceProof::Missing
    }
}
