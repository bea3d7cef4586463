//! Credentials that are requested for each new connection.

use std::{error::Error, fmt, pin::Pin, sync::Arc, time::Duration};

use ::redis::ConnectionInfo;
use tokio::time::{Instant, timeout_at};

use super::failure::Failure;

/// A user and a password, with which a connection logs in to Redis: see
/// [`RedisStoreBuilder::credentials`](super::RedisStoreBuilder::credentials).
#[derive(Clone)]
#[must_use]
pub struct RedisCredentials {
    username: Option<String>,
    password: String,
}

impl RedisCredentials {
    /// Makes the credentials of an ACL user. The password may be a token.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: Some(username.into()), password: password.into() }
    }

    /// Makes the credentials of the default user, whose password is the server's `requirepass`.
    pub fn password(password: impl Into<String>) -> Self {
        Self { username: None, password: password.into() }
    }

    /// Puts the credentials into the settings of a connection.
    pub(super) fn log_in(&self, info: ConnectionInfo) -> ConnectionInfo {
        let mut settings = info.redis_settings().clone().set_password(&self.password);
        if let Some(username) = &self.username {
            settings = settings.set_username(username);
        }
        info.set_redis_settings(settings)
    }
}

/// Shows no password.
impl fmt::Debug for RedisCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisCredentials").field("username", &self.username).finish_non_exhaustive()
    }
}

type Asked = Pin<Box<dyn Future<Output = Result<RedisCredentials, Box<dyn Error + Send + Sync>>> + Send>>;

/// The application's function that gives the credentials.
#[derive(Clone)]
pub(super) struct CredentialsSource(Arc<dyn Fn() -> Asked + Send + Sync>);

impl CredentialsSource {
    pub(super) fn new<F>(source: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<RedisCredentials, Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(source())))
    }

    /// Asks for the credentials of the next connection. `limit` is the time-out that ends at `until`.
    pub(super) async fn ask(&self, until: Instant, limit: Duration) -> Result<RedisCredentials, Failure> {
        match timeout_at(until, (self.0)()).await {
            Ok(answer) => answer.map_err(|error| Failure::no_credentials(error.into())),
            Err(_) => Err(Failure::late_credentials(limit)),
        }
    }
}

impl fmt::Debug for CredentialsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialsSource(..)")
    }
}
