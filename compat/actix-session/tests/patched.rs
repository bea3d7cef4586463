//! The check that `docs/from-actix-session.md` recommends: `cargo tree -i` names stand-ins only.

use std::process::Command;

#[test]
fn both_versions_are_stand_ins() {
    for (version, folder) in [("0.10.1", "compat/actix-session-0.10"), ("0.11.0", "compat/actix-session")] {
        let tree = Command::new(env!("CARGO"))
            .args(["tree", "--offline", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
            .args(["--invert", &format!("actix-session@{version}")])
            .output()
            .expect("cargo runs");
        let text = String::from_utf8_lossy(&tree.stdout);
        let first = text.lines().next().unwrap_or_default();
        assert!(first.ends_with(&format!("{folder})")), "{text}{}", String::from_utf8_lossy(&tree.stderr));
    }
}

/// Cargo takes the patch by the package's name and version, so one source and one list of features serve both.
#[test]
fn both_have_the_same_features() {
    let features = |manifest: &str| {
        let (_, rest) = manifest.split_once("[features]\n").expect("features");
        rest.split("\n\n").next().expect("an end").to_owned()
    };
    let [newer, older] = [include_str!("../Cargo.toml"), include_str!("../../actix-session-0.10/Cargo.toml")];
    assert_eq!(features(newer), features(older));
    assert!(older.contains("path = \"../actix-session/src/lib.rs\""));
}
