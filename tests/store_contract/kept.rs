//! The records that a careless store keeps instead of those that it got.

use cloakroom::{
    store::{Record, State, Timestamp},
    testing::RecordBuilder,
};

use super::{Careless, Fault};

/// The last second that fits into 32 bits.
const YEAR_2038: Timestamp = Timestamp::from_millis(2_147_483_647_000);

impl Careless {
    pub(super) fn kept(&self, record: &Record, before: Option<&Record>) -> Record {
        let kept = RecordBuilder::of(record);
        let old_deadline = before.map_or_else(Timestamp::default, Record::expires_at);
        let kept = match self.fault {
            Fault::Loses(line) => return without(record, line),
            Fault::MovesDeadlinesOut => kept.expires_at(record.expires_at().max(old_deadline)),
            Fault::CutsDeadlines => kept.expires_at(record.expires_at().min(YEAR_2038)),
            Fault::RoundsTimes => kept.used_at(rounded(record.last_used())).expires_at(rounded(record.expires_at())),
            Fault::KeepsLabels => kept.label(record.label().or_else(|| before.and_then(Record::label))),
            Fault::WritesHeadOnly => match before.filter(|before| before.state().size() == record.state().size()) {
                Some(before) => kept.state(before.state().clone()),
                None => kept,
            },
            Fault::TrimsKeys => kept.state(mapped(record, |key, raw| (key.trim().to_owned(), raw.to_owned()))),
            Fault::ReparsesNumbers => kept.state(mapped(record, |key, raw| (key.to_owned(), parsed(raw)))),
            Fault::CutsValues => {
                kept.state(mapped(record, |key, raw| (key.to_owned(), raw.chars().take(64 * 1024).collect::<String>())))
            }
            _ => kept,
        };
        kept.build()
    }
}

fn rounded(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.as_millis() / 1000 * 1000)
}

fn mapped(record: &Record, change: impl Fn(&str, &str) -> (String, String)) -> State {
    record.state().iter().map(|(key, raw)| change(key, raw)).collect()
}

fn parsed(raw: &str) -> String {
    serde_json::from_str::<serde_json::Value>(raw).map_or_else(|_| raw.to_owned(), |value| value.to_string())
}

/// Returns the record without a line of its text form.
fn without(record: &Record, line: &str) -> Record {
    let text = String::from_utf8(record.to_bytes()).expect("text");
    let name = format!("\n{line}=");
    let Some((before, rest)) = text.split_once(&name) else { return record.clone() };
    let (length, rest) = rest.split_once(':').expect("a length");
    let (_, after) = rest.split_at(length.parse().expect("a number"));
    Record::from_bytes(format!("{before}{after}").as_bytes()).expect("a record without the line")
}
