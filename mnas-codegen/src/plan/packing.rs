//! How a microkernel wants its weights packed, and which of an instruction set's wishes a file can share.

use super::steps::PlanError;
use crate::machine::{Isa, Microkernel};
use crate::numeric::{self, Numeric};

/// A packed layout: what the planner, the packer and the emitter agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    /// The number type, which says what a panel holds.
    pub numeric: &'static Numeric,
    /// Output channels that lie beside each other: the width of a panel is a multiple of it.
    pub channels: usize,
    /// Values of the reduction that lie beside each other, for each output channel.
    pub k_group: usize,
}

impl Packing {
    /// What a microkernel wants.
    pub fn of(microkernel: &Microkernel) -> Self {
        let Microkernel { numeric, channels, k_group, .. } = *microkernel;
        Packing { numeric, channels, k_group }
    }

    /// The layout that both read, where there is one: kernels of one number type and grouping read panels that are wider
    /// than their own in parts.
    fn shared(self, other: Packing) -> Option<Packing> {
        let (wide, narrow) = if self.channels >= other.channels { (self, other) } else { (other, self) };
        let reads = narrow.numeric == wide.numeric
            && narrow.k_group == wide.k_group
            && wide.channels.is_multiple_of(narrow.channels);
        reads.then_some(wide)
    }

    /// The layout that the `f32` kernels of all instruction sets of a file read.
    ///
    /// # Errors
    ///
    /// Two of them that read no common one.
    pub fn of_all(isas: &[Isa]) -> Result<Packing, PlanError> {
        let none = Packing { numeric: &numeric::F32, channels: 1, k_group: 1 };
        isas.iter().try_fold(none, |packing, isa| {
            let own = Packing::of(&isa.f32);
            packing.shared(own).ok_or(PlanError::Packing { isa: isa.name })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine;

    #[test]
    fn the_widest_kernel_of_a_file_decides() {
        let channels = |isas: &[Isa]| Packing::of_all(isas).map(|packing| packing.channels);
        assert_eq!(channels(machine::ALL), Ok(16));
        assert_eq!(channels(&[machine::AVX2, machine::SCALAR]), Ok(8));
        assert_eq!(channels(&[machine::SCALAR]), Ok(8));
    }

    #[test]
    fn kernels_that_group_otherwise_share_no_layout() {
        let dot = Isa { name: "dot", f32: Microkernel { k_group: 4, ..machine::AVX2.f32 }, ..machine::AVX2 };
        assert_eq!(Packing::of_all(&[machine::AVX512, dot]), Err(PlanError::Packing { isa: "dot" }));
        let odd = Isa { name: "odd", f32: Microkernel { channels: 12, ..machine::AVX2.f32 }, ..machine::AVX2 };
        assert_eq!(Packing::of_all(&[machine::AVX512, odd]), Err(PlanError::Packing { isa: "odd" }));
    }
}
