//! The tests that docs/SECURITY.md names are there.

use std::fs;
use std::path::Path;

#[test]
fn every_test_that_the_document_names_is_in_the_file_that_it_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let document = fs::read_to_string(root.join("docs/SECURITY.md")).unwrap();
    let named: Vec<_> = document
        .split('`')
        .filter_map(|quoted| quoted.split_once(".rs::"))
        .collect();
    assert!(named.len() > 30, "{}", named.len());
    let mut missing = Vec::new();
    for (file, test) in named {
        let source = fs::read_to_string(root.join(format!("{file}.rs"))).unwrap_or_default();
        let mut lines = source.lines().map(str::trim);
        let is_test = lines.any(|line| {
            line.starts_with("proptest!") || line.starts_with("#[") && line.contains("test")
        });
        if !is_test || !source.contains(&format!("fn {test}(")) {
            missing.push(format!("{file}.rs::{test}"));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
