//! The admin page over a store with ten thousand segments: every list in pages, every number there.
//! Invariant: what an answer holds is bounded by its limit, however much there is.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use http::{Request, StatusCode};
use http_body_util::BodyExt;
use peerdist::content::SegmentId;
use peerdist::hash::Digest;
use peerdist::retrieval::{BlockIndex, CryptoAlgorithm};
use peerdist::store::SealedBlock;
use peerdist_node::admin::{
    AdminService, ContentServerRole, DiscoveryRole, Registry, RetrievalRole, StoreRole,
};
use peerdist_node::content_server::{ContentInfos, Settings, server_secret};
use peerdist_node::store::{Store, StoreSettings, wall_clock};
use serde_json::Value;
use tower_service::Service;

const SEGMENTS: usize = 10_000;

fn filled(directory: &Path, segments: usize) -> Store {
    let store = Store::open(directory, &StoreSettings::default()).unwrap();
    let index = BlockIndex::new(0).unwrap();
    for number in 0..segments {
        let mut id = [0x5a; 32];
        id[..8].copy_from_slice(
            &(number as u64)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .to_be_bytes(),
        );
        let id = SegmentId(Digest::try_from(id.as_slice()).unwrap());
        let block = SealedBlock {
            crypto: CryptoAlgorithm::AES_128,
            iv: [7; 16],
            bytes: vec![0; 64],
        };
        store.put_sealed(wall_clock(), &id, index, &block).unwrap();
    }
    store.flush().unwrap();
    store
}

async fn asked(service: &AdminService, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).header("host", "localhost").body(());
    let response = service.clone().call(request.unwrap()).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn json(service: &AdminService, path: &str) -> Value {
    let (status, body) = asked(service, path).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn ten_thousand_segments_come_in_pages_and_each_of_them_once() {
    let room = tempfile::tempdir().unwrap();
    let registry = Registry::new("peer");
    registry.add(StoreRole::new(filled(room.path(), SEGMENTS)));
    let service = AdminService::new(registry);
    let (mut seen, mut after, mut pages) = (BTreeSet::new(), String::new(), 0);
    loop {
        let path = format!("/api/segments?limit=500&after={after}");
        let page = json(&service, &path).await;
        let rows = page["segments"].as_array().unwrap();
        assert!(rows.len() <= 500);
        seen.extend(
            rows.iter()
                .map(|row| row["id"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    // The last full page cannot know that nothing is behind it.
    assert_eq!((seen.len(), pages), (SEGMENTS, SEGMENTS / 500 + 1));
    let overview = json(&service, "/api/overview").await;
    assert_eq!(overview["has_segments"], true);
    let value = |name: &str| overview["metrics"][name]["samples"].clone();
    assert_eq!(
        value("peerdist_local_cache_partial_file_segments")[0]["value"],
        SEGMENTS
    );
    assert_eq!(value("peerdist_local_cache_segments")[1]["value"], SEGMENTS);
    let (status, why) = asked(&service, "/api/segments?after=xyz").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{why}");
    let status = json(&service, "/api/status").await;
    assert!(
        status["DataCache"]["CurrentActiveCacheSize"]
            .as_u64()
            .unwrap()
            > 0
    );
}

#[tokio::test]
async fn roles_of_one_process_share_the_page_and_no_name_comes_twice() {
    let room = tempfile::tempdir().unwrap();
    let secret = server_secret::random().unwrap();
    let infos = ContentInfos::open(Settings::default(), secret, Arc::default()).unwrap();
    let http = Arc::<peerdist_node::counters::HttpCounters>::default();
    let registry = Registry::new("everything");
    registry.add(StoreRole::new(filled(room.path(), 3)));
    registry.add(ContentServerRole::new(infos, Arc::clone(&http)));
    registry.add(RetrievalRole::new(
        Arc::default(),
        Arc::clone(&http),
        Some(8_090),
    ));
    registry.add(DiscoveryRole::new(Arc::default()));
    http.requests.add(2);
    let service = AdminService::new(registry);
    let (_, text) = asked(&service, "/metrics").await;
    let helps: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("# HELP"))
        .collect();
    let names: BTreeSet<&str> = helps
        .iter()
        .filter_map(|line| line.split(' ').nth(2))
        .collect();
    assert_eq!(names.len(), helps.len());
    // Two servers of one process add up.
    assert!(
        text.contains("\npeerdist_http_requests_total 4\n"),
        "{text}"
    );
    let status = json(&service, "/api/status").await;
    assert_eq!(
        status["NetworkConfiguration"]["ContentDownloadListenPort"],
        8_090
    );
    assert_eq!(
        status["ContentServerConfiguration"]["ContentServerIsEnabled"],
        true
    );
    assert_eq!(
        status["ClientConfiguration"]["DistributedCachingIsEnabled"],
        true
    );
}
