//! The session cookie's name and attributes, checked when they are built.

use crate::error::CookieError;

/// The limit for the bytes of an attribute's value. Browsers ignore longer attributes (RFC 6265bis section 5.6).
const MAX_ATTRIBUTE: usize = 1024;

/// The session cookie's name and attributes.
///
/// | option | default |
/// |---|---|
/// | [`name`](CookieOptionsBuilder::name) | `__Host-Http-id` |
/// | [`domain`](CookieOptionsBuilder::domain) | none: this host only |
/// | [`path`](CookieOptionsBuilder::path) | `/` |
/// | [`same_site`](CookieOptionsBuilder::same_site) | [`SameSite::Lax`] |
/// | [`partitioned`](CookieOptionsBuilder::partitioned) | no |
/// | `Secure`, `HttpOnly` | yes |
///
/// ```
/// use cloakroom::{CookieOptions, SameSite};
///
/// let options = CookieOptions::builder().name("__Secure-shop").domain("example.com").build()?;
/// let refused = CookieOptions::builder().name("__Host-shop").domain("example.com").build();
/// assert!(refused.is_err());
/// # Ok::<_, cloakroom::CookieError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieOptions {
    pub(super) name: String,
    /// Everything after the value except `Max-Age`, ready to send.
    pub(super) attributes: String,
    builder: CookieOptionsBuilder,
}

impl CookieOptions {
    /// Returns a builder with the defaults.
    #[must_use]
    pub fn builder() -> CookieOptionsBuilder {
        CookieOptionsBuilder {
            name: "__Host-Http-id".to_owned(),
            domain: None,
            path: "/".to_owned(),
            same_site: SameSite::Lax,
            secure: true,
            http_only: true,
            partitioned: false,
        }
    }

    /// Returns the cookie's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns these options for plain http: see [`CookieOptionsBuilder::insecure_http`].
    pub(crate) fn into_insecure_http(self) -> Self {
        Self::from_checked(self.builder.insecure_http())
    }

    /// Returns the cookie of a device's proofs, beside this one. `None`: the protocol covers neither partitioned cookies nor plain
    /// http.
    #[cfg(feature = "device-bound")]
    pub(crate) fn of_proof(&self) -> Option<Self> {
        let mut builder = self.builder.clone();
        // Chromium 156 does not refresh a cookie with an `Http` prefix.
        for (prefix, other) in [("__Host-Http-", "__Host-"), ("__Http-", "__Secure-")] {
            if has_prefix(&builder.name, prefix) {
                builder.name.replace_range(..prefix.len(), other);
                break;
            }
        }
        builder.name.push_str("-proof");
        (builder.secure && !builder.partitioned).then(|| Self::from_checked(builder))
    }

    /// Returns the attributes as a `Set-Cookie` header has them, without `Max-Age`.
    #[cfg(feature = "device-bound")]
    pub(crate) fn attributes(&self) -> &str {
        self.attributes.trim_start_matches("; ")
    }

    fn from_checked(builder: CookieOptionsBuilder) -> Self {
        let mut attributes = format!("; Path={}", builder.path);
        if let Some(domain) = &builder.domain {
            attributes.push_str("; Domain=");
            attributes.push_str(domain);
        }
        for (is_set, attribute) in
            [(builder.secure, "; Secure"), (builder.http_only, "; HttpOnly"), (builder.partitioned, "; Partitioned")]
        {
            if is_set {
                attributes.push_str(attribute);
            }
        }
        attributes.push_str(match builder.same_site {
            SameSite::Strict => "; SameSite=Strict",
            SameSite::Lax => "; SameSite=Lax",
            SameSite::None => "; SameSite=None",
        });
        Self { name: builder.name.clone(), attributes, builder }
    }
}

impl Default for CookieOptions {
    fn default() -> Self {
        Self::from_checked(Self::builder())
    }
}

/// The cross-site requests with which a browser sends the cookie (RFC 6265bis section 5.6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum SameSite {
    /// With no cross-site request. A user who follows a link from another site arrives logged out.
    Strict,
    /// With top-level navigations by safe methods only. The default.
    #[default]
    Lax,
    /// With every request. The application needs its own protection against cross-site request forgery.
    None,
}

