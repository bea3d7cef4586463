//! The dates of `Expires` (RFC 6265bis section 5.1.1).

use std::time::{Duration, SystemTime};

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Reads `Wed, 21 Oct 2015 07:28:00 GMT`, and the other forms that browsers accept: the parts in any order, with any
/// delimiters. A time before 1970 becomes 1970.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    let is_delimiter = |char: char| !char.is_ascii_alphanumeric() && char != ':';
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        if time.is_none()
            && let Some(found) = clock(token)
        {
            time = Some(found);
        } else if day.is_none() && (1..=2).contains(&token.len()) && token.parse::<u64>().is_ok() {
            day = token.parse().ok();
        } else if month.is_none()
            && let Some(found) = MONTHS.iter().position(|name| is_start(token, name))
        {
            month = Some(found);
        } else if year.is_none() && (2..=4).contains(&token.len()) {
            year = token.parse().ok();
        }
    }
    let (day, month): (u64, usize) = (day?, month?);
    let year: u64 = match year? {
        year @ 70..=99 => year + 1900,
        year @ 0..=69 => year + 2000,
        year => year,
    };
    if !(1..=31).contains(&day) || year < 1601 {
        return None;
    }
    let days = days_before(year, month) + day - 1;
    let seconds = days.checked_sub(DAYS_TO_1970).map_or(0, |days| days * 24 * 60 * 60 + time.unwrap_or_default());
    time?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

const DAYS_TO_1970: u64 = 719_162;

/// Returns the days from the first of January of the year 1 to the first of this month.
fn days_before(year: u64, month: usize) -> u64 {
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let past = year - 1;
    let lengths = [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    past * 365 + past / 4 - past / 100 + past / 400 + lengths.iter().take(month).sum::<u64>()
}

fn clock(token: &str) -> Option<u64> {
    let mut parts = token.split(':').map(str::parse::<u64>);
    let mut part = |limit: u64| parts.next()?.ok().filter(|part| *part < limit);
    let seconds = part(24)? * 3600 + part(60)? * 60 + part(60)?;
    parts.next().is_none().then_some(seconds)
}

fn is_start(token: &str, name: &str) -> bool {
    token.as_bytes().get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dates_as_browsers_do() {
        let table = [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(1_445_412_480)),
            ("Thu, 29-Feb-2024 23:59:59 GMT", Some(1_709_251_199)),
            ("Wednesday, 01-Mar-00 00:00:00 GMT", Some(951_868_800)),
            ("Mon Jan  1 00:00:00 1601", Some(0)),
            ("21 Oct 2015", None),
            ("Wed, 21 Foo 2015 07:28:00 GMT", None),
            ("Wed, 21 Oct 2015 24:00:00 GMT", None),
            ("", None),
        ];
        for (text, expected) in table {
            let expected = expected.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
