//! One case file a behaviour and a refusal: the command, what it prints, how it ends.

#[test]
fn cases() {
    let cases = trycmd::TestCases::new();
    for (name, value) in [
        ("PUSHCERT_TEST_PASSWORD", "push"),
        ("LC_ALL", "C.UTF-8"),
        // Where the tests run in a workflow, their reports are none of it.
        ("GITHUB_WORKSPACE", ""),
        ("GITHUB_STEP_SUMMARY", ""),
    ] {
        cases.env(name, value);
    }
    cases.case("tests/cmd/**/*.trycmd").run();
}