/// Builds [`CookieOptions`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieOptionsBuilder {
    name: String,
    domain: Option<String>,
    path: String,
    same_site: SameSite,
    secure: bool,
    http_only: bool,
    partitioned: bool,
}

impl CookieOptionsBuilder {
    /// Sets the cookie's name. Default: `__Host-Http-id`.
    ///
    /// Browsers that know the prefix `__Host-Http-` keep such a cookie only if a response set it with `HttpOnly`, so that no
    /// script can plant one. Other browsers take it for `__Host-`, which is nearly as good.
    ///
    /// Keep a `__Host-` or `__Secure-` prefix if you can. Without a prefix, a page of a neighbouring subdomain or over
    /// plain http can plant a cookie of this name (RFC 6265bis section 4.1.3).
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sends the cookie to every host below `domain`, too. Default: this host only. The cookie's name must not begin
    /// with `__Host-`.
    ///
    /// A leading dot is removed, as browsers do (RFC 6265bis section 5.6.3).
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        let domain = domain.into();
        self.domain = Some(domain.strip_prefix('.').map_or_else(|| domain.clone(), str::to_owned));
        self
    }

    /// Sends the cookie for this path and below only. Default: `/`.
    ///
    /// This does not protect the session: pages under other paths of the host can still use it (RFC 6265bis section
    /// 8.5).
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets the cross-site requests with which a browser sends the cookie. Default: [`SameSite::Lax`].
    #[must_use]
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Keeps the cookie separate for each top-level site that embeds this one (CHIPS). Default: no.
    #[must_use]
    pub fn partitioned(mut self) -> Self {
        self.partitioned = true;
        self
    }

    /// Lets scripts in the page read the cookie, by leaving out `HttpOnly`. One injected script then steals sessions. Needs a
    /// [`name`](Self::name) without `Http-`, such as `__Host-id`.
    #[must_use]
    pub fn insecure_allow_scripts(mut self) -> Self {
        self.http_only = false;
        self
    }

    /// For development over plain http: leaves out `Secure`, and with it all that needs it: a prefix of the name
    /// (`__Host-Http-id` becomes `id`), `Partitioned`, and `SameSite=None`, which becomes `Lax`.
    #[must_use]
    pub fn insecure_http(mut self) -> Self {
        let prefix = PREFIXES.iter().find(|prefix| has_prefix(&self.name, prefix));
        if let Some(bare) = prefix.and_then(|prefix| self.name.get(prefix.len()..)) {
            self.name = bare.to_owned();
        }
        if self.same_site == SameSite::None {
            self.same_site = SameSite::Lax;
        }
        self.secure = false;
        self.partitioned = false;
        self
    }

    /// Builds the options.
    ///
    /// # Errors
    ///
    /// Browsers would drop this combination without a message: see [`CookieError`].
    pub fn build(self) -> Result<CookieOptions, CookieError> {
        if self.name.is_empty() || self.name.len() > MAX_ATTRIBUTE || !self.name.bytes().all(is_token) {
            return Err(CookieError::Name);
        }
        if PREFIXES.iter().any(|prefix| self.name.eq_ignore_ascii_case(prefix)) {
            return Err(CookieError::Name);
        }
        let is_host = has_prefix(&self.name, "__Host-");
        if is_host && (self.domain.is_some() || self.path != "/" || !self.secure) {
            return Err(CookieError::HostPrefix);
        }
        let is_http = ["__Http-", "__Host-Http-"].iter().any(|prefix| has_prefix(&self.name, prefix));
        if is_http && !(self.http_only && self.secure) {
            return Err(CookieError::HttpPrefix);
        }
        let needs_secure = has_prefix(&self.name, "__Secure-") || self.partitioned || self.same_site == SameSite::None;
        if needs_secure && !self.secure {
            return Err(CookieError::NeedsSecure);
        }
        if !self.path.starts_with('/') || self.path.len() > MAX_ATTRIBUTE || !self.path.bytes().all(is_path) {
            return Err(CookieError::Path);
        }
        self.domain.as_deref().map_or(Ok(()), check_domain)?;
        Ok(CookieOptions::from_checked(self))
    }
}

