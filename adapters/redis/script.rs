//! The scripts that writes run: one for each verb.

use std::sync::OnceLock;

use ::redis::{Arg, Cmd, ToRedisArgs};

/// A script of `scripts/`, behind what all of them share.
#[derive(Debug)]
pub(super) struct Script {
    source: &'static str,
    hash: OnceLock<String>,
}

macro_rules! script {
    ($name:literal) => {
        Script::new(concat!(include_str!("scripts/prelude.lua"), include_str!(concat!("scripts/", $name, ".lua"))))
    };
}

pub(super) static CREATE: Script = script!("create");
pub(super) static SWAP: Script = script!("swap");
pub(super) static DELETE: Script = script!("delete");
pub(super) static REVOKE: Script = script!("revoke");
pub(super) static INDEX: Script = script!("index");

impl Script {
    const fn new(source: &'static str) -> Self {
        Self { source, hash: OnceLock::new() }
    }

    fn hash(&self) -> &str {
        self.hash.get_or_init(|| ::redis::Script::new(self.source).get_hash().to_owned())
    }
}

/// A call of a script on one key.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    pub(super) key: &'a [u8],
    script: &'static Script,
    by_hash: Cmd,
}

impl<'a> Call<'a> {
    pub(super) fn new(script: &'static Script, key: &'a [u8]) -> Self {
        // More than most calls have.
        let mut by_hash = Cmd::with_capacity(16, 512);
        by_hash.arg("EVALSHA").arg(script.hash()).arg(1).arg(key);
        Self { key, script, by_hash }
    }

    pub(super) fn arg(&mut self, argument: impl ToRedisArgs) -> &mut Self {
        self.by_hash.arg(argument);
        self
    }

    /// The command that names the script by its hash.
    pub(super) fn by_hash(&self) -> &Cmd {
        &self.by_hash
    }

    /// The command that brings the script along, for a server that does not know it (any more).
    pub(super) fn by_source(&self) -> Cmd {
        let mut command = ::redis::cmd("EVAL");
        command.arg(self.script.source);
        for argument in self.by_hash.args_iter().skip(2) {
            if let Arg::Simple(argument) = argument {
                command.arg(argument);
            }
        }
        command
    }
}
