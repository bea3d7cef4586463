//! The frameworks, and the applications on each.

use std::{error::Error, net::TcpListener};

use crate::{actix_app, axum_app};

/// The first application of each framework, with which the others are compared.
pub(crate) const NOTHING: &str = "no sessions";
/// The application that the budget is for.
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

    /// Returns the framework's name as an argument.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Axum => "axum",
            Self::Actix => "actix",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        [Self::Axum, Self::Actix].into_iter().find(|framework| framework.name() == name)
    }

    /// Returns the names of the applications on it.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Axum => &axum_app::NAMES,
            Self::Actix => &actix_app::NAMES,
        }
    }

    /// Serves the application with this name for ever, on one thread.
    pub(crate) fn serve(self, name: &str, redis: &str, listener: TcpListener) -> Result<(), Box<dyn Error>> {
        match self {
            Self::Axum => axum_app::serve(name, redis, listener),
            Self::Actix => actix_app::serve(name, redis, listener),
        }
    }
}
