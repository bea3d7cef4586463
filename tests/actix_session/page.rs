//! Checks that `docs/from-actix-session.md` is true.

const PAGE: &str = include_str!("../../docs/from-actix-session.md");

/// The page's "after" is the example, letter by letter.
#[test]
fn the_difference_leads_to_the_example() {
    let (_, rest) = PAGE.split_once("```diff service\n").unwrap();
    let (difference, _) = rest.split_once("\n```\n").unwrap();
    let side = |other: char| -> Vec<&str> {
        difference
            .lines()
            .filter(|line| !line.starts_with(other))
            .map(|line| line.get(1..).unwrap_or_default())
            .collect()
    };
    let after: Vec<&str> = include_str!("../../examples/actix_session.rs").lines().collect();
    assert_eq!(side('-'), after);
    assert!(side('+').iter().any(|line| line.starts_with("use actix_session::")));
}

#[test]
fn each_row_is_a_test_and_each_test_a_row() {
    let (_, rest) = PAGE.split_once("| what | here |\n|---|---|\n").unwrap();
    let rows = rest
        .lines()
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split(" | ").next().unwrap()[2..].to_owned());
    let mut rows: Vec<String> = rows.collect();
    let tests = [
        include_str!("beside.rs"),
        include_str!("differences/api.rs"),
        include_str!("differences/cookies.rs"),
        include_str!("differences/writes.rs"),
        include_str!("extract.rs"),
        include_str!("failures.rs"),
        include_str!("names.rs"),
        include_str!("redis_keys.rs"),
        include_str!("refused.rs"),
        include_str!("warnings.rs"),
    ];
    let named = tests.iter().flat_map(|text| text.lines()).filter_map(|line| line.strip_prefix("/// Row: "));
    let mut named: Vec<String> = named.map(|row| row.split('.').next().unwrap().to_owned()).collect();
    rows.sort_unstable();
    named.sort_unstable();
    assert_eq!(rows, named);
    assert!(rows.len() > 20);
}
