//! Decides the next step of a commit.

use super::{
    Asked, Commit, CookieWindow, Dropped, Edits, Error, Found, Loaded, OwnerEdit, Plan, Record, Standing, State,
    Timestamp, make::Put, plan,
};

/// A [`Plan`] with all that is needed to act on it.
pub(super) enum Next {
    Nothing,
    Put(Put),
    Create,
    DeleteFound,
    Drop(Dropped),
}

impl Commit<'_> {
    /// Decides the next step, and prepares it. Does no I/O.
    pub(super) fn next(&mut self, found: Option<&Record>, now: Timestamp) -> Result<Next, Error> {
        let standing = found.map_or(Standing::Unknown, |record| self.standing(record, now));
        let owner = self.written_owner()?;
        let edit = self.owner_edit(owner.as_ref());
        let renews = self.edits.renews() || edit != OwnerEdit::Keep;
        let is_open = matches!(self.opening.loaded, Loaded::Current(_));
        let mut state = None;
        let writes = match found.filter(|_| is_open) {
            Some(record) if standing == Standing::Current => {
                Edits::replay(&mut self.edits, record.state())?;
                state = self.edits.applied(record.state(), renews);
                state.is_some() || self.edits.describes()
            }
            // Only keys are merged. A request whose token is unknown writes nothing.
            Some(_) if standing == Standing::Superseded => {
                self.edits.touches_keys() || (renews && self.edits.names_keys())
            }
            None if self.opening.loaded == Loaded::Nothing => {
                Edits::replay(&mut self.edits, State::empty())?;
                self.edits.started || self.edits.inserts(renews)
            }
            _ => self.edits.touches_keys() || self.edits.describes() || self.edits.started,
        };
        // A write pushes the deadline out, too.
        let upkeep = !renews && !writes && self.is_upkeep_due(now);
        let asked = Asked { act: self.edits.act, owner: edit, writes, upkeep };
        let found_as = found.map_or(Found::Gone, |record| Found::Record(record, standing));
        let next = match (plan(&self.opening.loaded, found_as, asked), found) {
            (Plan::Replace(change), Some(record)) => {
                let admits = renews && self.is_login(edit);
                match self.make(record, change, state, owner, admits, now)? {
                    Some(put) => Next::Put(put),
                    None => Next::Drop(Dropped::Gone),
                }
            }
            // A record of another crate does not say what its session has become: it may still have its owner, under another key.
            (Plan::Nothing, _) if edit == OwnerEdit::Remove && is_open && self.backend().is_foreign() => {
                Next::Drop(Dropped::Gone)
            }
            // `end` handles a purge and a restart.
            (Plan::Nothing | Plan::Replace(_) | Plan::Purge | Plan::Restart, _) => Next::Nothing,
            (Plan::Create, _) => Next::Create,
            (Plan::DeleteFound, _) => Next::DeleteFound,
            (Plan::Drop(why), _) => Next::Drop(why),
            (Plan::Fail, _) => {
                let cause = self.opening.beside.as_ref().and_then(|beside| beside.cause.clone());
                return Err(cause.map_or_else(Error::read_only, Error::from));
            }
        };
        Ok(next)
    }

    /// Returns true if the deadline must move on, or the token must be sent again under the current key. A session that
    /// is in its cookie can only be changed while a cookie can be sent.
    fn is_upkeep_due(&self, now: Timestamp) -> bool {
        let is_possible = self.head != CookieWindow::Sent || !self.backend().is_client_side();
        let (config, at) = (self.config, self.opening.at);
        let is_touch_due = |record: &Record| config.is_touch_due(at, record, self.edits.names_keys(), now);
        self.is_resend_asked() || (is_possible && self.opening.record().is_some_and(is_touch_due))
    }

    /// Returns true if the token must be sent again under another key, or because of an earlier save. Only the commit
    /// with which the head is sent does it: a token that is sent after a newer one would log the user out.
    pub(super) fn is_resend_asked(&self) -> bool {
        self.head == CookieWindow::Leaves && (self.opening.is_reissue_due() || self.resends)
    }
}
