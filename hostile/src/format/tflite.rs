//! Files of TensorFlow Lite, which become specs and weights.

use super::{Format, compiles, refused};
use mnas_import::{Files, Options, import};

/// Networks in flatbuffers.
pub(super) const TFLITE: Format = Format {
    name: "tflite",
    seeds: || vec![include_bytes!("../../../mnas-import/tests/files/small.tflite").to_vec()],
    dictionary: &[
        b"TFL3",
        // Offsets and lengths of everything, forwards and backwards.
        b"\xff\xff\xff\xff",
        b"\xff\xff\xff\x7f",
        b"\0\0\0\x80",
        b"\0\0\0\0",
        b"\x01\0\0\0",
        b"\x04\0\0\0",
        b"\xfc\xff\xff\xff",
        // Lists of fields.
        b"\x04\0\x04\0",
        b"\xff\xff\xff\xff\x04\0",
        // Scales of NaN and infinity.
        b"\0\0\xc0\x7f",
        b"\0\0\x80\x7f",
        // Operators.
        b"\0\0\0\0\x03\0\0\0",
        b"\x22\0\0\0",
        b"\x75\0\0\0",
    ],
    mend: |_| {},
    read: |bytes| {
        let options = Options { name: "imported".to_owned(), input: None };
        match import(bytes, &Files::new(), &options) {
            Ok(imported) => compiles(&imported.spec, &imported.network, Some(&imported.weights)),
            Err(error) => refused(&error.to_string()),
        }
    },
};
