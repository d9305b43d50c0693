//! Hides this side's own secrets in the words of others: a server or a proxy may repeat what it was sent.

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

/// Stands for a secret, or for a part of one.
const HIDDEN: &str = "(not shown)";

/// The shortest part of a secret that is hidden: messages are shortened, and a peer may cut. A shorter secret is hidden
/// whole.
const SHORTEST_PART: usize = 12;

/// The number of times that a peer may have escaped a secret.
const MAX_ESCAPED: usize = 3;

/// The most characters of a peer's words: what is shown of them is shorter.
const MAX_TEXT: usize = 4096;

/// The most bytes that a peer makes of one byte of a sign.
const LONGEST_ESCAPE: usize = 12;

/// The fewest letters and digits by which a secret is known without its signs.
const FEWEST_LETTERS: usize = 5;

/// What is looked for of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    /// Its letters and digits, with whatever a peer has made of the signs between them.
    Runs,
    /// So much that it tells something.
    Part,
}

/// Stands for a character whose name, or whose encoding, is not known.
const UNNAMED: char = char::REPLACEMENT_CHARACTER;

/// The characters that HTML itself needs, by name.
const NAMED: [(&str, char); 5] = [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\'')];

/// A shorter secret is none, and to hide it would spell it out, letter by letter.
const SHORTEST_SECRET: usize = 4;

/// The secrets of a run, wiped when they are dropped.
#[derive(Clone, Default)]
pub(crate) struct Mask {
    secrets: Vec<Zeroizing<String>>,
}

impl Mask {
    /// Adds a secret, and what a peer makes of one that looks escaped.
    pub(crate) fn add(&mut self, secret: &str) {
        let mut form = Zeroizing::new(secret.to_owned());
        for _ in 0..=MAX_ESCAPED {
            if form.len() >= SHORTEST_SECRET && !self.secrets.contains(&form) {
                self.secrets.push(form.clone());
            }
            form = Zeroizing::new(without_escapes(&form));
        }
    }

    /// Hides every secret in a text, and every part of one that is long enough to tell something. A text that repeats one
    /// with the escapes of a URL, of HTML or of JSON is shown without these.
    pub(crate) fn apply(&self, text: &mut String) {
        if self.secrets.is_empty() {
            return;
        }
        if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
            text.truncate(end);
            text.push('…');
        }
        // A part of one that is written with escapes would be found before the whole.
        for extent in [Extent::Whole, Extent::Runs, Extent::Part] {
            self.hide(text, extent);
            let mut plain = text.clone();
            for _ in 0..MAX_ESCAPED {
                plain = without_escapes(&plain);
                if self.hide(&mut plain, extent) {
                    text.clone_from(&plain);
                }
            }
        }
    }

    /// Hides what stands in a text as it is. Returns whether there was something.
    fn hide(&self, text: &mut String, extent: Extent) -> bool {
        let mut shown = String::new();
        let mut rest = text.as_str();
        let mut has_hidden = false;
        while let Some(next) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix(HIDDEN) {
                shown.push_str(HIDDEN);
                rest = after;
                continue;
            }
            let open = rest.split(HIDDEN).next().unwrap_or(rest);
            match self.secret_at(open, extent) {
                0 => {
                    shown.push(next);
                    rest = &rest[next.len_utf8()..];
                }
                length => {
                    shown.push_str(HIDDEN);
                    rest = &rest[length..];
                    has_hidden = true;
                }
            }
        }
        if has_hidden {
            *text = shown;
        }
        has_hidden
    }

    /// Hides every secret in a text that may not be there.
    pub(crate) fn apply_to(&self, text: &mut Option<String>) {
        if let Some(text) = text {
            self.apply(text);
        }
    }

    /// Returns the length of the longest secret, or part of one, that the text begins with.
    fn secret_at(&self, text: &str, extent: Extent) -> usize {
        let mut longest = 0;
        for secret in &self.secrets {
            let (starts, least) = match extent {
                Extent::Runs => {
                    longest = longest.max(length_of_runs(secret, text).unwrap_or(0));
                    continue;
                }
                Extent::Whole => (1, secret.chars().count()),
                Extent::Part => (usize::MAX, SHORTEST_PART),
            };
            for (start, _) in secret.char_indices().take(starts) {
                let common = common(&secret[start..], text);
                if common.characters >= least {
                    longest = longest.max(common.length);
                }
            }
        }
        longest
    }
}

