//! What happens to files with keys, from CI secrets to bad luck.

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use openssl::bn::BigNum;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

use crate::common::fixture;

/// A file that was damaged, and how.
pub(super) struct Damaged {
    pub(super) how: String,
    pub(super) bytes: Vec<u8>,
}

impl Damaged {
    pub(super) fn new(how: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { how: how.into(), bytes: bytes.into() }
    }
}

/// Returns a file in all states that it may be in.
pub(super) fn all(file: &[u8]) -> Vec<Damaged> {
    let mut all = vec![Damaged::new("nothing", file)];
    all.extend(wrapped(file));
    all.extend(cut_and_flipped(file));
    match std::str::from_utf8(file) {
        Ok(text) if text.contains("-----BEGIN ") => {
            all.extend(flattened(text));
            all.extend(with_other_lines(text));
            all.extend(with_other_labels(text));
            all.extend(with_headers(text));
            all.extend(encoded(text));
        }
        _ => all.extend(with_other_values(file)),
    }
    all
}

/// The places at which files are cut and bytes change.
const PLACES: usize = 24;

fn cut_and_flipped(file: &[u8]) -> Vec<Damaged> {
    let mut all = Vec::new();
    for index in 0..PLACES {
        let place = (file.len() * index / PLACES + index * 7) % file.len();
        all.push(Damaged::new(format!("cut after {place}"), &file[..place]));
        all.push(Damaged::new(format!("cut before {place}"), &file[place..]));
        for mask in [0x01, 0x20, 0x80] {
            let mut bytes = file.to_vec();
            bytes[place] ^= mask;
            all.push(Damaged::new(format!("byte {place} with {mask:#x}"), bytes));
        }
    }
    all.push(Damaged::new("line ends of Windows in it", replace(file, b"\n", b"\r\n")));
    all.push(Damaged::new("Latin-1 taken for UTF-8", String::from_utf8_lossy(file).into_owned()));
    all.push(Damaged::new("twice", [file, file].concat()));
    all.push(Damaged::new("a byte lost", &file[1..]));
    all.push(Damaged::new("NULs before", [&[0; 20], file].concat()));
    all
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::new();
    let mut rest = bytes;
    while let Some(place) = rest.windows(from.len()).position(|window| window == from) {
        replaced.extend([&rest[..place], to].concat());
        rest = &rest[place + from.len()..];
    }
    replaced.extend(rest);
    replaced
}

