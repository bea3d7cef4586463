//! The limit of sessions per owner.

/// Decides what happens to a login over an owner's limit: see
/// [`SessionLayer::max_per_owner`](crate::SessionLayer::max_per_owner).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OverLimit {
    /// The login fails. Its commit returns an error ([`Error::is_over_limit`](crate::Error::is_over_limit)) and stores
    /// nothing.
    Refuse,
    /// The login ends the owner's least recently used sessions.
    EndOldest,
}

/// A limit, and what happens to a login over it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    pub(crate) max: usize,
    pub(crate) over: OverLimit,
}
