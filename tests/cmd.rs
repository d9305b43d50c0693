//! One case file a behaviour or refusal.

#[test]
fn cases() {
    trycmd::TestCases::new().case("tests/cmd/**/*.trycmd");
}
