//! Content information on demand: kept, or made once however many ask for it at the same time.
//! Invariant: it is of one state of the content; what changed before, while or since is not described by it.
//! Byte order: none.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

use bytes::Bytes;
use peerdist::content::create::{CreateError, Creator};
use peerdist::content::{SecretKey, Version};
use peerdist::hash::{Digest, HashAlgorithm, digest};
use tokio::sync::{Semaphore, watch};

use super::identity::{FileIdentity, REST};
use super::info_store::{InfoKey, InfoStore};
use super::settings::Settings;
use crate::content_info::{self, Effort, Format};
use crate::counters::ContentCounters;
use crate::source::{Source, SourceError};
use crate::world::{offload, system_time};

/// Extension of a response whose body is a file, or a part of one: the layer then hashes the file itself.
///
/// The file must be the one that the body comes from, opened once, and the response's validators must be of
/// the state that the file has when this is made.
#[derive(Debug, Clone)]
pub struct PeerDistSource {
    pub(super) file: Arc<File>,
    pub(super) identity: FileIdentity,
    name: Arc<str>,
}

impl PeerDistSource {
    /// Of an open file, with a name for the log.
    ///
    /// # Errors
    /// Those of the system.
    pub fn of_file(file: Arc<File>, name: impl Into<Arc<str>>) -> io::Result<Self> {
        Ok(Self {
            identity: FileIdentity::of(&file)?,
            file,
            name: name.into(),
        })
    }

    /// The state of the file that the response is of.
    #[must_use]
    pub const fn identity(&self) -> &FileIdentity {
        &self.identity
    }

    /// Whether the file still is what the response says.
    pub(super) fn is_unchanged(&self) -> bool {
        FileIdentity::of(&self.file).is_ok_and(|now| now == self.identity)
    }
}

/// What identifies content before it is known which content information of it is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentKey(Digest);

impl ContentKey {
    pub(super) fn of_file(identity: &FileIdentity) -> Self {
        Self::of_parts(&[b"file", &identity.bytes().collect::<Vec<u8>>()])
    }

    /// Of parts that are kept apart by their lengths.
    pub(super) fn of_parts(parts: &[&[u8]]) -> Self {
        let mut all = Vec::new();
        for part in parts {
            all.extend_from_slice(&(part.len() as u64).to_le_bytes());
            all.extend_from_slice(part);
        }
        Self(digest(HashAlgorithm::Sha256, &all))
    }
}

/// How much content information is kept, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptInfos {
    /// Its directory; `None`: in memory alone.
    pub directory: Option<PathBuf>,
    /// Content informations.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The most that these may be.
    pub bytes_limit: u64,
}

/// All content information of a server, made or to be made.
pub struct ContentInfos {
    store: InfoStore,
    secret: SecretKey,
    /// By which it is known whose content information is kept.
    secret_hash: Digest,
    settings: Settings,
    counters: Arc<ContentCounters>,
    under_way: Mutex<BTreeMap<InfoKey, watch::Receiver<()>>>,
    short: Semaphore,
    long: Semaphore,
}

impl std::fmt::Debug for ContentInfos {
    // Without the hash of the secret, from which a short passphrase could be guessed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContentInfos")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The right to make one content information; others wait until it is dropped.
#[derive(Debug)]
pub(super) struct Flight {
    infos: Arc<ContentInfos>,
    key: InfoKey,
    is_done: bool,
    _others: watch::Sender<()>,
}

impl Drop for Flight {
    fn drop(&mut self) {
        if !self.is_done {
            self.infos.counters.hash_failures.add(1);
        }
        self.infos.under_way().remove(&self.key);
    }
}

enum Begun {
    /// It is to be made here.
    Here(Flight),
    /// It is being made.
    Elsewhere(watch::Receiver<()>),
    /// It is there.
    Done,
    /// Too much is under way.
    Full,
}

impl ContentInfos {
    /// Opens what is kept.
    ///
    /// # Errors
    /// Those of the cache directory.
    pub fn open(
        settings: Settings,
        secret: SecretKey,
        counters: Arc<ContentCounters>,
    ) -> io::Result<Arc<Self>> {
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(Arc::new(Self {
            store: InfoStore::open(&settings)?,
            secret_hash: digest(HashAlgorithm::Sha256, secret.expose()),
            secret,
            settings,
            counters,
            under_way: Mutex::default(),
            short: Semaphore::new(cores),
            long: Semaphore::new(1),
        }))
    }

