//! The table of `SECURITY.md`: it has each clause, and names tests that exist.

use std::{fs, path::Path};

/// The number of clauses in each section of OWASP ASVS 5.0.
const SECTIONS: &[(&str, usize)] =
    &[("V3.3", 5), ("V7.1", 3), ("V7.2", 4), ("V7.3", 2), ("V7.4", 5), ("V7.5", 3), ("V7.6", 2)];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Each row's clause and its last column.
fn rows(page: &str) -> Vec<(&str, &str)> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| V"));
    rows.map(|row| {
        let clause = row.split(' ').next().unwrap();
        (clause, row.trim_end_matches(" |").rsplit(" | ").next().unwrap())
    })
    .collect()
}

#[test]
fn each_clause_has_a_row_in_its_order() {
    let page = read("SECURITY.md");
    let listed: Vec<String> = rows(&page).iter().map(|(clause, _)| format!("V{clause}")).collect();
    let expected: Vec<String> =
        SECTIONS.iter().flat_map(|(section, count)| (1..=*count).map(move |n| format!("{section}.{n}"))).collect();
    assert_eq!(listed, expected);
}

#[test]
fn each_row_names_tests_that_exist() {
    let page = read("SECURITY.md");
    for (clause, shown_by) in rows(&page) {
        if shown_by == "Application" {
            continue;
        }
        let mut names = shown_by.split('`').skip(1).step_by(2);
        let mut tests = 0;
        while let (Some(file), Some(test)) = (names.next(), names.next()) {
            let text = read(file);
            let at = text.find(&format!("fn {test}()")).unwrap_or_else(|| panic!("V{clause}: {file} has no {test}"));
            let attributes = text[..at].rsplit("\n\n").next().unwrap();
            assert!(attributes.contains("test]") || attributes.contains("test("), "V{clause}: {test} is no test");
            tests += 1;
        }
        assert!(tests > 0, "V{clause} names no test");
    }
}
