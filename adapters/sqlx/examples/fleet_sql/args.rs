//! The command line.

use std::{ffi::OsString, path::PathBuf};

use lexopt::{Arg, Error, Parser, ValueExt as _};

pub(crate) const HELP: &str = "\
Starts a small shop on Actix Web, Axum and hyper, with one set of sessions.

Usage: fleet [--port N] (--postgres URL | --sqlite FILE)

  --port N        listen on 127.0.0.1, on the ports N, N+1 and N+2 [default: 8080]; 0 takes three free ones
  --postgres URL  keep sessions in this database, as another fleet may; postgres://localhost/shop, say
  --sqlite FILE   keep sessions in this file, as another fleet may
  --help          show this
";

/// The last port from which three can be counted.
const LAST: u16 = u16::MAX - 2;

pub(crate) enum Command {
    Serve(Args),
    Help,
}

pub(crate) struct Args {
    pub(crate) port: u16,
    pub(crate) sessions: Sessions,
}

/// The place of the sessions.
pub(crate) enum Sessions {
    Postgres(String),
    Sqlite(PathBuf),
}

pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, Error> {
    let (mut port, mut sessions) = (8080, None);
    let mut parser = Parser::from_iter(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("port") => port = parser.value()?.parse_with(number)?,
            Arg::Long("postgres") => sessions = Some(Sessions::Postgres(parser.value()?.string()?)),
            Arg::Long("sqlite") => sessions = Some(Sessions::Sqlite(parser.value()?.into())),
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            arg => return Err(arg.unexpected()),
        }
    }
    let sessions = sessions.ok_or_else(|| Error::from("expected --postgres URL or --sqlite FILE".to_owned()))?;
    Ok(Command::Serve(Args { port, sessions }))
}

fn number(text: &str) -> Result<u16, String> {
    text.parse().ok().filter(|port| *port <= LAST).ok_or_else(|| format!("a port is a number from 0 to {LAST}"))
}
