//! The one script that every write runs.

use std::sync::LazyLock;

use ::redis::{Arg, Cmd, Script, ToRedisArgs};

const SOURCE: &str = include_str!("script.lua");

static HASH: LazyLock<String> = LazyLock::new(|| Script::new(SOURCE).get_hash().to_owned());

/// A call of the script on one key.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) key: Vec<u8>,
    by_hash: Cmd,
}

impl Call {
    pub(super) fn new(verb: &str, key: Vec<u8>) -> Self {
        // More than most calls have.
        let mut by_hash = Cmd::with_capacity(16, 512);
        by_hash.arg("EVALSHA").arg(HASH.as_str()).arg(1).arg(&key).arg(verb);
        Self { key, by_hash }
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
        command.arg(SOURCE);
        for argument in self.by_hash.args_iter().skip(2) {
            if let Arg::Simple(argument) = argument {
                command.arg(argument);
            }
        }
        command
    }
}