/// What is put around a file by those who store it elsewhere. TEXT is the file as a JSON string, BASE64 its Base64.
const WRAPPERS: [(&str, &str); 27] = [
    ("JSON", r#"{"key": "TEXT"}"#),
    ("JSON as a kind", r#"{"kind": "TEXT"}"#),
    ("JSON with a number", r#"{"kind": "Secret", "data": {"tls.key": 17, "key": "TEXT"}}"#),
    ("JSON without an end", r#"{"kind": "Secret", "data": {"tls.key": "BASE64"#),
    ("JSON with a text for an object", r#"{"kind": "Secret", "data": "TEXT"}"#),
    ("JSON with a bad escape", r#"{"kind": "Secret", "data": {"tls.key": "\qTEXT"}}"#),
    ("JSON, an array", r#"["TEXT", "BASE64"]"#),
    ("secret", r#"{"kind": "Secret", "metadata": {"name": "push"}, "data": {"tls.pem": "BASE64"}}"#),
    ("secret, not in Base64", r#"{"kind": "Secret", "metadata": {"name": "push"}, "data": {"tls.pem": "TEXT"}}"#),
    ("secret, as its name", r#"{"kind": "Secret", "metadata": {"name": "TEXT"}, "data": {"tls.crt": "AAEC"}}"#),
    ("secret, Base64 as its name", r#"{"kind": "Secret", "metadata": {"name": "BASE64"}, "data": {"a.crt": "AAEC"}}"#),
    ("secret, as its namespace", r#"{"kind": "Secret", "metadata": {"namespace": "TEXT"}, "data": {"a.pem": "!"}}"#),
    ("secret, as an entry", r#"{"kind": "Secret", "metadata": {"name": "push"}, "data": {"TEXT.pem": "MIIC"}}"#),
    ("secret, Base64 as an entry", r#"{"kind": "Secret", "data": {"BASE64": "!", "BASE64.pem": "MIIC"}}"#),
    (
        "secret, as its annotation",
        r#"{"kind": "Secret", "metadata": {"annotations": {"last-applied": "TEXT"}}, "data": {"a.pem": "MIIC"}}"#,
    ),
    (
        "list of secrets",
        r#"{"kind": "List", "items": [{"kind": "TEXT"}, {"kind": "Secret", "data": {"BASE64": "BASE64"}}]}"#,
    ),
    ("secret with text", r#"{"kind": "Secret", "stringData": {"tls.key": "TEXT"}}"#),
    ("YAML with escapes", "tls.key: \"TEXT\"\n"),
    ("YAML in Base64", "apiVersion: v1\nkind: Secret\ndata:\n  tls.key: BASE64\n"),
    (".env", "PUSH_KEY=\"TEXT\"\nOTHER=1\n"),
    (".env in Base64", "export PUSH_KEY=BASE64\n"),
    ("URL", "https://example.com/?key=BASE64&x=1"),
    ("data URL", "data:application/x-pem-file;base64,BASE64"),
    ("plist", "<?xml version=\"1.0\"?>\n<plist><dict><key>Key</key><data>BASE64</data></dict></plist>\n"),
    ("Terraform", "key = <<EOT\nTEXT\nEOT\n"),
    ("Python", "b'TEXT'"),
    ("web page", "<!DOCTYPE html><pre>TEXT</pre>"),
];

fn wrapped(file: &[u8]) -> Vec<Damaged> {
    let text = serde_json::to_string(&String::from_utf8_lossy(file)).unwrap();
    let base64 = BASE64.encode(file);
    let mut all = Vec::new();
    for (how, wrapper) in WRAPPERS {
        let wrapped = wrapper.replace("TEXT", text.trim_matches('"')).replace("BASE64", &base64);
        all.push(Damaged::new(how, wrapped));
    }
    let twice = BASE64.encode(base64.as_bytes());
    all.push(Damaged::new("Base64", &*base64));
    all.push(Damaged::new("Base64 twice", &*twice));
    all.push(Damaged::new("Base64 in lines", lines_of(&base64, 76)));
    all.push(Damaged::new("Base64 that is cut", &base64[..base64.len() * 2 / 3 + 1]));
    all.push(Damaged::new("Base64 with a wrong letter", base64.replacen('M', "*", 3)));
    all.push(Damaged::new("Base64 for URLs", BASE64URL_NOPAD.encode(file)));
    all.push(Damaged::new("hexadecimal", HEXLOWER.encode(file)));
    all.push(Damaged::new("hexadecimal in capitals", HEXUPPER.encode(file)));
    for label in ["CERTIFICATE", "PKCS12", "PRIVATE KEY", "SOMETHING"] {
        let body = lines_of(&base64, 64);
        let pem = format!("-----BEGIN {label}-----\n{body}-----END {label}-----\n");
        all.push(Damaged::new(format!("in a block {label}"), pem));
    }
    all
}

fn lines_of(text: &str, width: usize) -> String {
    let mut lines = String::new();
    for line in text.as_bytes().chunks(width) {
        lines.push_str(std::str::from_utf8(line).unwrap());
        lines.push('\n');
    }
    lines
}

/// What becomes of the line ends.
const LINE_ENDS: [(&str, &str); 12] = [
    ("lost", ""),
    ("blanks", " "),
    ("tabs", "\t"),
    ("CR", "\r"),
    ("doubled", "\n\n"),
    ("\\n", "\\n"),
    ("\\r\\n", "\\r\\n"),
    ("\\\\n", "\\\\n"),
    ("quoted", "\\n\"\n\""),
    ("a mail's", "\n> "),
    ("indented", "\n    "),
    ("numbered", "\n 1| "),
];

fn flattened(text: &str) -> Vec<Damaged> {
    let mut all = Vec::new();
    for (how, line_end) in LINE_ENDS {
        let flat = text.trim_end().replace('\n', line_end);
        all.push(Damaged::new(format!("line ends {how}"), &*flat));
        all.push(Damaged::new(format!("line ends {how}, in .env"), format!("KEY='{flat}'\n")));
        all.push(Damaged::new(format!("line ends {how}, two files"), format!("{flat}{flat}")));
    }
    let label_alone = text.replace("-----\n", "----- ");
    all.push(Damaged::new("label and key in a line", label_alone));
    all.push(Damaged::new("END in the line of the key", text.replace("\n-----END", "-----END")));
    all.push(Damaged::new("END and BEGIN in a line", text.replace("-----\n-----", "----------")));
    all.push(Damaged::new("keys in the place of blanks", text.replace("-----\n", "-----").replace(' ', "_")));
    all
}

/// Returns the lines of the last block: the key's, mostly.
fn body_of(text: &str) -> String {
    let end = text.rfind("\n-----END ").unwrap_or(text.len());
    let begin = text[..end].rfind("-----BEGIN ").unwrap_or(0);
    let body: Vec<&str> = text[begin..end].lines().skip(1).collect();
    body.concat()
}

fn with_other_lines(text: &str) -> Vec<Damaged> {
    let body = body_of(text);
    let line = &body[body.len() / 2..body.len() / 2 + 40.min(body.len() / 2)];
    let mut reversed: Vec<&str> = text.lines().collect();
    reversed.reverse();
    vec![
        Damaged::new("four dashes", text.replace("-----", "----")),
        Damaged::new("a dash lost before BEGIN", text.replace("-----BEGIN", "----BEGIN")),
        Damaged::new("a dash lost after the label", text.replace("-----\n", "----\n")),
        Damaged::new("no dashes", text.replace('-', "")),
        Damaged::new("dashes of a word processor", text.replace("-----", "—————")),
        Damaged::new("blanks in dashes", text.replace("-----BEGIN", "- ----BEGIN")),
        Damaged::new("no BEGIN", text.replace("-----BEGIN", "-----")),
        Damaged::new("no END", without(text, "-----END")),
        Damaged::new("no BEGIN line", without(text, "-----BEGIN")),
        Damaged::new("END before BEGIN", reversed.join("\n")),
        Damaged::new("only Base64", &*body),
        Damaged::new("small letters", text.to_lowercase()),
        Damaged::new("capitals", text.to_uppercase()),
        Damaged::new("labels in small letters", in_small_letters(text)),
        Damaged::new("END with the key", text.replace("-----END ", &format!("-----END {body} "))),
        Damaged::new("END is the key", text.replace("-----END ", &format!("-----END {line}-----\n-----END "))),
        Damaged::new("END of another label", text.replace("-----END ", "-----END NEW ")),
        Damaged::new("BEGIN within", text.replace(line, &format!("-----BEGIN {line}-----{line}"))),
        Damaged::new("the key before", format!("{body}\n{text}")),
        Damaged::new("the key after", format!("{text}{body}-----")),
        Damaged::new("a comment with the key", format!("# subject={body}\nfriendlyName: {line}\n{text}")),
        Damaged::new("no-break spaces", text.replace(' ', "\u{a0}")),
        Damaged::new("a zero-width space", text.replace("BEGIN", "BEGIN\u{200b}")),
        Damaged::new("a letter that is no Base64", text.replace(line, &format!("{line}?"))),
        Damaged::new("padding within", text.replace(line, &format!("{line}=="))),
        Damaged::new("NULs within", text.replace(line, &format!("{line}\0\0"))),
        // A blank after the key (age, issue 89).
        Damaged::new("blanks at line ends", text.replace('\n', " \n")),
    ]
}

fn without(text: &str, start: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        if !line.starts_with(start) {
            lines.push(line);
        }
    }
    lines.join("\n")
}

fn in_small_letters(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        lines.push(if line.starts_with("-----") { line.to_lowercase() } else { line.to_owned() });
    }
    lines.join("\n")
}

/// The labels that a block may have by mistake. KEY is the key.
const LABELS: [&str; 33] = [
    "KEY",
    "KEY KEY",
    "PRIVATE KEY KEY",
    "CERTIFICATE KEY",
    "KEY PRIVATE KEY",
    "",
    " ",
    "SOMETHING",
    "private key",
    "CERTIFICATE",
    "X509 CERTIFICATE",
    "TRUSTED CERTIFICATE",
    "ATTRIBUTE CERTIFICATE",
    "CERTIFICATE REQUEST",
    "NEW CERTIFICATE REQUEST",
    "X509 CRL",
    "PKCS7",
    "CMS",
    "PKCS12",
    "PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "DSA PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
    "SSH2 ENCRYPTED PRIVATE KEY",
    "PUBLIC KEY",
    "RSA PUBLIC KEY",
    "DH PARAMETERS",
    "EC PARAMETERS",
    "PGP PRIVATE KEY BLOCK",
    "SSL SESSION PARAMETERS",
    "TSS2 PRIVATE KEY",
];

fn with_other_labels(text: &str) -> Vec<Damaged> {
    let body = body_of(text);
    let mut all = Vec::new();
    for label in LABELS {
        let name = label.replace("KEY KEY", "KEY, KEY");
        let new = if label.starts_with("KEY") || label.ends_with(" KEY KEY") || label == "CERTIFICATE KEY" {
            label.replacen("KEY", &body, 1)
        } else {
            label.to_owned()
        };
        for (which, words) in [("both", &["BEGIN", "END"][..]), ("BEGIN", &["BEGIN"]), ("END", &["END"])] {
            all.push(Damaged::new(format!("{which} labelled \"{name}\""), relabelled(text, words, &new)));
        }
    }
    all
}

/// Changes the labels of all blocks.
fn relabelled(text: &str, words: &[&str], label: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let word = words.iter().find(|word| line.starts_with(&format!("-----{word} ")));
        lines.push(match word {
            Some(word) => format!("-----{word} {label}-----"),
            None => line.to_owned(),
        });
    }
    lines.join("\n")
}

/// Headers of RFC 1421, stuffed. BODY is all of the key, LINE a part of it.
const HEADERS: [&str; 16] = [
    "Proc-Type: 4,ENCRYPTED\nDEK-Info: BODY",
    "Proc-Type: 4,ENCRYPTED\nDEK-Info: BODY,0011223344556677",
    "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,BODY",
    "Proc-Type: 4,ENCRYPTED\nDEK-Info: LINE,LINE",
    "Proc-Type: 4,ENCRYPTED\nDEK-Info:",
    "Proc-Type: BODY\nDEK-Info: AES-256-CBC,00112233445566770011223344556677",
    "Proc-Type: BODY",
    "Proc-Type: 4,LINE",
    "Comment: BODY",
    "Comment: LINE\\\nLINE\\",
    "Comment: x\n BODY",
    "BODY: x",
    "LINE: LINE",
    "DEK-Info: BODY",
    "Content-Domain: LINE\nLINE: BODY\nDEK-Info: DES-EDE3-CBC,LINE",
    ": BODY",
];

fn with_headers(text: &str) -> Vec<Damaged> {
    let body = body_of(text);
    let line = &body[body.len() / 2..];
    let line = &line[..line.len().min(40)];
    let mut all = Vec::new();
    for header in HEADERS {
        let stuffed = header.replace("BODY", &body).replace("LINE", line);
        for (how, blank) in [("", "\n\n"), (", and no blank line", "\n")] {
            let inserted = format!("{stuffed}{blank}");
            let first = text.find("-----BEGIN ").unwrap();
            let place = first + text[first..].find('\n').unwrap() + 1;
            let begins = [&text[..place], &inserted, &text[place..]].concat();
            all.push(Damaged::new(format!("first block with {header}{how}"), begins));
            let begin = text.rfind("-----BEGIN ").unwrap();
            let place = begin + text[begin..].find('\n').unwrap() + 1;
            let last = [&text[..place], &inserted, &text[place..]].concat();
            all.push(Damaged::new(format!("last block with {header}{how}"), last));
        }
        all.push(Damaged::new(
            format!("{header} after the key"),
            text.replace("-----END ", &format!("{stuffed}\n-----END ")),
        ));
        all.push(Damaged::new(format!("{header} before it"), format!("{stuffed}\n{text}")));
    }
    all
}

fn encoded(text: &str) -> Vec<Damaged> {
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let half = |bytes: &[u8]| bytes[..(bytes.len() / 2) | 1].to_vec();
    vec![
        Damaged::new("UTF-16LE", little.clone()),
        Damaged::new("UTF-16LE with BOM", [b"\xff\xfe", &little[..]].concat()),
        Damaged::new("UTF-16BE", big.clone()),
        Damaged::new("UTF-16BE with BOM", [b"\xfe\xff", &big[..]].concat()),
        Damaged::new("UTF-16 that is cut", half(&little)),
        Damaged::new("UTF-16 out of step", &little[1..]),
        Damaged::new("Base64 of UTF-16", BASE64.encode(&little)),
        Damaged::new("UTF-32", text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect::<Vec<u8>>()),
        Damaged::new("BOM", format!("\u{feff}{text}")),
        Damaged::new("percent-encoded", text.replace('\n', "%0A").replace('+', "%2B").replace(' ', "+")),
    ]
}

/// A value in DER, by its place.
struct Place {
    tag: usize,
    content: std::ops::Range<usize>,
}

/// Finds all values, those inside of octet strings too.
fn places(bytes: &[u8], from: usize, to: usize, found: &mut Vec<Place>) -> bool {
    let mut position = from;
    let mut values = Vec::new();
    while position < to {
        let Some(place) = place(bytes, position, to) else { return false };
        position = place.content.end;
        values.push(place);
    }
    for value in values {
        let (tag, content) = (bytes[value.tag], value.content.clone());
        found.push(value);
        if tag & 0x20 != 0 || tag == 0x04 {
            let known = found.len();
            if !places(bytes, content.start, content.end, found) {
                found.truncate(known);
            }
        }
    }
    true
}

fn place(bytes: &[u8], tag: usize, to: usize) -> Option<Place> {
    let first = usize::from(*bytes.get(tag + 1)?);
    let (length, start) = match first {
        0..=0x7f => (first, tag + 2),
        0x81 => (usize::from(*bytes.get(tag + 2)?), tag + 3),
        0x82 => (usize::from(*bytes.get(tag + 2)?) << 8 | usize::from(*bytes.get(tag + 3)?), tag + 4),
        _ => return None,
    };
    (start + length <= to).then_some(Place { tag, content: start..start + length })
}

/// Other tags: those of texts, numbers, times and structures.
const TAGS: [u8; 10] = [0x02, 0x04, 0x06, 0x0c, 0x16, 0x17, 0x1e, 0x30, 0x31, 0xa0];

fn with_other_values(file: &[u8]) -> Vec<Damaged> {
    let mut found = Vec::new();
    places(file, 0, file.len(), &mut found);
    let mut all = Vec::new();
    for value in found {
        let changed = |how: &str, place: usize, byte: u8| {
            let mut bytes = file.to_vec();
            bytes[place] = byte;
            Damaged::new(format!("{how} at {}", value.tag), bytes)
        };
        let length = value.content.start - 1;
        for (how, byte) in [
            ("length + 1", file[length].wrapping_add(1)),
            ("length - 1", file[length].wrapping_sub(1)),
            ("no length", 0),
            ("most length", 0x7f),
        ] {
            all.push(changed(how, length, byte));
        }
        all.push(changed("indefinite length", value.tag + 1, 0x80));
        for tag in TAGS {
            all.push(changed(&format!("tag {tag:#x}"), value.tag, tag));
        }
        if file[value.tag] == 0x06 {
            all.push(changed("another OID", value.content.end - 1, file[value.content.end - 1] ^ 1));
            all.push(changed("an OID of another arc", value.content.start, 0x55));
        }
    }
    all
}

/// Returns files that were made to have the key where other things belong.
pub(super) fn crafted(key: &PKey<Private>) -> Vec<Damaged> {
    let d = key.rsa().unwrap().d().to_vec();
    let pem = String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let certificate = std::fs::read_to_string(fixture("pem/certificate-only.pem")).unwrap();
    let body = body_of(&pem);
    let mut all = vec![
        Damaged::new("key within a certificate", certificate.replace("\n-----END", &format!("\n{body}\n-----END"))),
        Damaged::new("block within a certificate", certificate.replace("\n-----END", &format!("\n{pem}-----END"))),
        Damaged::new("certificate within a key", pem.replace("\n-----END", &format!("\n{certificate}-----END"))),
        Damaged::new("certificate with the body of a key", certificate.replace(&body_of(&certificate), &body)),
        Damaged::new("text of openssl rsa", text_of(&d)),
        Damaged::new("number", BigNum::from_slice(&d).unwrap().to_dec_str().unwrap().to_string()),
        Damaged::new("JWK", format!(r#"{{"kty":"RSA","d":"{}"}}"#, BASE64URL_NOPAD.encode(&d))),
        Damaged::new("XML", format!("<RSAKeyValue><D>{}</D></RSAKeyValue>", BASE64.encode(&d))),
        Damaged::new("OpenSSH", format!("ssh-rsa {body} jo@example.com\n")),
        Damaged::new("PuTTY", format!("PuTTY-User-Key-File-2: ssh-rsa\nComment: {body}\nPrivate-Lines: 1\n{body}\n")),
        Damaged::new("passwords", format!("{body}\n* = {body}\n")),
        Damaged::new("passwords of files", format!("* = file:{body}\n[{body} = pass:x\n")),
        Damaged::new("tokens", format!("{} topic={body}\n", HEXLOWER.encode(&d))),
        Damaged::new("tokens with a time", format!("aabb expired {body}\n{body}\n")),
        Damaged::new("named by the key", named(key, &body)),
        Damaged::new("named by the key's hexadecimal", named(key, &HEXLOWER.encode(&d))),
        Damaged::new("named by the block", named(key, &pem)),
    ];
    all.extend(with_the_key_as_a_value(key));
    all
}

/// Returns keys whose structures have key bytes in the place of other values, in DER and in PEM.
fn with_the_key_as_a_value(key: &PKey<Private>) -> Vec<Damaged> {
    let d = key.rsa().unwrap().d().to_vec();
    let der = key.private_key_to_pkcs8().unwrap();
    let inner = key.private_key_to_der().unwrap();
    let body = BASE64.encode(&der);
    let mut all = Vec::new();
    let (zero, octets) = (tlv(0x02, &[0]), tlv(0x04, &inner));
    let oid = tlv(0x06, &d[..60]);
    let number = tlv(0x02, &[&[0x40], &d[..20]].concat());
    let rsa = tlv(0x06, b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01");
    let pbes2 = tlv(0x06, b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d");
    let pbkdf2 = tlv(0x06, b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c");
    let aes = tlv(0x30, &[tlv(0x06, b"\x60\x86\x48\x01\x65\x03\x04\x01\x2a"), tlv(0x04, &d[..16])].concat());
    let scheme = |kdf: &[Vec<u8>], cipher: &[u8]| {
        let derivation = tlv(0x30, &[pbkdf2.clone(), tlv(0x30, &kdf.concat())].concat());
        let parameters = tlv(0x30, &[&derivation, cipher].concat());
        tlv(0x30, &[tlv(0x30, &[pbes2.clone(), parameters].concat()), tlv(0x04, &d)].concat())
    };
    let salt = tlv(0x04, &d);
    let thousand = tlv(0x02, &[4, 0]);
    let hidden =
        |label: &str, der: &[u8]| format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64.encode(der));
    for (how, der) in [
        ("algorithm", tlv(0x30, &[zero.clone(), tlv(0x30, &oid), octets.clone()].concat())),
        (
            "parameter",
            tlv(0x30, &[zero.clone(), tlv(0x30, &[rsa.clone(), oid.clone()].concat()), octets.clone()].concat()),
        ),
        ("version", tlv(0x30, &[number.clone(), tlv(0x30, &rsa), octets.clone()].concat())),
        ("iterations", scheme(&[salt.clone(), number.clone()], &aes)),
        ("few iterations", scheme(&[salt.clone(), tlv(0x02, &[&[1], &d[..3]].concat())], &aes)),
        ("length of a key", scheme(&[salt.clone(), thousand.clone(), number.clone()], &aes)),
        ("hash", scheme(&[salt.clone(), thousand.clone(), tlv(0x30, &oid)], &aes)),
        ("cipher", scheme(&[salt, thousand], &tlv(0x30, &[oid.clone(), tlv(0x04, &d[..16])].concat()))),
        ("scheme", tlv(0x30, &[tlv(0x30, &[oid.clone(), tlv(0x30, &[])].concat()), tlv(0x04, &d)].concat())),
        ("content type", tlv(0x30, &[oid.clone(), tlv(0xa0, &der)].concat())),
        (
            "type in PKCS#12",
            tlv(0x30, &[tlv(0x02, &[3]), tlv(0x30, &[oid.clone(), tlv(0xa0, &octets)].concat())].concat()),
        ),
        ("curve", tlv(0x30, &[tlv(0x02, &[1]), tlv(0x04, &d[..32]), tlv(0xa0, &oid)].concat())),
        ("names", tlv(0x30, &[tlv(0x0c, body.as_bytes()), tlv(0x0c, body.as_bytes())].concat())),
        ("key in an octet string", tlv(0x04, &der)),
        ("key in a set", tlv(0x31, &der)),
    ] {
        all.push(Damaged::new(format!("the key as {how}"), &*der));
        for label in ["PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PKCS12", "CERTIFICATE"] {
            all.push(Damaged::new(format!("the key as {how}, {label}"), hidden(label, &der)));
        }
    }
    all
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82], &length[..], content].concat()
}

/// Prints a number as `openssl rsa -text` does.
fn text_of(number: &[u8]) -> String {
    let mut text = "Private-Key: (2048 bit, 2 primes)\nprivateExponent:\n".to_owned();
    for line in number.chunks(15) {
        let bytes: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        text.push_str(&format!("    {}:\n", bytes.join(":")));
    }
    text
}

/// Returns a PKCS#12 file with this friendlyName.
fn named(key: &PKey<Private>, name: &str) -> Vec<u8> {
    let certificate = X509::from_der(&std::fs::read(fixture("der/universal.cer")).unwrap()).unwrap();
    let pkcs12 = Pkcs12::builder().name(name).pkey(key).cert(&certificate).build2("push").unwrap();
    pkcs12.to_der().unwrap()
}
