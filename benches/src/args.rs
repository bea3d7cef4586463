//! The command line.

use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt as _};

const HELP: &str = "What a request costs with cloakroom, and with its peers.

  --quick        fewer rounds: under a minute
  --check        names the rows that miss a budget, and fails if there are any
  --rounds N     how many rounds
  --filter TEXT  only those whose framework, store or name has this in it
  --out DIR      where to write peers.csv and peers.svg (default: target/peers)";

/// The options of a run.
pub struct Args {
    /// Runs fewer rounds.
    pub quick: bool,
    /// Fails if a budget is missed.
    pub check: bool,
    /// The number of rounds.
    pub rounds: Option<usize>,
    /// Runs only the contestants whose names contain this.
    pub filter: String,
    /// The folder for the results.
    pub out: PathBuf,
}

impl Args {
    /// Reads the command line. Prints the help and returns `None` if it asks for that.
    pub fn read() -> Result<Option<Self>, lexopt::Error> {
        let out = PathBuf::from("target/peers");
        let mut args = Self { quick: false, check: false, rounds: None, filter: String::new(), out };
        let mut parser = Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("quick") => args.quick = true,
                Arg::Long("check") => args.check = true,
                Arg::Long("rounds") => args.rounds = Some(parser.value()?.parse()?),
                Arg::Long("filter") => args.filter = parser.value()?.string()?,
                Arg::Long("out") => args.out = parser.value()?.into(),
                Arg::Short('h') | Arg::Long("help") => {
                    println!("{HELP}");
                    return Ok(None);
                }
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(args))
    }
}
