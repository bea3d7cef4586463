//! Guides, one for each task. Their code is compiled by the tests.
//!
//! | guide | for |
//! |---|---|
//! | [`login`] | passwords, login and logout, "remember me", "your devices", log out everywhere, a change of the password |
//! | [`flash`] | a message that one page leaves for the next one |
//! | [`csrf`] | forms that other sites send |
//! | [`testing`] | tests of pages that need a login, of stores, and of failures |
//! | [`production`] | proxies, keys, Redis, SQL, time-outs, metrics, health |
//! | [`performance`] | what a session costs, measured beside other libraries |
//! | `moving` | from one store to another while the service runs; with `secure-cookies` |
//! | `roll_out` | beside nodes of actix-session or tower-sessions, step by step; with `formats` |
//! | [`streaming`] | server-sent events, `WebSocket`s, and tasks that outlive the response |
//! | `device_bound` | sessions that a copy of the cookies does not open for long; with that feature |
//! | `from_actix_session` | services on `actix-session`; with that feature |
//! | `from_tower_sessions` | services on `tower-sessions`, and `axum-login`; with `tower-sessions-signed` |
//! | `stand_ins` | crates that link `actix-session`, such as `actix-identity` |
//!
//! Only documentation and its tests have this module.

#[doc = include_str!("csrf.md")]
pub mod csrf {}

#[cfg(feature = "device-bound")]
#[doc = include_str!("../../docs/device-bound.md")]
pub mod device_bound {}

#[doc = include_str!("flash.md")]
pub mod flash {}

#[cfg(feature = "actix-session")]
#[doc = include_str!("../../docs/from-actix-session.md")]
pub mod from_actix_session {}

#[cfg(feature = "tower-sessions-signed")]
#[doc = include_str!("../../docs/from-tower-sessions.md")]
pub mod from_tower_sessions {}

#[doc = include_str!("login.md")]
pub mod login {}

#[cfg(feature = "secure-cookies")]
#[doc = include_str!("moving.md")]
pub mod moving {}

#[doc = include_str!("../../docs/performance.md")]
pub mod performance {}

#[doc = include_str!("production.md")]
pub mod production {}

#[cfg(feature = "formats")]
#[doc = include_str!("roll_out.md")]
pub mod roll_out {}

#[cfg(feature = "actix-session")]
#[doc = include_str!("stand_ins.md")]
pub mod stand_ins {}

#[doc = include_str!("streaming.md")]
pub mod streaming {}

#[doc = include_str!("testing.md")]
pub mod testing {}
