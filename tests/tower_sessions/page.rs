//! `docs/from-tower-sessions.md` says what is so.

const PAGE: &str = include_str!("../../docs/from-tower-sessions.md");

#[test]
fn each_row_is_a_test_and_each_test_a_row() {
    let mut rows = Vec::new();
    for (_, table) in PAGE.split("| what | here |").enumerate().skip(1) {
        let lines = table.trim_start().lines().skip(1).take_while(|line| line.starts_with('|'));
        rows.extend(lines.map(|line| line.split(" | ").next().unwrap()[2..].to_owned()));
    }
    let tests = [
        include_str!("differences.rs"),
        include_str!("expiry.rs"),
        include_str!("owners.rs"),
        include_str!("stores.rs"),
    ];
    let named = tests.iter().flat_map(|text| text.lines()).filter_map(|line| line.strip_prefix("/// Row: "));
    let mut named: Vec<String> = named.map(|row| row.trim_end_matches('.').to_owned()).collect();
    rows.sort_unstable();
    named.sort_unstable();
    assert_eq!(rows, named);
    assert!(rows.len() > 20);
}
