//! Several stores in one layer, and the move of sessions from one to another.

#[path = "../support/mod.rs"]
mod support;

mod also;
mod moving;
mod random;