    pub(super) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What is counted.
    #[must_use]
    pub fn counters(&self) -> &ContentCounters {
        &self.counters
    }

    /// What is kept at this moment.
    #[must_use]
    pub fn kept(&self) -> KeptInfos {
        let (entries, bytes) = self.store.totals();
        let settings = &self.settings;
        KeptInfos {
            directory: settings.cache_directory.clone(),
            entries,
            bytes,
            bytes_limit: match settings.cache_directory {
                Some(_) => settings.cache_disk_bytes_most,
                None => settings.cache_memory_bytes_most,
            },
        }
    }

    fn under_way(&self) -> MutexGuard<'_, BTreeMap<InfoKey, watch::Receiver<()>>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The key depends on the secret, so that content information of an earlier one is never found.
    fn key(&self, version: Version, content: ContentKey) -> InfoKey {
        let kind = match version {
            Version::V1 => format!("v1 {:?}", self.settings.v1_hash),
            Version::V2 => "v2".to_owned(),
        };
        let ContentKey(key) = ContentKey::of_parts(&[
            b"content information",
            self.secret_hash.as_ref(),
            kind.as_bytes(),
            content.0.as_ref(),
        ]);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(key.as_ref());
        InfoKey(bytes)
    }

    pub(super) fn is_there(&self, version: Version, content: ContentKey) -> bool {
        self.store.contains(&self.key(version, content))
    }

    /// Whether it is being made, or there is room to begin.
    pub(super) fn can_come(&self, version: Version, content: ContentKey) -> bool {
        let under_way = self.under_way();
        under_way.len() < self.settings.hashings_most
            || under_way.contains_key(&self.key(version, content))
    }

    /// What is kept.
    pub(super) async fn get(
        self: &Arc<Self>,
        version: Version,
        content: ContentKey,
    ) -> Option<Bytes> {
        self.get_by(self.key(version, content)).await
    }

    async fn get_by(self: &Arc<Self>, key: InfoKey) -> Option<Bytes> {
        if let Some(held) = self.store.get_held(&key) {
            return Some(held);
        }
        let this = Arc::clone(self);
        offload(move || this.store.get(&key)).await.ok()?
    }

    fn begin(self: &Arc<Self>, key: InfoKey) -> Begun {
        let mut under_way = self.under_way();
        if let Some(receiver) = under_way.get(&key) {
            return Begun::Elsewhere(receiver.clone());
        }
        // Asked while nobody can end making it, else two would make it one after another.
        if self.store.contains(&key) {
            return Begun::Done;
        }
        if under_way.len() >= self.settings.hashings_most {
            return Begun::Full;
        }
        let (sender, receiver) = watch::channel(());
        under_way.insert(key, receiver);
        Begun::Here(Flight {
            infos: Arc::clone(self),
            key,
            is_done: false,
            _others: sender,
        })
    }

    /// Content information of a short file, made now unless somebody else makes it already.
    pub(super) async fn make_now(
        self: &Arc<Self>,
        version: Version,
        source: PeerDistSource,
    ) -> Option<Bytes> {
        let key = self.key(version, ContentKey::of_file(&source.identity));
        match self.begin(key) {
            Begun::Here(flight) => {
                let _permit = self.short.acquire().await.ok()?;
                let hashed =
                    offload(move || flight.hash_file(version, &source, NonZeroUsize::new(1)));
                hashed.await.ok()?
            }
            Begun::Elsewhere(mut others) => {
                // It never changes; its end is what is waited for.
                let _ = others.changed().await;
                self.get_by(key).await
            }
            Begun::Done => self.get_by(key).await,
            Begun::Full => None,
        }
    }

