//! The requests of each scenario, for every framework and every store, with their responses and the store's calls.

use std::time::Duration;

use super::Sent::{self, Nothing, Removal, Token};

/// A request and its expected result.
pub struct Step {
    pub browser: usize,
    pub path: &'static str,
    pub status: u16,
    pub body: &'static str,
    pub sent: Sent,
    pub calls: &'static [&'static str],
    /// The calls on Actix Web, if they differ because it loads the session before the handler.
    pub eager: Option<&'static [&'static str]>,
    /// The time since the step before.
    pub after: Duration,
}

const fn step(path: &'static str, body: &'static str, sent: Sent, calls: &'static [&'static str]) -> Step {
    Step { browser: 0, path, status: 200, body, sent, calls, eager: None, after: Duration::ZERO }
}

impl Step {
    const fn answers(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// Returns the same step in another browser.
    const fn elsewhere(self) -> Self {
        Self { browser: 1, ..self }
    }

    const fn eager(self, calls: &'static [&'static str]) -> Self {
        Self { eager: Some(calls), ..self }
    }

    const fn after(self, seconds: u64) -> Self {
        Self { after: Duration::from_secs(seconds), ..self }
    }
}

const HOUR: u64 = 60 * 60;

pub const SCENARIOS: &[(&str, &[Step])] = &[
    (
        "a request that does not ask costs nothing",
        &[
            step("/plain", "plain", Nothing, &[]),
            step("/app/insert:a:1", "", Token, &["create"]),
            step("/plain", "plain", Nothing, &[]).eager(&["load"]),
        ],
    ),
    (
        "reading an empty session stores nothing",
        &[step("/app/get:a/keys/state/id/presented", "none  Unchanged none false", Nothing, &[])],
    ),
    (
        "what is inserted is there in the next request, and costs a load",
        &[
            step("/app/insert:a:1/insert:b:x", "", Token, &["create"]),
            step("/app/get:a/get:b/keys/presented", "1 x a+b true", Nothing, &["load"]),
            step("/app/get:a", "none", Nothing, &[]).elsewhere(),
        ],
    ),
    (
        "a change is one write, whatever there is of it",
        &[
            step("/app/insert:a:1/insert:b:2/insert:c:3", "", Token, &["create"]),
            step("/app/insert:a:5/remove:b/count:n/state", "2 Changed", Nothing, &["load", "replace"]),
            step("/app/get:a/get:b/get:c/get:n", "5 none 3 1", Nothing, &["load"]),
        ],
    ),
    (
        "an equal value is no change",
        &[
            step("/app/insert:a:1", "", Token, &["create"]),
            step("/app/insert:a:1/state", "Unchanged", Nothing, &["load"]),
            step("/app/remove:z", "none", Nothing, &["load"]),
            step("/app/insert:a:2/insert:a:1", "", Nothing, &["load"]),
        ],
    ),
    (
        "an empty session is not worth a record",
        &[
            step("/app/insert:a:1/remove:a", "1", Nothing, &[]),
            step("/app/insert:a:1/clear", "", Nothing, &[]),
            step("/app/renew/state", "Renewed", Nothing, &[]),
            step("/app/increment:n", "", Nothing, &[]),
            step("/app/remember", "", Nothing, &[]),
        ],
    ),
    (
        "an update works on what is there",
        &[
            step("/app/count:n", "", Token, &["create"]),
            step("/app/count:n/increment:n/once:n/get:n", "4", Nothing, &["load", "replace"]),
            step("/app/get:n", "4", Nothing, &["load"]),
        ],
    ),
    (
        "a clear removes what is there, and what comes after it stays",
        &[
            step("/app/insert:a:1/insert:b:2", "", Token, &["create"]),
            step("/app/insert:c:3/clear/insert:b:5/keys", "b", Nothing, &["load", "replace"]),
            step("/app/keys/get:b", "b 5", Nothing, &["load"]),
        ],
    ),
    (
        "a login renews, and keeps what was there",
        &[
            step("/app/insert:cart:pear", "", Token, &["create"]),
            step("/app/renew/insert:user:7/state", "Renewed", Token, &["load", "replace"]),
            step("/app/get:cart/get:user", "pear 7", Nothing, &["load"]),
        ],
    ),
    (
        "a login of somebody without a session makes one",
        &[step("/app/renew/insert:user:7", "", Token, &["create"]), step("/app/get:user", "7", Nothing, &["load"])],
    ),
    (
        "a logout deletes, takes the cookie away, and nothing comes after it",
        &[
            step("/app/insert:user:7", "", Token, &["create"]),
            step(
                "/app/insert:a:1/purge/insert:b:2/get:user/state/id",
                "none Purged none",
                Removal,
                &["load", "delete"],
            ),
            step("/app/keys/presented", " false", Nothing, &[]),
        ],
    ),
    (
        "a logout without a session costs nothing and sends nothing",
        &[step("/app/purge", "", Nothing, &[]), step("/app/insert:a:1/purge", "", Nothing, &[])],
    ),
    (
        "a purge beats a renewal, in whatever order",
        &[
            step("/app/insert:a:1", "", Token, &["create"]),
            step("/app/renew/purge/renew", "", Removal, &["load", "delete"]),
        ],
    ),
    (
        "a restart ends the session and begins another one",
        &[
            step("/app/insert:user:7", "", Token, &["create"]),
            step("/app/insert:a:1/purge/restart/insert:flash:bye/keys", "flash", Token, &["load", "delete", "create"]),
            step("/app/keys", "flash", Nothing, &["load"]),
            step("/app/restart", "", Removal, &["load", "delete"]),
        ],
    ),
    (
        "an error does not undo what the handler did",
        &[
            step("/app/count:failed/status:401", "", Token, &["create"]).answers(401),
            step("/app/count:failed/fail:500", "", Nothing, &["load", "replace"]).answers(500),
            step("/app/get:failed", "2", Nothing, &["load"]),
            step("/app/renew/insert:user:7/fail:500", "", Token, &["load", "replace"]).answers(500),
            step("/app/get:user/get:failed", "7 2", Nothing, &["load"]),
            step("/app/purge/fail:500", "", Removal, &["load", "delete"]).answers(500),
            step("/app/get:user", "none", Nothing, &[]),
        ],
    ),
    (
        "an owner is part of the session",
        &[
            step("/app/owner:alice/whose", "alice", Token, &["create"]),
            step("/app/whose", "alice", Nothing, &["load"]),
            step("/app/owner:alice/whose", "alice", Nothing, &["load"]),
            step("/app/owner:bob/whose", "bob", Token, &["load", "replace"]),
            step("/app/whose", "bob", Nothing, &["load"]),
            step("/app/disown/whose", "nobody", Token, &["load", "replace"]),
            step("/app/whose/presented", "nobody true", Nothing, &["load"]),
        ],
    ),
    (
        "a login renews by itself, and starts from an empty session if that was another user's",
        &[
            step("/app/insert:cart:pear", "", Token, &["create"]),
            step("/app/login:alice/insert:a:1/state/whose", "Renewed alice", Token, &["load", "replace"]),
            step("/app/get:cart/get:a/whose", "pear 1 alice", Nothing, &["load"]),
            step("/app/login:alice", "", Token, &["load", "replace"]),
            step("/app/get:cart/get:a/whose", "pear 1 alice", Nothing, &["load"]),
            step("/app/insert:b:2/login:bob/get:cart/get:b", "none 2", Token, &["load", "replace"]),
            step("/app/keys/get:b/whose", "b 2 bob", Nothing, &["load"]),
        ],
    ),
    (
        "a login after a logout in the same request begins a session",
        &[
            step("/app/insert:user:7", "", Token, &["create"]),
            step("/app/purge/insert:a:1/login:alice/insert:b:2", "", Token, &["load", "delete", "create"]),
            step("/app/keys/whose", "b alice", Nothing, &["load"]),
        ],
    ),
    (
        "what is set on an empty session waits for the insert that stores it",
        &[
            step("/app/remember/label:phone/save/insert:user:7", "done", Token, &["create"]),
            step("/app/get:user", "7", Nothing, &["load"]).after(48 * HOUR),
        ],
    ),
    (
        "start makes an empty session, and the cookie goes out with the head",
        &[
            step("/app/start/start", "done done", Token, &["create"]),
            step("/app/presented/start", "true done", Nothing, &["load"]),
        ],
    ),
    (
        "what is saved early is not written twice",
        &[
            step("/app/insert:a:1/save/save", "done done", Token, &["create"]),
            step(
                "/app/count:n/save/count:n/save/reload/get:n",
                "done done done 2",
                Nothing,
                &["load", "replace", "replace", "load"],
            ),
            step("/app/get:n", "2", Nothing, &["load"]),
        ],
    ),
    (
        "an idle session ends, also where the cookie does not",
        &[
            step("/app/insert:user:7", "", Token, &["create"]),
            step("/app/get:user", "7", Nothing, &["load"]).after(4 * HOUR),
            step("/app/get:user", "none", Nothing, &["load"]).after(20 * HOUR),
        ],
    ),
    (
        "use keeps a session alive, with a write now and then",
        &[
            step("/app/insert:user:7", "", Token, &["create"]),
            step("/app/get:user", "7", Nothing, &["load", "replace"]).after(5 * HOUR),
            step("/app/get:user", "7", Nothing, &["load"]).after(4 * HOUR),
            step("/app/get:user", "7", Nothing, &["load", "replace"]).after(19 * HOUR),
            step("/plain", "plain", Nothing, &[]).after(23 * HOUR).eager(&["load", "replace"]),
        ],
    ),
    (
        "a token whose session is gone opens nothing, is not adopted, and is not taken away",
        &[
            step("/app/insert:user:7", "", Token, &["create"]),
            step("/app/get:user/presented", "none false", Nothing, &["load"]).after(48 * HOUR),
            step("/app/insert:a:1", "", Token, &["load", "create"]),
        ],
    ),
    (
        "remember-me sends the token again, for as long as it lives",
        &[
            step("/app/insert:user:7", "", Token, &["create"]),
            step("/app/remember", "", Token, &["load", "replace"]),
            step("/app/get:user", "7", Nothing, &["load"]).after(48 * HOUR),
        ],
    ),
];
