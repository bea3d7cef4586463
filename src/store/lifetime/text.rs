//! The text form of a lifetime, for stores whose records people read.

use std::{fmt, str::FromStr, time::Duration};

use super::{ALWAYS, CookieLife, Extend, Lifetime, LifetimeBuilder, LifetimeError};
use crate::store::millis;

/// Writes `idle=86400000 absolute=2592000000 cookie=session extend=800`: the limits in milliseconds, the cookie
/// (`session`, `persistent` or `while-used`), and the threshold in thousandths of the idle limit (or `on-change` or
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

/// Refuses every text that [`Display`](fmt::Display) does not write, because stores compare records by their bytes.
impl FromStr for Lifetime {
    type Err = LifetimeError;

    fn from_str(text: &str) -> Result<Self, LifetimeError> {
        let lifetime = read(text).ok_or(LifetimeError::Unreadable)?;
        if matches!(lifetime.extend, Extend::Use { threshold } if !(1..=ALWAYS).contains(&threshold)) {
            return Err(LifetimeError::Threshold);
        }
        LifetimeBuilder { lifetime, threshold: None }.build()
    }
}

fn read(text: &str) -> Option<Lifetime> {
    let mut words = text.split(' ');
    let idle = Duration::from_millis(number(words.next()?.strip_prefix("idle=")?)?);
    let mut word = words.next()?;
    let mut absolute = None;
    if let Some(limit) = word.strip_prefix("absolute=") {
        absolute = Some(Duration::from_millis(number(limit)?));
        word = words.next()?;
    }
    let cookie = match word {
        "cookie=session" => CookieLife::BrowserSession,
        "cookie=persistent" => CookieLife::Persistent,
        "cookie=while-used" => CookieLife::WhileUsed,
        _ => return None,
    };
    let extend = match words.next()?.strip_prefix("extend=")? {
        "on-change" => Extend::Change,
        "on-write" => Extend::Write,
        threshold => Extend::Use { threshold: u16::try_from(number(threshold)?).ok()? },
    };
    words.next().is_none().then_some(Lifetime { idle, absolute, cookie, extend })
}

/// Reads a number without a sign and without leading zeros.
fn number(text: &str) -> Option<u64> {
    let has_one_spelling = text == "0" || text.starts_with(|first| matches!(first, '1'..='9'));
    has_one_spelling.then(|| text.parse().ok())?
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
        let table = [
            "",
            "idle=",
            "idle=-1",
            "absolute=1",
            "idle=1",
            "idle=1 cookie=session",
            "idle=1 extend=800 cookie=session",
            "idle=1 cookie=x extend=800",
            "idle=1 cookie=session extend=x",
            "idle=1 cookie=session extend=65536",
            "idle=1 cookie=session extend=800 more=1",
            "idle=1 cookie=session extend=800 ",
            " idle=1 cookie=session extend=800",
            "idle=1  cookie=session extend=800",
            "idle=1 absolute=1 absolute=1 cookie=session extend=800",
            "idle=01 cookie=session extend=800",
            "idle=+1 cookie=session extend=800",
            "idle=1 cookie=session extend=0800",
            "idle=18446744073709551616 cookie=session extend=800",
        ];
        for text in table {
            assert_eq!(text.parse::<Lifetime>(), Err(LifetimeError::Unreadable), "{text}");
        }
    }

    #[test]
    fn refuses_what_no_lifetime_can_be() {
        let table = [
            ("idle=0 cookie=session extend=800", LifetimeError::NoTime),
            ("idle=1 absolute=0 cookie=session extend=800", LifetimeError::NoTime),
            ("idle=1 absolute=34560000001 cookie=persistent extend=800", LifetimeError::CookieTooLong),
            ("idle=1 cookie=session extend=0", LifetimeError::Threshold),
            ("idle=1 cookie=session extend=1001", LifetimeError::Threshold),
        ];
        for (text, error) in table {
            assert_eq!(text.parse::<Lifetime>(), Err(error), "{text}");
        }
    }
}
