//! The layers of the steps.

use cloakroom::{CookieOptions, ForeignSessions, SessionLayer, keys::SecretKey, redis::RedisStore};

use crate::{app::USER, nodes::KEPT};

/// The step that a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The other crate itself.
    Old,
    /// Their format.
    One,
    /// Their format; sessions of ours are opened, too.
    Two,
    /// The same on the way back: sessions of ours move into their format.
    Back,
    /// Ours; sessions in their format move there.
    Three,
    /// Ours alone.
    Four,
}

/// The steps of cloakroom's nodes.
pub const NEW: [Step; 5] = [Step::One, Step::Two, Step::Back, Step::Three, Step::Four];

impl Step {
    /// Returns the layer of a node, as the guide has it.
    pub fn layer<F: ForeignSessions>(self, theirs: F, ours: &RedisStore, key: &SecretKey) -> SessionLayer {
        let layer = match self {
            Self::Old => panic!("it runs another crate"),
            Self::One => SessionLayer::foreign(theirs),
            Self::Two => SessionLayer::foreign(theirs).also(ours.clone()).moved(key),
            Self::Back => SessionLayer::foreign(theirs).also(ours.clone()).moving(key),
            Self::Three => SessionLayer::new(ours.clone()).also(theirs).moving(key),
            Self::Four => SessionLayer::new(ours.clone()),
        };
        let lifetime = cloakroom::Lifetime::builder().idle(KEPT).build().unwrap();
        let cookie = CookieOptions::builder().name("id").insecure_http().build().unwrap();
        layer.cookie(cookie).lifetime(lifetime).owner_key(USER)
    }
}
