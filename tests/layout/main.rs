//! The folders of `src/`: which one imports which, and that no two import each other, directly or not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The imports between the folders. The list may only shrink: a new line needs a reason in its commit.
const IMPORTS: &[(&str, &[&str])] = &[
    ("client", &["error", "keys", "store"]),
    ("config", &["client", "device", "error", "memory", "store"]),
    ("device", &["store"]),
    ("error", &["store"]),
    ("keys", &["store"]),
    ("layer", &["client", "config", "device", "error", "keys", "request", "session", "store"]),
    ("memory", &["store"]),
    ("request", &["client", "config", "device", "error", "store"]),
    ("session", &["config", "error", "request", "store"]),
    ("store", &[]),
    ("testing", &["config", "store"]),
];

/// Folders and files that only tests build.
const OF_TESTS: &[&str] = &["model", "tests", "tests.rs", "stress.rs"];

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| !OF_TESTS.iter().any(|name| path.ends_with(name)))
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// Returns the names that follow `crate::` in a source text, without its comments and its tests.
fn imported(text: &str) -> BTreeSet<String> {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join(" ");
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names = BTreeSet::new();
    for (at, start) in code.match_indices("crate::") {
        let rest = &code[at + start.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(name(rest));
            continue;
        };
        let mut depth = 0;
        for part in group.split_inclusive(['{', '}', ',']) {
            if depth == 0 {
                names.insert(name(part.trim_start()));
            }
            match part.chars().last() {
                Some('{') => depth += 1,
                Some('}') if depth == 0 => break,
                Some('}') => depth -= 1,
                _ => {}
            }
        }
    }
    names
}

fn graph() -> BTreeMap<String, BTreeSet<String>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let is_folder = |name: &String| !name.is_empty() && source.join(name).is_dir();
    let folders = fs::read_dir(&source).unwrap().map(|entry| entry.unwrap().path());
    let folders = folders.filter(|path| path.is_dir() && !OF_TESTS.iter().any(|name| path.ends_with(name)));
    folders
        .map(|folder| {
            let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
            let texts = files(&folder).into_iter().map(|file| fs::read_to_string(file).unwrap());
            let mut names: BTreeSet<_> = texts.flat_map(|text| imported(&text)).filter(is_folder).collect();
            names.remove(&name);
            (name, names)
        })
        .collect()
}

#[test]
fn the_imports_between_folders_are_the_ones_listed() {
    let listed: BTreeMap<String, BTreeSet<String>> = IMPORTS
        .iter()
        .map(|(folder, imports)| ((*folder).to_owned(), imports.iter().map(|&name| name.to_owned()).collect()))
        .collect();
    assert_eq!(graph(), listed);
}

#[test]
fn no_folder_imports_one_that_imports_it() {
    let mut left = graph();
    // Folders that import nothing that is left go away. A circle stays.
    while let Some(lowest) = left.iter().find(|(_, imports)| imports.is_empty()).map(|(name, _)| name.clone()) {
        left.remove(&lowest);
        for imports in left.values_mut() {
            imports.remove(&lowest);
        }
    }
    assert!(left.is_empty(), "a circle: {left:?}");
}
