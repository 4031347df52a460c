//! See the library beside it, which tests reach too.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    mnasc::main()
}
