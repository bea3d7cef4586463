//! The command line.

use std::{env, path::PathBuf};

use lexopt::{Arg, Error, Parser, ValueExt as _};

pub(crate) struct Args {
    /// True for a short run.
    pub(crate) quick: bool,
    /// True if a missed budget fails the program.
    pub(crate) check: bool,
    pub(crate) csv: PathBuf,
}

/// Reads the command line. Prints the help and returns `None` if it asks for that. The default for the table is
/// `{name}.csv`.
pub(crate) fn parse(name: &str, about: &str) -> Result<Option<Args>, Error> {
    let beside = env::current_exe().map_or_else(|_| name.into(), |program| program.with_file_name(name));
    let mut found = Args { quick: false, check: false, csv: beside.with_extension("csv") };
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("quick") => found.quick = true,
            Arg::Long("check") => found.check = true,
            Arg::Long("csv") => found.csv = parser.value()?.parse_with(|path| Ok::<_, String>(path.into()))?,
            Arg::Short('h') | Arg::Long("help") => {
                println!("{}", help(name, about));
                return Ok(None);
            }
            arg => return Err(arg.unexpected()),
        }
    }
    Ok(Some(found))
}

fn help(name: &str, about: &str) -> String {
    format!(
        "\
{about}

Usage: cargo run --release -p peers --bin {name} -- [--quick] [--check] [--csv FILE]

  --quick     take under a minute
  --check     name the rows that miss their budget, and fail if there are such
  --csv FILE  write the rows there [default: {name}.csv, beside the program]"
    )
}
