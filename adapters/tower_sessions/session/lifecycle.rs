//! Storing, loading, renewing and ending a session.

use std::sync::atomic::Ordering;

use super::{Result, Session};
use crate::tower_sessions::session_store;

impl Session {
    /// Stores the session now, even if it is empty, and gives it an id.
    ///
    /// # Errors
    ///
    /// As for [`cloakroom::Session::save`](crate::Session::save): the store failed, or the session has ended meanwhile. Also after
    /// [`delete`](Self::delete), which nothing but [`flush`](Self::flush) comes back from.
    pub async fn save(&self) -> Result<()> {
        let session = self.native().await?;
        self.write_expiry().await?;
        session.start().await?;
        if self.shared.is_deleted.load(Ordering::Acquire) && session.id().is_none() {
            let text = "the session was deleted: `flush` begins another one";
            return Err(session_store::Error::Backend(text.to_owned()).into());
        }
        Ok(())
    }

    /// Loads the session again, to see what other requests wrote meanwhile. Unsaved changes stay, on top of that.
    ///
    /// # Errors
    ///
    /// The store failed, or the session has ended or was renewed meanwhile.
    pub async fn load(&self) -> Result<()> {
        match self.lazy.loaded() {
            Some(session) => Ok(session.reload().await?),
            None => self.native().await.map(drop),
        }
    }

    /// Renews the session: the client gets a new secret with the response, and the old cookie opens nothing from then on. Call it
    /// whenever privileges change: it is what stops session fixation (OWASP Session Management, "Renew the Session ID After Any
    /// Privilege Level Change").
    ///
    /// The public [`id`](Self::id) stays.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn cycle_id(&self) -> Result<()> {
        self.native().await?.renew();
        self.modified();
        Ok(())
    }

    /// Ends the session: its record is deleted with the response, and the cookie removed. What is inserted after it begins a new
    /// session. Call it at logout.
    ///
    /// # Errors
    ///
    /// The session cannot be loaded. The request fails then when its response is made, whatever the handler answers: a logout must
    /// not get lost.
    pub async fn flush(&self) -> Result<()> {
        self.modified();
        let loaded = self.lazy.load().await;
        match &loaded {
            Ok(session) => session.restart(),
            Err(_) => self.lazy.handle().restart(),
        }
        self.shared.is_deleted.store(false, Ordering::Release);
        self.shared.wish.begins_again();
        Ok(loaded.map(drop)?)
    }

    /// Ends the session now. What is written after it is dropped; [`flush`](Self::flush) begins a new session. Does nothing if
    /// there is no session.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn delete(&self) -> Result<()> {
        let session = self.native().await?;
        if session.id().is_none() {
            tracing::warn!("a session was deleted that is not stored");
            return Ok(());
        }
        session.purge();
        self.shared.is_deleted.store(true, Ordering::Release);
        Ok(session.save().await?)
    }
}
