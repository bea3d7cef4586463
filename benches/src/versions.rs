//! The versions of the measured crates, and the machine.

use std::{fs, process::Command, thread::available_parallelism};

use crate::redis;

const LOCK: &str = include_str!("../../Cargo.lock");

/// The crates whose versions matter to a reader.
const CRATES: [&str; 9] = [
    "cloakroom",
    "axum",
    "actix-web",
    "tower-sessions",
    "tower-sessions-redis-store",
    "axum_session",
    "actix-session",
    "redis",
    "tokio",
];

/// Returns a line for each fact.
pub fn lines() -> Vec<String> {
    let profile =
        if cfg!(debug_assertions) { "debug: no figure here means anything" } else { "release, opt-level 3, thin LTO" };
    vec![
        CRATES.map(|name| format!("{name} {}", versions(LOCK, name).join(" and "))).join(", "),
        format!("Redis {}, {}, profile {profile}", redis::version(), rustc()),
        format!("{}, {} threads; one is used", cpu(), available_parallelism().map_or(0, usize::from)),
    ]
}

/// Returns the versions of a crate in a lock file.
fn versions<'a>(lock: &'a str, name: &str) -> Vec<&'a str> {
    let mut versions = Vec::new();
    let mut is_named = false;
    for line in lock.lines() {
        if let Some(found) = quoted(line, "name") {
            is_named = found == name;
        } else if let Some(version) = quoted(line, "version").filter(|_| is_named) {
            versions.push(version);
        }
    }
    versions
}

fn quoted<'a>(line: &'a str, field: &str) -> Option<&'a str> {
    line.strip_prefix(field)?.strip_prefix(" = \"")?.strip_suffix('"')
}

fn cpu() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, model)| model.to_owned())
}

fn rustc() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.split(" (").next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_is_in_the_lock_file() {
        for name in CRATES {
            assert!(!versions(LOCK, name).is_empty(), "{name}");
        }
        assert_eq!(versions(LOCK, "tower-sessions").len(), 2, "one for memory, one for Redis");
        assert!(versions(LOCK, "no-such-crate").is_empty());
    }
}