/// Undoes the escapes of URLs (RFC 3986 section 2.1), of HTML (those that HTML itself needs, and numbers) and of JSON once.
fn without_escapes(text: &str) -> String {
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    let mut plain = String::new();
    let mut rest = &*decoded;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        match reference(after) {
            Some((character, length)) => {
                plain.push(character);
                rest = &after[length..];
            }
            None => {
                plain.push('&');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    without_backslashes(&plain)
}

/// Undoes the escapes of JSON (RFC 8259 section 7) that stand for one character which is printed.
fn without_backslashes(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let (character, length) = escaped(after).unwrap_or(('\\', 0));
        plain.push(character);
        rest = &after[length..];
    }
    plain + rest
}

/// Returns the character of an escape, and the length of what follows its backslash.
fn escaped(text: &str) -> Option<(char, usize)> {
    match text.chars().next()? {
        mark @ ('"' | '\\' | '/') => Some((mark, 1)),
        'u' => match (hexadecimal(text)?, text.get(5..).and_then(|rest| rest.strip_prefix('\\')).and_then(hexadecimal))
        {
            (high @ 0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) => {
                Some((char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?, 11))
            }
            (number, _) => Some((char::from_u32(number)?, 5)),
        },
        _ => None,
    }
}

/// Returns the number after a u, in four hexadecimal digits.
fn hexadecimal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix('u')?.get(..4)?, 16).ok()
}

/// Returns the character of a reference, and the length of its name with the semicolon, which some leave out.
fn reference(text: &str) -> Option<(char, usize)> {
    let is_in_name = |character: char| character.is_ascii_alphanumeric() || character == '#';
    let end = text.find(|character| !is_in_name(character)).unwrap_or(text.len());
    let name = text[..end].to_ascii_lowercase();
    for (known, character) in NAMED {
        if name.starts_with(known) {
            return Some((character, known.len() + usize::from(text[known.len()..].starts_with(';'))));
        }
    }
    if let Some(number) = name.strip_prefix('#') {
        let (character, length) = numbered(number)?;
        return Some((character, 1 + length + usize::from(text[1 + length..].starts_with(';'))));
    }
    // HTML names two thousand characters more. None of them is a letter or a digit of ASCII.
    if !name.is_empty() && text[end..].starts_with(';') { Some((UNNAMED, end + 1)) } else { None }
}

/// Returns the character whose number a text begins with, in decimal or in hexadecimal after an x, and the number's length.
fn numbered(text: &str) -> Option<(char, usize)> {
    let (start, radix) = if text.starts_with('x') { (1, 16) } else { (0, 10) };
    let is_no_digit = |character: char| !character.is_digit(radix);
    let end = text[start..].find(is_no_digit).map_or(text.len(), |length| start + length);
    Some((char::from_u32(u32::from_str_radix(&text[start..end], radix).ok()?)?, end))
}

/// Returns the length of the beginning of a text that has the letters and digits of a secret (of ASCII) in its order, with no
/// more between them than escapes of its signs take.
fn length_of_runs(secret: &str, text: &str) -> Option<usize> {
    let is_plain = |character: char| character.is_ascii_alphanumeric();
    let letters = secret.chars().filter(|character| is_plain(*character)).count();
    let mut length = 0;
    let mut signs = 0;
    for part in secret.split_inclusive(|character| !is_plain(character)) {
        let run = part.trim_end_matches(|character| !is_plain(character));
        if !run.is_empty() {
            length += find_near(run, &text[length..], signs * LONGEST_ESCAPE)?;
            signs = 0;
        }
        // Those at the beginning are not looked for.
        if length > 0 {
            signs += part.len() - run.len();
        }
    }
    let has_signs = letters < secret.chars().count();
    (has_signs && letters >= FEWEST_LETTERS).then_some(length)
}

