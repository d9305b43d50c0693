#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pushcert_fuzz::pem(bytes));
