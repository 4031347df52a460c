//! Generated code in a module that allows itself nothing: that it compiles, under clippy too, is the test.
//!
//! It stands in the library because only what others can reach must be documented.
#![deny(warnings, missing_docs, unsafe_code, clippy::all, clippy::pedantic)]

/// From a macro.
pub mod from_macro {
    mnas::mnas_net! {
        /// Documented by its author.
        #[derive(Debug)]
        #[must_use]
        pub struct Strict<17 x 17 x 3, 5> {
            stem conv k3 s2 c8;
            mbconv e2 k3 c8 se0.25;
        }, isa = "avx2, scalar"
    }

    mnas::mnas_net!(
        /// For several threads.
        pub struct Threaded = <"specs/features.yaml">, isa = "avx2, scalar", threaded = true
    );
    mnas::mnas_net!(
        /// One of two types of one spec.
        pub struct Twin = <"specs/features.yaml">, isa = "scalar"
    );
    mnas::mnas_net!(
        /// The other.
        pub struct OtherTwin = <"specs/features.yaml">, isa = "scalar"
    );
}

/// From a build script.
pub mod from_file {
    include!(concat!(env!("OUT_DIR"), "/features.rs"));
}

/// From a build script, for several threads.
pub mod threaded {
    include!(concat!(env!("OUT_DIR"), "/threaded.rs"));
}

/// From a build script, for several threads with a runtime of its own.
pub mod threaded_alone {
    include!(concat!(env!("OUT_DIR"), "/threaded_standalone.rs"));
}

/// From a build script, with a runtime of its own.
pub mod alone {
    include!(concat!(env!("OUT_DIR"), "/standalone.rs"));
}

#[test]
fn attributes_and_documentation_pass_through() {
    let packed = vec![0.0; from_macro::Strict::WEIGHTS_LEN];
    let network = from_macro::Strict::from_packed(&packed).expect("as many as needed");
    assert!(format!("{network:?}").starts_with("Strict"));
}
