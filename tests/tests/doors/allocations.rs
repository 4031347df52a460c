//! `infer` allocates nothing.

use super::nets::{Arena, an_image, built::Features};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    // Tests run beside each other; each counts its own.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    // Without its thread-local the thread is ending, and its count is not read.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: everything is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(run: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    run();
    COUNT.with(Cell::get) - before
}

#[test]
fn infer_allocates_nothing() {
    let (image, mut workspace, mut output) = (an_image(1), Arena::boxed(), [0.0; Features::OUTPUT_LEN]);
    let network = Features::embedded();
    // The first time MNAS_ISA is read, and std copies what it reads.
    network.infer(&mut workspace, &image, &mut output);
    assert_eq!(allocations(|| network.infer(&mut workspace, &image, &mut output)), 0);
    assert_eq!(allocations(|| network.infer_chw(&mut workspace, &image, &mut output)), 0);
    let bytes = [7; Features::INPUT_LEN];
    assert_eq!(allocations(|| network.infer_u8(&mut workspace, &bytes, &mut output)), 0);
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1, "the counter does not count");
}

#[test]
fn infer_threaded_allocates_nothing() {
    use super::nets::threaded::Features;
    let (image, mut output) = (an_image(1), [0.0; Features::OUTPUT_LEN]);
    let network = Features::embedded();
    let mut team = Features::team(3).expect("a few threads");
    network.infer_threaded(&mut team, &image, &mut output);
    assert_eq!(allocations(|| network.infer_threaded(&mut team, &image, &mut output)), 0);
    let (images, mut outputs) = ([*image; 4], [output; 4]);
    assert_eq!(allocations(|| network.infer_batch(&mut team, &images, &mut outputs)), 0);
}

#[test]
fn loading_allocates_nothing() {
    let mut packed = vec![0.0; Features::WEIGHTS_LEN];
    let mut loaded = false;
    assert_eq!(allocations(|| loaded = Features::load(super::nets::SAFETENSORS, &mut packed).is_ok()), 0);
    assert!(loaded);
}
