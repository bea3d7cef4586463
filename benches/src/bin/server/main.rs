//! What whole servers answer in a second.
fn main() {}
