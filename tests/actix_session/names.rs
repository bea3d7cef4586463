//! Keys in all the forms in which services of actix-session name them.

use std::{
    borrow::Cow,
    ops::Deref,
    rc::Rc,
    sync::{Arc, LazyLock},
};

use cloakroom::{AsKey, KeyName, Session};

static LAZY: LazyLock<String> = LazyLock::new(|| "key".to_owned());
static LAZY_STR: LazyLock<&'static str> = LazyLock::new(|| "key");

struct Newtype(String);

impl Deref for Newtype {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Reads, as a `&str` parameter takes its argument, by deref coercion.
macro_rules! reads {
    ($key:expr) => {{
        let session = Session::new();
        session.insert("key", 1_u32).unwrap();
        assert_eq!(session.get::<u32>($key).unwrap(), Some(1));
        assert!(session.contains_key($key));
        session.update_or($key, 7, |n: u32| n + 1).unwrap();
        assert_eq!(session.remove_as::<u32>($key), Some(Ok(2)));
        session.insert("key", 3).unwrap();
        assert_eq!(session.remove($key), Some(3.into()));
        assert!(session.is_empty());
    }};
}

/// Writes, as an `impl Into<String>` parameter takes its argument.
macro_rules! writes {
    ($key:expr) => {{
        let session = Session::new();
        session.insert($key, 1_u32).unwrap();
        session.update($key, |n: u32| n + 1).unwrap();
        assert_eq!(session.get::<u32>("key").unwrap(), Some(2));
    }};
}

#[test]
fn whatever_derefs_to_a_text_is_a_key() {
    let text = "key".to_owned();
    reads!("key");
    reads!(&text);
    reads!(text.as_str());
    reads!(&*text);
    reads!(&LAZY);
    reads!(&LAZY_STR);
    reads!(*LAZY_STR);
    reads!(&Rc::<str>::from("key"));
    reads!(&Rc::new(text.clone()));
    reads!(&Arc::<str>::from("key"));
    reads!(&Box::<str>::from("key"));
    reads!(&Cow::from("key"));
    reads!(&Newtype(text.clone()));
    reads!(&&&"key");
}

#[test]
fn whatever_was_a_key_to_write_under_is_one() {
    let text = "key".to_owned();
    writes!("key");
    writes!(&text);
    writes!(text.clone());
    writes!(Cow::from("key"));
    writes!(Box::<str>::from("key"));
    writes!(text.clone().as_mut_str());
}

#[derive(Clone, Copy)]
enum Field {
    Key,
}

impl From<Field> for String {
    fn from(_: Field) -> Self {
        "key".to_owned()
    }
}

/// Row: keys that only convert into a text.
#[test]
fn a_key_that_only_converts_into_a_text_is_made_one() {
    writes!(String::from(Field::Key));
    let session = Session::new();
    session.insert(String::from('k'), 1).unwrap();
    assert_eq!(session.keys(), ["k"]);
}

#[derive(Clone, Copy)]
struct Named;

impl<T> AsKey<T> for Named {
    fn as_key(&self) -> &'static str {
        "key"
    }
}

impl KeyName for Named {
    fn key_name(&self) -> &'static str {
        "key"
    }
}

/// The other way for an enum.
#[test]
fn a_type_may_be_a_key_by_itself() {
    writes!(Named);
    reads!(Named);
    reads!(&Named);
}
