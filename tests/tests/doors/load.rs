//! Loading at run time gives what embedding gives, or says what is wrong.

use super::nets::{PACKED, SAFETENSORS, an_image, bits, built::Features, output};
use mnas_runtime::{LoadError, Workspace};

#[test]
fn loaded_weights_are_the_embedded_ones() {
    let mut packed = vec![f32::NAN; Features::WEIGHTS_LEN];
    let network = Features::load(SAFETENSORS, &mut packed).expect("weights that fit");
    let image = an_image(3);
    let mut found = [0.0; Features::OUTPUT_LEN];
    network.infer(&mut Workspace::boxed(), &image, &mut found);
    assert_eq!(bits(&found), bits(&output(&image)));
    let bytes: Vec<u8> = packed.iter().flat_map(|v| v.to_le_bytes()).collect();
    assert!(bytes == PACKED, "packed weights differ");
}

#[test]
fn packed_weights_are_taken_as_they_are() {
    let packed: Vec<f32> = PACKED.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    assert!(Features::from_packed(&packed[1..]).is_none());
    let network = Features::from_packed(&packed).expect("as many as needed");
    let image = an_image(4);
    let mut found = [0.0; Features::OUTPUT_LEN];
    network.infer(&mut Workspace::boxed(), &image, &mut found);
    assert_eq!(bits(&found), bits(&output(&image)));
}

fn error(file: &[u8]) -> LoadError {
    let mut packed = vec![0.0; Features::WEIGHTS_LEN];
    Features::load(file, &mut packed).err().expect("a file that does not fit")
}

/// The file with another header of the same length.
fn with(from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = SAFETENSORS.windows(from.len()).position(|w| w == from.as_bytes()).expect("it stands in the header");
    let mut file = SAFETENSORS.to_vec();
    file[at..at + to.len()].copy_from_slice(to.as_bytes());
    file
}

#[test]
fn every_mistake_is_named() {
    assert_eq!(error(b""), LoadError::NotSafetensors);
    assert_eq!(error(&[0xff; 64]), LoadError::NotSafetensors);
    let mut short = vec![0.0; Features::WEIGHTS_LEN - 1];
    let too_small = Features::load(SAFETENSORS, &mut short).err();
    assert_eq!(too_small, Some(LoadError::TooSmall(Features::WEIGHTS_LEN)));
    let missing = error(&with("\"stem.conv.weight\"", "\"stem.conv.weighs\""));
    assert_eq!(missing, LoadError::Missing { layer: "stem.conv", tensor: ".weight" });
    let mismatch = LoadError::Mismatch { layer: "stem.conv", tensor: ".weight" };
    assert_eq!(error(&with("[12, 3, 3, 3]", "[3, 12, 3, 3]")), mismatch);
    let dtype = error(&with("\"stem.conv.weight\":{\"dtype\":\"F32\"", "\"stem.conv.weight\":{\"dtype\":\"I32\""));
    assert_eq!(dtype, mismatch);
    // The end of the file is its last tensor.
    let mut file = SAFETENSORS.to_vec();
    let end = file.len();
    file[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(matches!(error(&file), LoadError::NotFinite { tensor: ".weight", .. }));
    // The root of a negative variance is NaN. A variance just below zero is refused, zero is accepted.
    let variance = |value: f32| {
        let mut weights = mnas_codegen::weights::safetensors::read(SAFETENSORS).expect("a good file");
        let tensor = weights.get_mut("stem.conv.bn.running_var").expect("the stem's variance");
        *tensor.data.last_mut().expect("12 channels") = value;
        mnas_codegen::weights::safetensors::write(&weights).expect("proper tensors")
    };
    for value in [-1.0, -f32::from_bits(1)] {
        assert_eq!(error(&variance(value)), LoadError::NegativeVariance { layer: "stem.conv.bn" });
    }
    assert!(Features::load(&variance(0.0), &mut vec![0.0; Features::WEIGHTS_LEN]).is_ok());
    let cut = error(&SAFETENSORS[..end - 4]);
    assert!(matches!(cut, LoadError::Missing { .. } | LoadError::Mismatch { .. }), "{cut:?}");
    for error in [
        LoadError::NotSafetensors,
        too_small.expect("checked"),
        missing,
        mismatch,
        LoadError::NegativeVariance { layer: "stem.conv.bn" },
    ] {
        assert!(!error.to_string().is_empty());
    }
}
