//! Who is measured.

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
    /// None at all.
    None,
}

/// Where sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Store {
    /// In the process.
    Memory,
    /// In the cookie.
    Cookie,
    /// In Redis.
    Redis,
}

/// What a contestant stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The bare framework.
    Baseline,
    /// What the budgets are about.
    Ours,
    /// Another form of it, shown beside.
    OursBeside,
    /// Another library.
    Peer,
    /// What any middleware costs on this framework.
    Floor,
    /// Bare commands of Redis.
    Yardstick,
    /// One that sends cookies whether or not anybody asked for the session.
    EagerPeer,
}

/// Somebody who is measured.
#[derive(Clone, Copy)]
pub struct Contestant {
    /// As tables call it, with the form of its cookies where it has several.
    pub name: &'static str,
    /// On which framework.
    pub framework: Framework,
    /// With which store.
    pub store: Store,
    /// As what.
    pub role: Role,
    /// How its application is started.
    pub open: Open,
}

impl Contestant {
    /// Whether the budgets are about it.
    pub fn is_ours(&self) -> bool {
        self.role == Role::Ours
    }

    /// Whether ours is compared with it.
    pub fn is_peer(&self) -> bool {
        matches!(self.role, Role::Peer | Role::EagerPeer)
    }

    /// Whether it has sessions.
    pub fn has_sessions(&self) -> bool {
        !matches!(self.role, Role::Baseline | Role::Floor)
    }
}

/// The bare framework, where there is one.
pub fn baseline(framework: Framework) -> Option<Contestant> {
    match framework {
        Framework::Axum => Some(baseline::AXUM),
        Framework::Actix => Some(baseline::ACTIX),
        Framework::None => None,
    }
}

/// What allocations are counted over: the framework with a layer that does nothing, where a layer of any kind costs some.
pub fn floor(framework: Framework) -> Option<Contestant> {
    match framework {
        Framework::Axum => Some(baseline::AXUM_LAYER),
        Framework::Actix | Framework::None => baseline(framework),
    }
}

/// Everybody with sessions in this store.
pub fn with_store(store: Store) -> Vec<Contestant> {
    let on_axum = [cloakroom_axum::ALL, tower_sessions::ALL, axum_session::ALL];
    let on_actix = [cloakroom_actix::ALL, actix_session::ALL];
    let all = [on_axum.concat(), on_actix.concat(), vec![baseline::AXUM_LAYER, bare_redis::BARE]];
    all.concat().into_iter().filter(|contestant| contestant.store == store).collect()
}

impl Framework {
    /// Both, and none.
    pub const ALL: [Self; 3] = [Self::Axum, Self::Actix, Self::None];

    /// As tables call it.
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

    /// As tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cookie => "cookie",
            Self::Redis => "Redis",
        }
    }
}
