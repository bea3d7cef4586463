//! The machine on which the figures were measured.

use std::{fs, thread};

/// Returns the processor, the number of its cores, and the profile of the build.
pub(crate) fn describe() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model);
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    let profile = if cfg!(debug_assertions) { "debug: NO FIGURE HERE COUNTS" } else { "release, thin LTO" };
    format!("{model}, {cpus} CPUs; {profile}")
}
