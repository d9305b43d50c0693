//! Text from outside, made printable, and lists of words, durations.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

/// The most characters of a name in a message.
const MAX_NAME: usize = 200;

/// The most characters of a line.
const MAX_LINE: usize = 1000;

/// Text in which nothing from outside acts on the terminal or passes for another line. Messages are of this type, so
/// that none can be built otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Printable(String);

impl Printable {
    /// Joins lines of our own, each printable for itself.
    pub(crate) fn lines(lines: &[String]) -> Self {
        let mut joined = String::new();
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                joined.push('\n');
            }
            joined.push_str(&printable(line));
        }
        Self(joined)
    }
}

impl<T: AsRef<str>> From<T> for Printable {
    fn from(text: T) -> Self {
        Self(printable(text.as_ref()))
    }
}

impl From<&Self> for Printable {
    fn from(text: &Self) -> Self {
        text.clone()
    }
}

impl Deref for Printable {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Printable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialEq<str> for Printable {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Printable {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

/// Returns whether a text is the name of a variable of the environment, as people write them. What is none may be the
/// value, which the shell has put there.
pub(crate) fn is_variable_name(text: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    text.starts_with(|c: char| !c.is_ascii_digit()) && text.bytes().all(is_of_name)
}

/// Returns whether a text looks like the path of a file: it has a separator in it, or an extension. What does not, where
/// no such file is, may be a password.
pub(crate) fn is_like_path(text: &str) -> bool {
    if text.contains(std::path::is_separator) {
        return true;
    }
    let extension = Path::new(text).extension().unwrap_or_default().to_string_lossy();
    extension.starts_with(|c: char| c.is_ascii_alphabetic()) && extension.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Returns what to do about a path that begins with `~`: shells expand it at the beginning of a word alone.
pub(crate) fn home_hint(path: &str) -> Option<String> {
    let mut quoted = String::new();
    for character in path.strip_prefix("~/")?.chars() {
        if matches!(character, '"' | '$' | '`' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    Some(format!("the shell has not expanded ~ there: give \"$HOME/{}\"", printable_name(&quoted)))
}

/// Makes a line of foreign text printable: [`escaped`], and bounded. Twice is the same as once.
pub(crate) fn printable(text: &str) -> String {
    printable_within(text, MAX_LINE)
}

/// Makes a name printable that is a part of a message: as [`printable`], but shorter.
pub(crate) fn printable_name(text: &str) -> String {
    printable_within(text, MAX_NAME)
}

fn printable_within(text: &str, limit: usize) -> String {
    let text = escaped(&bounded(text, limit));
    // Escapes are longer than what they stand for.
    bounded(&text, limit).into_owned()
}

/// Escapes what is not seen or acts on what is around it: control characters, line ends, characters that reorder
/// others or have no width, and what begins a command in the log of a GitHub workflow. Names in certificates are
/// other people's words. Joiners stay where they belong: in emoji, and between letters that need them.
pub(crate) fn escaped(text: &str) -> String {
    let mut printed = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let mut before = None;
    while let Some(c) = characters.next() {
        let surroundings = Surroundings { before, after: characters.peek().copied() };
        if is_seen(c) || surroundings.need(c) {
            printed.push(c);
        } else {
            printed.extend(c.escape_default());
        }
        before = Some(c);
    }
    without_commands(printed)
}

/// Returns whether a text has characters that [`escaped`] escapes.
pub(crate) fn has_unseen(text: &str) -> bool {
    let mut characters = text.chars().peekable();
    let mut before = None;
    while let Some(c) = characters.next() {
        let surroundings = Surroundings { before, after: characters.peek().copied() };
        if !is_seen(c) && !surroundings.need(c) {
            return true;
        }
        before = Some(c);
    }
    false
}

/// Puts a name in quotes that begins or ends with a blank: nobody would see it.
pub(crate) fn with_visible_ends(name: &str) -> Cow<'_, str> {
    if name.trim().len() == name.len() { Cow::Borrowed(name) } else { Cow::Owned(format!("\"{name}\"")) }
}

/// Leaves out the middle of a text that is too long: both the beginning and the end tell something.
fn bounded(text: &str, limit: usize) -> Cow<'_, str> {
    // A character has at least one byte.
    if text.len() <= limit || text.chars().count() <= limit {
        return Cow::Borrowed(text);
    }
    let head_end = text.char_indices().nth(limit * 3 / 5).map_or(text.len(), |(index, _)| index);
    let tail_start = text.char_indices().nth_back(limit - limit * 3 / 5 - 2).map_or(0, |(index, _)| index);
    Cow::Owned(format!("{}…{}", &text[..head_end], &text[tail_start..]))
}

/// Breaks the commands that GitHub's runner reads in a log: `::NAME …::` at the beginning of a line, and `##[`.
fn without_commands(text: String) -> String {
    let text = if text.contains("##[") { text.replace("##[", "#\\u{23}[") } else { text };
    let Some(rest) = text.trim_start().strip_prefix("::") else { return text };
    if !rest.contains("::") {
        return text;
    }
    let indent = &text[..text.len() - rest.len() - 2];
    format!("{indent}\\u{{3a}}:{rest}")
}

/// Returns whether a character can be seen, and does not change the text around it. The others are controls, line
/// ends, and those that Unicode calls default ignorable (DerivedCoreProperties.txt), which cover the marks of
/// direction (UAX #9), what has no width, variation selectors and tags; and the anchors of annotations.
pub(crate) fn is_seen(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The characters on both sides.
struct Surroundings {
    before: Option<char>,
    after: Option<char>,
}

impl Surroundings {
    /// Returns whether an invisible character is a part of what is seen here: a joiner in an emoji or between letters of
    /// a script that needs it (RFC 5892, appendix A), or the one selector of an emoji, a key cap or a Han character.
    fn need(&self, c: char) -> bool {
        let (Some(before), after) = (self.before, self.after) else { return false };
        match c {
            '\u{200d}' if is_emoji(before) || before == '\u{fe0f}' => after.is_some_and(is_emoji),
            '\u{200c}' | '\u{200d}' => needs_joiners(before) && after.is_some_and(needs_joiners),
            '\u{fe0f}' if matches!(before, '0'..='9' | '#' | '*') => after == Some('\u{20e3}'),
            '\u{fe0e}' | '\u{fe0f}' => is_emoji(before),
            '\u{e0100}'..='\u{e01ef}' => is_han(before),
            _ => false,
        }
    }
}

/// Returns whether a character is in a block of emoji or of symbols that may be shown as one.
fn is_emoji(c: char) -> bool {
    matches!(c, '\u{a9}' | '\u{ae}' | '\u{203c}'..='\u{3299}' | '\u{1f000}'..='\u{1faff}') && is_seen(c)
}

/// Returns whether a character is of Arabic, Syriac or a script of India, which are written with joiners.
fn needs_joiners(c: char) -> bool {
    matches!(c, '\u{620}'..='\u{8ff}' | '\u{900}'..='\u{dff}') && is_seen(c)
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// The fewest letters and digits in a row that may be a key in Base64, or a line of one.
const MIN_KEY_LENGTH: usize = 48;

/// The length of a key of P-256 in Base64.
const SHORTEST_KEY: usize = 43;

/// The length of SHA-256 in hexadecimal: things are called so.
const DIGEST_LENGTH: usize = 64;

/// The most bytes of a name.
pub(crate) const LONGEST_NAME: usize = 64 << 10;

/// Stands for a name that may be a key.
pub(crate) const NOT_SHOWN: &str = "(not shown: it may be a key)";

/// Returns a name that somebody gave to a thing, unless it may be a key: who mixes up two fields of a form puts it there.
pub(crate) fn name_unless_key(name: &str) -> &str {
    if may_be_key(name) { NOT_SHOWN } else { name }
}

/// Returns whether a text has a key in it, or a line of one, in Base64 or hexadecimal, with separators or without.
/// What no name is as long as may be one as well.
pub(crate) fn may_be_key(text: &str) -> bool {
    text.len() > LONGEST_NAME
        || has_private_key_label(text)
        || has_key_run(text)
        || has_random_run(text)
        || has_digits_in_groups(text)
        || has_equal_groups(text)
        || has_random_words(text)
}

/// Returns whether the label of a private key in PEM is in a text: what stands beside it may be a part of one.
pub(crate) fn has_private_key_label(text: &str) -> bool {
    text.to_ascii_uppercase().contains("PRIVATE KEY-----")
}

/// The fewest characters of a word that is counted as a part of a key.
const MIN_WORD: usize = 16;

/// The fewest digits of a group that is counted as a part of a number.
const MIN_GROUP: usize = 8;

/// The digits of MD5, SHA-1 and SHA-256 in hexadecimal.
const DIGESTS: [usize; 3] = [32, 40, DIGEST_LENGTH];

/// The groups of digits of a UUID (RFC 9562 section 4), and how many characters it has with its dashes.
const UUID_GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
const UUID_LENGTH: usize = 36;

/// Returns whether a text has a key in pieces, with any words between them: as many characters as the shortest key in
/// long words that mix capitals, small letters and digits as Base64 does, or more hexadecimal digits than a digest has.
/// Digests and UUIDs are not counted.
fn has_random_words(text: &str) -> bool {
    let (mut random, mut hexadecimal) = (0, 0);
    for word in text.split(|c: char| !is_base64(c)) {
        for piece in words_without_uuids(word).flat_map(pieces_of) {
            if piece.len() >= MIN_GROUP && is_hexadecimal(piece) && is_mixed(piece) {
                hexadecimal += if DIGESTS.contains(&piece.len()) { 0 } else { piece.len() };
            } else if piece.len() >= MIN_WORD && has_all_kinds(piece) && changes_often(piece) {
                random += piece.len();
            }
        }
    }
    hexadecimal > DIGEST_LENGTH || random >= SHORTEST_KEY
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns what stands before, between and after the UUIDs in a word.
fn words_without_uuids(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(word);
    std::iter::from_fn(move || {
        let text = rest?;
        for (dash, _) in text.match_indices('-') {
            let Some(start) = dash.checked_sub(UUID_GROUPS[0]) else { continue };
            if is_uuid(&text[start..]) {
                rest = Some(&text[start + UUID_LENGTH..]);
                return Some(&text[..start]);
            }
        }
        rest = None;
        Some(text)
    })
}

/// Returns whether a word begins with a UUID that ends with it, or before another sign than a letter or a digit.
fn is_uuid(word: &str) -> bool {
    let Some(uuid) = word.get(..UUID_LENGTH) else { return false };
    let mut groups = uuid.split('-');
    for length in UUID_GROUPS {
        match groups.next() {
            Some(group) if group.len() == length && is_hexadecimal(group) => {}
            _ => return false,
        }
    }
    !word[UUID_LENGTH..].starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// The kinds of characters that a key in Base64 mixes.
#[derive(PartialEq, Eq)]
enum Kind {
    Capital,
    Small,
    Digit,
    Sign,
}

impl Kind {
    fn of(byte: u8) -> Self {
        match byte {
            b'A'..=b'Z' => Self::Capital,
            b'a'..=b'z' => Self::Small,
            b'0'..=b'9' => Self::Digit,
            _ => Self::Sign,
        }
    }
}

/// Returns whether the kind of character changes at nearly every second one (12 of 25). In Base64 it does at more, and in words
/// that begin with capitals (`MyApplication3Production`) at fewer.
fn changes_often(word: &str) -> bool {
    let pairs = word.as_bytes().windows(2);
    let changes = pairs.filter(|pair| Kind::of(pair[0]) != Kind::of(pair[1])).count();
    changes * 25 >= word.len() * 12
}

/// Returns the pieces of a word in the alphabet of Base64 or in that for URLs: all of it, unless its dashes are more than
/// a key has.
fn pieces_of(word: &str) -> impl Iterator<Item = &str> {
    let signs: &[char] = if has_few_signs(word) { &[] } else { &['-', '_'] };
    word.split(signs)
}

/// Returns whether a character is one of Base64, or of that for URLs.
fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_')
}

fn has_all_kinds(word: &str) -> bool {
    let has = |is_kind: fn(&u8) -> bool| word.bytes().any(|byte| is_kind(&byte));
    has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
}

/// Returns whether no more than one letter in ten is "-" or "_".
fn has_few_signs(word: &str) -> bool {
    let signs = word.bytes().filter(|byte| matches!(byte, b'-' | b'_')).count();
    signs * 10 < word.len()
}

/// Returns the words of a text: its letters and digits between any separators, and the signs of Base64.
fn groups(text: &str) -> impl Iterator<Item = &str> {
    let is_separator = |c: char| !c.is_alphanumeric() && !matches!(c, '+' | '/' | '=');
    text.split(is_separator).filter(|group| !group.is_empty())
}

/// Returns whether more digits stand in a row than a digest has, in groups such as `00 1f`, `0x00, 0x1f` or `\x00\x1f`.
fn has_digits_in_groups(text: &str) -> bool {
    let mut digits = 0;
    for group in groups(text) {
        let number = group.trim_start_matches("0x").trim_start_matches(['x', 'X', 'u']);
        if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            digits += number.len();
        } else {
            digits = 0;
        }
        if digits > DIGEST_LENGTH {
            return true;
        }
    }
    false
}

/// Returns whether letters and digits, mixed, stand in groups of one length, as in no sentence: Base64 with separators.
fn has_equal_groups(text: &str) -> bool {
    let (mut length, mut run, mut has_mixed) = (0, String::new(), false);
    for group in groups(text) {
        // The oldest of a long run decide no longer.
        if group.len() != length || run.len() > 2 * MIN_KEY_LENGTH {
            (length, has_mixed) = (group.len(), false);
            run.clear();
        }
        run.push_str(group);
        has_mixed |= is_mixed(group);
        let is_hexadecimal = run.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_random = has_mixed || (length == 1 && is_mixed(&run));
        if run.len() >= MIN_KEY_LENGTH && run.len() > 2 * length && is_random && !is_hexadecimal {
            return true;
        }
    }
    false
}

/// Returns whether there are letters and digits.
fn is_mixed(group: &str) -> bool {
    group.bytes().any(|byte| byte.is_ascii_digit()) && group.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Returns whether capitals, small letters and digits stand in a row as long as the shortest key, in Base64 or in that of
/// URLs. A word in ten letters at most is one of a name: `Apple-Push-2026-Production`.
fn has_random_run(text: &str) -> bool {
    for run in text.split(|c| !is_base64(c)) {
        if run.len() >= SHORTEST_KEY && has_all_kinds(run) && has_few_signs(run) {
            return true;
        }
    }
    false
}

fn has_key_run(text: &str) -> bool {
    for run in text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/' | '=' | ':')) {
        let digits = run.replace(':', "");
        let is_digest = digits.len() <= DIGEST_LENGTH && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if digits.len() >= MIN_KEY_LENGTH && !is_digest {
            return true;
        }
    }
    false
}

/// Joins words as "a, b and c"; "none" for an empty list.
pub(crate) fn text_list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    match &words[..] {
        [] => "none".to_owned(),
        [only] => (*only).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

/// Formats a time limit: "10 s", "1.5 s".
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{} s", (duration.as_secs_f64() * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variables_and_paths() {
        for name in ["P12_PASSWORD", "_X", "A", "PW2"] {
            assert!(is_variable_name(name), "{name}");
        }
        for other in ["", "hunter2", "2A", "A=B", "A-B", "P12_PASSWORDé", "$A", "A B"] {
            assert!(!is_variable_name(other), "{other}");
        }
        for path in ["a.txt", "./hunter2", "~/pw", "/x", "a.p12"] {
            assert!(is_like_path(path), "{path}");
        }
        for other in ["hunter2", "hunter.2", "Gehe1m.!", ".pw", "", "a.b c"] {
            assert!(!is_like_path(other), "{other}");
        }
    }

    #[test]
    fn names_cannot_drive_the_terminal() {
        for (name, shown) in [
            ("a\x1b[31m\r\n\u{9b}\u{202e}株", "a\\u{1b}[31m\\r\\n\\u{9b}\\u{202e}株"),
            ("\u{7f}\u{85}\u{61c}\u{2066}\u{2069}", "\\u{7f}\\u{85}\\u{61c}\\u{2066}\\u{2069}"),
            ("a\u{200b}b\u{2060}c\u{feff}d\u{ad}e\u{180e}", "a\\u{200b}b\\u{2060}c\\u{feff}d\\u{ad}e\\u{180e}"),
            ("a\u{2028}b\u{2029}c\u{fff9}d\u{e0041}", "a\\u{2028}b\\u{2029}c\\u{fff9}d\\u{e0041}"),
            ("a\u{200d}b\u{200c}c\u{fe0f}\u{3164}", "a\\u{200d}b\\u{200c}c\\u{fe0f}\\u{3164}"),
            ("::error::forged", "\\u{3a}:error::forged"),
            ("  ::set-output name=a::b", "  \\u{3a}:set-output name=a::b"),
            ("a ##[error]b", "a #\\u{23}[error]b"),
        ] {
            assert_eq!(printable(name), shown);
            assert_eq!(printable(shown), shown, "twice is once");
        }
    }

    #[test]
    fn a_key_in_the_base64_of_urls_is_no_name() {
        for key in [
            "a_h_Nw0wQoTsPhz1mtXc8Rr4bJq2uYdK9UpTuP2g0UMo",
            "kd/h/Nw0wQoTsPhz1mtXc8Rr4bJq2uYdK9UpTuP2g0UMo=",
            "XYz0-9aB_cD3eF7gHiJkLmNoPqRsTuVwX-Yz1234567890abcDEF",
        ] {
            assert!(may_be_key(key), "{key}");
        }
        for name in [
            "Apple-Push-Services-com-example-MyApp-2026-Production",
            "apple-push-services-com-example-myapp-2026-production",
            "kubernetes-io-service-account-token-default-x7k2p-2026",
            "Apple Development IOS Push Services: com.example.MyApp2026",
        ] {
            assert!(!may_be_key(name), "{name}");
        }
    }

    #[test]
    fn a_key_in_pieces_is_no_name() {
        let der = crate::test_support::fixture("key/pkcs8.der");
        let url = data_encoding::BASE64URL_NOPAD.encode(&der);
        let base64 = data_encoding::BASE64.encode(&der);
        for length in [16, 20, 24, 32, 40, 42] {
            for encoded in [&url, &base64] {
                let lines: Vec<&str> =
                    encoded.as_bytes().chunks(length).map(|line| std::str::from_utf8(line).unwrap()).collect();
                for separator in ["\n", " ", "'+'", "\", \"", " and "] {
                    assert!(may_be_key(&lines.join(separator)), "{length} {separator}");
                }
                let numbered: Vec<String> = lines.iter().enumerate().map(|(i, line)| format!("{i}:{line}")).collect();
                assert!(may_be_key(&numbered.join(" ")), "{length}");
            }
        }
        let hexadecimal = data_encoding::HEXLOWER.encode(&der[..120]);
        let groups: Vec<&str> =
            hexadecimal.as_bytes().chunks(60).map(|group| std::str::from_utf8(group).unwrap()).collect();
        assert!(may_be_key(&groups.join(" and ")));
    }

    #[test]
    fn names_that_people_give_stay() {
        for name in [
            "Apple Push Services: com.example.MyApp",
            "Apple Development IOS Push Services: com.example.VeryLongCompanyName2026.MyOtherApplication2",
            "Apple Production IOS Push Services: ABCDE12345.com.example.app (ABCDE12345)",
            "MyCompany2026Push.MyCompanyNotificationService2026.MyApp",
            "E1F2A3B4-75B4-431B-ADB2-EB6B9E546014 de305d54-75b4-431b-adb2-eb6b9e546014",
            "SHA256 d04062fe545c6cc129cf62ee4db2de9f21353bc227a6ee4d8c80aaae064d93f1",
            "SHA1 3F2A9C01D4E5B6A7889900AABBCCDDEEFF112233 SHA256 d04062fe545c6cc129cf62ee4db2de9f21353bc227a6ee4d8c80aaae064d93f1",
            "MDM e1f2a3b4-75b4-431b-adb2-eb6b9e546014 tenant de305d54-75b4-431b-adb2-eb6b9e546014 org \
             0f3a5d54-75b4-431b-adb2-aa6b9e546014 dev 1f3a5d54-75b4-431b-adb2-ba6b9e546014",
            "te-e1f2a3b4-75b4-431b-adb2-eb6b9e546014-de305d54-75b4-431b-adb2-eb6b9e546014",
            "ProductionPush2024Certificate StagingPush2025Certificate DevelopmentPush2026Certificate",
            "com.MyCompany2Notifications.MyApplication3Production.NotificationService4Extension",
            "C:\\Users\\JohnDoe1\\Documents\\MyPushCertificates2026\\MyApplication3Production2",
            "iPhone15ProMaxDeveloper2026Key3 iPadPro13DevelopmentTeam7Key4",
            "JohnAppleseed2026@MyCompanyName2.example.com/Push3Production4Service5A",
            "MD5 d41d8cd98f00b204e9800998ecf8427e SHA1 da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "推送证书 2026 株式会社サンプル",
            "push_cert_production_2026_com_example_MyApp_v2",
            "Website Push ID: web.com.example.News2026",
        ] {
            assert!(!may_be_key(name), "{name}");
        }
        assert!(!may_be_key(&"-".repeat(LONGEST_NAME)) && may_be_key(&"-".repeat(LONGEST_NAME + 1)));
    }

    #[test]
    fn names_of_all_languages_stay() {
        for name in [
            "株式会社サンプル",
            "葛\u{e0100}飾区",
            "شركة المثال",
            "علی\u{200c}رضا",
            "ශ්\u{200d}රී ලංකා",
            "Приложение",
            "👩\u{200d}💻 ❤\u{fe0f} 🏳\u{fe0f}\u{200d}🌈 1\u{fe0f}\u{20e3} 🇩🇪 👍🏽",
            "::1",
            "[::1]:443",
        ] {
            assert_eq!(printable(name), name);
        }
    }

    #[test]
    fn what_may_be_a_key_is_no_name() {
        let key = String::from_utf8(crate::test_support::fixture("key/push.pem")).unwrap();
        let line = key.lines().nth(12).unwrap();
        let hexadecimal = data_encoding::HEXUPPER.encode(line.as_bytes());
        let colons: Vec<&str> =
            hexadecimal.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect();
        for name in [&key, line, &key.replace('\n', ""), &hexadecimal, &colons.join(":"), &format!("push {line}.pem")] {
            assert_eq!(name_unless_key(name), NOT_SHOWN, "{name}");
        }
        for separator in [" ", "-", ", ", ".", "\n    ", " : ", "\u{200b}", ", 0x", "\\x", "%"] {
            let name = format!("key{separator}{}", colons.join(separator));
            assert_eq!(name_unless_key(&name), NOT_SHOWN, "{name}");
            let groups: Vec<&str> =
                line.as_bytes().chunks(8).map(|group| std::str::from_utf8(group).unwrap()).collect();
            let name = groups.join(separator);
            assert_eq!(name_unless_key(&name), NOT_SHOWN, "{name}");
        }
        for name in ["-----BEGIN PRIVATE KEY-----MIIEvQIBADANBgkq", "p12 -----end rsa private key-----"] {
            assert_eq!(name_unless_key(name), NOT_SHOWN, "{name}");
        }
        for name in [
            "private key-1",
            "Apple Push Services: com.example.MyApp",
            "de305d54-75b4-431b-adb2-eb6b9e546014",
            "d04062fe545c6cc129cf62ee4db2de9f21353bc227a6ee4d8c80aaae064d93f1",
            "D0:40:62:FE:54:5C:6C:C1:29:CF:62:EE:4D:B2:DE:9F:21:35:3B:C2:27:A6:EE:4D:8C:80:AA:AE:06:4D:93:F1",
            "com.example.AVeryLongNameOfAnApp.WithAnother.VeryLongNameOfAnExtension2026",
            "d0 40 62 fe 54 5c 6c c1 29 cf 62 ee 4d b2 de 9f 21 35 3b c2 27 a6 ee 4d 8c 80 aa ae 06 4d 93 f1",
            "push cert from 2026 with team name test only once more then some that have been made last year",
            "Apple Push Services: com.example.MyApp 2026-01-01 2027-01-01 11:22:33:44:55:66",
        ] {
            assert_eq!(name_unless_key(name), name);
        }
    }

    #[test]
    fn long_names_lose_their_middle() {
        let long = format!("{}{}", "株".repeat(500_000), "b".repeat(500_000));
        for (shown, limit) in [(printable_name(&long), MAX_NAME), (printable(&long), MAX_LINE)] {
            assert_eq!(shown.chars().count(), limit);
            assert!(shown.starts_with("株株") && shown.contains("株…b") && shown.ends_with("bb"), "{shown}");
        }
        let fitting = "株".repeat(MAX_NAME);
        assert_eq!(printable_name(&fitting), fitting);
        assert_eq!(Printable::from(&*long), printable(&long)[..]);
        assert_eq!(Printable::lines(&["a\nb".to_owned(), "c".to_owned()]), "a\\nb\nc");
    }
}
