//! The contestants.

pub mod actix_session;
pub mod axum_session;
pub mod bare_redis;
pub mod baseline;
pub mod cloakroom_actix;
pub mod cloakroom_axum;
pub mod tower_sessions;

use crate::app::Open;

/// The web framework.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Framework {
    /// Axum.
    Axum,
    /// Actix Web.
    Actix,
    /// No framework.
    None,
}

/// The place of the sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Store {
    /// In the process.
    Memory,
    /// In the cookie.
    Cookie,
    /// In Redis.
    Redis,
}

/// The role of a contestant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The bare framework.
    Baseline,
    /// The contestant that the budgets are about.
    Ours,
    /// Another form of it, shown beside it.
    OursBeside,
    /// Another library.
    Peer,
    /// The cost of any middleware on this framework.
    Floor,
    /// Bare commands of Redis.
    Yardstick,
    /// A library that sends cookies even if the handler does not use the session.
    EagerPeer,
}

/// A library, or a baseline, that is measured.
#[derive(Clone, Copy)]
pub struct Contestant {
    /// The name for the tables, with the form of its cookies if it has several.
    pub name: &'static str,
    /// The framework.
    pub framework: Framework,
    /// The store.
    pub store: Store,
    /// The role.
    pub role: Role,
    /// Starts the application.
    pub open: Open,
}

impl Contestant {
    /// Returns true if the budgets are about it.
    pub fn is_ours(&self) -> bool {
        self.role == Role::Ours
    }

    /// Returns true if cloakroom is compared with it.
    pub fn is_peer(&self) -> bool {
        matches!(self.role, Role::Peer | Role::EagerPeer)
    }

    /// Returns true if it has sessions.
    pub fn has_sessions(&self) -> bool {
        !matches!(self.role, Role::Baseline | Role::Floor)
    }
}

/// Returns the bare framework, if there is one.
pub fn baseline(framework: Framework) -> Option<Contestant> {
    match framework {
        Framework::Axum => Some(baseline::AXUM),
        Framework::Actix => Some(baseline::ACTIX),
        Framework::None => None,
    }
}

/// Returns the contestant above which allocations are counted: the framework with a layer that does nothing, if layers
/// allocate on it.
pub fn floor(framework: Framework) -> Option<Contestant> {
    match framework {
        Framework::Axum => Some(baseline::AXUM_LAYER),
        Framework::Actix | Framework::None => baseline(framework),
    }
}

/// Returns all contestants with sessions in this store.
pub fn with_store(store: Store) -> Vec<Contestant> {
    let on_axum = [cloakroom_axum::ALL, tower_sessions::ALL, axum_session::ALL];
    let on_actix = [cloakroom_actix::ALL, actix_session::ALL];
    let all = [on_axum.concat(), on_actix.concat(), vec![baseline::AXUM_LAYER, bare_redis::BARE]];
    all.concat().into_iter().filter(|contestant| contestant.store == store).collect()
}

impl Framework {
    /// All frameworks, and none.
    pub const ALL: [Self; 3] = [Self::Axum, Self::Actix, Self::None];

    /// Returns the name for the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Axum => "Axum",
            Self::Actix => "Actix Web",
            Self::None => "no framework",
        }
    }
}

impl Store {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Memory, Self::Cookie, Self::Redis];

    /// Returns the name for the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cookie => "cookie",
            Self::Redis => "Redis",
        }
    }
}
