//! The frameworks, and what is served on each.

use std::{error::Error, net::TcpListener};

use crate::{actix_app, axum_app};

/// The first of each framework's: what the others are compared with.
pub(crate) const NOTHING: &str = "no sessions";
/// What the budget is for.
pub(crate) const OURS: &str = "cloakroom, memory";

#[derive(Clone, Copy)]
pub(crate) enum Framework {
    Axum,
    Actix,
}

impl Framework {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Axum => "Axum",
            Self::Actix => "Actix Web",
        }
    }

    /// As an argument.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Axum => "axum",
            Self::Actix => "actix",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        [Self::Axum, Self::Actix].into_iter().find(|framework| framework.name() == name)
    }

    /// What is served on it.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Axum => &axum_app::NAMES,
            Self::Actix => &actix_app::NAMES,
        }
    }

    /// Serves what has that name, with one thread, for ever.
    pub(crate) fn serve(self, name: &str, redis: &str, listener: TcpListener) -> Result<(), Box<dyn Error>> {
        match self {
            Self::Axum => axum_app::serve(name, redis, listener),
            Self::Actix => actix_app::serve(name, redis, listener),
        }
    }
}
