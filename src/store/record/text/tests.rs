use std::time::Duration;

use super::*;
use crate::store::{Body, Credentials, Lifetime, Parts, Rest, SecretHash, State, Timestamp};

mod random;

/// Returns a record with every line, and one line that this version does not know.
fn full() -> Record {
    let at = Timestamp::from_millis;
    let hash = |byte| SecretHash::from_bytes([byte; 32]);
    let credentials = Credentials::new(hash(5)).rotated(hash(6), at(1_000)).rotated(hash(7), at(2_000));
    let (current, superseded) = credentials.into_parts();
    Record::of(Body {
        state: [("cart", "[1,2]"), ("name", "\"Zoë\"")].into_iter().collect(),
        current,
        created_at: at(1_000),
        last_used: at(2_000),
        expires_at: Timestamp::MAX,
        nonce: 0x2a,
        rest: Rest::of(Parts {
            #[cfg(feature = "formats")]
            foreign: None,
            trail: Some([0x29, u64::MAX, 0, 0]),
            superseded,
            owner: Some("zoë".into()),
            label: Some("a=\nb".into()),
            lifetime: Some(std::sync::Arc::new(Lifetime::default())),
            admitted: Some(at(900)),
            unknown: Some("device=3:k\n1\nepoch=0:\n".into()),
            #[cfg(feature = "device-bound")]
            binding: None,
        }),
    })
}

const FULL: &str = "\
cloakroom=1 nonce=000000000000002a expires=999999999999999 used=000000000002000 created=000000000001000 \
secret=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc
trail=64:0000000000000029ffffffffffffffff00000000000000000000000000000000
superseded=119:BgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgY 000000000062000,\
BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU 000000000061000
owner=4:zoë
label=4:a=
b
lifetime=59:idle=86400000 absolute=2592000000 cookie=session extend=800
admitted=3:900
device=3:k
1
epoch=0:

4:cart=5:[1,2]
4:name=6:\"Zoë\"
";

/// The smallest record.
const EMPTY: &str = "\
cloakroom=1 nonce=0000000000000000 expires=000000000060000 used=000000000000000 created=000000000000000 \
secret=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc

";

fn empty() -> Record {
    let now = Timestamp::from_millis(0);
    let credentials = Credentials::new(SecretHash::from_bytes([7; 32]));
    Record::new(credentials, State::default(), now, now.plus(Duration::from_secs(60)))
}

/// Returns the record without its state.
fn stripped(mut record: Record) -> Record {
    record.body_mut().state = State::default();
    record
}

