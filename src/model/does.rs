//! The actions of a handler with its session.

use super::{request::Options, tape::TapeStore};
use crate::{Owners, Session, store::Timestamp};

/// The user whose sessions "log out everywhere" ends.
pub(super) const ALICE: &str = "alice";
/// Another user of the same browser.
pub(super) const BOB: &str = "bob";
/// The attacker's own account.
pub(super) const MALLORY: &str = "mallory";
/// The key of the owner in a layer with an owner key.
const USER: &str = "user";
/// The difference between the marks of a request's first and second change.
const SECOND: u8 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(not(feature = "device-bound"), allow(dead_code))] // Only that feature has devices.
pub(super) enum Does {
    /// Reads. The session was used, so its deadline moves.
    Read,
    Write,
    Update,
    /// Updates, saves, and updates again.
    UpdateTwice,
    /// Saves, holds the handle, and saves again.
    Held,
    HeldUpdate,
    HeldReload,
    HeldRenew,
    HeldClear,
    HeldPurge,
    Clear,
    /// `login`, and an insert.
    Login(&'static str),
    /// Sets the owner. If that changes the owner, it counts as a login.
    SetOwner(&'static str),
    /// Renews, and inserts the loaded user again.
    StepUp,
    Renew,
    /// Removes the owner.
    Leave,
    Purge,
    /// Purges, begins a new session, and inserts.
    Restart,
    /// Ends all sessions of [`ALICE`].
    Everywhere,
    /// The browser proves that it has the device's key.
    Refresh,
    /// The browser registers a device.
    Register,
    /// A client without the device's key asks for a proof.
    Forge,
    /// A client registers a device of its own, with a challenge that was made for a proof.
    ForgeDevice,
}

impl Does {
    /// Returns true if the handler ends the session.
    pub(super) fn purges(self) -> bool {
        matches!(self, Self::Purge | Self::HeldPurge | Self::Restart)
    }

    /// Returns true if the layer answers it, and no handler.
    pub(super) fn is_of_device(self) -> bool {
        matches!(self, Self::Refresh | Self::Register | Self::Forge | Self::ForgeDevice)
    }

    pub(super) fn logs_in(self) -> bool {
        matches!(self, Self::Login(_))
    }

    /// Returns the owner that it writes.
    pub(super) fn owner(self) -> Option<&'static str> {
        match self {
            Self::Login(owner) | Self::SetOwner(owner) => Some(owner),
            _ => None,
        }
    }

    pub(super) fn clears(self) -> bool {
        matches!(self, Self::Clear | Self::HeldClear)
    }

    /// Returns true if it renews a session that was loaded with `owner`.
    pub(super) fn renews(self, owner: Option<&str>, options: Options) -> bool {
        match self {
            Self::Login(_) | Self::StepUp | Self::Renew | Self::HeldRenew => true,
            Self::SetOwner(next) => owner != Some(next),
            Self::Leave => owner.is_some(),
            Self::Clear | Self::HeldClear => options.owner_key && owner.is_some(),
            _ => false,
        }
    }

    /// Returns true if the user may be logged out after it.
    pub(super) fn may_log_out(self, options: Options) -> bool {
        match self {
            Self::Leave | Self::Everywhere => true,
            Self::Login(owner) | Self::SetOwner(owner) => owner != ALICE,
            _ => self.purges() || (self.clears() && options.owner_key),
        }
    }

    /// Returns the marks of the request with this number.
    pub(super) fn marks(number: u8) -> [u8; 2] {
        [number, number + SECOND]
    }

    /// Runs the handler.
    pub(super) async fn run(self, number: u8, options: Options, session: &Session, tape: &TapeStore) {
        let user = Does::user(options, session);
        let [first, second] = Self::marks(number);
        match self {
            Self::Read | Self::Write | Self::Everywhere => {}
            // The layer answers these itself.
            Self::Refresh | Self::Register | Self::Forge | Self::ForgeDevice => {}
            Self::Update => update(session, tape, first),
            Self::UpdateTwice => {
                update(session, tape, first);
                tape.saved(session, &session.save().await);
                update(session, tape, second);
            }
            Self::Held => {
                insert(session, tape, first);
                tape.saved(session, &session.save().await);
                tape.hold().await;
                insert(session, tape, second);
                tape.saved(session, &session.save().await);
            }
            Self::HeldUpdate => {
                tape.hold().await;
                update(session, tape, first);
            }
            Self::HeldReload => {
                tape.hold().await;
                let _ = session.reload().await;
                tape.look(session);
                update(session, tape, first);
            }
            Self::HeldRenew => {
                tape.hold().await;
                session.renew();
                tape.saved(session, &session.save().await);
                insert(session, tape, second);
            }
            Self::HeldClear => {
                tape.hold().await;
                session.clear();
            }
            Self::HeldPurge => {
                tape.hold().await;
                session.purge();
            }
            Self::Clear => session.clear(),
            Self::Login(owner) => {
                if options.epochs {
                    let seen = tape.check().await.map(Timestamp::into);
                    session.login_at(owner, seen);
                } else {
                    session.login(owner);
                }
                if options.owner_key {
                    set(session, tape, USER, owner);
                }
            }
            Self::SetOwner(owner) if options.owner_key => set(session, tape, USER, owner),
            Self::SetOwner(owner) => session.set_owner(owner),
            Self::StepUp => {
                session.renew();
                match user {
                    Some(user) if options.owner_key => set(session, tape, USER, &user),
                    Some(user) => session.set_owner(user),
                    None => {}
                }
            }
            Self::Renew => session.renew(),
            Self::Leave if options.owner_key => drop(session.remove(USER)),
            Self::Leave => session.clear_owner(),
            Self::Purge => session.purge(),
            Self::Restart => session.restart(),
        }
        if matches!(self, Self::Write | Self::Login(_) | Self::SetOwner(_) | Self::StepUp | Self::Restart) {
            insert(session, tape, first);
        }
        tape.look(session);
    }

    fn user(options: Options, session: &Session) -> Option<String> {
        if options.owner_key { session.get(USER).unwrap() } else { session.owner() }
    }

    /// Moves the epoch, if there is one, and ends the sessions that the index lists.
    pub(super) async fn end_everywhere(options: Options, owners: &Owners, tape: &TapeStore) -> bool {
        if options.epochs {
            tape.move_epoch().await;
        }
        owners.revoke_all(ALICE).await.is_ok()
    }
}

fn insert(session: &Session, tape: &TapeStore, mark: u8) {
    tape.tries(mark);
    set(session, tape, &format!("k{mark}"), mark);
    if mark < SECOND {
        set(session, tape, "last", mark);
    }
}

fn set(session: &Session, tape: &TapeStore, key: &str, value: impl serde::Serialize) {
    tape.wrote(key, serde_json::to_string(&value).unwrap());
    session.insert(key, value).unwrap();
}

fn update(session: &Session, tape: &TapeStore, mark: u8) {
    tape.tries(mark);
    tape.wrote("n", format!("[{mark}]"));
    let tape = tape.clone();
    let push = move |mut list: Vec<u8>| {
        tape.ran_on(&list);
        list.push(mark);
        tape.wrote("n", serde_json::to_string(&list).unwrap());
        list
    };
    // It cannot be a conflict with another handler, because the request has only one.
    session.update_or("n", vec![mark], push).unwrap();
}
