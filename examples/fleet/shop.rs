//! The shop: its operations on a session. It uses no framework and no store.
//!
//! The session cookie is `SameSite=Lax`, so a form on another site posts without it, and no handler here checks the
//! origin of a post. Ports and subdomains belong to the same site: if they are not all yours, check `Origin`, too.

use std::{sync::Arc, time::SystemTime};

use cloakroom::{Key, Owners, Session, SessionId};
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    calls::Calls,
    page,
    reply::{Answer, Refusal, Reply, Status},
    servers::Member,
};

const USER: Key<String> = Key::new("user");
const VISITS: Key<u64> = Key::new("visits");
const CART: Key<Vec<String>> = Key::new("cart");

/// The most characters of a name, or of an item.
const LONGEST: usize = 64;

/// Returns the times at which the browser's device was bound and last proved its key, if the session is bound.
pub(crate) type Device = fn(&Session) -> Option<[SystemTime; 2]>;

#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) framework: &'static str,
    pub(crate) members: Arc<[Member]>,
    owners: Option<Owners>,
    calls: Calls,
    device: Device,
}

#[derive(Deserialize)]
pub(crate) struct Login {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
pub(crate) struct Order {
    #[serde(default)]
    item: String,
}

impl Shop {
    pub(crate) fn new(
        framework: &'static str,
        owners: Option<Owners>,
        members: Arc<[Member]>,
        calls: Calls,
        device: Device,
    ) -> Self {
        Self { framework, members, owners, calls, device }
    }

    pub(crate) async fn home(&self, session: &Session) -> Answer {
        // Not `insert`, because two concurrent visits would count one.
        session.update_or(VISITS, 1, |visits| visits + 1)?;
        let status = self.status(session)?;
        let sessions = match (&status.user, &self.owners) {
            (Some(user), Some(owners)) => Some(owners.list(user).await?),
            _ => None,
        };
        let calls = session.id().map(|id| self.calls.last(&id)).unwrap_or_default();
        Ok(Reply::Page(page::home(self, &status, sessions.as_deref(), &calls, (self.device)(session))))
    }

    pub(crate) fn api(&self, session: &Session) -> Answer {
        self.status(session).map(Reply::Status)
    }

    pub(crate) fn login(&self, session: &Session, form: &Login) -> Answer {
        let name = text(&form.name, "A name has 1 to 64 characters.")?;
        // An attacker who knows the token from before the login gains nothing. If another user was logged in, the session starts
        // empty: the next user does not get that cart.
        session.login(name);
        session.set_label(self.framework);
        session.insert(USER, name.to_owned())?;
        Ok(Reply::Home)
    }

    pub(crate) async fn logout_everywhere(&self, session: &Session) -> Answer {
        if let Some(user) = session.get(USER)? {
            // This comes before the purge. If it fails, the user is still logged in and can try again.
            self.owners()?.revoke_all(&user).await?;
        }
        session.purge();
        Ok(Reply::Home)
    }

    pub(crate) async fn revoke(&self, session: &Session, id: &str) -> Answer {
        let user = user(session)?;
        let id: SessionId = id.parse().map_err(|_| Refusal::NO_SUCH_SESSION)?;
        // Ends only a session of this user, because the id comes from the client.
        if !self.owners()?.revoke(&user, &id).await? {
            return Err(Refusal::NO_SUCH_SESSION);
        }
        if session.id() == Some(id) {
            session.purge();
        }
        Ok(Reply::Home)
    }

    fn status(&self, session: &Session) -> Result<Status, Refusal> {
        Ok(Status {
            framework: self.framework,
            user: session.get(USER)?,
            visits: session.get(VISITS)?.unwrap_or_default(),
            cart: session.get(CART)?.unwrap_or_default(),
            id: session.id().map(|id| id.to_string()),
            expires_at: session.expires_at().map(Timestamp::try_from).transpose()?,
        })
    }

    fn owners(&self) -> Result<&Owners, Refusal> {
        self.owners.as_ref().ok_or(Refusal::NO_LIST)
    }
}

pub(crate) fn order(session: &Session, form: &Order) -> Answer {
    user(session)?;
    let item = text(&form.item, "An item has 1 to 64 characters.")?.to_owned();
    session.update_or(CART, vec![item.clone()], move |mut cart| {
        cart.push(item.clone());
        cart
    })?;
    Ok(Reply::Home)
}

pub(crate) fn logout(session: &Session) -> Reply {
    session.purge();
    Reply::Home
}

fn user(session: &Session) -> Result<String, Refusal> {
    session.get(USER)?.ok_or(Refusal::LOGGED_OUT)
}

fn text<'a>(text: &'a str, otherwise: &'static str) -> Result<&'a str, Refusal> {
    let text = text.trim();
    let is_fine = (1..=LONGEST).contains(&text.chars().count());
    if is_fine { Ok(text) } else { Err(Refusal::new(StatusCode::BAD_REQUEST, otherwise)) }
}
