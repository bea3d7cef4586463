//! The command line.

use std::{env, path::PathBuf};

use lexopt::{Arg, Error, Parser, ValueExt as _};

pub(crate) struct Args {
    /// A short run, for a look.
    pub(crate) quick: bool,
    /// Whether a missed budget fails the program.
    pub(crate) check: bool,
    pub(crate) csv: PathBuf,
}

/// `None` where only the help was asked for, which is printed then. The table goes to `{name}.csv` by default.
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
