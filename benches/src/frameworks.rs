//! How each framework is driven: in process, without sockets.

pub mod actix;
pub mod axum;
