//! The catalogue, the code and the vectors name the same requirements, and the page that counts them is up to date.

use std::path::Path;

use peerdist_conformance::coverage::Coverage;

#[test]
fn every_must_is_judged_or_exempted_and_every_id_is_known() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let faults = Coverage::read(&root).unwrap().faults();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_ids_that_errors_name_are_looked_up_too() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let coverage = Coverage::read(&root).unwrap();
    let named: Vec<&str> = coverage.named().collect();
    for id in ["PCCRC-2.3-09", "PCCRR-2.2.3-02", "PCHC-2.2.1.1-04"] {
        assert!(named.contains(&id), "{id}");
    }
}

#[test]
fn the_page_of_coverage_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = Coverage::read(&root).unwrap().to_markdown();
    println!("{page}");
    let path = root.join("conformance/COVERAGE.md");
    if std::env::var_os("UPDATE_COVERAGE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page,
        "conformance/COVERAGE.md is out of date: UPDATE_COVERAGE=1 cargo test -p peerdist-conformance --test coverage"
    );
}
