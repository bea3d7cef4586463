//! A cookie jar that is as strict as a browser's.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderValue, header};

use self::{
    place::{Place, domain_matches, path_matches},
    set_cookie::SetCookie,
};
use crate::config::Clock;

mod date;
mod place;
mod set_cookie;

/// The longest time for which browsers keep a cookie (RFC 6265bis section 5.5).
const LONGEST: Duration = Duration::from_secs(400 * 24 * 60 * 60);
/// The limit for the bytes of a cookie's name and value together. Browsers drop longer cookies (RFC 6265bis section
/// 5.7).
const MAX_PAIR: usize = 4096;

/// Keeps cookies between requests as a browser does, and drops those that a browser drops, for tests without a browser.
///
/// It follows RFC 6265bis: prefixes, `Secure`, `Domain`, `Path`, `Max-Age`, `Expires`, the limits of 4096 bytes and 400
/// days, and the rule that plain http cannot replace a secure cookie. Every request counts as same-site. A domain of
/// one label counts as a public suffix. Only https is secure, even for `localhost`.
///
/// Client jars such as `cookie_store`, which `reqwest` uses, check neither prefixes nor the limits of size and time,
/// and use a clock that a test cannot move. A clone is a separate copy, for example the one of a thief.
///
/// ```
/// use cloakroom::testing::CookieJar;
/// use http::{HeaderMap, HeaderValue, header};
///
/// let mut response = HeaderMap::new();
/// response.append(header::SET_COOKIE, HeaderValue::from_static("__Host-id=1; Path=/; Secure"));
/// response.append(header::SET_COOKIE, HeaderValue::from_static("__Host-other=2; Path=/")); // Not secure!
///
/// let mut jar = CookieJar::new();
/// let refused = jar.store(&response, "https://example.com/login");
/// assert_eq!(refused.len(), 1);
///
/// assert_eq!(jar.header("https://example.com/").expect("a cookie"), "__Host-id=1");
/// assert_eq!(jar.header("http://example.com/"), None);
/// ```
#[derive(Clone)]
pub struct CookieJar {
    cookies: Vec<Cookie>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone)]
struct Cookie {
    name: String,
    value: String,
    domain: String,
    is_host_only: bool,
    path: String,
    is_secure: bool,
    /// `None` if the cookie is kept until the browser is closed.
    expires: Option<SystemTime>,
}

/// The reason for which a browser drops a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It has neither a name nor a value, or has control characters.
    Malformed,
    /// Name and value are longer than 4096 bytes together.
    TooLarge,
    /// `Secure` over plain http.
    Insecure,
    /// Plain http would shadow or replace a secure cookie.
    ShadowsSecure,
    /// `Domain` is neither this host nor one above it.
    Domain,
    /// `__Secure-` without `Secure`; `__Host-` without `Secure` or `Path=/`, or with a `Domain`; `__Http-` without `Secure` or
    /// `HttpOnly`. `__Host-Http-` needs what `__Host-` and `__Http-` need.
    Prefix,
    /// `SameSite=None` or `Partitioned` without `Secure`.
    NeedsSecure,
}

impl CookieJar {
    /// Makes an empty jar that uses the machine's clock.
    #[must_use]
    pub fn new() -> Self {
        Self { cookies: Vec::new(), clock: Arc::new(SystemTime::now) }
    }

    /// Sets the clock, for example the [`TestClock`](super::TestClock) of the session layer.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Stores the cookies of a response from this URL. Returns the names of those that a browser would drop, with the
    /// reasons; a browser drops them without a message.
    ///
    /// # Panics
    ///
    /// The URL is not an absolute http or https URL.
    pub fn store(&mut self, response: &HeaderMap, url: &str) -> Vec<(String, Refusal)> {
        let place = Place::parse(url);
        let mut refused = Vec::new();
        for header in response.get_all(header::SET_COOKIE) {
            let text = String::from_utf8_lossy(header.as_bytes());
            let set = SetCookie::parse(&text);
            let name = set.name.to_owned();
            if let Err(why) = self.keep(&set, &place) {
                refused.push((name, why));
            }
        }
        refused
    }

