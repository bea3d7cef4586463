//! The lifetime of a session.

use std::{fmt, time::Duration};

use crate::store::{Record, Timestamp};

mod text;

/// The longest time for which browsers keep a cookie (RFC 6265bis section 5.5).
const COOKIE_LIMIT: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// The whole idle limit, in thousandths.
const ALWAYS: u16 = 1000;

/// The lifetime of a session: an idle limit, an absolute limit, and the lifetime of the cookie.
///
/// A session ends at the earlier of *last use + idle* and *creation + absolute*. The server enforces both at every
/// load, so a copied cookie stops working on time (OWASP Session Management, "Session Expiration").
///
/// | option | default |
/// |---|---|
/// | [`idle`](LifetimeBuilder::idle) | 24 hours |
/// | [`absolute`](LifetimeBuilder::absolute) | 30 days |
/// | [`persistent`](LifetimeBuilder::persistent), [`persistent_while_used`](LifetimeBuilder::persistent_while_used) | no: the cookie ends with the browser session |
/// | [`extend_on_use`](LifetimeBuilder::extend_on_use) | 0.8 |
///
/// ```
/// use std::time::Duration;
/// use cloakroom::Lifetime;
///
/// let remember_me = Lifetime::builder()
///     .idle(Duration::from_secs(14 * 24 * 60 * 60))
///     .absolute(Duration::from_secs(90 * 24 * 60 * 60))
///     .persistent()
///     .build()?;
/// # Ok::<_, cloakroom::LifetimeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lifetime {
    pub(crate) idle: Duration,
    pub(crate) absolute: Option<Duration>,
    pub(crate) cookie: CookieLife,
    pub(crate) extend: Extend,
}

/// The lifetime of the cookie in the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum CookieLife {
    BrowserSession,
    /// Until the absolute limit. The cookie is sent once.
    Persistent,
    /// Until the deadline. The cookie is sent again whenever the deadline is pushed out.
    WhileUsed,
}

/// The kinds of use that push the idle deadline out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Extend {
    /// Every use, if less than this many thousandths of the idle limit are left.
    Use {
        threshold: u16,
    },
    Change,
    /// A change, an insert of a value that is there already, or a removal of a key that is not there.
    Write,
}

impl Lifetime {
    /// Returns a builder with the defaults.
    #[must_use]
    pub fn builder() -> LifetimeBuilder {
        LifetimeBuilder { lifetime: Self::default(), threshold: None }
    }

    /// Returns the idle limit: how long a session lives without use.
    #[must_use]
    pub fn idle(&self) -> Duration {
        self.idle
    }

    /// Returns the absolute limit: how long a session lives even if it is used. `None` if there is no limit.
    #[must_use]
    pub fn absolute(&self) -> Option<Duration> {
        self.absolute
    }

    /// Returns true if the browser keeps the cookie when it is closed.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        self.cookie != CookieLife::BrowserSession
    }

    /// Returns true if the cookie has to be sent again when the deadline moves.
    pub(crate) fn moves_cookie(&self) -> bool {
        self.cookie == CookieLife::WhileUsed
    }

    /// Returns the time at which a session ends that was created and last used at these times.
    pub(crate) fn deadline(&self, created: Timestamp, used: Timestamp) -> Timestamp {
        used.plus(self.idle).min(self.end(created))
    }

    /// Returns true if a use at `now` that changes nothing is worth a write. The session was created at `created`. `names_keys`
    /// is true if the request wrote a value that was there already, or removed a key that was not there.
    pub(crate) fn is_touch_due(&self, record: &Record, created: Timestamp, names_keys: bool, now: Timestamp) -> bool {
        let threshold = match self.extend {
            Extend::Use { threshold } => threshold,
            Extend::Write if names_keys => ALWAYS,
            Extend::Write | Extend::Change => return false,
        };
        // The record has a deadline of its own, which differs if the limits were changed since.
        let deadline = self.deadline(created, record.last_used()).min(record.expires_at());
        let left = deadline.since(now).as_millis();
        let moved = self.deadline(created, now);
        // The record was used in this very millisecond, so the deadline does not move; the cookie may still have to be
        // sent.
        let moves = moved > deadline || (self.moves_cookie() && moved == deadline && moved < self.end(created));
        moves && left * 1000 <= self.idle.as_millis() * u128::from(threshold)
    }

    /// Returns the `Max-Age` of a cookie that is sent at `now`, with a write that pushes the deadline out.
    pub(crate) fn max_age(&self, created: Timestamp, now: Timestamp) -> Option<Duration> {
        let until = match self.cookie {
            CookieLife::BrowserSession => return None,
            CookieLife::Persistent => self.end(created),
            CookieLife::WhileUsed => self.deadline(created, now),
        };
        Some(until.since(now).min(COOKIE_LIMIT))
    }

    fn end(&self, created: Timestamp) -> Timestamp {
        self.absolute.map_or(Timestamp::MAX, |absolute| created.plus(absolute))
    }
}

impl Default for Lifetime {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(24 * 60 * 60),
            absolute: Some(Duration::from_secs(30 * 24 * 60 * 60)),
            cookie: CookieLife::BrowserSession,
            extend: Extend::Use { threshold: 800 },
        }
    }
}

