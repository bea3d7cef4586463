use super::*;
use crate::{Lifetime, RecordParts, SecretHash};

fn parts(credentials: Credentials, state: State) -> RecordParts {
    RecordParts {
        state,
        credentials,
        nonce: 0xfedc,
        created_at: Timestamp::from_millis(5),
        last_used: Timestamp::from_millis(6),
        expires_at: Timestamp::MAX,
        owner: None,
        label: None,
        lifetime: None,
    }
}

fn full(record: &RecordParts) -> RecordParts {
    let lifetime = Lifetime::builder().idle(Duration::from_secs(7)).build().unwrap();
    let (owner, label) = ("a b=c \r\n owner=1:d 1:e=1:f\n", "\u{1f511} state=");
    let (owner, label) = (Some(owner.to_owned()), Some(label.to_owned()));
    RecordParts { owner, label, lifetime: Some(lifetime), ..record.clone() }
}

/// What was read, and the record that it says.
fn read(field: &str) -> Result<Record, &'static str> {
    let read = Columns::read(field)?;
    let state = read.state.map_or(Some(State::default()), read_state).ok_or("state")?;
    Ok(Record::from(RecordParts {
        state,
        credentials: read.credentials,
        nonce: read.nonce,
        created_at: read.created_at,
        last_used: read.last_used,
        expires_at: read.expires_at,
        owner: read.owner.map(str::to_owned),
        label: read.label.map(str::to_owned),
        lifetime: read.lifetime.map(|text| text.parse().unwrap()),
    }))
}

#[test]
fn reads_back_what_it_wrote_and_nothing_else() {
    let at = Timestamp::from_millis(9);
    let credentials = Credentials::new(SecretHash::from_bytes([0xa7; 32]));
    let renewed = credentials.rotated(SecretHash::from_bytes([7; 32]), at);
    let renewed_again = renewed.rotated(SecretHash::from_bytes([8; 32]), at);
    let states = [vec![], vec![("n", "1")], vec![("", ""), ("a=1:b\n", "\"\u{e9}\n\""), ("ü", "{}")]];
    for credentials in [credentials, renewed, renewed_again] {
        for state in &states {
            let plain = parts(credentials.clone(), state.iter().copied().collect());
            for parts in [full(&plain), plain] {
                let record = Record::from(parts);
                let field = String::from_utf8(write(&record)).unwrap();
                assert_eq!(read(&field), Ok(record), "{field}");
                for cut in (0..field.len()).filter(|cut| field.is_char_boundary(*cut)) {
                    // What lacks the state altogether has it elsewhere, and lines may end where one does.
                    let is_whole = Columns::read(&field[..cut]).is_ok_and(|read| read.state.is_none());
                    assert!(is_whole || read(&field[..cut]).is_err() || field[..cut].ends_with('\n'), "{cut} {field}");
                }
            }
        }
    }
}

#[test]
fn a_damaged_column_is_named() {
    let credentials = Credentials::new(SecretHash::from_bytes([0xa7; 32]));
    let field = write(&full(&parts(credentials, [("n", "1")].into_iter().collect())).into());
    let field = String::from_utf8(field).unwrap();
    let table = [
        ("format=1", "format=2", "format"),
        ("format=1 ", "", "format"),
        ("expires=1", "expires=", "expires"),
        ("expires=1", "expires=+", "expires"),
        ("expires=", "expired=", "expires"),
        ("used=0", "used=-", "used"),
        ("used=0", "used=00", "nonce"),
        ("nonce=", "nonce=x", "nonce"),
        ("nonce=0", "nonce=+", "nonce"),
        ("fedc", "FEDC", "nonce"),
        ("created=00000000000000000005", "created=000000000000000001e3", "created"),
        (" credentials=", " credentials= ", "credentials"),
        ("credentials=", "credentials=a", "credentials"),
        ("credentials=", "credentials=pw", "credentials"),
        ("credentials=", "credentials=+", "credentials"),
        (" owner=", " owner=+", "owner"),
        (" owner=", " owner=9", "owner"),
        (" owner=", " owner=99999999999999999999", "owner"),
        (" label=", " label=:", "label"),
        (" label=1", " label=", "label"),
        (" label=", " name=3:bob label=", "state"),
        (" lifetime=", " lifetime=1", "lifetime"),
        ("\n1:n=", "1:n=", "state"),
        ("\n1:n=", "\n01:n:", "state"),
        ("\n1:n=", "\n2:n=", "state"),
        ("=1:1\n", "=1:1", "state"),
        ("=1:1\n", "=1:12\n", "state"),
        ("=1:1\n", "=1:1\n\n", "state"),
    ];
    for (from, to, column) in table {
        let damaged = field.replacen(from, to, 1);
        assert_ne!(damaged, field, "{from}");
        assert_eq!(read(&damaged).err(), Some(column), "{from} -> {to}");
    }
}

#[test]
fn a_large_state_stands_elsewhere() {
    let credentials = Credentials::new(SecretHash::from_bytes([0xa7; 32]));
    // A key and a value: three words, and their bytes.
    for (bytes, small) in [(SMALL - 13, true), (SMALL - 12, false)] {
        let state = [("n", "1".repeat(bytes))].into_iter().collect();
        let record = Record::from(parts(credentials.clone(), state));
        assert_eq!(is_small(record.state()), small, "{bytes}");
        let field = String::from_utf8(write(&record)).unwrap();
        assert_eq!(Columns::read(&field).unwrap().state.is_some(), small, "{bytes}");
    }
}

#[test]
fn times_have_twenty_digits_and_are_kept_longer() {
    let at = |millis| Timestamp::from_millis(millis);
    assert_eq!(&millis(at(1_700_000_000_123)), b"00000001700000000123");
    assert_eq!(time("00000001700000000123"), Some(at(1_700_000_000_123)));
    assert_eq!((&millis(at(7)), &millis(Timestamp::MAX)), (b"00000000000000000007", b"18446744073709551615"));
    assert_eq!((time("18446744073709551615"), time("18446744073709551616")), (Some(Timestamp::MAX), None));
    let credentials = Credentials::new(SecretHash::from_bytes([0xa7; 32]));
    let kept = |expires_at| kept(&Record::new(credentials.clone(), State::default(), at(0), expires_at));
    assert_eq!(kept(at(1_700_000_000_123)), Some(at(1_700_000_199_999)));
    assert_eq!(kept(at(1_700_000_099_999)), Some(at(1_700_000_199_999)));
    assert_eq!(kept(at(1_700_000_100_000)), Some(at(1_700_000_299_999)));
    assert_eq!((kept(NEVER), kept(Timestamp::MAX)), (None, None));
}