    /// Returns the `Cookie` header of a request to this URL, or `None` if there is no cookie for it.
    ///
    /// # Panics
    ///
    /// The URL is not an absolute http or https URL.
    #[must_use]
    pub fn header(&self, url: &str) -> Option<HeaderValue> {
        let pairs: Vec<String> = self.sent(url).iter().map(ToString::to_string).collect();
        let header = HeaderValue::try_from(pairs.join("; ")).ok()?;
        Some(header).filter(|header| !header.is_empty())
    }

    /// Returns the value of a cookie if a request to this URL carries it.
    ///
    /// # Panics
    ///
    /// The URL is not an absolute http or https URL.
    #[must_use]
    pub fn value(&self, url: &str, name: &str) -> Option<&str> {
        self.sent(url).into_iter().find(|cookie| cookie.name == name).map(|cookie| &*cookie.value)
    }

    /// Ends the browser session: removes cookies without `Max-Age` and `Expires`.
    pub fn close_browser(&mut self) {
        self.cookies.retain(|cookie| cookie.expires.is_some());
    }

    fn keep(&mut self, set: &SetCookie<'_>, place: &Place) -> Result<(), Refusal> {
        let (domain, is_host_only) = set.check(place)?;
        let now = self.clock.now();
        self.cookies.retain(|cookie| cookie.is_live(now));
        let cookie = Cookie {
            name: set.name.to_owned(),
            value: set.value.to_owned(),
            domain,
            is_host_only,
            path: set.path.map_or_else(|| place.default_path(), str::to_owned),
            is_secure: set.is_secure,
            expires: set.expires(now),
        };
        if !place.is_https && self.cookies.iter().any(|other| cookie.shadows(other)) {
            return Err(Refusal::ShadowsSecure);
        }
        let same = self.cookies.iter().position(|other| cookie.is_same(other));
        match (same, cookie.is_live(now)) {
            // The cookie keeps its place, because cookies are sent in the order in which they were first set.
            (Some(at), true) => self.cookies[at] = cookie,
            (Some(at), false) => drop(self.cookies.remove(at)),
            (None, true) => self.cookies.push(cookie),
            (None, false) => {}
        }
        Ok(())
    }

    fn sent(&self, url: &str) -> Vec<&Cookie> {
        let (place, now) = (Place::parse(url), self.clock.now());
        let mut sent: Vec<&Cookie> =
            self.cookies.iter().filter(|cookie| cookie.is_live(now) && cookie.is_for(&place)).collect();
        // The sort is stable, so older ones stay before newer ones.
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        sent
    }
}

impl Default for CookieJar {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows the places of cookies, but not their values.
impl fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cookies = self.cookies.iter().map(|cookie| format!("{} for {}{}", cookie.name, cookie.domain, cookie.path));
        f.debug_list().entries(cookies).finish()
    }
}

impl Cookie {
    fn is_live(&self, now: SystemTime) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }

    fn is_for(&self, place: &Place) -> bool {
        let is_host = place.host == self.domain || (!self.is_host_only && domain_matches(&place.host, &self.domain));
        is_host && path_matches(&place.path, &self.path) && (place.is_https || !self.is_secure)
    }

    fn is_same(&self, other: &Self) -> bool {
        let key =
            |cookie: &Self| (cookie.name.clone(), cookie.domain.clone(), cookie.is_host_only, cookie.path.clone());
        key(self) == key(other)
    }

    /// RFC 6265bis section 5.7 step 15: "leave secure cookies alone".
    fn shadows(&self, other: &Self) -> bool {
        let is_near = domain_matches(&self.domain, &other.domain) || domain_matches(&other.domain, &self.domain);
        other.is_secure && self.name == other.name && is_near && path_matches(&self.path, &other.path)
    }
}

impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() { f.write_str(&self.value) } else { write!(f, "{}={}", self.name, self.value) }
    }
}
