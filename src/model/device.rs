//! Devices: the browser's, whose key no attacker has, and one of the attacker's.

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, Method, Request};
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use serde_json::{Value, json};

use super::{
    does::Does,
    request::{DeviceValues, Run},
};
use crate::{
    device::{Challenge, DeviceBound, Proof, quoted},
    store::{Binding, BoundDevice, ChallengeStamp, PublicKey, SessionId, Timestamp},
};

/// The lifetime of a proof.
pub(super) static LIFETIME: LazyLock<Duration> = LazyLock::new(|| DeviceBound::builder().build().unwrap().lifetime());

/// The seeds of the keys.
const BROWSERS: u8 = 7;
const ATTACKERS: u8 = 8;

/// Binds a session to the browser's device. Returns the values that the browser has then.
pub(super) fn bound(id: &SessionId, now: Timestamp) -> (Binding, DeviceValues) {
    let Binding { key, .. } = Binding::new();
    let accepted = ChallengeStamp { at: Timestamp::from_millis(0), random: 1 };
    let proof = Proof { key: &key, id }.issue(now);
    let challenge = Challenge { key: &key, id }.issue(now, Some(accepted));
    let [x, y] = coordinates(&signing_key(BROWSERS));
    let device = BoundDevice { public_key: PublicKey::Es256 { x, y }, bound_at: now, proved_at: now, accepted };
    let values = DeviceValues { proof: Some(proof.into()), challenge: Some(challenge.into()) };
    (Binding { key, device: Some(device) }, values)
}

/// Makes the request one about a device, if it is.
pub(super) fn post(run: &Run, request: &mut Request<()>) {
    let (path, seed, has_key) = match run.does {
        Does::Refresh => ("refresh", BROWSERS, false),
        Does::Register => ("register", BROWSERS, true),
        Does::Forge => ("refresh", ATTACKERS, false),
        Does::ForgeDevice => ("register", ATTACKERS, true),
        _ => return,
    };
    *request.method_mut() = Method::POST;
    *request.uri_mut() = format!("/.well-known/cloakroom/{path}").parse().unwrap();
    let mut add = |name: &'static str, value: &str| {
        request.headers_mut().insert(name, format!("\"{value}\"").parse().unwrap());
    };
    if let Some(cookie) = &run.cookie {
        add("sec-secure-session-id", &cookie.id.to_string());
    }
    if let Some(challenge) = &run.values.challenge {
        add("secure-session-response", &jwt(seed, has_key, challenge));
    }
}

/// Returns the challenge of a response: for a proof, or for a registration.
pub(super) fn challenge(headers: &HeaderMap) -> Option<Arc<str>> {
    let value = |name| headers.get(name).map(http::HeaderValue::as_bytes);
    let asked = value("secure-session-challenge").and_then(quoted);
    let login = || std::str::from_utf8(value("secure-session-registration")?).ok()?.rsplit('"').nth(1);
    asked.or_else(login).map(Arc::from)
}

fn jwt(seed: u8, has_key: bool, challenge: &str) -> Arc<str> {
    thread_local! {
        // A signature takes a while.
        static SIGNED: RefCell<HashMap<(u8, bool, String), Arc<str>>> = RefCell::default();
    }
    let sign = || {
        let key = signing_key(seed);
        let mut header = json!({ "typ": "dbsc+jwt", "alg": "ES256" });
        if has_key {
            let [x, y] = coordinates(&key).map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
            header["jwk"] = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y });
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&header), part(&json!({ "jti": challenge })));
        let signature: Signature = key.sign(text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes())).into()
    };
    SIGNED.with_borrow_mut(|signed| signed.entry((seed, has_key, challenge.to_owned())).or_insert_with(sign).clone())
}

fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).unwrap()
}

fn coordinates(key: &SigningKey) -> [[u8; 32]; 2] {
    let point = key.verifying_key().to_sec1_point(false);
    [point.x().unwrap(), point.y().unwrap()].map(|bytes| bytes.as_slice().try_into().unwrap())
}
