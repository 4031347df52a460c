//! The memory of an inference, and embedded weights.

#[cfg(feature = "alloc")]
extern crate alloc;

/// An arena of `LEN` floats, aligned to 64 bytes. One inference at a time uses it.
///
/// It is large: create it with `Workspace::boxed` (feature `alloc`) or in a `static`, not on the stack.
#[repr(C, align(64))]
pub struct Workspace<const LEN: usize> {
    arena: [f32; LEN],
}

impl<const LEN: usize> Workspace<LEN> {
    /// A workspace for a `static`.
    pub const fn new() -> Self {
        Workspace { arena: [0.0; LEN] }
    }

    /// A workspace on the heap, created in place.
    #[cfg(feature = "alloc")]
    pub fn boxed() -> alloc::boxed::Box<Self> {
        Self::try_boxed().unwrap_or_else(|| alloc::alloc::handle_alloc_error(core::alloc::Layout::new::<Self>()))
    }

    /// A workspace on the heap, or `None` if there is no memory for it.
    #[cfg(feature = "alloc")]
    pub fn try_boxed() -> Option<alloc::boxed::Box<Self>> {
        let layout = core::alloc::Layout::new::<Self>();
        if layout.size() == 0 {
            return Some(alloc::boxed::Box::new(Self::new()));
        }
        // SAFETY: the layout has a size; zeros are a valid `Self`, and the box frees it with the same layout.
        unsafe {
            let memory = alloc::alloc::alloc_zeroed(layout);
            (!memory.is_null()).then(|| alloc::boxed::Box::from_raw(memory.cast()))
        }
    }

    /// The arena, for generated code.
    #[inline]
    pub fn arena(&mut self) -> &mut [f32; LEN] {
        &mut self.arena
    }
}

impl<const LEN: usize> Default for Workspace<LEN> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(target_endian = "big")]
compile_error!("packed weights are little-endian; this target is not");

/// Bytes of embedded weights, aligned so that they can be read as vectors.
#[repr(C, align(64))]
pub struct AlignedBytes<const BYTES: usize>(
    /// Little-endian `f32` values.
    pub [u8; BYTES],
);

impl<const BYTES: usize> AlignedBytes<BYTES> {
    /// The bytes as `LEN` floats.
    ///
    /// # Panics
    ///
    /// When compiled, if the sizes do not fit: the weights belong to another network.
    pub const fn floats<const LEN: usize>(&self) -> &[f32; LEN] {
        assert!(LEN * 4 == BYTES, "the weights file belongs to another network or another version of it");
        // SAFETY: the size was compared, the alignment is 64, any bits are a valid f32.
        unsafe { &*self.0.as_ptr().cast::<[f32; LEN]>() }
    }
}
