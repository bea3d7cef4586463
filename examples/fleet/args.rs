//! The command line.

use std::ffi::OsString;

use lexopt::{Arg, Error, Parser, ValueExt as _};

pub(crate) const HELP: &str = "\
Starts a small shop on Actix Web, Axum and hyper, with one set of sessions.

Usage: fleet [--port N] [--redis URL | --cookie-store] [--https [--device-bound]]

  --port N        listen on 127.0.0.1, on the ports N, N+1 and N+2 [default: 8080]; 0 takes three free ones
  --redis URL     keep sessions in this Redis, as another fleet may; redis://127.0.0.1:6379, say
  --cookie-store  keep sessions in sealed cookies, under the keys of the variable SESSION_KEYS or one that ends with the program
  --https         speak https, with a self-signed certificate; a program that is built with the feature redis-rustls can
  --device-bound  bind sessions to the browser's device; a program that is built with the feature device-bound can
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
    pub(crate) https: bool,
    pub(crate) device_bound: bool,
}

/// The place of the sessions.
pub(crate) enum Sessions {
    Memory,
    Redis(String),
    Cookie,
}

pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, Error> {
    let mut found = Args { port: 8080, sessions: Sessions::Memory, https: false, device_bound: false };
    let mut parser = Parser::from_iter(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("port") => found.port = parser.value()?.parse_with(port)?,
            Arg::Long("redis") => found.sessions = Sessions::Redis(parser.value()?.string()?),
            Arg::Long("cookie-store") => found.sessions = Sessions::Cookie,
            Arg::Long("https") if cfg!(feature = "redis-rustls") => found.https = true,
            Arg::Long("https") => {
                return Err("--https needs a build with `--features redis-rustls`, and a C compiler".into());
            }
            Arg::Long("device-bound") if cfg!(feature = "device-bound") => found.device_bound = true,
            Arg::Long("device-bound") => {
                return Err("--device-bound needs a build with `--features device-bound`".into());
            }
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            arg => return Err(arg.unexpected()),
        }
    }
    if found.device_bound && !found.https {
        return Err("--device-bound needs --https: browsers bind sessions over https only".into());
    }
    Ok(Command::Serve(found))
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().ok().filter(|port| *port <= LAST).ok_or_else(|| format!("a port is a number from 0 to {LAST}"))
}
