//! The drivers of the frameworks: in process, without sockets.

pub mod actix;
pub mod axum;
