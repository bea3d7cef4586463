//! The limit of sessions per owner.

/// The outcome of a login over an owner's limit: see [`SessionLayer::max_per_owner`](crate::SessionLayer::max_per_owner).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OverLimit {
    /// The login fails: its commit is an error, [`Error::is_over_limit`](crate::Error::is_over_limit), and stores nothing.
    Refuse,
    /// The login ends those sessions of the owner that were not used for longest.
    EndOldest,
}

/// A limit, and the outcome of a login over it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    pub(crate) max: usize,
    pub(crate) over: OverLimit,
}
