//! The error of cookie options.

use std::fmt;

use crate::chain::debug_like_display;

/// Cookie options that browsers would drop, and a value that they would.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookieError {
    /// The name is empty, too long, or has octets that RFC 6265bis section 4.1.1 does not allow.
    Name,
    /// The path does not begin with `/`, is too long, or has control characters, `;`, or is not ASCII.
    Path,
    /// The domain is not a host name.
    Domain,
    /// The domain begins or ends with a dot, or has two in a row. One leading dot is fine.
    DomainDot,
    /// The domain has a port.
    DomainPort,
    /// The domain has a scheme: it is a URL.
    DomainScheme,
    /// A `__Host-` name needs `Secure`, the path `/` and no domain (RFC 6265bis section 4.1.3.2).
    HostPrefix,
    /// A `__Http-` or `__Host-Http-` name needs `Secure` and `HttpOnly`.
    HttpPrefix,
    /// `__Secure-`, `Partitioned` and `SameSite=None` need `Secure`.
    NeedsSecure,
    /// The value has octets that no header can carry.
    Value,
    /// Name and value are over 4096 bytes together (RFC 6265bis section 5.7).
    TooLarge {
        /// Their size in bytes.
        bytes: usize,
    },
}

impl fmt::Display for CookieError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "the cookie's name is empty, too long or has octets that are not allowed",
            Self::Path => "the cookie's path must begin with a slash and have plain ASCII octets only",
            Self::Domain => "the cookie's domain is not a host name",
            Self::DomainDot => "the cookie's domain has a dot at its beginning or its end, or two in a row: remove it",
            Self::DomainPort => "the cookie's domain has a port: remove it, cookies are for all ports of a host",
            Self::DomainScheme => "the cookie's domain has a scheme: give the host's name only, without `https://`",
            Self::HostPrefix => "a `__Host-` cookie needs `Secure`, the path `/` and no domain",
            Self::HttpPrefix => {
                "a `__Http-` or `__Host-Http-` cookie needs `Secure` and `HttpOnly`; set a name such as `__Host-id`"
            }
            Self::NeedsSecure => "`__Secure-`, `Partitioned` and `SameSite=None` need `Secure`",
            Self::Value => "the cookie's value has octets that no header can carry",
            Self::TooLarge { bytes } => return write!(f, "the cookie has {bytes} bytes, and browsers keep 4096"),
        })
    }
}

debug_like_display!(CookieError);

impl std::error::Error for CookieError {}
