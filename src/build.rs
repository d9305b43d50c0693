//! Link options of the binary.

fn main() {
    // More than half of a conversion's time was the dynamic linker's: a position-independent program has
    // half a megabyte of pointers in OpenSSL's tables, all of them to be relocated at every start, and
    // each page of them to be copied. At a fixed address there is nothing to relocate.
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
    println!("cargo:rerun-if-changed=src/build.rs");
}
