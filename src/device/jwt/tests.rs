use p256::ecdsa::{SigningKey, signature::Signer as _};
use proptest::{collection::vec, prelude::*, sample::Index};
use rsa::{pkcs1v15, traits::PublicKeyParts as _};
use serde_json::json;

use super::*;

fn es256() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

fn jwk(key: &SigningKey) -> Value {
    let point = key.verifying_key().to_sec1_point(false);
    let [x, y] = [point.x().unwrap(), point.y().unwrap()].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })
}

/// The first two parts.
fn unsigned(header: &Value, payload: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(payload))
}

fn signed(header: &Value, payload: &Value) -> String {
    let text = unsigned(header, payload);
    let signature: ecdsa::Signature = es256().sign(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

fn header() -> Value {
    json!({ "typ": "dbsc+jwt", "alg": "ES256", "jwk": jwk(&es256()) })
}

#[test]
fn a_registration_carries_the_key_that_signed_it() {
    let text = signed(&header(), &json!({ "jti": "challenge" }));
    let jwt = Jwt::read(&text).unwrap();
    assert_eq!(jwt.challenge, "challenge");
    let key = jwt.key.clone().unwrap();
    assert!(jwt.is_signed_by(&key));
    let other = key_from(Algorithm::Es256, &jwk(&SigningKey::from_slice(&[8; 32]).unwrap())).unwrap();
    assert!(!jwt.is_signed_by(&other));
    assert!(!jwt.is_signed_by(&PublicKey::rs256(&[1; 256], &[3]).unwrap()), "another kind");
    assert!(!jwt.is_signed_by(&PublicKey::rs256(&[2; 256], &[3]).unwrap()), "an even modulus");
    assert!(!jwt.is_signed_by(&PublicKey::Es256 { x: [0; 32], y: [0; 32] }), "not on the curve");
    // A signature for other words.
    let moved = signed(&header(), &json!({ "jti": "other" }));
    let (words, _) = text.rsplit_once('.').unwrap();
    let (_, signature) = moved.rsplit_once('.').unwrap();
    let forged = format!("{words}.{signature}");
    assert!(!Jwt::read(&forged).unwrap().is_signed_by(&key));
}

#[test]
fn an_rsa_key_signs_too() {
    let private = rsa::PrivateKey::new(&mut rand::rng(), 2048).unwrap();
    let [n, e] = [private.n_bytes(), private.e_bytes()].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    let header = json!({ "typ": "dbsc+jwt", "alg": "RS256", "jwk": { "kty": "RSA", "n": n, "e": e } });
    let text = unsigned(&header, &json!({ "jti": "challenge" }));
    let signature = pkcs1v15::SigningKey::<Sha256>::new(private).sign(text.as_bytes());
    let bytes = rsa::signature::SignatureEncoding::to_vec(&signature);
    let text = format!("{text}.{}", URL_SAFE_NO_PAD.encode(&bytes));
    let jwt = Jwt::read(&text).unwrap();
    let key = jwt.key.clone().unwrap();
    assert!(jwt.is_signed_by(&key));
    let PublicKey::Rs256 { modulus, .. } = &key else { panic!("an RSA key") };
    assert!(!jwt.is_signed_by(&PublicKey::rs256(modulus, &[3]).unwrap()));
}

#[test]
fn other_algorithms_types_and_keys_are_refused() {
    let payload = json!({ "jti": "challenge" });
    let with = |name: &str, value: Value| {
        let mut header = header();
        header[name] = value;
        header
    };
    let mut rsa = with("alg", "RS256".into());
    assert!(Jwt::read(&signed(&rsa, &payload)).is_none(), "the key is of another kind");
    rsa["jwk"] = json!({ "kty": "RSA", "n": URL_SAFE_NO_PAD.encode([1; 128]), "e": "AQAB" });
    assert!(Jwt::read(&signed(&rsa, &payload)).is_none(), "1024 bits");
    for (name, value) in [
        ("alg", "none".into()),
        ("alg", "HS256".into()),
        ("alg", "ES384".into()),
        ("alg", "es256".into()),
        ("alg", Value::Null),
        ("typ", "jwt".into()),
        ("typ", Value::Null),
        ("crit", json!(["exp"])),
        ("jwk", json!({ "kty": "oct", "k": "AAAA" })),
        ("jwk", json!({ "kty": "EC", "crv": "P-384", "x": "AA", "y": "AA" })),
        ("jwk", json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" })),
        ("jwk", Value::Null),
    ] {
        assert!(Jwt::read(&signed(&with(name, value.clone()), &payload)).is_none(), "{name}: {value}");
    }
    for payload in [json!({}), json!({ "jti": 1 }), json!([]), json!("jti")] {
        assert!(Jwt::read(&signed(&header(), &payload)).is_none(), "{payload}");
    }
    let long = signed(&header(), &json!({ "jti": "x".repeat(MAX_JWT) }));
    assert!(Jwt::read(&long).is_none());
    for text in ["", ".", "..", "a.b.c", "e30.e30.", "bm90IGpzb24.e30.AA"] {
        assert!(Jwt::read(text).is_none(), "{text}");
    }
}

/// One change of a JWT's text.
#[derive(Clone, Debug)]
enum Damage {
    Replace(Index, char),
    Remove(Index),
    Repeat(Index),
}

fn damages() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<Index>(), "[A-Za-z0-9_.=-]").prop_map(|(at, text)| Damage::Replace(at, text.chars().next().unwrap())),
        any::<Index>().prop_map(Damage::Remove),
        any::<Index>().prop_map(Damage::Repeat),
    ]
}

fn damaged(text: String, damage: &Damage) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    match damage {
        Damage::Replace(at, with) => {
            let at = at.index(chars.len());
            chars[at] = *with;
        }
        Damage::Remove(at) => {
            chars.remove(at.index(chars.len()));
        }
        Damage::Repeat(at) => {
            let at = at.index(chars.len());
            chars.insert(at, chars[at]);
        }
    }
    chars.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn a_damaged_jwt_is_never_signed(damages in vec(damages(), 1..4)) {
        let sound = signed(&header(), &json!({ "jti": "challenge" }));
        let key = Jwt::read(&sound).unwrap().key.unwrap();
        let text = damages.iter().fold(sound.clone(), damaged);
        if let Some(jwt) = Jwt::read(&text) {
            prop_assert!(text == sound || !jwt.is_signed_by(&key));
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "(?s).{0,200}", header in "(?s).{0,80}", payload in "(?s).{0,80}") {
        let _ = Jwt::read(&text);
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let _ = Jwt::read(&format!("{}.{}.{}", part(&header), part(&payload), part(&text)));
        let named = format!(r#"{{"typ":"dbsc+jwt","alg":"ES256","jwk":{header}}}"#);
        let _ = Jwt::read(&format!("{}.{}.{}", part(&named), part(r#"{"jti":"c"}"#), part(&text)));
    }
}
