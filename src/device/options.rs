//! The options of device-bound sessions.

use std::{fmt, time::Duration};

const DEFAULT_PATH: &str = "/.well-known/cloakroom/";

/// The options of device-bound sessions, for [`SessionLayer::device_bound`](crate::SessionLayer::device_bound).
///
/// | option | default |
/// |---|---|
/// | [`path`](DeviceBoundBuilder::path) | `/.well-known/cloakroom/` |
/// | [`proof_lifetime`](DeviceBoundBuilder::proof_lifetime) | 10 minutes |
/// | [`on_mismatch`](DeviceBoundBuilder::on_mismatch) | [`OnMismatch::Report`] |
/// | [`report_only`](DeviceBoundBuilder::report_only) | no |
/// | [`no_registration`](DeviceBoundBuilder::no_registration) | no |
/// | [`site`](DeviceBoundBuilder::site) | none: the origin that registered |
///
/// Experimental: the protocol is a draft, and this interface may change in a minor version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceBound {
    register: String,
    refresh: String,
    lifetime: Duration,
    on_mismatch: OnMismatch,
    report_only: bool,
    no_registration: bool,
    site: Option<String>,
}

/// The reaction to a wrong signature under a live challenge: a client has the session's cookies, and not the device's key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnMismatch {
    /// Refuses the request and emits [`Event::DeviceMismatch`](crate::Event::DeviceMismatch). The owner's session goes on. The
    /// default.
    #[default]
    Report,
    /// Ends the session, too. A thief of the cookies can then log the owner out.
    EndSession,
}

impl DeviceBound {
    /// Starts from the defaults.
    #[must_use]
    pub fn builder() -> DeviceBoundBuilder {
        DeviceBoundBuilder {
            path: DEFAULT_PATH.to_owned(),
            lifetime: Duration::from_secs(600),
            on_mismatch: OnMismatch::default(),
            report_only: false,
            no_registration: false,
            site: None,
        }
    }

    /// Returns the path to which browsers post a new public key.
    #[must_use]
    pub fn register_path(&self) -> &str {
        &self.register
    }

    /// Returns the path to which browsers post proofs.
    #[must_use]
    pub fn refresh_path(&self) -> &str {
        &self.refresh
    }

    /// Returns how long a proof holds.
    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Returns how long the browser keeps a proof. It ends earlier in the browser, so that a request that was sent in time
    /// arrives in time.
    pub(crate) fn max_age(&self) -> Duration {
        let margin = (self.lifetime / 10).min(Duration::from_secs(30));
        Duration::from_secs(self.lifetime.saturating_sub(margin).as_secs())
    }

    /// Returns how long a challenge can be answered: longer than a proof holds, because a browser answers the challenge that
    /// came with the last proof.
    pub(crate) fn challenge_lifetime(&self) -> Duration {
        2 * self.lifetime
    }

    /// Returns for how long after the registration requests need no proof: they may have been sent before the cookie arrived.
    pub(crate) fn settling(&self) -> Duration {
        self.lifetime.min(Duration::from_secs(60))
    }

    pub(crate) fn on_mismatch_is_end(&self) -> bool {
        self.on_mismatch == OnMismatch::EndSession
    }

    pub(crate) fn is_report_only(&self) -> bool {
        self.report_only
    }

    pub(crate) fn registers(&self) -> bool {
        !self.no_registration
    }

    pub(crate) fn site(&self) -> Option<&str> {
        self.site.as_deref()
    }
}

/// Makes [`DeviceBound`].
#[derive(Clone, Debug)]
pub struct DeviceBoundBuilder {
    path: String,
    lifetime: Duration,
    on_mismatch: OnMismatch,
    report_only: bool,
    no_registration: bool,
    site: Option<String>,
}

impl DeviceBoundBuilder {
    /// Sets the prefix of the two paths that the layer answers, `register` and `refresh`. It begins and ends with `/`. Default:
    /// `/.well-known/cloakroom/`. Of several layers around one handler, each needs a prefix of its own: the outermost answers.
    #[must_use]
    pub fn path(mut self, prefix: impl Into<String>) -> Self {
        self.path = prefix.into();
        self
    }

    /// Sets how long a proof holds, in whole seconds from 5 seconds to 24 hours: a stolen cookie works for this long at most.
    /// Default: 10 minutes.
    ///
    /// Below 5 minutes is for tests: Chromium signs at most 6 times in 9 minutes for a site, and begins to refresh 2 minutes before
    /// the end of a proof. A browser over its quota sends requests without a proof.
    #[must_use]
    pub fn proof_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets the reaction to a wrong signature. Default: [`OnMismatch::Report`].
    #[must_use]
    pub fn on_mismatch(mut self, reaction: OnMismatch) -> Self {
        self.on_mismatch = reaction;
        self
    }

