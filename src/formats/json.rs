//! Raw values that another crate parses.

/// The depth of a value that a reader still parses, inside of two objects: `serde_json` parses 127 levels.
const DEEPEST: usize = 125;

/// Returns true if a raw value is the same after `serde_json::Value` was made of it.
pub(super) fn is_kept(raw: &str) -> bool {
    depth(raw) <= DEEPEST && !has_great_number(raw)
}

fn depth(raw: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in outside_texts(raw).flat_map(str::bytes) {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
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
