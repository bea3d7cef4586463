//! The parts that the programs share: the command line and the report.

pub(crate) mod args;
pub(crate) mod budget;
pub(crate) mod machine;
pub(crate) mod report;
pub(crate) mod spread;
