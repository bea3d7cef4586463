//! What a request costs with cloakroom, and with its peers, in one run.

fn main() {}
