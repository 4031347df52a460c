//! A generated network with its weights and its memory, on one thread or on several that share an inference.

use std::io;

/// A network that is ready to run. [`single_thread!`](crate::single_thread) and [`multi_thread!`](crate::multi_thread)
/// implement it for generated types.
pub trait Engine: Sized {
    /// Values of the packed weights.
    const WEIGHTS_LEN: usize;
    /// Values of an image.
    const INPUT_LEN: usize;
    /// Values of an output.
    const OUTPUT_LEN: usize;
    /// Steps that [`Self::observe`] reports.
    const STEPS: usize;

    /// Whether the processor has the instruction set of the network.
    fn supported() -> bool;

    /// The network with its packed weights; `threads` threads share an inference.
    ///
    /// # Errors
    ///
    /// Too few weights, or the system refuses threads.
    fn new(packed: &'static [f32], threads: usize) -> io::Result<Self>;

    /// One inference. `image` and `output` have the lengths above.
    fn infer(&mut self, image: &[f32], output: &mut [f32]);

    /// One inference; calls `after` with the index of each step and what the step wrote.
    fn observe(&mut self, image: &[f32], output: &mut [f32], after: &mut (dyn FnMut(usize, &[f32]) + Send));

    /// The memory of activations.
    fn arena(&mut self) -> &mut [f32];

    /// Waits until other engines' threads sleep: inside a network the threads of a layer come from the layer before, and no
    /// other pool spins.
    fn settle(&mut self);

    /// Wakes this engine's threads. Waking takes some 50 microseconds, for which a network waits once and not in each layer.
    fn wake(&mut self);
}

/// Implements [`Engine`](crate::engine::Engine) on one thread: the name of the engine, then the generated type.
#[macro_export]
macro_rules! single_thread {
    ($engine:ident, $net:ty) => {
        #[allow(missing_docs, reason = "it is documented where the trait is")]
        pub struct $engine($net, Box<$crate::mnas_runtime::Workspace<{ <$net>::ARENA_LEN }>>);

        impl $crate::engine::Engine for $engine {
            $crate::common!($net);

            fn new(packed: &'static [f32], _threads: usize) -> std::io::Result<Self> {
                let net = <$net>::from_packed(packed).ok_or_else(|| std::io::Error::other("too few weights"))?;
                Ok($engine(net, $crate::mnas_runtime::Workspace::boxed()))
            }

            fn infer(&mut self, image: &[f32], output: &mut [f32]) {
                self.0.infer(&mut self.1, $crate::engine::array(image), $crate::engine::array_mut(output));
            }

            fn observe(&mut self, image: &[f32], output: &mut [f32], after: &mut (dyn FnMut(usize, &[f32]) + Send)) {
                let (image, output) = ($crate::engine::array(image), $crate::engine::array_mut(output));
                $crate::mnas_runtime::Network::observe(&self.0, &mut self.1, image, output, after);
            }

            fn arena(&mut self) -> &mut [f32] {
                self.1.arena()
            }

            fn settle(&mut self) {}

            fn wake(&mut self) {}
        }
    };
}

/// As [`single_thread!`](crate::single_thread), of a type that was generated for several threads.
#[macro_export]
macro_rules! multi_thread {
    ($engine:ident, $net:ty) => {
        #[allow(missing_docs, reason = "it is documented where the trait is")]
        pub struct $engine($net, $crate::mnas_runtime::Team<{ <$net>::TEAM_LEN }, { <$net>::WORKER_LEN }>);

        impl $crate::engine::Engine for $engine {
            $crate::common!($net);

            fn new(packed: &'static [f32], threads: usize) -> std::io::Result<Self> {
                let net = <$net>::from_packed(packed).ok_or_else(|| std::io::Error::other("too few weights"))?;
                Ok($engine(net, <$net>::team(threads)?))
            }

            fn infer(&mut self, image: &[f32], output: &mut [f32]) {
                self.0.infer_threaded(&mut self.1, $crate::engine::array(image), $crate::engine::array_mut(output));
            }

            fn observe(&mut self, image: &[f32], output: &mut [f32], after: &mut (dyn FnMut(usize, &[f32]) + Send)) {
                let (image, output) = ($crate::engine::array(image), $crate::engine::array_mut(output));
                self.0.observe_threaded(&mut self.1, image, output, after);
            }

            fn arena(&mut self) -> &mut [f32] {
                self.1.shared()
            }

            fn settle(&mut self) {
                // Other pools fall asleep while this one runs empty jobs.
                let start = std::time::Instant::now();
                while start.elapsed() < std::time::Duration::from_micros(500) {
                    self.wake();
                }
            }

            fn wake(&mut self) {
                self.1.run(|worker, _, _| worker.barrier());
            }
        }
    };
}

/// What both implementations share.
#[doc(hidden)]
#[macro_export]
macro_rules! common {
    ($net:ty) => {
        const WEIGHTS_LEN: usize = <$net>::WEIGHTS_LEN;
        const INPUT_LEN: usize = <$net>::INPUT_LEN;
        const OUTPUT_LEN: usize = <$net>::OUTPUT_LEN;
        const STEPS: usize = <$net as $crate::mnas_runtime::Network>::STEPS.len();

        fn supported() -> bool {
            <$net>::supported()
        }
    };
}

/// A slice as an array.
///
/// # Panics
///
/// It has another length.
pub fn array<const LEN: usize>(values: &[f32]) -> &[f32; LEN] {
    values.try_into().expect("the length of the network's input")
}

/// As [`array()`], to be written.
///
/// # Panics
///
/// It has another length.
pub fn array_mut<const LEN: usize>(values: &mut [f32]) -> &mut [f32; LEN] {
    values.try_into().expect("the length of the network's output")
}
