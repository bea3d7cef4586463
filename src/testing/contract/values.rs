//! Keys and values of every kind.

use super::{
    Suite,
    bench::{Bench, Outcome},
};
use crate::{
    store::{SessionStore, State},
    testing::RecordBuilder,
};

pub(super) async fn run<S: SessionStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite.check("odd_keys", "Every text is a key, and no two texts are the same key.", odd_keys).await;
    suite.check("raw_values", "Values are kept byte by byte, and numbers digit by digit.", raw_values).await;
    suite.check("large_values", "A value of 256 KiB is kept whole.", large_values).await;
    suite.check("many_keys", "A record may have a thousand keys.", many_keys).await;
}

/// Empty and blank keys, quotes, controls, upper and lower case, composed and decomposed characters, and look-alikes of
/// what stores put around keys.
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
    let record = bench.record(&entries);
    let id = bench.created(&record).await?;
    let record = bench.steps(&id, record, KEYS.map(|key| move |next: RecordBuilder| next.set(key, "\"new\""))).await?;
    let record = bench.steps(&id, record, KEYS.map(|key| move |next: RecordBuilder| next.remove(key))).await?;
    bench.steps(&id, record, KEYS.map(|key| move |next: RecordBuilder| next.set(key, "1"))).await?;
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
        let record = bench.record(&[("created", value)]);
        let id = bench.created(&record).await?;
        let steps = ["replaced", "created"].map(|key| move |next: RecordBuilder| next.set(key, value));
        bench.steps(&id, record, steps).await?;
    }
    Ok(())
}

async fn large_values<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let large = |letter: &str| format!("\"{}\"", letter.repeat(256 * 1024 / letter.len()));
    let (first, second) = (large("a"), large("\u{1f512}"));
    let record = bench.record(&[("small", "1"), ("large", &first)]);
    let id = bench.created(&record).await?;
    let values =
        [("small", "2"), ("large", second.as_str()), ("small", "3"), ("large", "1"), ("large", first.as_str())];
    let record =
        bench.steps(&id, record, values.map(|(key, raw)| move |next: RecordBuilder| next.set(key, raw))).await?;
    bench.is_changed(&id, &bench.record(&[]), &record, &record).await?;
    bench.steps(&id, record, [|next: RecordBuilder| next.remove("large")]).await?;
    Ok(())
}

async fn many_keys<S: SessionStore>(bench: Bench<S>) -> Outcome {
    let keys = |keys: std::ops::Range<u32>, value: &str| -> State {
        keys.map(|n| (format!("key {n}"), format!("{value}{n}"))).collect()
    };
    let record = RecordBuilder::new(bench.now).state(keys(0..1000, "1")).build();
    let id = bench.created(&record).await?;
    let states = [keys(0..1000, "2"), keys(500..1500, "2"), keys(0..2, "2"), keys(0..1000, "10")];
    bench.steps(&id, record, states.map(|state| move |next: RecordBuilder| next.state(state))).await?;
    Ok(())
}
