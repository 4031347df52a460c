//! Random specs as int8 networks: the code of each is compared with the definition, [`mnas_codegen::quantized::run`], byte
//! by byte, whatever the instruction set and the number of threads.

pub mod network;
pub mod run;
pub mod subject;

pub use subject::Subject;
