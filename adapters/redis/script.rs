//! The one script that every write runs.

use std::sync::LazyLock;

use ::redis::{Cmd, Script};

const SOURCE: &str = include_str!("script.lua");

static HASH: LazyLock<String> = LazyLock::new(|| Script::new(SOURCE).get_hash().to_owned());

/// A call of the script on one key.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) key: Vec<u8>,
    arguments: Vec<Vec<u8>>,
}

impl Call {
    pub(super) fn new(verb: &str, key: Vec<u8>) -> Self {
        Self { key, arguments: vec![verb.into()] }
    }

    pub(super) fn arg(&mut self, argument: impl Into<Vec<u8>>) -> &mut Self {
        self.arguments.push(argument.into());
        self
    }

    /// How many arguments there are.
    pub(super) fn pairs(&mut self, pairs: impl IntoIterator<Item = (String, Vec<u8>)>) -> &mut Self {
        for (field, value) in pairs {
            self.arg(field).arg(value);
        }
        self
    }

    /// The command that names the script by its hash.
    pub(super) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", &HASH)
    }

    /// The command that brings the script along, for a server that does not know it (any more).
    pub(super) fn by_source(&self) -> Cmd {
        self.command("EVAL", SOURCE)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = ::redis::cmd(name);
        command.arg(script).arg(1).arg(&self.key);
        for argument in &self.arguments {
            command.arg(argument.as_slice());
        }
        command
    }
}
