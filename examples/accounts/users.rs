//! The users of both examples: in memory, with passwords hashed by Argon2id.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use argon2::{
    Argon2, PasswordHasher as _, PasswordVerifier as _,
    password_hash::{self, phc::PasswordHash},
};
use cloakroom::{OwnedSession, SessionId};
use serde::{Deserialize, Serialize};

/// The form of a login, and of a new account.
#[derive(Deserialize)]
pub(crate) struct Credentials {
    pub(crate) name: String,
    pub(crate) password: String,
    /// "Remember me."
    #[serde(default)]
    pub(crate) remember: bool,
}

/// The form of a new password.
#[derive(Deserialize)]
pub(crate) struct Change {
    pub(crate) old: String,
    pub(crate) new: String,
}

/// A line of "your devices".
#[derive(Serialize)]
pub(crate) struct Device {
    id: SessionId,
    label: Option<String>,
    is_this: bool,
}

impl Device {
    pub(crate) fn of(session: OwnedSession, this: Option<SessionId>) -> Self {
        Self { is_this: this == Some(session.id), id: session.id, label: session.label }
    }
}

/// The users. A real application keeps them in its database.
#[derive(Clone, Default)]
pub(crate) struct Users(Arc<Mutex<HashMap<String, User>>>);

#[derive(Clone)]
struct User {
    hash: String,
    /// Sessions are valid if their login saw this value. See `SessionLayer::owner_valid_from`.
    valid_from: Option<SystemTime>,
}

/// A password was right.
pub(crate) struct Admission {
    /// The value of `valid_from` from before the check, for `Session::login_at`.
    pub(crate) seen: Option<SystemTime>,
}

impl Users {
    fn users(&self) -> MutexGuard<'_, HashMap<String, User>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a user. Returns false if the name is taken.
    pub(crate) async fn sign_up(&self, name: &str, password: String) -> bool {
        let Ok(hash) = blocking(move || hash(&password)).await else { return false };
        let mut users = self.users();
        let is_free = !users.contains_key(name);
        if is_free {
            users.insert(name.to_owned(), User { hash, valid_from: None });
        }
        is_free
    }

    /// Checks a password. `None`: the name or the password is wrong. The client must not learn which.
    pub(crate) async fn check(&self, name: &str, password: String) -> Option<Admission> {
        // Read before the check: a password that is changed meanwhile ends this login.
        let user = self.users().get(name).cloned();
        let seen = user.as_ref().and_then(|user| user.valid_from);
        let known = user.map(|user| user.hash);
        let is_right = blocking(move || match &known {
            Some(hash) => PasswordHash::new(hash)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()),
            // Takes as long as a check, so that the time does not tell which names exist.
            None => hash(&password).is_err(),
        });
        is_right.await.then_some(Admission { seen })
    }

    /// Changes the password and ends all sessions of the user: one update of the user's row.
    pub(crate) async fn change_password(&self, name: &str, password: String) -> Option<Admission> {
        let hash = blocking(move || hash(&password)).await.ok()?;
        let mut users = self.users();
        let user = users.get_mut(name)?;
        *user = User { hash, valid_from: Some(SystemTime::now()) };
        Some(Admission { seen: user.valid_from })
    }

    /// Ends all sessions of the user, and the logins that are under way.
    pub(crate) fn end_sessions(&self, name: &str) {
        if let Some(user) = self.users().get_mut(name) {
            user.valid_from = Some(SystemTime::now());
        }
    }

    /// Returns the value for `SessionLayer::owner_valid_from`.
    pub(crate) fn valid_from(&self, name: &str) -> Option<SystemTime> {
        self.users().get(name)?.valid_from
    }
}

fn hash(password: &str) -> Result<String, password_hash::Error> {
    // With a random salt.
    Ok(Argon2::default().hash_password(password.as_bytes())?.to_string())
}

/// Hashing takes tens of milliseconds and 19 MiB on purpose, so it has no place on a thread that serves requests.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
