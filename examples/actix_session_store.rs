//! A store with a file for each session. It was written for actix-session, with five verbs, and is rewritten here with four.
//!
//! `docs/from-actix-session.md` shows the old one. `cargo run --features testing --example actix_session_store` checks this
//! one against the contract.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::PathBuf,
    sync::Arc,
};

use cloakroom::{
    SessionId, StoreError,
    store::{Created, Deleted, Record, Replaced, SessionStore, Timestamp},
};

/// A directory with a file for each session.
///
/// A delete leaves an empty file, a tombstone, because a call goes on when its future is dropped and may arrive late.
#[derive(Clone)]
pub struct Directory(Arc<PathBuf>);

enum Found {
    Nothing,
    Tombstone,
    Stored(Record),
}

impl Directory {
    /// Opens a directory. Makes it if it is missing.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        fs::create_dir_all(&path)?;
        Ok(Self(Arc::new(path)))
    }

    /// Removes records and tombstones whose time is over, and returns their number. Call it regularly.
    pub async fn sweep(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.blocking(move |directory| {
            let _lock = directory.lock()?;
            let mut removed = 0;
            for entry in fs::read_dir(&*directory.0).map_err(StoreError::new)? {
                let entry = entry.map_err(StoreError::new)?;
                let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
                let ends = match directory.read(&id)? {
                    Found::Stored(record) => record.expires_at().plus(Record::GRACE),
                    _ => {
                        let deleted = entry.metadata().and_then(|metadata| metadata.modified());
                        Timestamp::from(deleted.map_err(StoreError::new)?).plus(Record::TOMBSTONE)
                    }
                };
                if ends <= now {
                    fs::remove_file(entry.path()).map_err(StoreError::new)?;
                    removed += 1;
                }
            }
            Ok(removed)
        })
        .await
    }

    fn read(&self, id: &SessionId) -> Result<Found, StoreError> {
        match fs::read(self.0.join(id.to_string())) {
            Ok(bytes) if bytes.is_empty() => Ok(Found::Tombstone),
            Ok(bytes) => Record::from_bytes(&bytes).map(Found::Stored).map_err(StoreError::undecodable),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Found::Nothing),
            Err(error) => Err(StoreError::not_done(error)),
        }
    }

    /// Writes a file so that readers see the old content or the new one, and never a part.
    fn write(&self, id: &SessionId, bytes: &[u8]) -> Result<(), StoreError> {
        let draft = self.0.join("draft");
        fs::write(&draft, bytes).and_then(|()| fs::rename(&draft, self.0.join(id.to_string()))).map_err(StoreError::new)
    }

    /// Locks the directory against other threads and processes. A verb reads and writes under this lock.
    fn lock(&self) -> Result<File, StoreError> {
        let file = File::create(self.0.join("lock")).map_err(StoreError::not_done)?;
        file.lock().map_err(StoreError::not_done)?;
        Ok(file)
    }

    /// Runs file operations, which block, on a thread for blocking work.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let directory = self.clone();
        tokio::task::spawn_blocking(move || work(&directory)).await.map_err(StoreError::new)?
    }
}

impl SessionStore for Directory {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        let id = *id;
        let found = self.blocking(move |directory| directory.read(&id)).await?;
        Ok(if let Found::Stored(record) = found { Some(record) } else { None })
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        let (id, record) = (*id, record.clone());
        self.blocking(move |directory| {
            let _lock = directory.lock()?;
            let Found::Nothing = directory.read(&id)? else { return Ok(Created::Taken) };
            directory.write(&id, &record.to_bytes())?;
            Ok(Created::Done)
        })
        .await
    }

    /// Replaces the two verbs `update` and `update_ttl`. The core has applied the request's changes already.
    async fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        let (id, nonce, record) = (*id, base.nonce(), record.clone());
        self.blocking(move |directory| {
            let _lock = directory.lock()?;
            match directory.read(&id)? {
                Found::Stored(found) if found.nonce() != nonce => return Ok(Replaced::Changed(found)),
                Found::Stored(_) => directory.write(&id, &record.to_bytes())?,
                Found::Nothing | Found::Tombstone => return Ok(Replaced::Gone),
            }
            Ok(Replaced::Done)
        })
        .await
    }

    async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        let (id, nonce) = (*id, base.map(Record::nonce));
        self.blocking(move |directory| {
            let _lock = directory.lock()?;
            let deleted = match (directory.read(&id), nonce) {
                (Ok(Found::Stored(found)), Some(nonce)) if found.nonce() != nonce => {
                    return Ok(Deleted::Changed(found));
                }
                (Ok(Found::Stored(_)), _) => Deleted::Done,
                (Ok(Found::Tombstone), _) | (Ok(Found::Nothing), Some(_)) => return Ok(Deleted::Gone),
                // The call that creates it may arrive later.
                (Ok(Found::Nothing), None) => Deleted::Gone,
                (Err(error), None) if error.is_undecodable() => Deleted::Done,
                (Err(error), _) => return Err(error),
            };
            directory.write(&id, &[])?;
            Ok(deleted)
        })
        .await
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let place = tempfile::tempdir()?;
    let open = async || {
        let directory = tempfile::tempdir_in(&place).expect("a writable directory");
        Directory::open(directory.keep()).expect("it is there")
    };
    cloakroom::testing::contract(open).await;
    println!("the store keeps the contract");
    Ok(())
}
