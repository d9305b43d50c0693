//! One case file a behaviour and a refusal: the command, what it prints, how it ends.

#[test]
fn cases() {
    trycmd::TestCases::new().env("PUSHCERT_TEST_PASSWORD", "push").case("tests/cmd/**/*.trycmd").run();
}
