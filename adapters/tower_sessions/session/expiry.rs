//! The lifetime that tower-sessions calls expiry.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Error, Session};
use crate::{Lifetime, LifetimeBuilder, LifetimeError};

/// The idle limit where there is no other: 14 days.
const DEFAULT: time::Duration = time::Duration::weeks(2);

/// The time at which a session ends, and its cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expiry {
    /// The cookie ends with the browser session. A session that is not changed for 14 days ends, too.
    OnSessionEnd,
    /// The session and its cookie end when the session was not changed for this long.
    OnInactivity(time::Duration),
    /// The session and its cookie end at this time.
    AtDateTime(OffsetDateTime),
}

/// The expiry that a request's session is to have.
pub(super) struct Wish(Mutex<Wanted>);

#[derive(Clone, Copy)]
struct Wanted {
    expiry: Option<Expiry>,
    due: Due,
}

/// When an expiry has to be written to the session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    /// Never: it is the layer's, or it is written already.
    No,
    /// With the next change: it is the layer's, and a time by the clock, which a layer's lifetime cannot be.
    OnChange,
    /// In any case: the handler has set it.
    Now,
}

impl Wish {
    pub(super) fn new(expiry: Option<Expiry>) -> Self {
        let is_builtin = expiry.is_none_or(|expiry| match expiry {
            Expiry::OnSessionEnd => true,
            Expiry::OnInactivity(limit) => limit.is_positive(),
            Expiry::AtDateTime(_) => false,
        });
        Self(Mutex::new(Wanted { expiry, due: if is_builtin { Due::No } else { Due::OnChange } }))
    }

    /// Has it written again, to the session that begins after a flush.
    pub(super) fn begins_again(&self) {
        let mut wanted = self.lock();
        let fresh = *Self::new(wanted.expiry).lock();
        // An expiry that the handler has set is not lost with the session that ends.
        wanted.due = if wanted.due == Due::Now { Due::Now } else { fresh.due };
    }

    fn lock(&self) -> MutexGuard<'_, Wanted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Returns the expiry that this request set, or else the layer's.
    #[must_use]
    pub fn expiry(&self) -> Option<Expiry> {
        self.shared.wish.lock().expiry
    }

    /// Gives this session an expiry of its own. It is kept with the session, so later requests need not set it again. `None` is
    /// [`Expiry::OnSessionEnd`].
    ///
    /// A time that has passed, and a span that is not positive, end the session.
    pub fn set_expiry(&self, expiry: Option<Expiry>) {
        *self.shared.wish.lock() = Wanted { expiry, due: Due::Now };
        self.modified();
    }

    /// Returns the time at which the session ends if it is saved now: as [`expiry`](Self::expiry) says.
    #[must_use]
    pub fn expiry_date(&self) -> OffsetDateTime {
        let now = OffsetDateTime::now_utc();
        match self.expiry() {
            Some(Expiry::OnInactivity(limit)) => now.saturating_add(limit),
            Some(Expiry::AtDateTime(time)) => time,
            Some(Expiry::OnSessionEnd) | None => now.saturating_add(DEFAULT),
        }
    }

    /// Returns the time that is left until [`expiry_date`](Self::expiry_date), at least zero.
    #[must_use]
    pub fn expiry_age(&self) -> time::Duration {
        (self.expiry_date() - OffsetDateTime::now_utc()).max(time::Duration::ZERO)
    }

    /// Returns whether the session has to get an expiry of its own.
    pub(in crate::tower_sessions) fn is_expiry_due(&self) -> bool {
        match self.shared.wish.lock().due {
            Due::No => false,
            Due::OnChange => self.is_modified(),
            Due::Now => true,
        }
    }

    /// Writes the expiry to the session, if it has to get one of its own.
    ///
    /// # Errors
    ///
    /// The session cannot be loaded. The commit fails as well: an expiry that was set must not get lost.
    pub(in crate::tower_sessions) async fn write_expiry(&self) -> Result<(), Error> {
        if !self.is_expiry_due() || self.is_empty().await {
            return Ok(());
        }
        let expiry = self.expiry();
        let session = match self.lazy.load().await {
            Ok(session) => session,
            Err(error) => {
                self.lazy.handle().set_lifetime(default_lifetime(false));
                return Err(error.into());
            }
        };
        if self.is_empty().await {
            return Ok(());
        }
        let made = session.id().and_then(|_| session.created_at());
        match own_lifetime(expiry, made.unwrap_or_else(SystemTime::now)) {
            Ok(lifetime) => session.set_lifetime(lifetime),
            Err(_) => session.purge(),
        }
        self.shared.wish.lock().due = Due::No;
        Ok(())
    }
}

/// Makes a layer's lifetime. A time by the clock is written to each session: see [`Due::OnChange`].
///
/// # Errors
///
/// The span is not positive.
pub(in crate::tower_sessions) fn lifetime(
    expiry: Option<Expiry>,
    extends_on_use: bool,
) -> Result<Lifetime, LifetimeError> {
    match expiry {
        Some(Expiry::OnInactivity(limit)) => idle(limit, extends_on_use).persistent_while_used().build(),
        Some(Expiry::OnSessionEnd | Expiry::AtDateTime(_)) | None => Ok(default_lifetime(extends_on_use)),
    }
}

pub(in crate::tower_sessions) fn default_lifetime(extends_on_use: bool) -> Lifetime {
    idle(DEFAULT, extends_on_use).build().unwrap_or_default()
}

/// Makes the lifetime of a session that began at `made`.
fn own_lifetime(expiry: Option<Expiry>, made: SystemTime) -> Result<Lifetime, LifetimeError> {
    let Some(Expiry::AtDateTime(time)) = expiry else { return lifetime(expiry, false) };
    // A time that has passed is no span at all, which `build` refuses.
    let passed = time <= OffsetDateTime::now_utc();
    let span = if passed { Duration::ZERO } else { (time - OffsetDateTime::from(made)).try_into().unwrap_or_default() };
    // Sent again with each write, it tells the browser what is left.
    Lifetime::builder().idle(span).absolute(span).extend_on_change().persistent_while_used().build()
}

fn idle(limit: time::Duration, extends_on_use: bool) -> LifetimeBuilder {
    // A negative one is no time at all, which `build` refuses.
    let limit = limit.try_into().unwrap_or_default();
    let lifetime = Lifetime::builder().idle(limit).insecure_no_absolute();
    if extends_on_use { lifetime.extend_on_use(1.0) } else { lifetime.extend_on_change() }
}
