//! Runs this program under callgrind, and reads what it counted.

use std::{env, fs, ops::Sub, process::Command};

use anyhow::{Context as _, Result, ensure};

/// Instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// All of them.
    pub(crate) all: i64,
    /// Those of the compression function of SHA-256, which valgrind's processor does in software.
    pub(crate) sha256: i64,
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { all: self.all - other.all, sha256: self.sha256 - other.sha256 }
    }
}

/// Counts the instructions of `instructions run` with these arguments.
pub(crate) fn count(arguments: &[&str]) -> Result<Counts> {
    let folder = env::temp_dir().join(format!("cloakroom-instructions-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let file = folder.join("callgrind.out");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--quiet"]).arg(format!("--callgrind-out-file={}", file.display()));
    // The same environment for every run: it stands on the stack, whose place decides a few instructions.
    let valgrind = valgrind.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
    let output = valgrind.arg(env::current_exe()?).arg("run").args(arguments).output();
    let output = output.context("cannot run valgrind: install it, or run tests/run, which does")?;
    ensure!(output.status.success(), "valgrind failed: {}", String::from_utf8_lossy(&output.stderr));
    let counts = read(&fs::read_to_string(&file)?);
    fs::remove_dir_all(&folder)?;
    Ok(counts)
}

/// Reads callgrind's format: `fn=` begins a function, and a line of a place and a count belongs to it. The line after a `calls=`
/// counts what was called, which has lines of its own.
fn read(text: &str) -> Counts {
    let mut counts = Counts::default();
    let mut sha256 = None;
    let (mut is_sha256, mut is_call) = (false, false);
    for line in text.lines() {
        if let Some(function) = line.strip_prefix("fn=") {
            let (number, name) = function.split_once(' ').unwrap_or((function, ""));
            if name.contains("sha2") && name.contains("compress") {
                sha256 = Some(number.to_owned());
            }
            is_sha256 = sha256.as_deref() == Some(number);
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if let Some(count) = own_count(line) {
            if !is_call {
                counts.all += count;
                counts.sha256 += if is_sha256 { count } else { 0 };
            }
            is_call = false;
        }
    }
    counts
}

/// Returns the count of a line such as `+3 12`, or of `* 12`.
fn own_count(line: &str) -> Option<i64> {
    let (place, count) = line.split_once(' ')?;
    let is_place = place == "*" || place.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit());
    if is_place { count.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{Counts, read};

    #[test]
    fn counts_each_function_once() {
        let text = "events: Ir\n\nfn=(1) main\n0 10\ncalls=1 0\n0 500\n+1 5\n\nfn=(2) sha2::sha256::soft::compress\n0 400\n* 100\nfn=(1)\n-1 1\n";
        assert_eq!(read(text), Counts { all: 516, sha256: 500 });
    }
}
