//! The Lua scripts.

use std::sync::OnceLock;

use ::redis::{Arg, Cmd, ToRedisArgs};

/// A script in `scripts/`. It works on one key.
#[derive(Debug)]
pub(super) struct Script {
    source: &'static str,
    hash: OnceLock<String>,
}

pub(super) static REPLACE: Script = Script::new(include_str!("scripts/replace.lua"));
#[cfg(feature = "formats")]
pub(super) static BYTES: Script = Script::new(include_str!("scripts/bytes.lua"));
pub(super) static INDEX: Script = Script::new(include_str!("scripts/index.lua"));

impl Script {
    const fn new(source: &'static str) -> Self {
        Self { source, hash: OnceLock::new() }
    }

    fn hash(&self) -> &str {
        self.hash.get_or_init(|| ::redis::Script::new(self.source).get_hash().to_owned())
    }
}

/// A call of a script.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    pub(super) key: &'a [u8],
    script: &'static Script,
    by_hash: Cmd,
}

impl<'a> Call<'a> {
    /// The number of bytes of all arguments except the long ones. It is enough for most keys.
    const SHORT: usize = 256;

    /// Begins a call, with room for arguments of `length` bytes.
    pub(super) fn new(script: &'static Script, key: &'a [u8], length: usize) -> Self {
        let mut by_hash = Cmd::with_capacity(8, Self::SHORT + length);
        by_hash.arg("EVALSHA").arg(script.hash()).arg("1").arg(key);
        Self { key, script, by_hash }
    }

    pub(super) fn arg(mut self, argument: impl ToRedisArgs) -> Self {
        self.by_hash.arg(argument);
        self
    }

    /// Returns the command that names the script by its hash.
    pub(super) fn by_hash(&self) -> &Cmd {
        &self.by_hash
    }

    /// Returns the command with the script's source, for a server that does not know it.
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
