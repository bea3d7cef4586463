//! The values that formats carry which do not keep the text of a value.

use serde_json::Value;

/// Returns true if a parser reads this raw value as it is, also inside of another value.
pub(super) fn is_kept(raw: &str) -> bool {
    // The parser has a limit for the depth of values. No format puts a value deeper than into two others.
    serde_json::from_str::<Value>(&["[[", raw, "]]"].concat()).is_ok() && !has_great_number(raw)
}

/// Returns true if a raw value has a whole number that does not fit into 64 bits. It would be read back as a fraction.
fn has_great_number(raw: &str) -> bool {
    let is_of_number = |c: char| matches!(c, '-' | '+' | '.' | 'e' | 'E' | '0'..='9');
    let is_great = |number: &str| {
        let is_whole =
            number.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && !number.contains(['.', 'e', 'E']);
        is_whole && number.parse::<i64>().is_err() && number.parse::<u64>().is_err()
    };
    outside_texts(raw).any(|part| part.split(|c| !is_of_number(c)).any(is_great))
}

/// Returns the parts of JSON text that are outside of its strings.
fn outside_texts(raw: &str) -> impl Iterator<Item = &str> {
    let (mut is_text, mut is_escaped) = (false, false);
    raw.split(move |c| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match c {
            '"' if !was_escaped => is_text = !is_text,
            '\\' if is_text && !was_escaped => is_escaped = true,
            _ => {}
        }
        is_text || c == '"'
    })
}