fn error(text: &str) -> String {
    Record::from_bytes(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn the_form_is_fixed() {
    for (record, text) in [(full(), FULL), (empty(), EMPTY)] {
        assert_eq!(String::from_utf8(record.to_bytes()).as_deref(), Ok(text));
        assert_eq!(Record::from_bytes(text.as_bytes()), Ok(record));
    }
}

#[test]
fn the_nonce_has_a_fixed_place() {
    for nonce in [0, 1, u64::MAX] {
        let mut record = full();
        record.body_mut().nonce = nonce;
        assert_eq!(record.to_bytes()[Record::NONCE], record.nonce_digits());
    }
}

#[test]
fn its_room_is_known_before_it_is_written() {
    let mut record = full();
    for count in [0, 1, 100] {
        record.body_mut().state = (0..count).map(|n| (format!("k{n}"), "1".repeat(10 * n))).collect();
        let bytes = record.to_bytes();
        assert!(bytes.capacity() < bytes.len() + 200 + 10 * count, "{} for {}", bytes.capacity(), bytes.len());
    }
}

#[test]
fn a_cut_record_is_an_error_and_its_prefix_may_be_enough() {
    let state = FULL.find("\n\n").unwrap() + 2;
    // A record without its last entries is still a record.
    let ends = [state, FULL.find("4:name").unwrap()];
    for at in 0..FULL.len() {
        let cut = &FULL.as_bytes()[..at];
        if !ends.contains(&at) {
            assert_eq!(Record::from_bytes(cut), Err(Kind::Cut.into()), "cut at {at}");
        }
        let expected = (at >= state).then(|| stripped(full()));
        assert_eq!(Record::from_prefix(cut), Ok(expected), "cut at {at}");
    }
}

#[test]
fn other_bytes_are_not_a_record() {
    for bytes in [&b"{}"[..], b"\x01\xff\0\0", b"cloakroom", b"", b"cloakroom=0 ", b"cloakroom=01 nonce="] {
        let message = Record::from_bytes(bytes).unwrap_err().to_string();
        let is_begun = b"cloakroom=1".starts_with(bytes);
        assert_eq!(message, if is_begun { "it is cut off" } else { "not a cloakroom record" }, "{bytes:?}");
    }
    let mut bytes = full().to_bytes();
    bytes.push(0xff);
    assert_eq!(Record::from_bytes(&bytes), Err(Kind::NotUtf8.into()));
    let newer = [b"cloakroom=2 anything\xff", &*bytes].concat();
    let message = "format 2 is newer than this version reads (1)";
    assert_eq!(Record::from_bytes(&newer).unwrap_err().to_string(), message);
}

#[test]
fn a_malformed_part_is_named() {
    let hash = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    let table = [
        ("cloakroom", "Cloakroom", "not a cloakroom record"),
        ("cloakroom=1", "cloakroom=3", "format 3 is newer than this version reads (1)"),
        ("002a", "002A", "its field `nonce` is malformed"),
        (" expires", "  expires", "its field `expires` is malformed"),
        (" expires", " Expires", "its field `expires` is malformed"),
        ("used=0", "used=-", "its field `used` is malformed"),
        ("created=0", "created=", "its field `created` is malformed"),
        (hash, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwd", "its field `secret` is malformed"),
        (hash, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw=", "its field `secret` is malformed"),
        ("trail=64:0", "trail=63:", "its line `trail` is malformed"),
        ("00000029fff", "0000002Ffff", "its line `trail` is malformed"),
        ("superseded=119", "superseded=118", "its line `superseded` is malformed"),
        (",BQ", " BQ", "its line `superseded` is malformed"),
        ("062000,", "06200x,", "its line `superseded` is malformed"),
        ("owner=4", "owner=04", "its line `owner` is malformed"),
        ("owner=4", "owner=+4", "its line `owner` is malformed"),
        ("owner=4", "owner=3", "its line `owner` is malformed"),
        ("owner=4", "owner=", "its line `owner` is malformed"),
        ("label=4", "label=3", "its line `label` is malformed"),
        ("extend=800", "extend=1e2", "its line `lifetime` is malformed"),
        ("59:idle=8", "60:idle=08", "its line `lifetime` is malformed"),
        ("3:900", "3:090", "its line `admitted` is malformed"),
        ("3:900", "0:", "its line `admitted` is malformed"),
        ("3:900", "16:1000000000000000", "its line `admitted` is malformed"),
        ("device=3", "device=4", "one of its lines is malformed or repeated"),
        ("device=3", "Device=3", "one of its lines is malformed or repeated"),
        ("epoch=", "device=", "one of its lines is malformed or repeated"),
        ("epoch=0:\n", "epoch=0:\n ", "one of its lines is malformed or repeated"),
        ("epoch=0:", "!epoch=0:", "its line `!epoch` is required, and this version does not know it"),
        ("epoch=0:", "owner=0:", "its line `owner` is repeated or out of order"),
        ("trail=64", "label=1:x\ntrail=64", "its line `trail` is repeated or out of order"),
        ("4:cart=5", "4:cart=6", "its entry 1 is malformed"),
        ("4:cart=5", "4:cart:5", "its entry 1 is malformed"),
        ("4:name", "04:name", "its entry 2 is malformed"),
        ("4:name", "\n4:name", "its entry 2 is malformed"),
        ("4:name", "4:cart", "its keys are repeated or out of order"),
        ("4:name", "1:b", "its keys are repeated or out of order"),
        ("6:\"Zoë\"", "9999:\"Zoë\"", "it is cut off"),
        ("6:\"Zoë\"", "999999999999999:\"Zoë\"", "it is cut off"),
        ("6:\"Zoë\"", "4:\"Zoë\"", "its entry 2 is malformed"),
    ];
    for (part, other, message) in table {
        assert!(FULL.contains(part), "{part}");
        assert_eq!(error(&FULL.replacen(part, other, 1)), message, "{part} replaced by {other}");
    }
    assert_eq!(error(&format!("{FULL}\n")), "its entry 3 is malformed");
}

/// A server without the feature cannot check proofs, so it must not open a bound session. It keeps the key of one that waits
/// for its device.
#[cfg(not(feature = "device-bound"))]
#[test]
fn a_bound_record_is_refused_without_the_feature() {
    let waiting = EMPTY.replacen("\n\n", "\ndevicekey=2:AQ\n\n", 1);
    assert_eq!(Record::from_bytes(waiting.as_bytes()).unwrap().to_bytes(), waiting.as_bytes());
    let bound = waiting.replacen("\n\n", "\n!device=1:x\n\n", 1);
    assert_eq!(error(&bound), "its line `!device` is required, and this version does not know it");
}

#[test]
fn at_most_four_secrets_are_superseded() {
    let one = "BgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgY 000000000062000";
    for (count, is_read) in [(0, false), (1, true), (4, true), (5, false)] {
        let text = vec![one; count].join(",");
        let record = EMPTY.replacen("\n\n", &format!("\nsuperseded={}:{text}\n\n", text.len()), 1);
        assert_eq!(Record::from_bytes(record.as_bytes()).is_ok(), is_read, "{count}");
    }
}

/// A damaged length may make a value look like a line.
#[test]
fn an_error_shows_no_value() {
    let texts = [
        FULL.replacen("3:k\n1", "1:k\nhunter=", 1),
        FULL.replacen("label=4:a=\nb", "label=1:a\nhunter=hunter", 1),
        FULL.replacen("\"Zoë\"", "hunter2", 1),
    ];
    for text in texts {
        let error = Record::from_bytes(text.as_bytes()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter"), "{error:?}");
    }
}
