//! The binary; see `run.rs` of the library.

fn main() -> std::process::ExitCode {
    pushcert::main()
}
