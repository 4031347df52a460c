//! NumPy's arrays.

use super::{Format, Outcome, refused};

/// .npy files.
pub(super) const NPY: Format = Format {
    name: "npy",
    seeds: || {
        let files: [&[u8]; 4] = [
            include_bytes!("../../seeds/vector.npy"),
            include_bytes!("../../seeds/image.npy"),
            include_bytes!("../../seeds/version_2.npy"),
            include_bytes!("../../seeds/fortran.npy"),
        ];
        files.map(<[u8]>::to_vec).to_vec()
    },
    dictionary: &[
        b"\x93NUMPY",
        b"\x01\x00",
        b"\x02\x00",
        b"\x03\x00",
        b"'descr'",
        b"'<f4'",
        b"'<f8'",
        b"'>f4'",
        b"'|O'",
        b"'|S1'",
        b"'fortran_order'",
        b"True",
        b"False",
        b"'shape'",
        b"(",
        b")",
        b",",
        b"()",
        b"(-1,)",
        b"(0,)",
        b"(1, 0)",
        b"{",
        b"}",
        b"'",
        b"\"",
        b":",
        b"\n",
        b"(4294967296, 4294967296)",
        b"(18446744073709551615,)",
        b"[('a', '<f4')]",
        b"L",
    ],
    mend: |bytes| {
        // The length of the header again, as it is to the line feed.
        let Some(end) = bytes.iter().skip(10).position(|&byte| byte == b'\n') else { return };
        if bytes.get(6) == Some(&1) && end < 0xffff {
            bytes[8..10].copy_from_slice(&((end + 1) as u16).to_le_bytes());
        }
    },
    read: |bytes| match mnas_io::npy::parse(bytes) {
        Ok(array) => {
            let values = array.data.len();
            assert_eq!(array.shape.iter().product::<usize>(), values, "a shape that is not that of the values");
            assert!(values * 4 <= bytes.len(), "more values than bytes");
            Outcome::Accepted
        }
        Err(words) => refused(&words),
    },
};
