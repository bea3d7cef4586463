//! Keys and values of every kind.

use super::{
    Suite,
    bench::{Bench, Outcome},
};
use crate::{changes::Expected, record::Record, state::State, store::SessionStore};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite.check("odd_keys", "Every text is a key, and no two texts are the same key.", odd_keys).await;
    suite.check("raw_values", "Values are kept byte by byte, numbers digit by digit.", raw_values).await;
    suite.check("large_values", "A value of 256 KiB is kept whole.", large_values).await;
    suite.check("many_keys", "A record may have a thousand keys.", many_keys).await;
}

/// Empty, blank, quoting, controls, case, composed and decomposed, look-alikes of what stores put around keys.
const KEYS: [&str; 36] = [
    "",
    " ",
    "  ",
    "a",
    "A",
    "a ",
    " a",
    "a.b",
    "a:b",
    "a/b",
    "a'b",
    "a\"b",
    "a`b",
    "a\\b",
    "a\nb",
    "a\r\nb",
    "a\tb",
    "a\0b",
    "\0",
    "$a",
    "a%b",
    "a*",
    "[a]",
    "{a}",
    "é",
    "e\u{301}",
    "ß",
    "\u{feff}a",
    "\u{202e}a",
    "\u{1f512}",
    "v",
    "c",
    "m",
    "s:",
    "s:a",
    "__proto__",
];

async fn odd_keys<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let values: Vec<String> = (0..KEYS.len()).map(|n| n.to_string()).collect();
    let entries: Vec<(&str, &str)> = KEYS.iter().copied().zip(values.iter().map(String::as_str)).collect();
    let mut record = bench.record(&entries);
    let id = bench.created(&record).await?;
    for key in KEYS {
        let changes = bench.changes().set(key, "\"new\"").build();
        record = bench.applies(&id, &record, &changes).await?;
    }
    for key in KEYS {
        bench.conflicts(&id, &record, &bench.changes().set_if(key, Expected::Absent, "0").build()).await?;
        let changes = bench.changes().remove_if(key, Expected::Value("\"new\"")).build();
        record = bench.applies(&id, &record, &changes).await?;
    }
    for key in KEYS {
        record = bench.applies(&id, &record, &bench.changes().set_if(key, Expected::Absent, "1").build()).await?;
    }
    Ok(())
}

async fn raw_values<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let values = [
        "12345678901234567890123",
        "-9007199254740993",
        "18446744073709551615",
        "0.1000",
        "-0.0",
        "1E400",
        "1e-400",
        "3.141592653589793238462643383279",
        "{\"b\":1,\"a\":[],\"c\":{}}",
        "{ \"spaced\" : [ 1 , 2 ] }",
        "[]",
        "{}",
        "\"\"",
        "\"\\u00e9\\/\\u0000\\ud83d\\ude00\"",
        "\"\u{1f512} é ' ` \\\" \\\\ %s $1 :x ?\"",
        "null",
        "true",
    ];
    for value in values {
        let mut record = bench.record(&[("created", value)]);
        let id = bench.created(&record).await?;
        record = bench.applies(&id, &record, &bench.changes().set("updated", value).build()).await?;
        let changes = bench.changes().set_if("updated", Expected::Value(value), "0").build();
        bench.applies(&id, &record, &changes).await?;
    }
    Ok(())
}

async fn large_values<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let large = |letter: &str| format!("\"{}\"", letter.repeat(256 * 1024 / letter.len()));
    let (first, second) = (large("a"), large("\u{1f512}"));
    let mut record = bench.record(&[("small", "1"), ("large", &first)]);
    let id = bench.created(&record).await?;
    record = bench.applies(&id, &record, &bench.changes().set("small", "2").build()).await?;
    let changes = bench.changes().set_if("large", Expected::Value(&first), &second).build();
    record = bench.applies(&id, &record, &changes).await?;
    bench.conflicts(&id, &record, &changes).await?;
    bench.applies(&id, &record, &bench.changes().remove("large").build()).await?;
    Ok(())
}

async fn many_keys<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let state: State = (0..1000).map(|n| (format!("key {n}"), n.to_string())).collect();
    let empty = bench.record(&[]);
    let record = Record::new(empty.credentials(), state, bench.now, empty.expires_at());
    let id = bench.created(&record).await?;
    let changes = (500..1500).fold(bench.changes(), |changes, n| {
        let key = format!("key {n}");
        if n % 3 == 0 { changes.remove(&key) } else { changes.set(&key, "\"new\"") }
    });
    let record = bench.applies(&id, &record, &changes.build()).await?;
    let changes = record
        .state()
        .iter()
        .fold(bench.changes(), |changes, (key, raw)| changes.set_if(key, Expected::Value(raw), "0"));
    bench.applies(&id, &record, &changes.build()).await?;
    Ok(())
}
