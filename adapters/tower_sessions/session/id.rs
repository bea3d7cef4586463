//! Ids.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{ParseIdError, SessionId};

/// A session's public id. Its text is that of a [`SessionId`]: 22 characters of base64url.
///
/// It opens nothing. A cookie holds it, and a secret behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Id(pub i128);

impl Default for Id {
    /// Draws a random id.
    fn default() -> Self {
        SessionId::random().into()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SessionId::from(*self).fmt(f)
    }
}

impl FromStr for Id {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        text.parse().map(SessionId::into)
    }
}

impl From<SessionId> for Id {
    fn from(id: SessionId) -> Self {
        Self(i128::from_le_bytes(*id.as_bytes()))
    }
}

impl From<Id> for SessionId {
    fn from(id: Id) -> Self {
        Self::from_bytes(id.0.to_le_bytes())
    }
}
