//! Measures the costs of a request with cloakroom and with its peers, in one run.
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate)] // A program that measures has no other users.

pub mod allocations;
pub mod app;
pub mod args;
pub mod budgets;
pub mod chart;
pub mod classes;
pub mod commands;
pub mod contestants;
pub mod csv;
pub mod frameworks;
pub mod measure;
pub mod redis;
pub mod report;
pub mod saturation;
pub mod stats;
pub mod table;
pub mod verify;
pub mod versions;
pub mod visit;
