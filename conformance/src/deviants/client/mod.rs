//! A client, right or wrong in one way: small, and one thing after the other.
//! Invariant: without a mistake no byte is in the file that was not verified or given by the origin.
//! Byte order: that of each document.

mod discovery;
mod http;
mod mistakes;
mod offers;
mod retrieval;
mod secured;

use core::cell::Cell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

pub use mistakes::{DEVIANTS, Mistake};

use self::http::Got;
use super::Stage;
use crate::targets::Targets;
use crate::targets::client::{Client, Download, Job};
use crate::wire::content_info::{ContentInfo, Segment, Version};

/// Blocks of one segment up to which none are listed first.
const SIMPLE_MOST: usize = 3;

/// Where a block is: its segment in the content information, and its index.
type Place = (usize, u32);
/// A block and how many bytes it has.
type Measured = (Place, usize);

/// Starts one, which is nothing but ready.
#[expect(
    clippy::unnecessary_wraps,
    reason = "other roles need the system to start"
)]
pub(super) fn stage(mistake: Option<Mistake>) -> io::Result<Stage> {
    Ok(Stage {
        targets: Targets {
            client: Some(Client::in_process(Arc::new(Reference { mistake }))),
            ..Targets::default()
        },
        _keep: Box::new(()),
    })
}

#[derive(Debug)]
struct Reference {
    mistake: Option<Mistake>,
}

/// A download under way.
struct Running<'a> {
    job: &'a Job,
    mistake: Option<Mistake>,
    info: ContentInfo,
    ids: Vec<Vec<u8>>,
    blocks: BTreeMap<Place, Vec<u8>>,
    /// When a timer began that no answer ends, in those that have one.
    runs_since: Cell<Option<Instant>>,
}

impl Download for Reference {
    fn download(&self, job: &Job) -> io::Result<()> {
        let content = self.content(job)?;
        let part = job.out.with_extension("part");
        fs::write(&part, &content)?;
        fs::rename(part, &job.out)
    }
}

impl Reference {
    fn is(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    fn content(&self, job: &Job) -> io::Result<Vec<u8>> {
        let asked = http::coded(job, self.mistake, false);
        let got = http::exchange(http::origin(job)?, &asked, http::PATIENCE, self.mistake)?;
        let says = |field, name| parameter(&got, field, name);
        if got.head.get("Content-Encoding").is_none() {
            let makes = says("X-P2P-PeerDistEx", "MakeHashRequest");
            if makes.as_deref() == Some("true") && !self.is(Mistake::IgnoresMakeHash) {
                // The content is here already; the hashes are for others.
                let asked = http::coded(job, self.mistake, true);
                http::exchange(http::origin(job)?, &asked, http::PATIENCE, None)?;
            }
            return if got.is_whole {
                Ok(got.body)
            } else {
                Err(io::Error::other("the origin breaks off"))
            };
        }
        let length = says("X-P2P-PeerDist", "ContentLength");
        let length: Option<u64> = length.and_then(|length| length.parse().ok());
        let whole = |info: &ContentInfo| {
            let segments = info.segments.iter();
            segments
                .map(|segment| u64::from(segment.length))
                .sum::<u64>()
        };
        let coding = got.head.get("Content-Encoding").unwrap_or_default();
        let is_known = coding == "peerdist" || !self.is(Mistake::CodingByCase);
        let info = ContentInfo::read(&got.body);
        // Hashes of blocks say nothing that do not give the hash of their segment.
        let is_one = |segment: &Segment| {
            let hashes = segment.block_hashes.concat();
            let is_given = segment.algorithm.hash(&hashes) == segment.hash_of_data;
            hashes.is_empty() || is_given || self.is(Mistake::AnyHashes)
        };
        let info = info.ok().filter(|info| {
            Some(whole(info)) == length && is_known && info.segments.iter().all(is_one)
        });
        let Some(info) = info else {
            return if self.is(Mistake::KeepsInformation) {
                Ok(got.body)
            } else {
                plain(job)
            };
        };
        let ids = info.segments.iter().map(Segment::id).collect();
        let mut running = Running {
            job,
            mistake: self.mistake,
            info,
            ids,
            blocks: BTreeMap::new(),
            runs_since: Cell::new(None),
        };
        running.run()
    }
}

fn parameter(got: &Got, field: &str, name: &str) -> Option<String> {
    let values = got.head.all(field).flat_map(|value| value.split(','));
    let mut named = values.filter_map(|one| one.trim().split_once('='));
    named
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.to_owned())
}

