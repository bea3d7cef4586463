//! The options of tower-sessions.

use std::borrow::Cow;

use ::tower_cookies::cookie::SameSite;

use crate::{CookieError, CookieOptions, tower_sessions::Expiry};

/// The options of tower-sessions, with their defaults.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) name: Cow<'static, str>,
    pub(super) is_http_only: bool,
    pub(super) same_site: SameSite,
    pub(super) is_secure: bool,
    pub(super) path: Cow<'static, str>,
    pub(super) domain: Option<Cow<'static, str>>,
    pub(super) expiry: Option<Expiry>,
    pub(super) always_save: bool,
}

impl Config {
    pub(super) fn cookie(&self) -> Result<CookieOptions, CookieError> {
        // First what changes other options, so that they are checked as they were asked for.
        let options = CookieOptions::builder();
        let mut options = if self.is_secure { options } else { options.insecure_http() };
        if !self.is_http_only {
            options = options.insecure_allow_scripts();
        }
        if let Some(domain) = self.domain.as_deref().filter(|domain| !domain.is_empty()) {
            options = options.domain(domain);
        }
        let same_site = match self.same_site {
            SameSite::Strict => crate::SameSite::Strict,
            SameSite::Lax => crate::SameSite::Lax,
            SameSite::None => crate::SameSite::None,
        };
        options.name(self.name.clone()).path(self.path.clone()).same_site(same_site).build()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "id".into(),
            is_http_only: true,
            same_site: SameSite::Strict,
            is_secure: true,
            path: "/".into(),
            domain: None,
            expiry: None,
            always_save: false,
        }
    }
}
