//! The kinds of requests, and the contents of their sessions.

/// The use that a request makes of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// No cookie, and a handler that does not use the session.
    Anonymous,
    /// A valid cookie, and a handler that does not use the session.
    Ignored,
    /// Reads one key.
    Read,
    /// Increments one counter.
    Write,
    /// No cookie. The handler inserts the whole payload, and the response has a cookie.
    Create,
}

impl Class {
    /// Every class, in the order of the tables.
    pub const ALL: [Self; 5] = [Self::Anonymous, Self::Ignored, Self::Read, Self::Write, Self::Create];

    /// Returns the name for the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Ignored => "ignored",
            Self::Read => "read",
            Self::Write => "write",
            Self::Create => "create",
        }
    }

    /// Returns true if the request presents a session.
    pub fn has_cookie(self) -> bool {
        matches!(self, Self::Ignored | Self::Read | Self::Write)
    }

    /// Returns the route.
    pub fn path(self, payload: Payload) -> &'static str {
        match self {
            Self::Anonymous | Self::Ignored => "/plain",
            Self::Read => "/read",
            Self::Write => "/write",
            Self::Create => payload.create(),
        }
    }
}

/// The content of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Payload {
    /// A counter.
    Small,
    /// A counter and nine texts: 1 KiB.
    Kib,
}

impl Payload {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Small, Self::Kib];

    /// Returns the name for the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Kib => "1 KiB",
        }
    }

    /// Returns the route that makes such a session.
    pub fn create(self) -> &'static str {
        match self {
            Self::Small => "/create/small",
            Self::Kib => "/create/kib",
        }
    }

    /// Returns the content except the counter.
    pub fn texts(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Small => &[],
            Self::Kib => &TEXTS,
        }
    }
}

/// The key of the counter.
pub const COUNTER: &str = "n";

/// The counter's first value.
pub const START: u64 = 1;

/// The key of the last text.
pub const LAST: &str = "text-9";

/// A text of 106 bytes: nine of them, with their keys and the counter, are 1 KiB as JSON.
const TEXT: &str =
    "forty tokens hang on their hooks and wait, each for the one guest who holds the other half of the ticket..";

const TEXTS: [(&str, &str); 9] = [
    ("text-1", TEXT),
    ("text-2", TEXT),
    ("text-3", TEXT),
    ("text-4", TEXT),
    ("text-5", TEXT),
    ("text-6", TEXT),
    ("text-7", TEXT),
    ("text-8", TEXT),
    (LAST, TEXT),
];
