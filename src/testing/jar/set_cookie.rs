//! One `Set-Cookie` line, read as a browser reads it (RFC 6265bis section 5.6).

use std::time::{Duration, SystemTime};

use super::{
    LONGEST, MAX_PAIR, Refusal, date,
    place::{Place, domain_matches},
};

/// Browsers ignore an attribute whose value is longer (RFC 6265bis section 5.6).
const MAX_ATTRIBUTE: usize = 1024;

#[derive(Default)]
#[allow(clippy::struct_excessive_bools)] // Each is an attribute or a fault of its own.
pub(super) struct SetCookie<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    pub(super) path: Option<&'a str>,
    pub(super) is_secure: bool,
    is_http_only: bool,
    domain: Option<String>,
    max_age: Option<MaxAge>,
    expires: Option<SystemTime>,
    needs_secure: bool,
    has_control: bool,
}

#[derive(Clone, Copy)]
enum MaxAge {
    Past,
    For(Duration),
}

impl<'a> SetCookie<'a> {
    pub(super) fn parse(line: &'a str) -> Self {
        let mut parts = line.split(';');
        let pair = parts.next().unwrap_or_default();
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        let mut set = Self { name: trim(name), value: trim(value), ..Self::default() };
        set.has_control = line.chars().any(|char| char.is_ascii_control() && char != '\t');
        for attribute in parts {
            let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            set.attribute(&trim(name).to_ascii_lowercase(), trim(value));
        }
        set
    }

    fn attribute(&mut self, name: &str, value: &'a str) {
        if value.len() > MAX_ATTRIBUTE {
            return;
        }
        match name {
            "secure" => self.is_secure = true,
            "httponly" => self.is_http_only = true,
            "partitioned" => self.needs_secure = true,
            "samesite" if value.eq_ignore_ascii_case("none") => self.needs_secure = true,
            "path" => self.path = Some(value).filter(|path| path.starts_with('/')),
            "domain" => {
                let domain = value.strip_prefix('.').unwrap_or(value);
                self.domain = Some(domain.to_ascii_lowercase()).filter(|domain| !domain.is_empty());
            }
            "max-age" => self.max_age = max_age(value).or(self.max_age),
            "expires" => self.expires = date::parse(value).or(self.expires),
            _ => {}
        }
    }

    /// Returns the domain, and true if it is this host only; or the reason to drop the cookie (RFC 6265bis section
    /// 5.7).
    pub(super) fn check(&self, place: &Place) -> Result<(String, bool), Refusal> {
        if self.has_control || (self.name.is_empty() && self.value.is_empty()) {
            return Err(Refusal::Malformed);
        }
        if self.name.len() + self.value.len() > MAX_PAIR {
            return Err(Refusal::TooLarge);
        }
        let (domain, is_host_only) = match &self.domain {
            None => (place.host.clone(), true),
            // A domain of one label counts as a public suffix. A cookie for it is sent to that host only.
            Some(domain) if !domain.contains('.') && *domain == place.host => (domain.clone(), true),
            Some(domain) if domain.contains('.') && domain_matches(&place.host, domain) => (domain.clone(), false),
            Some(_) => return Err(Refusal::Domain),
        };
        if self.is_secure && !place.is_https {
            return Err(Refusal::Insecure);
        }
        if self.needs_secure && !self.is_secure {
            return Err(Refusal::NeedsSecure);
        }
        let is_host_cookie = self.is_secure && self.domain.is_none() && self.path == Some("/");
        let keeps_promise = match self.prefix() {
            Prefix::None => true,
            Prefix::Secure => self.is_secure,
            Prefix::Host => is_host_cookie,
            Prefix::Http => self.is_secure && self.is_http_only,
            Prefix::HostHttp => is_host_cookie && self.is_http_only,
            Prefix::InValue => false,
        };
        if keeps_promise { Ok((domain, is_host_only)) } else { Err(Refusal::Prefix) }
    }

    /// Returns the expiry. `Max-Age` overrides `Expires`, and neither is longer than 400 days.
    pub(super) fn expires(&self, now: SystemTime) -> Option<SystemTime> {
        match self.max_age {
            Some(MaxAge::Past) => Some(SystemTime::UNIX_EPOCH),
            Some(MaxAge::For(span)) => Some(now + span.min(LONGEST)),
            None => self.expires.map(|expires| expires.min(now + LONGEST)),
        }
    }

    fn prefix(&self) -> Prefix {
        // The longest first: `__host-http-` begins like `__host-`.
        const PREFIXES: [(&str, Prefix); 4] = [
            ("__host-http-", Prefix::HostHttp),
            ("__host-", Prefix::Host),
            ("__http-", Prefix::Http),
            ("__secure-", Prefix::Secure),
        ];
        // A nameless cookie is sent as its value, which a server would take for a name.
        if self.name.is_empty() && PREFIXES.iter().any(|(prefix, _)| is_prefixed(self.value, prefix)) {
            return Prefix::InValue;
        }
        PREFIXES.iter().find(|(prefix, _)| is_prefixed(self.name, prefix)).map_or(Prefix::None, |(_, promise)| *promise)
    }
}

#[derive(Clone, Copy)]
enum Prefix {
    None,
    Secure,
    Host,
    Http,
    HostHttp,
    InValue,
}

/// Prefixes are compared without regard to case, because some servers read names so.
fn is_prefixed(text: &str, prefix: &str) -> bool {
    text.as_bytes().get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

/// Returns `None` for a value that browsers ignore.
fn max_age(value: &str) -> Option<MaxAge> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if digits.len() < value.len() {
        return Some(MaxAge::Past);
    }
    // A number with too many digits is more than 400 days.
    match digits.parse() {
        Ok(0) => Some(MaxAge::Past),
        Ok(seconds) => Some(MaxAge::For(Duration::from_secs(seconds))),
        Err(_) => Some(MaxAge::For(LONGEST)),
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}
