//! Finds out whether actix-identity, where it stands right inside the middleware, runs on these sessions.
//!
//! If it is linked to actix-session itself, it asks that crate for its session: everything compiles, a login is answered, and nothing
//! is stored. The types of both crates are private, so the name of the service's type is all there is to see. It is right inside if no
//! other middleware stands between; then each request gets to it, and its first act is `ServiceRequest::get_session`.

use std::{any::type_name, cell::Cell, rc::Rc, sync::Once};

use ::actix_web::dev::Extensions;

/// Looks at the first requests of a service.
#[derive(Clone)]
pub(super) struct Watch(Rc<Cell<Seen>>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// No request got to actix-identity yet.
    Nothing,
    /// It asked these sessions: all is well.
    Asks,
    /// It did not.
    Passes,
}

impl Watch {
    /// Watches `S` if it is actix-identity's service.
    pub(super) fn over<S>() -> Option<Self> {
        type_name::<S>().starts_with("actix_identity::").then(|| Self(Rc::new(Cell::new(Seen::Nothing))))
    }

    /// Puts itself into a request, unless the question is answered already.
    pub(super) fn attach(&self, extensions: &mut Extensions) {
        if self.0.get() == Seen::Nothing {
            extensions.insert(self.clone());
        }
    }

    /// Records that a middleware asked for the session of this request.
    pub(super) fn asked(extensions: &Extensions) {
        if let Some(Self(seen)) = extensions.get() {
            seen.set(Seen::Asks);
        }
    }

    /// Reports, after a request, that no middleware asked for its session.
    pub(super) fn check(&self) {
        static LOGGED: Once = Once::new();
        if self.0.get() != Seen::Nothing {
            return;
        }
        self.0.set(Seen::Passes);
        LOGGED.call_once(|| {
            tracing::error!(
                "actix-identity does not use these sessions, so its logins are lost: it is linked to another actix-session; put the \
                 stand-ins of cloakroom into `[patch.crates-io]`, and look with `cargo tree -i actix-session`"
            );
        });
    }
}
