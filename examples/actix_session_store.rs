//! A store that was written for actix-session, with five verbs, and is written anew with four: a file for each session.
//!
//! `docs/from-actix-session.md` has what it was before. `cargo run --features testing --example actix_session_store` checks this one
//! against the contract.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::PathBuf,
    sync::Arc,
};

use cloakroom::{Changes, Created, Record, SessionId, SessionStore, StoreError, Timestamp, Updated};

/// A directory with a file for each session.
#[derive(Clone)]
pub struct Directory(Arc<PathBuf>);

impl Directory {
    /// Makes it where it is not there.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        fs::create_dir_all(&path)?;
        Ok(Self(Arc::new(path)))
    }

    /// Removes what has expired: for a timer. The rule is the session layer's; this only gives the space back.
    pub async fn sweep(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.blocking(move |directory| {
            let _lock = directory.lock()?;
            let mut removed = 0;
            for entry in fs::read_dir(&*directory.0).map_err(StoreError::new)? {
                let name = entry.map_err(StoreError::new)?.file_name();
                let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
                if directory.read(&id)?.is_some_and(|record| !record.is_live(now)) {
                    directory.remove(&id)?;
                    removed += 1;
                }
            }
            Ok(removed)
        })
        .await
    }

    fn read(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        match fs::read(self.0.join(id.to_string())) {
            Ok(bytes) => Record::from_bytes(&bytes).map(Some).map_err(StoreError::undecodable),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::new(error)),
        }
    }

    /// Readers see the old file or the new one, never a half.
    fn write(&self, id: &SessionId, record: &Record) -> Result<(), StoreError> {
        let draft = self.0.join("draft");
        fs::write(&draft, record.to_bytes())
            .and_then(|()| fs::rename(&draft, self.0.join(id.to_string())))
            .map_err(StoreError::new)
    }

    fn remove(&self, id: &SessionId) -> Result<(), StoreError> {
        match fs::remove_file(self.0.join(id.to_string())) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::new(error)),
            _ => Ok(()),
        }
    }

    /// One writer at a time, of all threads and processes: between `read` and `write` nobody else writes.
    fn lock(&self) -> Result<File, StoreError> {
        let file = File::create(self.0.join("lock")).map_err(StoreError::new)?;
        file.lock().map_err(StoreError::new)?;
        Ok(file)
    }

    /// Files block, and workers must not.
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
        self.blocking(move |directory| directory.read(&id)).await
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        let (id, record) = (*id, record.clone());
        self.blocking(move |directory| {
            let _lock = directory.lock()?;
            if directory.read(&id)?.is_some_and(|found| found.is_live(record.created_at())) {
                return Ok(Created::Taken);
            }
            directory.write(&id, &record)?;
            Ok(Created::Done)
        })
        .await
    }

    /// What were `update` and `update_ttl`: the changes of one request, applied to the record as it is now.
    async fn update(&self, id: &SessionId, changes: &Changes) -> Result<Updated, StoreError> {
        let (id, changes) = (*id, changes.clone());
        self.blocking(move |directory| {
            let _lock = directory.lock()?;
            let Some(found) = directory.read(&id)?.filter(|found| found.is_live(changes.now())) else {
                return Ok(Updated::Gone);
            };
            let Ok(after) = changes.apply(&found) else { return Ok(Updated::Conflict(Box::new(found))) };
            directory.write(&id, &after)?;
            Ok(Updated::Done)
        })
        .await
    }

    async fn delete(&self, id: &SessionId) -> Result<(), StoreError> {
        let id = *id;
        self.blocking(move |directory| {
            let _lock = directory.lock()?;
            directory.remove(&id)
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
