//! The random integers: consistent, and spread so that an error shows.

use mnas_codegen::graph::TensorId;
use mnas_codegen::quantized::structure::{Role, roles};
use mnas_codegen::quantized::{self, Value, read, write};
use mnas_fuzz::draw;
use mnas_fuzz::int8::subject::{is_supported, source};
use std::collections::BTreeSet;

/// Maps of fewer values say little of how they spread.
const FEW: usize = 200;

#[test]
fn networks_are_consistent_and_their_bytes_spread() {
    let (mut maps, mut spread, mut least, mut most, mut by_channel) = (0, 0, 0, 0, 0);
    for case in draw::cases(0, 50).iter().filter(|case| is_supported(case)) {
        let source = source(case);
        let network = &source.quantized;
        let again = read(&write(network), &network.graph);
        assert_eq!(again.as_ref(), Ok(network), "{}", case.spec.to_yaml());
        let values = quantized::run(network, &source.image, |_| true);
        for (id, role) in roles(&network.graph).iter().enumerate() {
            let (Role::Map { positive, .. }, Value::Bytes(bytes)) = (role, &values[&TensorId(id)]) else { continue };
            if bytes.len() < FEW {
                continue;
            }
            maps += 1;
            let seen: BTreeSet<u8> = bytes.iter().copied().collect();
            spread += usize::from(seen.len() >= 64);
            least += usize::from(*positive || seen.contains(&0));
            most += usize::from(seen.contains(&255));
            by_channel += usize::from(network.map(TensorId(id)).by_channel());
        }
    }
    println!(
        "{maps} maps: {spread} spread, {least} reach the least byte and {most} the largest, {by_channel} by channel"
    );
    assert!(maps > 400 && by_channel > maps / 5, "{maps}, {by_channel}");
    assert!([spread, least, most].iter().all(|&count| count * 4 > maps * 3), "{maps}: {spread}, {least}, {most}");
}