    /// Opens bound sessions without a proof, too, and only reports them
    /// ([`Rejection::Unproven`](crate::Rejection::Unproven)): for the first days of a roll-out. It protects nothing. Default: no.
    #[must_use]
    pub fn report_only(mut self) -> Self {
        self.report_only = true;
        self
    }

    /// Registers no device, and checks those that are bound: for the first step of a roll-out, in which some servers do not know
    /// the option yet. Default: no.
    #[must_use]
    pub fn no_registration(mut self) -> Self {
        self.no_registration = true;
        self
    }

    /// Covers every host of a site, if the session's cookie has a `Domain`: `https://example.com`, without a path. The host is
    /// the registrable domain. A browser that registers on another host of the site asks
    /// `https://example.com/.well-known/device-bound-sessions` whether it may (DBSC, "Create session"). Default: the origin that
    /// registered, and no other.
    #[must_use]
    pub fn site(mut self, origin: impl Into<String>) -> Self {
        self.site = Some(origin.into());
        self
    }

    /// Checks the options.
    ///
    /// # Errors
    ///
    /// An option is out of its bounds: see [`DeviceBoundError`].
    pub fn build(self) -> Result<DeviceBound, DeviceBoundError> {
        let Self { path, lifetime, on_mismatch, report_only, no_registration, site } = self;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        if !path.starts_with('/') || !path.ends_with('/') || path.contains("//") || !path.bytes().all(is_plain) {
            return Err(DeviceBoundError::Path);
        }
        let has_whole_seconds = lifetime.subsec_nanos() == 0;
        if !(5..=24 * 60 * 60).contains(&lifetime.as_secs()) || !has_whole_seconds {
            return Err(DeviceBoundError::ProofLifetime);
        }
        let is_host = |host: &str| !host.is_empty() && host.bytes().all(|byte| is_plain(byte) && byte != b'/');
        let is_origin = |origin: &str| origin.strip_prefix("https://").is_some_and(is_host);
        if site.as_deref().is_some_and(|site| !is_origin(site)) {
            return Err(DeviceBoundError::Site);
        }
        let (register, refresh) = (format!("{path}register"), format!("{path}refresh"));
        Ok(DeviceBound { register, refresh, lifetime, on_mismatch, report_only, no_registration, site })
    }
}

/// An option of [`DeviceBound`] is out of its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceBoundError {
    /// The path's prefix does not begin and end with `/`, or has characters that a URL would escape.
    Path,
    /// The proof's lifetime is not in whole seconds from 5 seconds to 24 hours.
    ProofLifetime,
    /// The site is not `https://` and a host.
    Site,
}

impl fmt::Display for DeviceBoundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => {
                "the path for devices must begin and end with `/`, and have letters, digits and `-._~` between"
            }
            Self::ProofLifetime => "a proof's lifetime must be whole seconds, from 5 seconds to 24 hours",
            Self::Site => "the site must be `https://` and a host, without a port and a path",
        })
    }
}

impl std::error::Error for DeviceBoundError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_out_of_bounds_are_refused() {
        let new = DeviceBound::builder;
        let seconds = Duration::from_secs;
        let table = [
            (new(), Ok(())),
            (new().path("/"), Ok(())),
            (new().path("/a"), Err(DeviceBoundError::Path)),
            (new().path("a/"), Err(DeviceBoundError::Path)),
            (new().path("/a\"/"), Err(DeviceBoundError::Path)),
            (new().path("//a/"), Err(DeviceBoundError::Path)),
            (new().proof_lifetime(seconds(5)), Ok(())),
            (new().proof_lifetime(seconds(4)), Err(DeviceBoundError::ProofLifetime)),
            (new().proof_lifetime(Duration::from_millis(5_001)), Err(DeviceBoundError::ProofLifetime)),
            (new().proof_lifetime(seconds(86_401)), Err(DeviceBoundError::ProofLifetime)),
            (new().site("https://example.com"), Ok(())),
            (new().site("https://example.com/"), Err(DeviceBoundError::Site)),
            (new().site("http://example.com"), Err(DeviceBoundError::Site)),
            (new().site("https://"), Err(DeviceBoundError::Site)),
        ];
        for (builder, expected) in table {
            let shown = format!("{builder:?}");
            assert_eq!(builder.build().map(drop), expected, "{shown}");
        }
    }

    #[test]
    fn the_browser_drops_a_proof_before_the_server_does() {
        for (lifetime, max_age) in [(5, 4), (10, 9), (60, 54), (600, 570), (86_400, 86_370)] {
            let options = DeviceBound::builder().proof_lifetime(Duration::from_secs(lifetime)).build().unwrap();
            assert_eq!(options.max_age(), Duration::from_secs(max_age));
        }
    }
}
