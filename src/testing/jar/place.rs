//! The host, path and scheme of a request.

use std::net::IpAddr;

use http::Uri;

/// The parts of a URL that decide on cookies. The port does not.
pub(super) struct Place {
    pub(super) is_https: bool,
    pub(super) host: String,
    pub(super) path: String,
}

impl Place {
    pub(super) fn parse(url: &str) -> Self {
        let uri: Uri = url.parse().unwrap_or_else(|error| panic!("{url:?} is no URL: {error}"));
        let is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => panic!("{url:?} is no absolute http or https URL"),
        };
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        Self { is_https, host, path: uri.path().to_owned() }
    }

    /// Returns the path up to the last slash, without it (RFC 6265bis section 5.1.4).
    pub(super) fn default_path(&self) -> String {
        match self.path.rfind('/') {
            None | Some(0) => "/".to_owned(),
            Some(at) => self.path[..at].to_owned(),
        }
    }
}

/// Compares domains by RFC 6265bis section 5.1.3.
pub(super) fn domain_matches(host: &str, domain: &str) -> bool {
    let is_ip = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    host == domain || (!is_ip && host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
}

/// Compares paths by RFC 6265bis section 5.1.4.
pub(super) fn path_matches(requested: &str, path: &str) -> bool {
    let rest = requested.strip_prefix(path);
    rest.is_some_and(|rest| rest.is_empty() || path.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_whole_labels_and_segments() {
        let domains = [
            ("example.com", "example.com", true),
            ("a.example.com", "example.com", true),
            ("example.com", "a.example.com", false),
            ("badexample.com", "example.com", false),
            ("127.0.0.1", "0.0.1", false),
            ("127.0.0.1", "127.0.0.1", true),
        ];
        for (host, domain, expected) in domains {
            assert_eq!(domain_matches(host, domain), expected, "{host} {domain}");
        }
        let paths = [
            ("/", "/", true),
            ("/a", "/", true),
            ("/a", "/a", true),
            ("/a/b", "/a", true),
            ("/a/b", "/a/", true),
            ("/ab", "/a", false),
            ("/a", "/a/", false),
        ];
        for (requested, path, expected) in paths {
            assert_eq!(path_matches(requested, path), expected, "{requested} {path}");
        }
        let defaults = [("/", "/"), ("/a", "/"), ("/a/", "/a"), ("/a/b", "/a")];
        for (path, expected) in defaults {
            assert_eq!(Place::parse(&format!("https://example.com{path}")).default_path(), expected);
        }
    }
}
