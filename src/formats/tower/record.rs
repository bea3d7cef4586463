//! The record of tower-sessions, in `MessagePack`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::{formats::codec::Content, store::Timestamp};

/// The record, in the order of its fields.
#[derive(Serialize, Deserialize)]
struct Fields {
    id: i128,
    data: BTreeMap<String, Value>,
    expiry_date: OffsetDateTime,
}

pub(super) fn read(bytes: &[u8]) -> Option<Content> {
    let Fields { data, expiry_date, .. } = rmp_serde::from_slice(bytes).ok()?;
    let millis = u64::try_from(expiry_date.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    let state = data.iter().map(|(key, value)| (key, value.to_string())).collect();
    Some(Content { state, expires_at: Some(Timestamp::from_millis(millis)) })
}

pub(super) fn write(id: i128, content: &Content) -> Vec<u8> {
    let data = content.state.to_map().into_iter().collect();
    // A session without a deadline gets the latest one that the type has.
    let nanos = content.expires_at.map(|end| i128::from(end.as_millis()) * 1_000_000);
    let expiry_date = nanos.and_then(|nanos| OffsetDateTime::from_unix_timestamp_nanos(nanos).ok());
    let latest = time::PrimitiveDateTime::MAX.assume_utc();
    rmp_serde::to_vec(&Fields { id, data, expiry_date: expiry_date.unwrap_or(latest) }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{formats::value, store::State};

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    /// The published crates made these records, with a deadline in a whole number of milliseconds, and one that is not.
    #[test]
    fn records_of_the_published_crates_are_read_and_written() {
        let millis = 1_767_323_045_000;
        for id in [1, -1, 1_339_673_755_198_158_349_044_581_307_228_491_536, i128::MIN] {
            let hex = format!("{id:032x}");
            let record = bytes(&format!("93c410{hex}81a7636f756e7465720199cd07ea0203040506000000"));
            let content = read(&record).unwrap();
            assert_eq!(content.expires_at, Some(Timestamp::from_millis(millis)));
            assert_eq!(content.state, [("counter", "1")].into_iter().collect());
            let whole = bytes(&format!("93c410{hex}81a7636f756e7465720199cd07ea0203040500000000"));
            assert_eq!(write(id, &content), whole);
        }
        let nested = bytes(
            "93c4100000000000000000000000000000000181a16b83a16195c3fda173cd012ccfffffffffffffffffa166cb3ff8000000000000a16ec099cd07ea0203040500000000",
        );
        let content = read(&nested).unwrap();
        let raw = r#"{"a":[true,-3,"s",300,18446744073709551615],"f":1.5,"n":null}"#;
        assert_eq!(content.state.get("k"), Some(raw));
        assert_eq!(write(1, &content), nested);
        for cut in 0..nested.len() {
            assert!(read(&nested[..cut]).is_none(), "{cut}");
        }
    }

    #[test]
    fn every_value_that_is_not_refused_reads_back_the_same() {
        let table = [
            ("18446744073709551615", false),
            ("-9223372036854775808", false),
            ("18446744073709551616", true),
            ("-9223372036854775809", true),
            ("[1,{\"a\":340282366920938463463374607431768211455}]", true),
            ("\"18446744073709551616\"", false),
            ("\"\\\"18446744073709551616\"", false),
            ("{\"18446744073709551616\":0}", false),
            ("3.0", false),
            ("1.7976931348623157e308", false),
            ("5e-324", false),
            ("-0.0", false),
            ("null", false),
        ];
        for (raw, is_refused) in table {
            assert_eq!(value::is_kept(raw), !is_refused, "{raw}");
            let state: State = [("k", raw)].into_iter().collect();
            let read = read(&write(1, &Content { state, expires_at: None })).unwrap();
            let is_same = read.state.get("k").map(serde_json::from_str::<Value>).and_then(Result::ok)
                == serde_json::from_str(raw).ok()
                && read.state.get("k").unwrap().contains(['.', 'e']) == raw.contains(['.', 'e']);
            assert!(is_refused || is_same, "{raw}: {:?}", read.state.get("k"));
        }
    }
}