fn plain(job: &Job) -> io::Result<Vec<u8>> {
    let asked = http::get(job, &[]);
    let got = http::exchange(http::origin(job)?, &asked, http::PATIENCE, None)?;
    if got.head.status() == Some(200) && got.is_whole {
        Ok(got.body)
    } else {
        Err(io::Error::other("the origin does not give the content"))
    }
}

impl Running<'_> {
    fn is(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    const fn is_hosted(&self) -> bool {
        self.job.hosted.is_some()
    }

    fn run(&mut self) -> io::Result<Vec<u8>> {
        let servers: Vec<(SocketAddr, Vec<usize>)> = match &self.job.hosted {
            Some(cache) => {
                let cache = cache.clear;
                let held = self.held_by(cache);
                vec![(cache, held)]
            }
            None => match self.discover()? {
                nobody if nobody.is_empty() && self.is(Mistake::ProbesAgain) => {
                    thread::sleep(Duration::from_secs(2));
                    self.discover()?
                }
                found => found,
            },
        };
        self.fetch(servers);
        if self.is(Mistake::CacheUnused) && self.is_hosted() {
            self.blocks.clear();
        }
        if self.is(Mistake::GivesUp) && self.blocks.is_empty() {
            return Err(io::Error::other("no peer had it"));
        }
        let new = self.missing();
        self.fetch_from_origin(&new)?;
        if self.job.hosted.is_some() {
            let offered = if self.is(Mistake::OffersAll) {
                self.places()
            } else {
                new
            };
            self.offer(&offered)?;
        }
        Ok(self.blocks.values().flatten().copied().collect())
    }

    /// All blocks of the content.
    fn places(&self) -> Vec<Place> {
        let segments = self.info.segments.iter().enumerate();
        let blocks = |(number, segment): (usize, &Segment)| {
            (0..segment.blocks()).map(move |index| (number, index))
        };
        segments.flat_map(blocks).collect()
    }

    fn missing(&self) -> Vec<Place> {
        let mut places = self.places();
        places.retain(|place| !self.blocks.contains_key(place));
        places
    }

    fn segment(&self, number: usize) -> io::Result<&Segment> {
        let segments = &self.info.segments;
        segments
            .get(number)
            .ok_or_else(|| io::Error::other("no such segment"))
    }

    /// Fetches blocks from the origin, neighbours in one request.
    fn fetch_from_origin(&mut self, places: &[Place]) -> io::Result<()> {
        let mut runs: Vec<(u64, u64, Vec<Measured>)> = Vec::new();
        for place in places {
            let block = self.segment(place.0)?.block_in_content(place.1);
            let (start, end) = (block.start as u64, block.end as u64);
            match runs.last_mut() {
                Some(run) if run.1 == start => {
                    run.1 = end;
                    run.2.push((*place, block.len()));
                }
                _ => runs.push((start, end, vec![(*place, block.len())])),
            }
        }
        for (start, end, blocks) in runs {
            let bytes = self.range(start, end)?;
            let mut rest = bytes.as_slice();
            for (place, length) in blocks {
                let (block, behind) = rest
                    .split_at_checked(length)
                    .ok_or_else(|| io::Error::other("the origin gave too little"))?;
                self.blocks.insert(place, block.to_vec());
                rest = behind;
            }
        }
        Ok(())
    }

    /// Bytes from the origin, going on where it broke off.
    fn range(&self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        let mut bytes: Vec<u8> = Vec::new();
        for _ in 0..3 {
            let first = start + bytes.len() as u64;
            if first == end {
                break;
            }
            let range = format!("bytes={first}-{}", end - 1);
            let mut fields = vec![("Range", range.as_str())];
            if !self.is(Mistake::NoMissingData) {
                fields.push(("X-P2P-PeerDist", "Version=1.1, MissingDataRequest=true"));
            }
            if self.is(Mistake::MissingWithCoding) {
                fields.push(("Accept-Encoding", "peerdist"));
            }
            let asked = http::get(self.job, &fields);
            let got = http::exchange(http::origin(self.job)?, &asked, http::PATIENCE, None)?;
            match got.head.status() {
                // Content information where data was wanted: only who asked for it gets it.
                Some(206) if got.head.get("Content-Encoding").is_some() => {
                    let whole = plain(self.job)?;
                    let place =
                        usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
                    return Ok(whole.get(place).unwrap_or_default().to_vec());
                }
                Some(206) => bytes.extend_from_slice(&got.body),
                _ => return Err(io::Error::other("the origin does not give missing data")),
            }
        }
        if start + bytes.len() as u64 == end {
            Ok(bytes)
        } else {
            Err(io::Error::other("the origin breaks off again and again"))
        }
    }

    const fn version(&self) -> Version {
        self.info.version
    }
}
