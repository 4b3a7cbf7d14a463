//! `--preload`: what is in the store before anybody is served, out of packages and from content servers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Write, stdout};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use peerdist::content::{Segment, SegmentId, Version};
use peerdist::retrieval::{BlockIndex, BlockRange, BlockSet};
use peerdist_node::get::{
    BlockCache, Destination, GetError, Kind, Observer, Progress, Request, StoredBlocks, fetch,
};
use peerdist_node::http::{BoxError, tls};
use peerdist_node::net::TokioNetwork;
use peerdist_node::store::{Store, StoreHandle, import};
use rand::TryRng;
use rand::rngs::SysRng;
use tokio::sync::mpsc;

use super::args::{HostedCacheArgs, PreloadVersion};
use crate::failure::Failure;
use crate::print::count;

/// Pieces of content that wait to be dropped: the store has them by then.
const WAITING_PIECES_MOST: usize = 16;
/// Bytes between two lines of the log.
const TELL_BYTES: u64 = 256 << 20;

/// All that is named, one after another.
pub(super) async fn all(store: &Store, args: &HostedCacheArgs) -> Result<(), Failure> {
    for name in &args.preload {
        match name.to_str() {
            Some(url) if url.contains("://") => {
                for version in versions(args.preload_version) {
                    from_origin(store, url, *version, args).await?;
                }
            }
            _ => package(store, name)?,
        }
    }
    Ok(())
}

const fn versions(wanted: PreloadVersion) -> &'static [Version] {
    match wanted {
        PreloadVersion::V1 => &[Version::V1],
        PreloadVersion::V2 => &[Version::V2],
        // What most clients ask for is there first.
        PreloadVersion::Both => &[Version::V2, Version::V1],
    }
}

/// Keeps the blocks of a package, each held against its hash.
fn package(store: &Store, package: &Path) -> Result<(), Failure> {
    let name = package.display();
    let failed =
        |why: &dyn std::fmt::Display| Failure::usage(format_args!("cannot preload {name}: {why}"));
    let file = File::open(package).map_err(|error| failed(&error))?;
    let handle = StoreHandle::Owned(store.clone());
    let imported = import(&handle, &mut BufReader::new(file)).map_err(|error| failed(&error))?;
    let (kept, there) = (count(imported.kept, "block"), imported.there);
    writeln!(
        stdout(),
        "peerdist: {kept} of {name} kept, {there} there before"
    )?;
    if imported.no_room + imported.unverifiable + imported.waiting > 0 {
        eprintln!(
            "peerdist: of {name}, {} had no room, {} could not be verified, {} wait for their secret",
            count(imported.no_room, "block"),
            count(imported.unverifiable, "block"),
            count(imported.waiting, "segment"),
        );
    }
    Ok(())
}

/// Keeps the blocks of content, fetched by the content information of its server.
async fn from_origin(
    store: &Store,
    url: &str,
    version: Version,
    args: &HostedCacheArgs,
) -> Result<(), Failure> {
    let mut seed = [0; 32];
    SysRng
        .try_fill_bytes(&mut seed)
        .map_err(Failure::unreachable)?;
    let (to, mut from) = mpsc::channel::<Bytes>(WAITING_PIECES_MOST);
    tokio::spawn(async move { while from.recv().await.is_some() {} });
    let keeping = Arc::new(Keeping {
        blocks: StoredBlocks::new(StoreHandle::Owned(store.clone())),
        kept: Mutex::default(),
    });
    let mut request = Request::new(url, Destination::Stream(to), seed);
    request.described_only = true;
    request.settings.encoding.content_information = version;
    request.cache = Some(keeping.clone());
    request.tls = Some(tls::client(args.cacert.as_deref()).map_err(Failure::usage)?);
    tracing::info!(url, "preloading");
    let mut telling = Telling { url, told: 0 };
    let report = fetch(&TokioNetwork, request, &mut telling).await;
    let report = report.map_err(|error| failed(url, &error))?;
    let there = report.shares.local_cache;
    let named = match (args.preload_version, version) {
        (PreloadVersion::V2, _) => "",
        (_, Version::V1) => " in version 1.0",
        (_, Version::V2) => " in version 2.0 at most",
    };
    writeln!(
        stdout(),
        "peerdist: {} of {url}{named} kept, {there} of its {} there before",
        count(keeping.count(), "block"),
        count(report.bytes, "byte"),
    )?;
    let lost = keeping.lost();
    if lost > 0 {
        eprintln!(
            "peerdist: of {url}, {} had no room; --store-size gives more",
            count(lost, "block")
        );
    }
    Ok(())
}

fn failed(url: &str, error: &GetError) -> Failure {
    let said = error.to_string();
    let why = match said.contains(url) {
        true => format!("cannot preload: {said}"),
        false => format!("cannot preload {url}: {said}"),
    };
    match error.kind() {
        Kind::Usage => Failure::usage(why),
        Kind::NotReached | Kind::Wrong => Failure::unreachable(why),
    }
}

/// The store, and what was put into it.
#[derive(Debug)]
struct Keeping {
    blocks: StoredBlocks,
    kept: Mutex<BTreeMap<SegmentId, BlockSet>>,
}

impl Keeping {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<SegmentId, BlockSet>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) -> u64 {
        let all = self.kept();
        all.values().map(|blocks| u64::from(blocks.len())).sum()
    }

    /// Blocks that gave way to others before anybody asked for them.
    fn lost(&self) -> u64 {
        let all = self.kept();
        let lost = all.iter().map(|(id, blocks)| {
            let lost = blocks.difference(&self.blocks.verified(id));
            u64::from(lost.len())
        });
        lost.sum()
    }
}

impl BlockCache for Keeping {
    fn verified(&self, id: &SegmentId) -> BlockSet {
        self.blocks.verified(id)
    }

    fn read(&self, id: &SegmentId, index: BlockIndex, into: &mut Vec<u8>) -> bool {
        self.blocks.read(id, index, into)
    }

    fn keep(
        &self,
        segment: &Segment<'_>,
        id: &SegmentId,
        index: BlockIndex,
        bytes: &[u8],
    ) -> Result<(), BoxError> {
        self.blocks.keep(segment, id, index, bytes)?;
        let mut all = self.kept();
        let blocks = all.entry(*id).or_insert(BlockSet::EMPTY);
        blocks.insert(BlockRange::one(index));
        Ok(())
    }

    fn flush(&self) -> Result<(), BoxError> {
        self.blocks.flush()
    }
}

/// Tells the log how far it is.
struct Telling<'a> {
    url: &'a str,
    told: u64,
}

impl Observer for Telling<'_> {
    fn progress(&mut self, progress: &Progress) {
        let so_far = progress.shares.total();
        if so_far >= self.told + TELL_BYTES {
            self.told = so_far;
            tracing::info!(
                url = self.url,
                bytes = so_far,
                of = progress.length,
                "preloading"
            );
        }
    }
}
