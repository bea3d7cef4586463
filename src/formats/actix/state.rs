//! The forms of actix-session's state.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::store::State;

/// The version of the newer form.
const VERSION: u64 = 1;

/// Reads any form, by the rules of the newer actix-session. Returns `None` if it is none of them.
pub(super) fn read(text: &str) -> Option<State> {
    let Value::Object(mut object) = serde_json::from_str(text).ok()? else { return None };
    if let (Some(Value::Number(version)), Some(Value::Object(_))) = (object.get("v"), object.get("state")) {
        let is_known = version.as_u64() == Some(VERSION);
        return object.remove("state").filter(|_| is_known).and_then(|state| Some(bare(state.as_object()?)));
    }
    if object.values().all(Value::is_string) {
        let entries = object.iter().map(|(key, value)| Some((key, value.as_str()?)));
        let state: State = entries.collect::<Option<Vec<_>>>()?.into_iter().collect();
        // Each text must be JSON itself.
        let is_json = state.iter().all(|(_, raw)| serde_json::from_str::<IgnoredAny>(raw).is_ok());
        return is_json.then_some(state);
    }
    Some(bare(&object))
}

fn bare(object: &Map<String, Value>) -> State {
    object.iter().map(|(key, value)| (key, value.to_string())).collect()
}

/// Writes `{"v":1,"state":{"counter":1}}`.
pub(super) fn versioned(state: &State) -> String {
    let mut text = format!("{{\"v\":{VERSION},\"state\":{{");
    for (at, (key, raw)) in state.iter().enumerate() {
        text.extend([if at == 0 { "" } else { "," }, &Value::from(key).to_string(), ":", raw]);
    }
    text + "}}"
}

/// Writes `{"counter":"1"}`: each value is a string with JSON text.
pub(super) fn legacy(state: &State) -> String {
    serde_json::to_string(&state.iter().collect::<BTreeMap<_, _>>()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::value;

    /// The keys and raw values of a state, or none for a text that is refused.
    type Entries = Option<&'static [(&'static str, &'static str)]>;

    #[test]
    fn every_form_is_read_as_actix_session_reads_it() {
        let table: [(&str, Entries); 12] = [
            (r#"{"counter":"1","user":"\"bob\""}"#, Some(&[("counter", "1"), ("user", "\"bob\"")])),
            (r#"{"v":1,"state":{"counter":1,"user":"bob"}}"#, Some(&[("counter", "1"), ("user", "\"bob\"")])),
            (r#"{"counter":1,"user":"bob"}"#, Some(&[("counter", "1"), ("user", "\"bob\"")])),
            ("{}", Some(&[])),
            (r#"{"v":1,"state":{}}"#, Some(&[])),
            (r#"{"v":"1","state":"2"}"#, Some(&[("state", "2"), ("v", "1")])),
            (r#"{"v":"1","state":{}}"#, Some(&[("state", "{}"), ("v", "\"1\"")])),
            (r#"{"v":2,"state":{}}"#, None),
            (r#"{"user":"bob"}"#, None),
            ("[]", None),
            ("{", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), expected.map(|entries| entries.iter().copied().collect()), "{text}");
        }
    }

    #[test]
    fn both_forms_keep_the_text_of_every_value() {
        let raws = [
            "18446744073709551615",
            "-9223372036854775808",
            "3.0",
            "1e300",
            "340282366920938463463374607431768211455",
            "null",
            "\"ä\\u0000\\\"\"",
            "{\"a\":[1,{\"b\":null}]}",
            "[]",
            "true",
        ];
        let state: State = raws.iter().enumerate().map(|(n, raw)| (format!("k\"{n}"), *raw)).collect();
        assert_eq!(read(&legacy(&state)), Some(state.clone()));
        let small: State = state.iter().filter(|(_, raw)| value::is_kept(raw)).collect();
        assert_eq!(small.len() + 1, state.len());
        // A number may be written in another way: 1e300 and 1e+300.
        assert_eq!(read(&versioned(&small)).map(|read| read.to_map()), Some(small.to_map()));
    }

    #[test]
    fn the_deepest_value_that_is_not_refused_reads_back() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        for (depth, is_kept) in [(1, true), (125, true), (126, false), (127, false)] {
            let raw = nested(depth);
            let state: State = [("k", raw.as_str())].into_iter().collect();
            assert_eq!(value::is_kept(&raw), is_kept, "{depth}");
            assert_eq!(read(&legacy(&state)), Some(state.clone()), "{depth}");
            assert_eq!(read(&versioned(&state)).is_some(), is_kept, "{depth}");
        }
        assert!(value::is_kept(&format!("\"{}\"", "[".repeat(500))));
    }
}
