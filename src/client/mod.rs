//! What clients hold.

mod sealed;

pub use self::sealed::CookieStore;
