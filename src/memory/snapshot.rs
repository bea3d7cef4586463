//! Saves all sessions to a file and restores them, so that a restart does not log users out.

use std::{
    cmp::Reverse,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use super::{MemoryStore, Room, lock};
use crate::store::{Created, Record, SessionId};

/// The first line, with the version of the format. After it, for each session: its id, the length of its record (`u32`,
/// little-endian), and its record. Last, the SHA-256 of all bytes before it.
const MAGIC: &[u8] = b"cloakroom memory 1\n";
const HASH: usize = 32;

impl MemoryStore {
    /// Writes all sessions to a file, and returns their number. Call it at shutdown, when no more requests arrive.
    ///
    /// The file is written completely or not at all, and only its owner can read it. It contains hashes of secrets, so
    /// it opens no session, but it has all sessions' data. This call blocks: on a runtime, use `spawn_blocking`.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn save_to(&self, path: impl AsRef<Path>) -> io::Result<usize> {
        let path = path.as_ref();
        let mut bytes = MAGIC.to_vec();
        let mut count = 0;
        for shard in &self.tables.shards {
            let records: Vec<(SessionId, Record)> = lock(shard).iter().collect();
            count += records.len();
            for (id, record) in records {
                let record = record.to_bytes();
                let length = u32::try_from(record.len()).map_err(io::Error::other)?;
                bytes.extend_from_slice(id.as_bytes());
                bytes.extend_from_slice(&length.to_le_bytes());
                bytes.extend_from_slice(&record);
            }
        }
        let hash = Sha256::digest(&bytes);
        bytes.extend_from_slice(&hash);

        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = Path::new(&beside);
        match fs::remove_file(beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            // A file that exists would keep its mode.
            _ => {}
        }
        let written = write_private(beside, &bytes).and_then(|()| fs::rename(beside, path));
        if written.is_err() {
            let _ = fs::remove_file(beside);
        }
        written.map(|()| count)
    }

    /// Adds the sessions of a file that [`save_to`](MemoryStore::save_to) wrote, and returns their number. Sessions
    /// that the store has already stay as they are. The deadlines of sessions do not change.
    ///
    /// If a bounded store has no room for all, it takes those with an owner first, then the newest. It ends none of its
    /// own sessions.
    ///
    /// This call blocks: on a runtime, use `spawn_blocking`.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is damaged, or was written by a later version ([`io::ErrorKind::InvalidData`]). Nothing
    /// is added then.
    pub fn restore_from(&self, path: impl AsRef<Path>) -> io::Result<usize> {
        let mut bytes = Vec::new();
        File::open(path)?.read_to_end(&mut bytes)?;
        let damaged = |what: &'static str| io::Error::new(io::ErrorKind::InvalidData, what);
        let body = bytes.len().checked_sub(HASH).ok_or_else(|| damaged("the snapshot is cut off"))?;
        let (body, hash) = bytes.split_at(body);
        let mut rest = body.strip_prefix(MAGIC).ok_or_else(|| damaged("not a snapshot of this version"))?;
        if Sha256::digest(body)[..] != *hash {
            return Err(damaged("the snapshot is damaged"));
        }
        let mut records = Vec::new();
        while !rest.is_empty() {
            let (id, record) = split(&mut rest).ok_or_else(|| damaged("the snapshot is damaged"))?;
            let record =
                Record::from_bytes(record).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            records.push((id, record));
        }
        records.sort_by_key(|(_, record)| (record.owner().is_none(), Reverse(record.created_at())));
        let is_added =
            |(id, record): &(SessionId, Record)| matches!(self.tables.put(id, record, Room::Find), Ok(Created::Done));
        Ok(records.iter().filter(|entry| is_added(entry)).count())
    }
}

fn split<'a>(rest: &mut &'a [u8]) -> Option<(SessionId, &'a [u8])> {
    let (id, after) = rest.split_first_chunk()?;
    let (length, after) = after.split_first_chunk()?;
    let (record, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *rest = after;
    Some((SessionId::from_bytes(*id), record))
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
