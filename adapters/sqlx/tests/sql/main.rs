//! The SQL stores, on databases that are real.

mod contract;
