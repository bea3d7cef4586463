//! Runs this program under callgrind, and reads what it counted.

use std::{collections::HashSet, env, fs, process::Command};

use anyhow::{Context as _, Result, ensure};

/// Parts of the names of functions that are left out: the compression function of SHA-256, which valgrind's processor does in
/// software and few others do, and the counter of allocations, which only this program has.
const LEFT_OUT: [&str; 2] = ["sha256::soft", "allocation_counter::"];

/// Counts the instructions of `instructions run` with these arguments.
pub(crate) fn count(arguments: &[&str]) -> Result<i64> {
    let folder = env::temp_dir().join(format!("cloakroom-instructions-{}-{}", std::process::id(), arguments.join("-")));
    fs::create_dir_all(&folder)?;
    let file = folder.join("callgrind.out");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--quiet"]).arg(format!("--callgrind-out-file={}", file.display()));
    // The same environment for every run: it stands on the stack, whose place decides a few instructions.
    let valgrind = valgrind.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
    let output = valgrind.arg(env::current_exe()?).arg("run").args(arguments).output();
    let output = output.context("cannot run valgrind: install it, or run tests/run, which does")?;
    ensure!(output.status.success(), "valgrind failed: {}", String::from_utf8_lossy(&output.stderr));
    let count = read(&fs::read_to_string(&file)?);
    fs::remove_dir_all(&folder)?;
    Ok(count)
}

/// Adds up what callgrind wrote: `fn=` begins a function, and a line of a place and a count belongs to it. The line after a
/// `calls=` counts what was called, which has lines of its own. A name stands where its number is first used.
fn read(text: &str) -> i64 {
    let (mut left_out, mut total) = (HashSet::new(), 0);
    let (mut is_left_out, mut is_call) = (false, false);
    for line in text.lines() {
        if let Some(function) = line.strip_prefix("fn=").or_else(|| line.strip_prefix("cfn=")) {
            let (number, name) = function.split_once(' ').unwrap_or((function, ""));
            if LEFT_OUT.iter().any(|part| name.contains(part)) {
                left_out.insert(number);
            }
            if line.starts_with("fn=") {
                is_left_out = left_out.contains(number);
            }
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if let Some(count) = own_count(line) {
            if !is_call && !is_left_out {
                total += count;
            }
            is_call = false;
        }
    }
    total
}

/// Returns the count of a line such as `+3 12`, or of `* 12`.
fn own_count(line: &str) -> Option<i64> {
    let (place, count) = line.split_once(' ')?;
    let is_place = place == "*" || place.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit());
    if is_place { count.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn counts_each_function_once_and_leaves_some_out() {
        let table = [
            ("fn=(1) main\n0 10\n* 5\n", 15),
            ("fn=(1) main\n0 10\ncalls=1 0\n0 500\n+1 5\n", 15),
            ("fn=(1) main\n0 10\n\nfn=(2) sha2::sha256::soft::compress\n0 400\n* 100\nfn=(1)\n-1 1\n", 11),
            // The name stands at the call.
            ("fn=(1) main\n0 10\ncfn=(2) sha2::sha256::soft::compress\ncalls=1 0\n0 500\n\nfn=(2)\n0 500\n", 10),
            (
                "fn=(1) <allocation_counter::Counter as core::alloc::GlobalAlloc>::alloc\n0 70\nfn=(2) malloc\n0 40\n",
                40,
            ),
        ];
        for (text, total) in table {
            assert_eq!(read(&format!("events: Ir\n\n{text}")), total, "{text}");
        }
    }
}
