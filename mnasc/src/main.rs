//! The program; the library has the code, so that tests can call it.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    mnasc::main()
}
