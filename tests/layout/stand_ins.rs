//! The guide to the stand-ins shows what `compat` has.

use std::{fs, path::Path};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn the_guide_shows_the_files_of_compat() {
    let guide = read("src/guide/stand_ins.md");
    for manifest in ["compat/actix-session/Cargo.toml", "compat/actix-session-0.10/Cargo.toml"] {
        let text = read(manifest);
        let (_, rest) = text.split_once("[features]\n").unwrap();
        let features = rest.split("\n\n").next().unwrap();
        assert!(guide.contains(features), "{manifest}: {features}");
        let version =
            text.lines().find(|line| line.starts_with("version = ")).unwrap().trim_start_matches("version = ");
        assert!(guide.contains(version), "{manifest}: {version}");
    }
    let source = read("compat/actix-session/src/lib.rs");
    let code: Vec<&str> = source.lines().filter(|line| !line.is_empty() && !line.starts_with("//")).collect();
    assert!(guide.contains(&format!("```\n{}\n```", code.join("\n"))), "{code:?}");
}
