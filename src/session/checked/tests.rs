use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
};

use proptest::prelude::*;
use serde::{Deserialize, de::DeserializeOwned};

use super::raw_of;

/// Asserts that `insert` fails, or that `get` returns an equal value.
#[track_caller]
fn keeps<T: serde::Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let raw = raw_of(value).unwrap_or_else(|error| panic!("{value:?}: {error}"));
    let read: T = serde_json::from_str(&raw).unwrap_or_else(|error| panic!("{value:?} as {raw}: {error}"));
    assert_eq!(&read, value, "{raw}");
}

#[track_caller]
fn refuses<T: serde::Serialize + Debug>(value: &T, why: &str) {
    let error = raw_of(value).expect_err("it would be read back as another value");
    assert!(error.to_string().contains(why), "{value:?}: {error}");
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, Deserialize)]
enum Enum {
    Unit,
    Newtype(f64),
    Tuple(u8, String),
    Struct { a: i128, b: Option<bool> },
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Empty,
    Full { text: String, number: f64 },
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    ClientValue(String),
    List(Vec<Untagged>),
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, Deserialize)]
struct Marker;

#[derive(Clone, Debug, PartialEq, serde::Serialize, Deserialize)]
struct Wrapped<T>(T);

#[test]
fn numbers_at_their_edges_are_kept() {
    for value in [f64::MIN, f64::MAX, f64::MIN_POSITIVE, f64::EPSILON, 5e-324, 0.0, 1.577_777_777_777_000_1, 0.1 + 0.2]
    {
        keeps(&value);
        keeps(&-value);
    }
    for value in [f32::MIN, f32::MAX, f32::MIN_POSITIVE, 1e-45, 16_777_217.0, 0.3] {
        keeps(&value);
    }
    assert!(serde_json::from_str::<f64>(&raw_of(&-0.0_f64).unwrap()).unwrap().is_sign_negative());
    keeps(&(i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN));
    keeps(&(u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX));
}

#[test]
fn values_that_json_has_not_are_refused() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        refuses(&value, "NaN");
        refuses(&vec![Some(value)], "NaN");
        refuses(&Enum::Newtype(value), "NaN");
    }
    refuses(&f32::NAN, "NaN");
    refuses(&Some(None::<u8>), "`None`");
    refuses(&Some(Some(None::<u8>)), "`None`");
    refuses(&Some(()), "`None`");
    refuses(&Some(Marker), "`None`");
    refuses(&Some(Wrapped(None::<u8>)), "`None`");
    refuses(&BTreeMap::from([(1, Some(None::<u8>))]), "`None`");
    refuses(&BTreeMap::from([(vec![1], 1)]), "key must be a string");
}

#[test]
fn values_that_json_has_are_kept() {
    keeps(&None::<u8>);
    keeps(&Some(1));
    keeps(&Some(Some(1)));
    keeps(&vec![None, Some(1)]);
    keeps(&Some(vec![None::<u8>]));
    keeps(&());
    keeps(&Marker);
    keeps(&Wrapped(Some(1)));
    for value in
        [Enum::Unit, Enum::Newtype(0.1), Enum::Tuple(1, "\u{1f512}".into()), Enum::Struct { a: i128::MIN, b: None }]
    {
        keeps(&value);
        keeps(&Some(value));
    }
    for value in [Tagged::Empty, Tagged::Full { text: "x".into(), number: 1.577_777_777_777_000_1 }] {
        keeps(&value);
    }
    keeps(&Untagged::List(vec![Untagged::Number(i64::MIN), Untagged::ClientValue("1".into())]));
    keeps(&HashMap::from([(true, 1), (false, 2)]));
    keeps(&BTreeMap::from([(i128::MIN, 1), (i128::MAX, 2)]));
    keeps(&BTreeMap::from([('\u{1f512}', 1), ('"', 2)]));
    keeps(&BTreeMap::from([(String::new(), 1), ("\0\u{2028}".into(), 2)]));
}

#[test]
fn trees_as_deep_as_json_is_read_are_kept_and_deeper_ones_refused() {
    #[derive(Clone, Debug, PartialEq, serde::Serialize, Deserialize)]
    enum Tree {
        Leaf,
        In(Box<Tree>),
        Pair(Box<Tree>, u8),
        Named { tree: Box<Tree> },
    }
    fn deep(levels: usize, wrap: fn(Box<Tree>) -> Tree) -> Tree {
        (0..levels).fold(Tree::Leaf, |tree, _| wrap(Box::new(tree)))
    }
    type Wrap = fn(Box<Tree>) -> Tree;
    let wraps: [(Wrap, usize); 3] = [(Tree::In, 1), (|tree| Tree::Pair(tree, 1), 2), (|tree| Tree::Named { tree }, 2)];
    for (wrap, levels) in wraps {
        let most = 127 / levels;
        keeps(&deep(most, wrap));
        refuses(&deep(most + 1, wrap), "127 levels");
    }
}

proptest! {
    #[test]
    fn every_number_is_kept(a: f64, b: f32, c: i128, d: u128, e: i64, f: u64) {
        if a.is_finite() && b.is_finite() {
            keeps(&(a, b));
        } else {
            refuses(&(a, b), "NaN");
        }
        keeps(&(c, d, e, f));
    }

    #[test]
    fn every_text_is_kept(text: String, letter: char, bytes: Vec<u8>) {
        keeps(&(text, letter, bytes));
    }

    /// Strings are written without `serde_json` where they need no escapes.
    #[test]
    fn a_string_is_written_as_serde_json_writes_it(text in "[ -~]{0,300}|\\PC{0,40}|.{0,40}|[\u{0}-\u{1f}\"\\\\a\u{7f}\u{80}\u{2028}]{0,5}") {
        let expected = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(raw_of(&text).unwrap(), expected.as_str());
        prop_assert_eq!(raw_of(&Some(&text)).unwrap(), expected.as_str());
        prop_assert_eq!(raw_of(&Wrapped(&text)).unwrap(), expected.as_str());
        prop_assert_eq!(raw_of(&[&text]).unwrap(), serde_json::to_string(&[&text]).unwrap());
        prop_assert_eq!(raw_of(&Enum::Tuple(1, text.clone())).unwrap(), serde_json::to_string(&Enum::Tuple(1, text)).unwrap());
    }
}
