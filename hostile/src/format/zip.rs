//! Zip archives whose entries are stored, taken apart and put together again with right lengths and checksums.

/// An archive of stored files, by their paths.
pub fn write(files: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (path, data) in files {
        let at = out.len() as u32;
        let mut shared = Vec::new();
        for value in [0_u16, 0, 0, 0] {
            shared.extend(value.to_le_bytes());
        }
        for value in [crc32(data), data.len() as u32, data.len() as u32] {
            shared.extend(value.to_le_bytes());
        }
        shared.extend((path.len() as u16).to_le_bytes());
        shared.extend([0, 0]);
        out.extend(b"PK\x03\x04\x0a\0");
        out.extend(&shared);
        out.extend(path);
        out.extend(data);
        directory.extend(b"PK\x01\x02\x0a\0\x0a\0");
        directory.extend(&shared);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(path);
    }
    let at = out.len() as u32;
    let count = (files.len() as u16).to_le_bytes();
    let size = (directory.len() as u32).to_le_bytes();
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count);
    out.extend(count);
    out.extend(size);
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// The files of an archive as its local headers have them, as far as they can be followed.
pub fn files(bytes: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut files = Vec::new();
    let mut rest = bytes;
    while let Some(header) = rest.strip_prefix(b"PK\x03\x04").and_then(|rest| rest.first_chunk::<26>()) {
        let half = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let size = half(14) | half(16) << 16;
        let (path, extra) = (half(22), half(24));
        let body = &rest[30..];
        let Some((path, body)) = body.split_at_checked(path) else { break };
        let Some(data) = body.get(extra..extra.saturating_add(size)) else { break };
        files.push((path.to_vec(), data.to_vec()));
        rest = &body[extra + size..];
        // What PyTorch writes of a file's size after it.
        if let Some(after) = rest.strip_prefix(b"PK\x07\x08") {
            let next = after.windows(4).position(|part| part == b"PK\x03\x04").unwrap_or(after.len());
            rest = &after[next..];
        }
    }
    files
}

/// The checksum of zip and PNG.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_found() {
        let written = vec![(b"a/data.pkl".to_vec(), vec![1, 2, 3]), (b"a/data/0".to_vec(), vec![7; 100])];
        assert_eq!(files(&write(&written)), written);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        let torch = include_bytes!("../../../mnas-codegen/tests/files/zip.pth");
        assert!(files(torch).iter().any(|(path, _)| path.ends_with(b"/data.pkl")));
    }
}
