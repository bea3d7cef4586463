//! The error of cookie options.

use std::fmt;

/// Cookie options, or a value, that browsers would drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookieError {
    /// The name is empty, too long, or has octets that RFC 6265bis section 4.1.1 does not allow.
    Name,
    /// The path does not begin with `/`, is too long, or has control characters, `;`, or is not ASCII.
    Path,
    /// The domain is not a host name.
    Domain,
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
            Self::HostPrefix => "a `__Host-` cookie needs `Secure`, the path `/` and no domain",
            Self::HttpPrefix => "a `__Http-` cookie needs `Secure` and `HttpOnly`",
            Self::NeedsSecure => "`__Secure-`, `Partitioned` and `SameSite=None` need `Secure`",
            Self::Value => "the cookie's value has octets that no header can carry",
            Self::TooLarge { bytes } => return write!(f, "the cookie has {bytes} bytes, and browsers keep 4096"),
        })
    }
}

impl std::error::Error for CookieError {}
