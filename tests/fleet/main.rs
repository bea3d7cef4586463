//! The fleet of `examples/fleet`, driven over sockets.

mod command;
mod harness;
mod races;
mod together;

#[path = "../../examples/fleet/calls.rs"]
mod calls;
#[path = "../../examples/fleet/on_actix.rs"]
mod on_actix;
#[path = "../../examples/fleet/on_axum.rs"]
mod on_axum;
#[path = "../../examples/fleet/on_hyper.rs"]
mod on_hyper;
#[path = "../../examples/fleet/page.rs"]
mod page;
#[path = "../support/program.rs"]
mod program;
#[path = "../../examples/fleet/reply.rs"]
mod reply;
#[path = "../../examples/fleet/servers.rs"]
mod servers;
#[path = "../../examples/fleet/shop.rs"]
mod shop;