/// The longest stands first, because `__Host-Http-` begins like `__Host-`.
const PREFIXES: [&str; 4] = ["__Host-Http-", "__Host-", "__Http-", "__Secure-"];

/// Returns true if the name has this prefix. Browsers compare prefixes without regard to case (RFC 6265bis section
/// 5.7).
fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_path(byte: u8) -> bool {
    (b' '..0x7f).contains(&byte) && byte != b';'
}

fn check_domain(domain: &str) -> Result<(), CookieError> {
    if is_domain(domain) {
        return Ok(());
    }
    let port = domain.rsplit_once(':').map(|(_, port)| port);
    Err(if domain.contains("://") {
        CookieError::DomainScheme
    } else if port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit())) {
        CookieError::DomainPort
    } else if is_domain(domain.trim_matches('.')) || domain.contains("..") {
        CookieError::DomainDot
    } else {
        CookieError::Domain
    })
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    domain.len() <= 253 && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_that_browsers_drop_are_refused() {
        let new = CookieOptions::builder;
        let table = [
            (new(), Ok("__Host-Http-id")),
            (new().name("id").domain("example.com").path("/app"), Ok("id")),
            (new().same_site(SameSite::None).partitioned(), Ok("__Host-Http-id")),
            (new().insecure_http(), Ok("id")),
            (new().same_site(SameSite::None).partitioned().insecure_http(), Ok("id")),
            (new().name("__Host-Http-s").insecure_http(), Ok("s")),
            (new().name("__secure-s").insecure_http(), Ok("s")),
            (new().insecure_allow_scripts(), Err(CookieError::HttpPrefix)),
            (new().name("__Host-id").insecure_allow_scripts(), Ok("__Host-id")),
            (new().domain("example.com"), Err(CookieError::HostPrefix)),
            (new().name("__hOST-x").path("/a"), Err(CookieError::HostPrefix)),
            (new().insecure_http().name("__Host-id"), Err(CookieError::HostPrefix)),
            (new().insecure_http().name("__Secure-id"), Err(CookieError::NeedsSecure)),
            (new().insecure_http().partitioned(), Err(CookieError::NeedsSecure)),
            (new().insecure_http().same_site(SameSite::None), Err(CookieError::NeedsSecure)),
            (new().name("__Http-id").insecure_allow_scripts(), Err(CookieError::HttpPrefix)),
            (new().name("__Host-"), Err(CookieError::Name)),
            (new().name("__Host-").insecure_http(), Err(CookieError::Name)),
            (new().name(""), Err(CookieError::Name)),
            (new().name("a b"), Err(CookieError::Name)),
            (new().name("a=b"), Err(CookieError::Name)),
            (new().name("é"), Err(CookieError::Name)),
            (new().name("n".repeat(1025)), Err(CookieError::Name)),
            (new().name("id").path("app"), Err(CookieError::Path)),
            (new().name("id").path("/a;b"), Err(CookieError::Path)),
            (new().name("id").path("/a\r\nb"), Err(CookieError::Path)),
            (new().name("id").path(format!("/{}", "p".repeat(1024))), Err(CookieError::Path)),
            (new().name("id").domain(""), Err(CookieError::Domain)),
            (new().name("id").domain(".example.com"), Ok("id")),
            (new().name("id").domain("..example.com"), Err(CookieError::DomainDot)),
            (new().name("id").domain("example.com."), Err(CookieError::DomainDot)),
            (new().name("id").domain("example..com"), Err(CookieError::DomainDot)),
            (new().name("id").domain("example.com:8080"), Err(CookieError::DomainPort)),
            (new().name("id").domain("https://example.com"), Err(CookieError::DomainScheme)),
            (new().name("id").domain("https://example.com:8080/"), Err(CookieError::DomainScheme)),
            (new().name("id").domain("example.com; Secure"), Err(CookieError::Domain)),
        ];
        for (builder, expected) in table {
            let shown = format!("{builder:?}");
            assert_eq!(builder.build().map(|options| options.name), expected.map(str::to_owned), "{shown}");
        }
    }
}
