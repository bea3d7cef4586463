//! A built example, run as a program that ends with its handle.

#![allow(dead_code, unreachable_pub)] // Each test program uses a part of it.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
};

pub struct Program(Child);

/// Returns the path of an example, which `cargo test` builds with the tests.
pub fn path(example: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let name = format!("{example}{}", std::env::consts::EXE_SUFFIX);
    let path = test.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(path.exists(), "not built, `cargo build --all-features --examples` does: {}", path.display());
    path
}

impl Program {
    /// Starts an example, and returns the first lines that it prints: as many as `lines`, or fewer if it ends before.
    pub fn start(example: &str, arguments: &[&str], lines: usize) -> (Self, Vec<String>) {
        let mut program = Command::new(path(example)).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(program.stdout.take().unwrap());
        let lines = output.lines().take(lines).collect::<Result<_, _>>().unwrap();
        (Self(program), lines)
    }

    /// Interrupts the program, as Ctrl-C does.
    pub fn interrupt(mut self) -> ExitStatus {
        let id = self.0.id().to_string();
        Command::new("kill").args([OsStr::new("-INT"), id.as_ref()]).status().unwrap();
        self.0.wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
