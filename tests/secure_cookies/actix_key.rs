//! Keys that an Actix application has already.

use actix_web::cookie;
use cloakroom::{
    MemoryStore, SessionLayer,
    keys::{KeyError, SecretKey},
};

#[test]
fn an_actix_key_is_the_key_of_its_bytes() -> Result<(), KeyError> {
    let theirs = cookie::Key::generate();
    let ours = SecretKey::try_from(&theirs)?;
    let _layer = SessionLayer::new(MemoryStore::new()).signed(ours);
    assert_eq!(SecretKey::try_from(&cookie::Key::from(&[0; 64])).err(), Some(KeyError::Placeholder));
    Ok(())
}
