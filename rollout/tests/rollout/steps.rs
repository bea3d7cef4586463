//! The layers of the steps.

use cloakroom::{CookieOptions, ForeignSessions, SessionLayer, keys::SecretKey, store::SessionStore};

use crate::{app::USER, node::KEPT};

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
    /// Returns true if sessions begin in the other crate's format.
    pub fn is_theirs(self) -> bool {
        matches!(self, Self::One | Self::Two | Self::Back)
    }

    /// Returns the layer of a node, as the guide has it.
    pub fn layer<F: ForeignSessions>(
        self,
        theirs: F,
        ours: &(impl SessionStore + Clone),
        key: &SecretKey,
    ) -> SessionLayer {
        let layer = if self.is_theirs() {
            self.beside(SessionLayer::foreign(theirs), None::<F>, ours, key)
        } else {
            self.beside(SessionLayer::new(ours.clone()), Some(theirs), ours, key)
        };
        let lifetime = cloakroom::Lifetime::builder().idle(KEPT).persistent_while_used().build().unwrap();
        let cookie = CookieOptions::builder().name("id").insecure_http().build().unwrap();
        layer.cookie(cookie).lifetime(lifetime).owner_key(USER)
    }

    /// Adds the other sessions of a step to a layer over its primary ones.
    pub fn beside<F: ForeignSessions>(
        self,
        primary: SessionLayer,
        theirs: Option<F>,
        ours: &(impl SessionStore + Clone),
        key: &SecretKey,
    ) -> SessionLayer {
        match (self, theirs) {
            (Self::Two, _) => primary.also(ours.clone()).moved(key),
            (Self::Back, _) => primary.also(ours.clone()).moving(key),
            (Self::Three, Some(theirs)) => primary.also(theirs).moving(key),
            _ => primary,
        }
    }
}
