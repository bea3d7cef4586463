//! What the programs share: their command line, and how they report.

pub(crate) mod args;
pub(crate) mod budget;
pub(crate) mod machine;
pub(crate) mod report;
pub(crate) mod spread;