/// Returns the end of a run of letters and digits in a text, where it begins within so many bytes.
fn find_near(run: &str, text: &str, distance: usize) -> Option<usize> {
    for (start, _) in text.char_indices().take_while(|(start, _)| *start <= distance) {
        let end = start + run.len();
        if text.get(start..end).is_some_and(|found| found.eq_ignore_ascii_case(run)) {
            return Some(end);
        }
    }
    None
}

/// The beginning that a secret and a text have in common.
struct Common {
    characters: usize,
    /// In the text, in bytes.
    length: usize,
}

fn common(secret: &str, text: &str) -> Common {
    let mut common = Common { characters: 0, length: 0 };
    for (expected, found) in secret.chars().zip(text.chars()) {
        if !is_likely(expected, found) {
            break;
        }
        common.characters += 1;
        common.length += found.len_utf8();
    }
    common
}

/// Returns whether a peer may have made one character of another: it may change the case, write a blank as forms do, and
/// name a character or use another encoding.
fn is_likely(expected: char, found: char) -> bool {
    expected.to_lowercase().eq(found.to_lowercase())
        || (expected == ' ' && found == '+')
        || (found == UNNAMED && !expected.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(secrets: &[&str], text: &str) -> String {
        let mut mask = Mask::default();
        for secret in secrets {
            mask.add(secret);
        }
        let mut text = text.to_owned();
        mask.apply(&mut text);
        text
    }

    #[test]
    fn secrets_and_their_parts_are_hidden() {
        let token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJURUFNSUQxMjM0In0.c2lnbmF0dXJlLXNpZ25hdHVyZQ";
        for (text, expected) in [
            (format!("no: bearer {token}!"), "no: bearer (not shown)!"),
            (format!("{token} {token}"), "(not shown) (not shown)"),
            (format!("a {}…", &token[..30]), "a (not shown)…"),
            (format!("…{}", &token[40..]), "…(not shown)"),
            (format!("x{}y", token.to_uppercase()), "x(not shown)y"),
            ("eyJhbGciO is no part that tells".to_owned(), "eyJhbGciO is no part that tells"),
            ("日本 InvalidProviderToken".to_owned(), "日本 InvalidProviderToken"),
        ] {
            assert_eq!(masked(&[token], &text), expected);
        }
        for segment in token.split('.') {
            assert_eq!(masked(&[token], segment), "(not shown)");
        }
        let pair = ["hunter2", "dXNlcjpodW50ZXIy", "pässwört"];
        assert_eq!(masked(&pair, "403 Basic dXNlcjpodW50ZXIy"), "403 Basic (not shown)");
        assert_eq!(masked(&pair, "(user:hunter2, hunter, pässwört)"), "(user:(not shown), hunter, (not shown))");
        let escaped = ["hunter&secret<pass"];
        for text in [
            "hunter&secret<pass",
            "hunter&amp;secret&lt;pass",
            "hunter%26secret%3Cpass",
            "%68unter%26secret%3cpass",
            "hunter&#38;secret&#x3C;pass",
            "hunter%2526secret%253Cpass",
            r"hunter\u0026secret\u003cpass",
            r"hunter\\u0026secret\\u003Cpass",
        ] {
            assert_eq!(masked(&escaped, &format!("bad login jo:{text}!")), "bad login jo:(not shown)!", "{text}");
        }
        assert_eq!(masked(&escaped, "Tom &amp; Jerry, 100%25"), "Tom &amp; Jerry, 100%25");
        assert_eq!(masked(&escaped, r"C:\Users\u12 \ud83d \"), r"C:\Users\u12 \ud83d \");
        assert_eq!(masked(&[r#"a"b\c/d"#], r#"no a\"b\\c\/d"#), "no (not shown)");
        assert_eq!(masked(&["abc"], "abc"), "abc");
        assert_eq!(masked(&[], "abc"), "abc");
    }

    #[test]
    fn a_secret_that_looks_escaped_is_hidden_as_it_is_and_as_a_peer_reads_it() {
        for secret in [
            "correcthorse%2Fbattery",
            "correct-horse&lt;battery9",
            r#"correct-horse\"battery9"#,
            r"C:\\correct-horse\\x-battery",
            "summer%2Fwinter2026",
            "Qx&amp;7hZ",
            "pa%41ss",
            "p%25q",
            "hunter2%41xyz",
        ] {
            for text in [secret.to_owned(), without_escapes(secret)] {
                if text.len() >= SHORTEST_SECRET {
                    let words = format!("jo:{text} (Basic am86c3VtbWVy), {text}");
                    let expected = "jo:(not shown) (Basic (not shown)), (not shown)";
                    assert_eq!(masked(&[secret, "am86c3VtbWVy"], &words), expected, "{secret}");
                }
            }
        }
    }

    #[test]
    fn a_secret_is_hidden_in_every_form_that_a_text_has_it_in() {
        for (secret, text) in [
            ("hunter2&xyz", "bad hunter2&xyz then hunter2%2526xyz"),
            ("hunter2#x:yz", "bad hunter2&num;x&colon;yz then hunter2#x:yz"),
            ("correcthorse&b4ttery", "bad correcthorse&amp;b4ttery then correcthorse%26b4ttery"),
            ("correcthorse9/b4ttery", r"bad correcthorse9\/b4ttery then correcthorse9\u002fb4ttery"),
            ("p😀ss1234", r"bad p\ud83d\ude00ss1234 then p%F0%9F%98%80ss1234"),
            ("hunter2<xyz", "bad hunter2&LTxyz then hunter2&#60xyz"),
            ("hunter2<xyz", "bad hunter2&lt;xyz then hunter2&#X3C;xyz"),
            ("höre <&> 41+1z", "bad h&ouml;re+&lt;&amp;&gt;+41%2B1z then h%F6re+%3C%26> 41+1z"),
        ] {
            assert_eq!(masked(&[secret], text), "bad (not shown) then (not shown)", "{text}");
        }
        for (secret, forms) in [
            (
                "hünter2xyz",
                &["hÃ¼nter2xyz", r"h\u00c3\u00bcnter2xyz", r"h\xc3\xbcnter2xyz", "h&uumlnter2xyz", "HÜNTER2XYZ"][..],
            ),
            (
                "hunter2&xyz",
                &[r"hunter2\x26xyz", "hunter2%u0026xyz", r"hunter2\u{26}xyz", "hunter2=26xyz", "hunter2%25252526xyz"],
            ),
            ("hunter2'xyz", &[r"hunter2\'xyz", r"hunter2\047xyz", "hunter2 xyz"]),
            ("aGk+Pz8/YWJj", &["aGk-Pz8_YWJj"]),
            ("hunter2😀xyz", &["hunter2&#55357;&#56832;xyz", r"hunter2\xf0\x9f\x98\x80xyz"]),
            ("пароль", &["ПАРОЛЬ"]),
        ] {
            for form in forms {
                assert_eq!(masked(&[secret], &format!("bad {form}!")), "bad (not shown)!", "{form}");
            }
        }
        assert_eq!(masked(&["$$$$$$hunter2"], "proxy at 127.0.0.1: $$$$$$hunter2"), "proxy at 127.0.0.1: (not shown)");
        assert_eq!(masked(&["hunter2&xyz"], "hunter2 of the company xyz"), "hunter2 of the company xyz");
        let long = "x".repeat(100_000);
        assert_eq!(masked(&["hunter2<xyz"], &long).chars().count(), MAX_TEXT + 1);
        assert_eq!(masked(&["hunter2<xyz"], "Tom &nbsp; &copy Jerry & so"), "Tom &nbsp; &copy Jerry & so");
    }
}
