//! The choice of engines: names, errors a person can act on, one choice for the whole process.
//! Invariant: an engine that is listed can be found by its name.
//! Byte order: none.

use crate::hash::{Digest, Engine, EngineAlreadyChosen, HashAlgorithm};

#[test]
fn every_available_engine_is_found_by_its_name() {
    for engine in Engine::available() {
        assert_eq!(
            Engine::named(engine.name()).unwrap().to_string(),
            engine.to_string()
        );
    }
    assert!(Engine::named("portable").is_some());
    assert!(Engine::named("auto").is_some());
}

#[test]
fn an_unknown_name_is_refused_with_the_names_that_would_do() {
    let error = Engine::find("sse9").unwrap_err().to_string();
    assert!(error.starts_with("there is no hash engine `sse9`; this processor can run `auto`"));
    assert!(error.contains("`portable`"), "{error}");
}

#[test]
fn a_name_of_another_processor_is_refused_as_such() {
    let foreign = if cfg!(target_arch = "aarch64") {
        "avx2"
    } else {
        "aarch64"
    };
    let error = Engine::find(foreign).unwrap_err().to_string();
    assert!(
        error.starts_with("this processor cannot run the hash engine"),
        "{error}"
    );
}

#[test]
fn candidates_are_one_for_each_kernel_and_begin_with_the_default() {
    for algorithm in HashAlgorithm::ALL {
        let names: Vec<_> = Engine::candidates(algorithm)
            .map(|engine| engine.kernel_name(algorithm))
            .collect();
        let mut unique = names.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), names.len(), "{names:?}");
        assert_eq!(
            names[0],
            Engine::named("auto").unwrap().kernel_name(algorithm)
        );
        assert!(names.contains(&"portable"));
    }
}

#[test]
fn a_joined_engine_takes_each_family_from_its_parent() {
    let (auto, portable) = (
        Engine::named("auto").unwrap(),
        Engine::named("portable").unwrap(),
    );
    let joined = Engine::joined(auto, portable);
    let name = |engine: &Engine, algorithm| engine.kernel_name(algorithm);
    assert_eq!(
        name(&joined, HashAlgorithm::Sha256),
        name(auto, HashAlgorithm::Sha256)
    );
    assert_eq!(name(&joined, HashAlgorithm::Sha512), "portable");
    assert_eq!(joined.name(), "calibrated");
}

#[test]
fn no_engine_is_installed_once_one_is_in_use() {
    let before = Engine::current().to_string();
    assert_eq!(
        Engine::named("portable").unwrap().install(),
        Err(EngineAlreadyChosen)
    );
    assert_eq!(Engine::current().to_string(), before);
}

#[test]
fn digests_print_as_hexadecimal_and_sort_as_bytes() {
    let low = Digest::of(HashAlgorithm::Sha256, &[1; 32]).unwrap();
    let high = Digest::of(HashAlgorithm::Sha256, &[2; 32]).unwrap();
    assert_eq!(low.to_string(), "01".repeat(32));
    assert_eq!(format!("{low:?}"), format!("Digest({})", "01".repeat(32)));
    assert!(low < high);
}

#[test]
fn bytes_of_another_length_are_no_digest() {
    for len in [0, 31, 33, 47, 63, 65] {
        assert_eq!(Digest::try_from(&vec![0; len][..]).unwrap_err().len, len);
    }
    for len in [32, 48, 64] {
        assert_eq!(
            Digest::try_from(&vec![7; len][..]).unwrap().as_ref(),
            vec![7; len]
        );
    }
    assert!(Digest::of(HashAlgorithm::Sha384, &[0; 32]).is_err());
}
