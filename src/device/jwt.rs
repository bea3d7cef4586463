//! The JWT with which a device proves that it has its key (DBSC, "DBSC Proof JWT Syntax").
//!
//! It is read here, and its signature is checked by `p256` and `rsa`. The crate `jsonwebtoken` panics in a program in which its
//! features name two backends, and a library cannot know the features that an application chose.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::ecdsa;
use rsa::{BoxedUint, pkcs1v15, signature::Verifier as _};
use serde_json::Value;
use sha2::Sha256;

use crate::store::PublicKey;

/// Characters of a JWT, at most. That of an RSA key of 4096 bits has about 1,900.
pub(crate) const MAX_JWT: usize = 4096;

/// A JWT whose signature is not checked yet.
pub(crate) struct Jwt<'a> {
    algorithm: Algorithm,
    /// The key in the header: a registration has one, and a refresh has none.
    pub(crate) key: Option<PublicKey>,
    /// The challenge that it answers.
    pub(crate) challenge: String,
    signed: &'a [u8],
    signature: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Es256,
    Rs256,
}

impl<'a> Jwt<'a> {
    /// Reads a JWT. `None`: it is malformed, too long, of another type, or of an algorithm other than ES256 and RS256.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        if text.len() > MAX_JWT {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let [header, payload] = [header, payload].map(json);
        let (header, payload) = (header?, payload?);
        // What a header calls critical must be understood, and nothing is (RFC 7515 section 4.1.11).
        if header.get("typ")? != "dbsc+jwt" || header.get("crit").is_some() {
            return None;
        }
        let algorithm = match header.get("alg")?.as_str()? {
            "ES256" => Algorithm::Es256,
            "RS256" => Algorithm::Rs256,
            _ => return None,
        };
        let key = match header.get("jwk") {
            Some(jwk) => Some(key_from(algorithm, jwk)?),
            None => None,
        };
        Some(Self {
            algorithm,
            key,
            challenge: payload.get("jti")?.as_str()?.to_owned(),
            signed: signed.as_bytes(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Returns whether the holder of this key's private half signed it.
    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> bool {
        match (self.algorithm, key) {
            (Algorithm::Es256, PublicKey::Es256 { x, y }) => self.is_es256(x, y),
            (Algorithm::Rs256, PublicKey::Rs256 { modulus, exponent }) => self.is_rs256(modulus, exponent),
            (Algorithm::Es256 | Algorithm::Rs256, _) => None,
        }
        .unwrap_or(false)
    }

    fn is_es256(&self, x: &[u8; 32], y: &[u8; 32]) -> Option<bool> {
        // An uncompressed point (SEC 1 section 2.3.3).
        let point = [&[4], &x[..], &y[..]].concat();
        let key = ecdsa::VerifyingKey::from_sec1_bytes(&point).ok()?;
        let signature = ecdsa::Signature::from_slice(&self.signature).ok()?;
        Some(key.verify(self.signed, &signature).is_ok())
    }

    fn is_rs256(&self, modulus: &[u8], exponent: &[u8]) -> Option<bool> {
        let [n, e] = [modulus, exponent].map(BoxedUint::from_be_slice_vartime);
        let key = pkcs1v15::VerifyingKey::<Sha256>::new(rsa::PublicKey::new(n, e).ok()?);
        let signature = pkcs1v15::Signature::try_from(&*self.signature).ok()?;
        Some(key.verify(self.signed, &signature).is_ok())
    }
}

/// Reads a JSON object in base64url.
fn json(text: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}

/// Reads a public key of the algorithm's kind (RFC 7518 section 6).
fn key_from(algorithm: Algorithm, jwk: &Value) -> Option<PublicKey> {
    let text = |name: &str| jwk.get(name)?.as_str();
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    match (algorithm, text("kty")?) {
        (Algorithm::Es256, "EC") if text("crv")? == "P-256" => {
            Some(PublicKey::Es256 { x: bytes("x")?.try_into().ok()?, y: bytes("y")?.try_into().ok()? })
        }
        (Algorithm::Rs256, "RSA") => PublicKey::rs256(&bytes("n")?, &bytes("e")?),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
