//! The imports between the folders of `src/`, of which no two import each other, directly or not, and the first words of
//! all doc comments.

mod security;
mod stand_ins;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The imports between the folders. The list may only shrink: a new line needs a reason in its commit.
const IMPORTS: &[(&str, &[&str])] = &[
    ("client", &["error", "keys", "store"]),
    ("config", &["client", "device", "error", "formats", "memory", "store"]),
    ("device", &["store"]),
    ("error", &["store"]),
    ("formats", &["client", "error", "store"]),
    ("guide", &[]),
    ("keys", &["store"]),
    ("layer", &["client", "config", "device", "error", "keys", "request", "session", "store"]),
    ("memory", &["store"]),
    ("request", &["client", "config", "device", "error", "formats", "store"]),
    ("session", &["config", "error", "request", "store"]),
    ("store", &[]),
    ("testing", &["config", "formats", "store"]),
];

/// The folders with source texts.
const SOURCES: [&str; 7] = ["src", "adapters", "tests", "examples", "benches", "compat", "rollout"];

/// Words with which no doc comment begins: it begins with a verb, or with the name of a thing.
const NO_BEGINNINGS: [&str; 4] = ["What", "Whether", "Who", "Whose"];

/// Folders and files that only tests build.
const OF_TESTS: &[&str] = &["model", "tests", "tests.rs", "stress.rs"];

/// Returns the Rust files below a folder, except those in folders and files with the names in `left_out`.
fn files(folder: &Path, left_out: &[&str]) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| !left_out.iter().any(|name| path.ends_with(name)))
        .flat_map(|path| if path.is_dir() { files(&path, left_out) } else { vec![path] })
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
            let texts = files(&folder, OF_TESTS).into_iter().map(|file| fs::read_to_string(file).unwrap());
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
    // Folders without remaining imports are removed. A circle stays.
    while let Some(lowest) = left.iter().find(|(_, imports)| imports.is_empty()).map(|(name, _)| name.clone()) {
        left.remove(&lowest);
        for imports in left.values_mut() {
            imports.remove(&lowest);
        }
    }
    assert!(left.is_empty(), "a circle: {left:?}");
}

/// Returns the first word of each doc comment in a source text, with the number of its line.
fn beginnings(text: &str) -> Vec<(usize, &str)> {
    let docs = text.lines().map(|line| {
        let line = line.trim_start();
        line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))
    });
    let docs: Vec<Option<&str>> = docs.collect();
    (0..docs.len())
        .filter(|&at| at == 0 || docs[at - 1].is_none())
        .filter_map(|at| Some((at + 1, docs[at]?.split_whitespace().next()?)))
        .collect()
}

#[test]
fn no_doc_comment_begins_with_a_question_word() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut seen = 0;
    for file in SOURCES.iter().flat_map(|folder| files(&root.join(folder), &["target"])) {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root).unwrap().display();
        for (line, word) in beginnings(&text) {
            seen += 1;
            if NO_BEGINNINGS.contains(&word) {
                found.push(format!("{name}:{line}: {word} .."));
            }
        }
    }
    assert!(seen > 1000, "{seen}");
    assert!(found.is_empty(), "begin these with a verb, such as \"Returns\":\n{}", found.join("\n"));
}