/// Builds a [`Lifetime`].
#[derive(Clone, Debug)]
pub struct LifetimeBuilder {
    lifetime: Lifetime,
    threshold: Option<f64>,
}

impl LifetimeBuilder {
    /// Ends a session that was not used for this long. Default: 24 hours. Must not be longer than the [absolute
    /// limit](Self::absolute).
    ///
    /// OWASP recommends 2 to 5 minutes for high-value and 15 to 30 for low-risk applications.
    #[must_use]
    pub fn idle(mut self, limit: Duration) -> Self {
        self.lifetime.idle = limit;
        self
    }

    /// Ends a session this long after its creation, even if it is in use. Default: 30 days. Must not be shorter than
    /// the [idle limit](Self::idle).
    #[must_use]
    pub fn absolute(mut self, limit: Duration) -> Self {
        self.lifetime.absolute = Some(limit);
        self
    }

    /// Removes the absolute limit: a session that is used never ends. A stolen cookie that is used works for ever, too.
    #[must_use]
    pub fn insecure_no_absolute(mut self) -> Self {
        self.lifetime.absolute = None;
        self
    }

    /// Keeps the cookie when the browser is closed. Its `Max-Age` is the time until the absolute limit, at most 400
    /// days. Default: the cookie ends with the browser session.
    ///
    /// The idle limit needs no `Max-Age`, because the server enforces it.
    #[must_use]
    pub fn persistent(mut self) -> Self {
        self.lifetime.cookie = CookieLife::Persistent;
        self
    }

    /// Keeps the cookie when the browser is closed, but not longer than the session lives without use. Its `Max-Age` is
    /// the time until the earlier of both limits, at most 400 days. Each response that pushes the idle deadline out
    /// sends the cookie again.
    ///
    /// This is for clients that must not keep a cookie after its session has ended. Use
    /// [`persistent`](Self::persistent) if you can: it sends the cookie once, so a slow response cannot put the old
    /// token back after a login.
    #[must_use]
    pub fn persistent_while_used(mut self) -> Self {
        self.lifetime.cookie = CookieLife::WhileUsed;
        self
    }

    /// Pushes the idle deadline out when a request loads the session and less than this share of the idle limit is
    /// left. Default: 0.8, so a busy session does not cost a write for each request. With 1.0, every use pushes it out.
    #[must_use]
    pub fn extend_on_use(mut self, threshold: f64) -> Self {
        self.threshold = Some(threshold);
        self
    }

    /// Pushes the idle deadline out only when a request changes the session.
    #[must_use]
    pub fn extend_on_change(mut self) -> Self {
        self.lifetime.extend = Extend::Change;
        self.threshold = None;
        self
    }

    /// Pushes the idle deadline out only when a request writes to the session, even if that changes nothing: an insert
    /// of a value that is there already, or a removal of a key that is not there.
    #[must_use]
    pub fn extend_on_write(mut self) -> Self {
        self.lifetime.extend = Extend::Write;
        self.threshold = None;
        self
    }

    /// Builds the lifetime.
    ///
    /// # Errors
    ///
    /// - A limit is below one millisecond, or the idle limit is longer than the absolute limit.
    /// - The threshold is not above 0 and at most 1.
    /// - The cookie is persistent and the absolute limit is above 400 days, which is longer than browsers keep a
    ///   cookie.
    pub fn build(self) -> Result<Lifetime, LifetimeError> {
        let Self { mut lifetime, threshold } = self;
        let shortest = lifetime.absolute.map_or(lifetime.idle, |absolute| absolute.min(lifetime.idle));
        if shortest < Duration::from_millis(1) {
            return Err(LifetimeError::NoTime);
        }
        if lifetime.absolute.is_some_and(|absolute| absolute < lifetime.idle) {
            return Err(LifetimeError::IdleTooLong);
        }
        if lifetime.cookie == CookieLife::Persistent
            && lifetime.absolute.is_some_and(|absolute| absolute > COOKIE_LIMIT)
        {
            return Err(LifetimeError::CookieTooLong);
        }
        if let Some(share) = threshold {
            if !(share > 0.0 && share <= 1.0) {
                return Err(LifetimeError::Threshold);
            }
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 1 to 1000, as checked
            let threshold = (share * 1000.0).ceil() as u16;
            lifetime.extend = Extend::Use { threshold };
        }
        Ok(lifetime)
    }
}

/// Limits that make no sense together, refused when they are made.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LifetimeError {
    /// A limit is below one millisecond.
    NoTime,
    /// The idle limit is longer than the absolute limit, so it would never end a session.
    IdleTooLong,
    /// A persistent cookie's absolute limit is above 400 days (RFC 6265bis section 5.5).
    CookieTooLong,
    /// A threshold is not above 0 and at most 1.
    Threshold,
    /// A text is not a lifetime.
    Unreadable,
}

impl fmt::Display for LifetimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTime => "the limits of a session must be at least one millisecond",
            Self::IdleTooLong => "the idle limit must not be longer than the absolute limit",
            Self::CookieTooLong => "a persistent cookie needs an absolute limit of at most 400 days, because browsers keep no cookie for longer",
            Self::Threshold => "the threshold must be above 0 and at most 1",
            Self::Unreadable => "the text is not a lifetime",
        })
    }
}

crate::chain::debug_like_display!(LifetimeError);

impl std::error::Error for LifetimeError {}

#[cfg(test)]
mod tests;
