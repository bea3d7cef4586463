//! The names under which moved sessions are found: derived from the tokens that they had before.

use std::fmt;

use crate::store::{Record, SecretHash, SessionId, Token};

/// Derives the successors of sessions that move to another store. `Debug` does not show the key.
pub(crate) struct Moves {
    /// True if this layer moves sessions. Otherwise it only recognises those that other nodes have moved.
    pub(crate) is_moving: bool,
    #[cfg(feature = "secure-cookies")]
    mac: hmac::Hmac<sha2::Sha256>,
    #[cfg(not(feature = "secure-cookies"))]
    key: std::convert::Infallible,
}

/// The session that a session becomes when it moves. All requests of one browser derive the same one from their token.
#[derive(Clone)]
pub(crate) struct Successor {
    /// The id of its record, and its first secret.
    pub(crate) token: Token,
    /// Stands for the secret of a copy that is not in use yet. No secret has this hash.
    pub(crate) draft: SecretHash,
    /// Stands for the secret in the record that says that the session has moved. No secret has this hash.
    pub(crate) moved: SecretHash,
    /// The id of that record, if the session was in a cookie: nothing can be written there.
    pub(crate) mark: SessionId,
    /// Stands for the secret in a record at `mark` that says that the session has ended. No secret has this hash.
    pub(crate) ended: SecretHash,
}

impl Moves {
    /// `key` is a sub-key for this purpose only.
    #[cfg(feature = "secure-cookies")]
    pub(crate) fn new(key: &[u8; 64], is_moving: bool) -> Self {
        use hmac::KeyInit as _;
        Self { is_moving, mac: hmac::Hmac::new(key.into()) }
    }

    /// Returns the successor of a session in a store. Its id depends on the old id only, so a token from before a renewal
    /// finds it, too.
    pub(crate) fn of_token(&self, token: &Token) -> Successor {
        let id = token.id.as_bytes().as_slice();
        self.successor(Origin::Store, id, token.secret_bytes())
    }

    /// Returns the successor of a session in a cookie. It depends on the whole value: cookies from before a login have
    /// the same id, and must not open what the login's cookie becomes.
    pub(crate) fn of_value(&self, value: &[u8]) -> Successor {
        self.successor(Origin::Cookie, value, &[])
    }

    /// Returns the id of the successor of a session in a store.
    pub(crate) fn id_of(&self, id: &SessionId) -> SessionId {
        SessionId::from_bytes(half(self.tag(Origin::Store, Part::Id, &[id.as_bytes()])))
    }

    /// Returns true if the record is a copy that is not in use yet, or the rest of a session that has moved.
    pub(crate) fn is_unused(&self, id: &SessionId, record: &Record) -> bool {
        let moved = || SecretHash::from_bytes(self.tag(Origin::Store, Part::Moved, &[id.as_bytes()]));
        record.body().current == self.draft(id) || record.body().current == moved()
    }

    fn draft(&self, id: &SessionId) -> SecretHash {
        SecretHash::from_bytes(self.tag(Origin::Store, Part::Draft, &[id.as_bytes()]))
    }

    fn successor(&self, origin: Origin, name: &[u8], secret: &[u8]) -> Successor {
        let id = SessionId::from_bytes(half(self.tag(origin, Part::Id, &[name])));
        let secret = half(self.tag(origin, Part::Secret, &[name, secret]));
        Successor {
            token: Token::from_bytes(id, secret).hashed(),
            draft: self.draft(&id),
            moved: SecretHash::from_bytes(self.tag(origin, Part::Moved, &[name])),
            mark: SessionId::from_bytes(half(self.tag(origin, Part::Mark, &[name]))),
            ended: SecretHash::from_bytes(self.tag(origin, Part::Ended, &[name])),
        }
    }

    /// Returns the HMAC-SHA256 of a part's label, the origin and the bytes. The last of them is the only one whose length
    /// varies, or the only one.
    fn tag(&self, origin: Origin, part: Part, bytes: &[&[u8]]) -> [u8; 32] {
        #[cfg(feature = "secure-cookies")]
        {
            use hmac::Mac;
            let labelled = self.mac.clone().chain_update([part as u8, origin as u8]);
            bytes.iter().fold(labelled, Mac::chain_update).finalize().into_bytes().into()
        }
        #[cfg(not(feature = "secure-cookies"))]
        {
            let _ = (origin, part, bytes);
            match self.key {}
        }
    }
}

/// The kind of the place in which a session was. The numbers are part of the format.
#[derive(Clone, Copy)]
enum Origin {
    Store = 1,
    Cookie = 2,
}

/// The part of a successor that is derived. The numbers are part of the format.
#[derive(Clone, Copy)]
enum Part {
    Id = 1,
    Secret = 2,
    Draft = 3,
    Moved = 4,
    Mark = 5,
    Ended = 6,
}

fn half(bytes: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    half
}

impl fmt::Debug for Moves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moves").field("is_moving", &self.is_moving).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    /// Nodes of later versions must find the sessions that this version has moved.
    #[cfg(feature = "secure-cookies")]
    #[test]
    fn the_names_are_kept_and_all_differ() {
        use super::*;
        use crate::keys::{Purpose, SecretKey};

        let bytes: Vec<u8> = (1..=64).collect();
        let moves = Moves::new(&SecretKey::from_bytes(&bytes).unwrap().derive(Purpose::Move, ""), true);
        let token = Token::from_bytes(SessionId::from_bytes([5; 16]), [6; 16]);
        let other = Token::from_bytes(token.id, [7; 16]);
        let all = [moves.of_token(&token), moves.of_token(&other), moves.of_value(&[5; 16]), moves.of_value(&[6; 16])];
        assert_eq!(all[0].token.id, all[1].token.id, "a renewal does not change the id of the successor");
        assert_eq!((all[0].moved, all[0].draft), (all[1].moved, all[1].draft));
        assert_ne!(all[0].token.secret, all[1].token.secret);
        assert_eq!(moves.id_of(&token.id), all[0].token.id);
        let mut names: Vec<Vec<u8>> = Vec::new();
        for at in [0, 2, 3] {
            let Successor { token, draft, moved, mark, ended } = &all[at];
            names.extend([token.id.as_bytes().to_vec(), token.secret_bytes().to_vec(), mark.as_bytes().to_vec()]);
            names.extend([draft, moved, ended].map(|hash| hash.as_bytes().to_vec()));
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(all[0].token.encode(), "4kjrreU6H4502y-UYdBgggMvF4f4dhVHv_mOKa9e5wag");
        assert_eq!(all[2].token.encode(), "UnFMGrbZCVAyQqv8rOhSvgQn6yRsUfJPiGG4weAKN10A");
    }
}
