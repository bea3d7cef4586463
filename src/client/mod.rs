//! The values that clients hold: plain tokens, signed tokens, and whole sessions in sealed cookies.

mod format;
mod plain;
#[cfg(feature = "secure-cookies")]
mod sealed;
#[cfg(feature = "secure-cookies")]
mod signed;

#[cfg(feature = "secure-cookies")]
pub use self::sealed::CookieStore;
#[cfg(feature = "secure-cookies")]
pub(crate) use self::signed::SignedTokens;
pub(crate) use self::{
    format::{ClientValue, Format, KeyAge, Opened, Refused, Terms},
    plain::PlainTokens,
};
