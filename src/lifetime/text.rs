//! A lifetime as text: for stores whose records a person may read.

use std::{fmt, str::FromStr, time::Duration};

use super::{CookieLife, Extend, Lifetime, LifetimeError};
use crate::time::millis;

/// `idle=86400000 absolute=2592000000 cookie=session extend=800`: limits in milliseconds, then the cookie (`session`,
/// `persistent` or `while-used`), then below how many thousandths of the idle limit a use counts (or `on-change` or
/// `on-write`). [`FromStr`] reads it back.
impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "idle={}", millis(self.idle))?;
        if let Some(absolute) = self.absolute {
            write!(f, " absolute={}", millis(absolute))?;
        }
        f.write_str(match self.cookie {
            CookieLife::BrowserSession => " cookie=session",
            CookieLife::Persistent => " cookie=persistent",
            CookieLife::WhileUsed => " cookie=while-used",
        })?;
        match self.extend {
            Extend::Use { threshold } => write!(f, " extend={threshold}"),
            Extend::Change => f.write_str(" extend=on-change"),
            Extend::Write => f.write_str(" extend=on-write"),
        }
    }
}

impl FromStr for Lifetime {
    type Err = LifetimeError;

    fn from_str(text: &str) -> Result<Self, LifetimeError> {
        let mut lifetime = Self { absolute: None, ..Self::default() };
        let mut has_idle = false;
        for (name, value) in text.split(' ').filter_map(|part| part.split_once('=')) {
            match (name, value) {
                ("idle", _) => {
                    lifetime.idle = duration(value)?;
                    has_idle = true;
                }
                ("absolute", _) => lifetime.absolute = Some(duration(value)?),
                ("cookie", "session") => lifetime.cookie = CookieLife::BrowserSession,
                ("cookie", "persistent") => lifetime.cookie = CookieLife::Persistent,
                ("cookie", "while-used") => lifetime.cookie = CookieLife::WhileUsed,
                ("extend", "on-change") => lifetime.extend = Extend::Change,
                ("extend", "on-write") => lifetime.extend = Extend::Write,
                ("extend", _) => {
                    let threshold = value.parse().map_err(|_| LifetimeError::Unreadable)?;
                    lifetime.extend = Extend::Use { threshold };
                }
                _ => return Err(LifetimeError::Unreadable),
            }
        }
        if has_idle { Ok(lifetime) } else { Err(LifetimeError::Unreadable) }
    }
}

fn duration(value: &str) -> Result<Duration, LifetimeError> {
    value.parse().map(Duration::from_millis).map_err(|_| LifetimeError::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_wrote() {
        let minute = Duration::from_secs(60);
        let table = [
            Lifetime::default(),
            Lifetime::builder().idle(minute).persistent().extend_on_use(1.0).build().unwrap(),
            Lifetime::builder().insecure_no_absolute().extend_on_change().build().unwrap(),
            Lifetime::builder().persistent_while_used().extend_on_write().build().unwrap(),
        ];
        for lifetime in table {
            assert_eq!(lifetime.to_string().parse(), Ok(lifetime));
        }
        assert_eq!(Lifetime::default().to_string(), "idle=86400000 absolute=2592000000 cookie=session extend=800");
    }

    #[test]
    fn refuses_other_text() {
        for text in ["", "idle=", "idle=-1", "absolute=1", "idle=1 cookie=x", "idle=1 extend=x", "idle=1 more=1"] {
            assert_eq!(text.parse::<Lifetime>(), Err(LifetimeError::Unreadable), "{text}");
        }
    }
}