    /// Begins to make content information of a file, behind the answer.
    pub(super) fn make_later(self: &Arc<Self>, version: Version, source: PeerDistSource) {
        let key = self.key(version, ContentKey::of_file(&source.identity));
        let Begun::Here(flight) = self.begin(key) else {
            return;
        };
        let this = Arc::clone(self);
        tokio::spawn(async move {
            while source.is_unchanged() && !source.identity.is_rested(system_time()) {
                tokio::time::sleep(REST).await;
            }
            // Long files one after another, each with many threads.
            let Ok(_permit) = this.long.acquire().await else {
                return;
            };
            let threads = this.settings.hash_threads.or_else(spare_cores);
            let hashed = offload(move || flight.hash_file(version, &source, threads));
            let _ = hashed.await;
        });
    }

    /// Begins to hash a body of so many bytes as it passes, unless that is done already.
    pub(super) fn hash_passing(
        self: &Arc<Self>,
        version: Version,
        content: ContentKey,
        length: u64,
    ) -> Option<Hashing> {
        let Begun::Here(flight) = self.begin(self.key(version, content)) else {
            return None;
        };
        let creator = match version {
            Version::V1 => Creator::v1(self.settings.v1_hash, &self.secret).ok()?,
            Version::V2 => Creator::v2(&self.secret),
        };
        Some(Hashing {
            creator,
            flight,
            length,
            left: length,
        })
    }
}

fn spare_cores() -> Option<NonZeroUsize> {
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(cores.saturating_sub(1).max(1))
}

impl Flight {
    fn hash_file(
        self,
        version: Version,
        source: &PeerDistSource,
        threads: Option<NonZeroUsize>,
    ) -> Option<Bytes> {
        let name = &*source.name;
        // Only what rests: a write that comes now or later must show in the identity that is looked at behind.
        if !source.identity.is_rested(system_time()) || !source.is_unchanged() {
            tracing::debug!(name, "not hashed: it is being written to");
            return None;
        }
        let format = match version {
            Version::V1 => Format::V1(self.infos.settings.v1_hash),
            Version::V2 => Format::V2,
        };
        let effort = Effort {
            threads,
            ..Effort::default()
        };
        let made = source
            .file
            .try_clone()
            .and_then(|file| Source::of_file(name, file))
            .map_err(|source| {
                let path = name.into();
                content_info::Error::Source(SourceError::Open { path, source })
            })
            .and_then(|from| {
                content_info::create(&from, format, &self.infos.secret, None, &effort)
            });
        match made {
            Ok(info) if source.is_unchanged() => {
                Some(self.keep(info.to_vec().into(), source.identity.length()))
            }
            Ok(_) => {
                tracing::info!(name, "changed while it was hashed");
                None
            }
            Err(error) => {
                tracing::warn!(name, %error, "not hashed");
                None
            }
        }
    }

    fn keep(mut self, info: Bytes, length: u64) -> Bytes {
        let counters = &self.infos.counters;
        counters.hashed.add(1);
        counters.hashed_bytes.add(length);
        match self.infos.store.put(self.key, info.clone()) {
            Ok(evicted) => counters.hash_cache_evictions.add(evicted),
            Err(error) => tracing::warn!(%error, "content information cannot be kept"),
        }
        self.is_done = true;
        info
    }
}

/// The hashing of a body as it passes.
#[derive(Debug)]
pub(super) struct Hashing {
    creator: Creator,
    flight: Flight,
    length: u64,
    left: u64,
}

impl Hashing {
    /// Takes the next bytes. `None`: it is over, well or not.
    pub(super) fn take(mut self, data: &[u8]) -> Option<Self> {
        self.left = self.left.checked_sub(data.len() as u64)?;
        if let Err(error) = self.creator.update(data) {
            tracing::warn!(%error, "not hashed");
            return None;
        }
        if self.left > 0 {
            return Some(self);
        }
        let Self {
            creator,
            flight,
            length,
            ..
        } = self;
        offload(move || match creator.finish() {
            Ok(info) => {
                flight.keep(info.to_vec().into(), length);
            }
            Err(CreateError::Empty) => {}
            Err(error) => tracing::warn!(%error, "not hashed"),
        });
        None
    }
}
