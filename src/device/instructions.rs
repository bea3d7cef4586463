//! The texts that the layer sends to browsers.

use serde_json::json;

use super::DeviceBound;
use crate::store::SessionId;

/// The body that ends a device's session (DBSC, "JSON Session Instruction Format").
pub(crate) const ENDED: &str = r#"{"continue": false}"#;

/// Makes the value of `Secure-Session-Registration`.
pub(crate) fn registration(options: &DeviceBound, challenge: &str) -> String {
    format!(r#"(ES256 RS256);path="{}";challenge="{challenge}""#, options.register_path())
}

/// Makes the body that tells the browser what to do from now on: to have this cookie with each request, and where it gets it.
pub(crate) fn instructions(options: &DeviceBound, id: &SessionId, cookie: &str, attributes: &str) -> String {
    let mut scope = json!({ "include_site": options.site().is_some() });
    if let (Some(site), Some(scope)) = (options.site(), scope.as_object_mut()) {
        scope.insert("origin".to_owned(), site.into());
    }
    let instructions = json!({
        "session_identifier": id,
        "refresh_url": options.refresh_path(),
        "scope": scope,
        "credentials": [{ "type": "cookie", "name": cookie, "attributes": attributes }],
    });
    instructions.to_string()
}

/// Reads a string of a structured header (RFC 9651 section 4.2.5), without the parameters behind it. Without quotes, it is
/// taken as it is: browsers of 2025 sent it so.
pub(crate) fn quoted(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let Some(rest) = text.strip_prefix('"') else { return Some(text) };
    let (inner, _) = rest.split_once('"')?;
    // Neither a JWT nor an id has a character to escape.
    (!inner.contains('\\')).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_string_is_read() {
        let table: [(&[u8], Option<&str>); 7] = [
            (b"\"a.b\"", Some("a.b")),
            (b" \"a\";x=\"b\" ", Some("a")),
            (b"a.b", Some("a.b")),
            (b"", Some("")),
            (b"\"a", None),
            (b"\"a\\\"b\"", None),
            (b"\xff", None),
        ];
        for (value, expected) in table {
            assert_eq!(quoted(value), expected, "{value:?}");
        }
    }

    #[test]
    fn the_instructions_name_the_cookie_and_its_scope() {
        let id = SessionId::from_bytes([0; 16]);
        let options = DeviceBound::builder().build().unwrap();
        let text = instructions(&options, &id, "__Host-id-proof", "Path=/; Secure");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        let expected = json!({
            "session_identifier": "AAAAAAAAAAAAAAAAAAAAAA",
            "refresh_url": "/.well-known/cloakroom/refresh",
            "scope": { "include_site": false },
            "credentials": [{ "type": "cookie", "name": "__Host-id-proof", "attributes": "Path=/; Secure" }],
        });
        assert_eq!(read, expected);
        let options = DeviceBound::builder().site("https://shop.example").path("/d/").build().unwrap();
        let text = instructions(&options, &id, "c", "");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["scope"], json!({ "include_site": true, "origin": "https://shop.example" }));
        assert_eq!(registration(&options, "c"), r#"(ES256 RS256);path="/d/register";challenge="c""#);
    }
}
