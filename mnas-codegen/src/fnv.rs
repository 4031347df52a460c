//! FNV-1a, 64 bits: a hash that is the same on every platform. It is not cryptographic: collisions are easy to find.

/// The hash of no bytes.
pub const EMPTY: u64 = 0xcbf2_9ce4_8422_2325;

/// A sum with a byte, or another value, behind what it was of.
pub fn add(sum: u64, value: u64) -> u64 {
    (sum ^ value).wrapping_mul(0x0100_0000_01b3)
}

/// The sum of bytes.
pub fn of(bytes: &[u8]) -> u64 {
    continued(EMPTY, bytes)
}

/// A sum with bytes behind what it was of.
pub fn continued(sum: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(sum, |sum, &byte| add(sum, u64::from(byte)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn sums_are_those_of_its_authors() {
        // Test vectors of Fowler, Noll and Vo.
        assert_eq!(super::of(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(super::of(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(super::of(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
