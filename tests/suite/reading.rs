//! What people really have: files in every wrapping, with parts that are broken, locked or something else.

use std::fmt::Write;

use data_encoding::BASE64;

use super::common::{Run, Test, fixture};

fn read(path: &str) -> Vec<u8> {
    std::fs::read(fixture(path)).unwrap()
}

fn text(path: &str) -> String {
    String::from_utf8(read(path)).unwrap()
}

/// A PEM block with a label of choice around bytes.
fn block(label: &str, bytes: &[u8]) -> String {
    let mut block = format!("-----BEGIN {label}-----\n");
    for line in BASE64.encode(bytes).as_bytes().chunks(64) {
        writeln!(block, "{}", str::from_utf8(line).unwrap()).unwrap();
    }
    block + &format!("-----END {label}-----\n")
}

/// Runs a subcommand on standard input.
fn on(bytes: impl Into<Vec<u8>>, arguments: &[&str]) -> Test {
    Test::new().args(arguments).stdin(bytes)
}

/// The PEM that convert makes of a file.
fn converted(bytes: impl Into<Vec<u8>>, arguments: &[&str]) -> String {
    on(bytes, &[&["convert", "-"], arguments].concat()).run().text().to_owned()
}

const PASSIN: [&str; 2] = ["--passin", "pass:push"];

#[test]
fn the_content_decides_and_not_the_label() {
    let identity = converted(read("pem/identity.pem"), &[]);
    let p12 = read("p12/keychain-password.p12");
    for label in ["PKCS12", "CERTIFICATE", "PKCS7", "PRIVATE KEY", "MADE UP"] {
        assert!(converted(block(label, &p12), &PASSIN) == identity, "{label}");
    }
    let p7b = read("p7b/chain.p7b");
    for label in ["PKCS7", "CMS", "PKCS #7 SIGNED DATA", "CERTIFICATE", "X509 CERTIFICATE"] {
        on(block(label, &p7b), &["inspect", "-"]).stdout_contains("com.example.MyApp").run();
    }
    let certificate = text("pem/certificate-only.pem");
    for (key, label) in
        [("key/pkcs1.der", "PRIVATE KEY"), ("key/pkcs8.der", "RSA PRIVATE KEY"), ("key/pkcs1.der", "ANY PRIVATE KEY")]
    {
        assert!(converted(certificate.clone() + &block(label, &read(key)), &[]) == identity, "{key} as {label}");
    }
    on(block("PRIVATE KEY", &read("key/sec1.der")), &["inspect", "-"]).stdout_contains("private key, EC 256").run();
    for (file, found) in [
        ("key/pkcs1.der", "private key, RSA"),
        ("key/sec1.der", "private key, EC 256"),
        ("key/pkcs8.der", "private key, RSA"),
        ("p7b/chain.p7b", "com.example.MyApp"),
        ("csr/with-extensions.der", "certificate signing request"),
        ("der/universal.cer", "com.example.MyApp"),
    ] {
        on(block("TRUSTED CERTIFICATE", &read(file)), &["inspect", "-"]).stdout_contains(found).run();
    }
    // A certificate with openssl's settings: trusted for clientAuth, with a name.
    let trusted =
        [&read("der/universal.cer")[..], b"\x30\x11\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02\x0c\x03abc"]
            .concat();
    // openssl x509 -clrtrust -trustout leaves no setting.
    let cleared = [&read("der/universal.cer")[..], b"\x30\0"].concat();
    for bytes in [&trusted, &cleared] {
        for label in ["TRUSTED CERTIFICATE", "CERTIFICATE"] {
            on(block(label, bytes), &["inspect", "-"]).stdout_contains("com.example.MyApp").run();
        }
    }
    on(cleared, &["inspect", "-"]).run();
}

#[test]
fn what_is_no_certificate_is_named_by_its_content() {
    let public = b"\x30\x0d\x02\x06\x00\xff\xff\xff\xff\xff\x02\x03\x01\x00\x01";
    for label in ["X509 CRL", "DH PARAMETERS", "CERTIFICATE", "MADE UP"] {
        on(block(label, public), &["inspect", "-"]).status(3).stderr_contains("a public key").run();
    }
    // A generator of Diffie and Hellman may be an exponent of RSA.
    for (generator, label, found) in [
        (2, "DH PARAMETERS", "only parameters"),
        (3, "DH PARAMETERS", "only parameters"),
        (7, "DH PARAMETERS", "only parameters"),
        (3, "RSA PUBLIC KEY", "a public key"),
    ] {
        let der = [&public[..11], &[1, generator]].concat();
        let der = [&[0x30, 0x0b][..], &der[2..]].concat();
        on(block(label, &der), &["inspect", "-"]).status(3).stderr_contains(found).run();
    }
    on(*b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", &["inspect", "-"]).status(3).stderr_contains("parameters").run();
}

/// What transport makes of a text.
fn wrapped(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let escaped = text.replace('\n', "\\n");
    let indented = text.replace('\n', "\n      ");
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let base64 = BASE64.encode(text.as_bytes());
    vec![
        ("one line", text.replace('\n', "").into_bytes()),
        ("blanks for line ends", text.replace('\n', " ").into_bytes()),
        ("escaped in .env", format!("APNS=\"{escaped}\"\nTOPIC=x\n").into_bytes()),
        ("in quotes over lines", format!("APNS=\"{text}\"\nTOPIC=x\n").into_bytes()),
        ("JSON", format!("{{\"topic\": \"x\", \"certificate\": \"{escaped}\"}}").into_bytes()),
        ("JSON in JSON", format!("{{\"x\": \"{{\\\"c\\\": \\\"{}\\\"}}\"}}", text.replace('\n', "\\\\n")).into_bytes()),
        ("YAML block", format!("apns:\n  certificate: |\n      {indented}\n  topic: x\n").into_bytes()),
        ("YAML folded", format!("apns:\n  certificate: \"{}\"\n", text.replace('\n', "\n\n      ")).into_bytes()),
        ("program", format!("x = \"{}\";", text.replace('\n', "\\n\" +\n    \"")).into_bytes()),
        ("byte order mark", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        ("zero-width space", format!("\u{200b}{}", text.replace('\n', "\u{200b}\n")).into_bytes()),
        ("no-break spaces", text.replace('\n', "\u{a0}\n").into_bytes()),
        ("UTF-16", [b"\xff\xfe", &utf16[..]].concat()),
        ("UTF-16 without mark", utf16),
        ("NULs before", [&[0; 16], text.as_bytes()].concat()),
        ("Base64", base64.clone().into_bytes()),
        ("Base64 twice", BASE64.encode(base64.as_bytes()).into_bytes()),
        ("Base64 in YAML", format!("kind: X\ndata:\n  apns.pem: {base64}\n").into_bytes()),
        ("Base64 in .env", format!("APNS={base64}\nTOPIC=x\n").into_bytes()),
        ("JSON array", format!("[\"{}\"]", text.trim_end().replace('\n', "\",\"")).into_bytes()),
        ("PHP and .NET", escaped.replace('/', "\\/").replace('+', "\\u002B").into_bytes()),
        ("HTML", text.replace('\n', "<br>\n").into_bytes()),
        ("XML", format!("<?xml version=\"1.0\"?><x>{}</x>", text.replace('\n', "&#10;")).into_bytes()),
        ("URL", text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D").replace('\n', "%0A").into_bytes()),
        (
            "Base64 over lines",
            BASE64
                .encode(text.as_bytes())
                .as_bytes()
                .chunks(76)
                .map(|line| format!("  {}\n", str::from_utf8(line).unwrap()))
                .collect::<String>()
                .into_bytes(),
        ),
        ("Base64 in a heredoc", format!("base64 -d <<EOF >push.pem\n{base64}\nEOF\n").into_bytes()),
        ("Base64, then a word", format!("APNS={base64}\nEMPTY\n").into_bytes()),
        (
            "Base64 of notes and PEM",
            format!(
                "kind: Secret\ndata:\n  push.pem: {}\n",
                BASE64.encode(format!("Bag Attributes\n    localKeyID: 01\n{text}").as_bytes())
            )
            .into_bytes(),
        ),
        ("vertical tabs", text.replace('\n', "\x0b\n").into_bytes()),
        ("quoted mail", format!("> {}", text.replace('\n', "\n> ")).into_bytes()),
        ("Mac line ends", text.replace('\n', "\r").into_bytes()),
        ("END and BEGIN glued", text.replace("-----\n-----", "----------").into_bytes()),
    ]
}

/// Returns the lines of a text, each between what a program writes before and after it; `{}` stands for its number.
fn framed(text: &str, before: &str, after: &str) -> Vec<u8> {
    let mut lines = String::new();
    for (index, line) in text.lines().enumerate() {
        let number = (index + 9).to_string();
        lines += &format!("{}{line}{}\n", before.replace("{}", &number), after.replace("{}", &number));
    }
    lines.into_bytes()
}

/// What programs write before and after each line.
const FRAMES: [(&str, &str); 25] = [
    ("     {}\t", ""),
    ("      {} ", ""),
    ("{} | ", ""),
    ("{}. ", ""),
    ("{}:", ""),
    ("push.pem:", ""),
    ("./certs/push.pem:{}:", ""),
    ("app_1  | ", ""),
    ("[20:00:{}] ", ""),
    ("2026-11-27T20:00:{}Z ", ""),
    ("2026-11-27T20:00:00.12345{}Z stdout F ", ""),
    ("Nov 27 20:00:{} host app[123]: ", ""),
    ("{\"log\":\"", "\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-27T20:00:{}Z\"}"),
    ("echo ", " >> push.pem"),
    ("echo \"", "\">>push.pem"),
    ("// ", ""),
    (" * ", ""),
    ("-- ", ""),
    ("+", ""),
    ("", "$"),
    ("", "\\par"),
    ("", "_x000D_"),
    ("\u{1b}[32m", "\u{1b}[0m"),
    ("<tr><td>", "</td></tr>"),
    ("\u{3000}", ""),
];

/// What is written in the place of characters.
fn rewritten(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || sign == '-';
    let escaped = |sign: char| format!("%{:02X}", u32::from(sign));
    let url: String = text.chars().map(|sign| if is_plain(sign) { sign.to_string() } else { escaped(sign) }).collect();
    let form = url.replace("%20", "+");
    let all: String = text.chars().map(escaped).collect();
    let five = |sign: &str| text.replace("-----", &sign.repeat(5)).into_bytes();
    let soft = |line: &str| match line.split_at_checked(40) {
        Some((start, end)) => format!("{start}=\n{}\n", end.replace('=', "=3D")),
        None => line.replace('=', "=3D") + "\n",
    };
    vec![
        ("URL", url.clone().into_bytes()),
        ("URL with CR LF", url.replace("%0A", "%0D%0A").into_bytes()),
        ("URL, \"+\" as it is", url.replace("%2B", "+").into_bytes()),
        ("URL, all", all.into_bytes()),
        ("form", form.into_bytes()),
        ("HAProxy", text.replace(' ', "\\ ").replace('\n', "\\n").into_bytes()),
        ("quoted-printable", text.replace('=', "=3D").into_bytes()),
        ("quoted-printable, soft", text.lines().map(soft).collect::<String>().into_bytes()),
        ("quoted-printable, all", text.replace('=', "=3D").replace('\n', "=0A").into_bytes()),
        ("entities", text.replace('-', "&#45;").replace('/', "&#x2F;").replace('+', "&plus;").into_bytes()),
        ("HTML, line ends", text.replace('\n', "&NewLine;").replace('=', "&equals;").into_bytes()),
        ("paragraphs", text.lines().map(|line| format!("<p>{line}</p>")).collect::<String>().into_bytes()),
        (
            "divisions",
            text.lines().map(|line| format!("<div class=\"x\">{line}</div>")).collect::<String>().into_bytes(),
        ),
        ("Markdown", text.replace('-', "\\-").replace('+', "\\+").into_bytes()),
        ("pandoc", text.replace("-----", "\\-\\-\\-\\--").into_bytes()),
        ("bytes", text.replace('\n', "\\x0a").into_bytes()),
        ("PowerShell", text.replace('\n', "`r`n").into_bytes()),
        ("equals signs", five("=")),
        ("stars", five("*")),
        ("underscores", five("_")),
        ("full width", five("\u{ff0d}")),
        ("small", five("\u{fe63}")),
        ("box", five("\u{2500}")),
        ("no dashes", five("")),
        ("BEGIN over two lines", text.replace("-----BEGIN ", "-----BEGIN\n").into_bytes()),
        ("narrow spaces", text.replace("BEGIN ", "BEGIN\u{202f}").replace("END ", "END\u{2003}").into_bytes()),
        (
            "space of Windows",
            text.replace("BEGIN ", "BEGIN\u{1}").bytes().map(|b| if b == 1 { 0xa0 } else { b }).collect(),
        ),
        ("marks of direction", text.replace("-----\n", "-----\u{200f}\n\u{200e}\u{202a}").into_bytes()),
        ("line separators", text.replace('\n', "\u{2028}").into_bytes()),
        ("paragraph separators", text.replace('\n', "\u{2029}").into_bytes()),
        ("next lines", text.replace('\n', "\u{85}").into_bytes()),
        ("signed mail", text.replace("-----BEGIN", "- -----BEGIN").replace("-----END", "- -----END").into_bytes()),
        ("UTF-32", text.chars().flat_map(|character| u32::from(character).to_le_bytes()).collect()),
        ("UTF-32, the other order", text.chars().flat_map(|character| u32::from(character).to_be_bytes()).collect()),
    ]
}

#[test]
fn what_programs_write_around_lines_and_for_characters_is_undone() {
    let identity = converted(read("pem/identity.pem"), &[]);
    for (file, passin) in [("pem/identity.pem", &[][..]), ("pem/dek-info-3des.pem", &PASSIN[..])] {
        for (before, after) in FRAMES {
            assert!(converted(framed(&text(file), before, after), passin) == identity, "{file}, {before:?}, {after:?}");
        }
        for (name, bytes) in rewritten(&text(file)) {
            assert!(converted(bytes, passin) == identity, "{file}, {name}");
        }
    }
    let pluses = text("pem/identity.pem").replace('+', " ");
    assert!(converted(pluses, &[]) == identity);
}

#[test]
fn an_encrypted_key_without_a_begin_is_never_passed_over() {
    let certificate = text("pem/certificate-only.pem");
    let key = text("pem/dek-info-3des.pem");
    let key = &key[key.find("-----BEGIN RSA").unwrap()..];
    let (_, lost) = key.split_once('\n').unwrap();
    for damaged in
        [lost.to_owned(), key.replace("BEGIN", "\u{412}EGIN"), key.replace("-----", "==").replace("==\n", "\n")]
    {
        let both = format!("{certificate}{damaged}");
        let line = both.lines().position(|line| line.starts_with("DEK-Info")).unwrap() + 1;
        let named = format!("encrypted private key (DEK-Info) at line {line}: has no BEGIN line");
        let run = on(both.clone(), &["inspect", "-"]).status(3).stderr_contains(&named).run();
        assert!(!run.text().contains("is not here"), "{}", run.text());
        on(both, &["convert", "-"]).status(3).stderr_contains(&named).run();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("keys")).unwrap();
        std::fs::write(folder.path().join("keys/notes"), &damaged).unwrap();
        std::fs::write(folder.path().join("push.pem"), &certificate).unwrap();
        Test::new().args(["inspect", "push.pem", "--key", "keys"]).folder(folder.path()).status(3).run();
    }
}

#[test]
fn a_whole_block_that_is_not_read_fails_a_folder_by_any_name() {
    let identity = text("pem/identity.pem");
    for text in [
        identity.replace('\n', "n"),
        identity.replace('\n', "\n<unknown "),
        identity.lines().enumerate().map(|(number, line)| format!("{}/{line}\n", "x".repeat(number % 3))).collect(),
    ] {
        let folder = tempfile::tempdir().unwrap();
        for name in ["push.txt", "push.log", "push"] {
            std::fs::write(folder.path().join(name), &text).unwrap();
        }
        Test::new().args(["expiry", "."]).folder(folder.path()).status(3).stdout_contains("at line 1").run();
    }
}

#[test]
fn what_is_damaged_within_is_not_called_cut() {
    let certificate = text("pem/certificate-only.pem");
    let lines: Vec<&str> = certificate.lines().collect();
    let line_lost = [&lines[..5], &lines[6..], &[""]].concat().join("\n");
    for damaged in [certificate.replace(['+', '/'], ""), line_lost] {
        for bytes in [damaged.clone(), damaged.replace("-----", "==")] {
            let run =
                on(bytes, &["inspect", "-"]).status(3).stderr_contains("is not valid Base64 of a whole file").run();
            assert!(!run.stderr.contains("cut") && !run.stderr.contains("the end is missing"), "{}", run.stderr);
        }
    }
}

#[test]
fn a_text_that_begins_with_a_zero_is_no_damaged_file() {
    for text in ["0 hello\r\n1 world\r\n2 x\r\n", "0\r\n1\r\n2\r\n3\r\n"] {
        on(text, &["inspect", "-"]).status(3).stderr_contains("this is not a certificate").run();
    }
    let mut dump = String::new();
    for (index, line) in read("p12/keychain.p12").chunks(16).enumerate() {
        let bytes: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        dump += &format!("{:04x}\t{}   ...\r\n", index * 16, bytes.join(" "));
    }
    on(dump, &["inspect", "-"]).status(3).stderr_contains("this is a hex dump").stderr_contains("-decodehex").run();
}

#[test]
fn a_value_after_other_bytes_is_read() {
    let universal = read("der/universal.cer");
    let mdm = read("der/mdm.cer");
    let base64 = BASE64.encode(&universal);
    for bytes in [
        [&universal[..], b"xx", &mdm].concat(),
        [base64.as_bytes(), b"\n", &mdm].concat(),
        [text("pem/certificate-only.pem").as_bytes(), b"xx", &mdm, b"yy", &universal].concat(),
    ] {
        let run = on(bytes, &["inspect", "-"]).run();
        assert!(run.text().contains("com.example.MyApp") && run.text().contains("MDM"), "{}", run.text());
    }
}

#[test]
fn what_transport_did_to_a_text_is_undone() {
    let identity = converted(read("pem/identity.pem"), &[]);
    for (name, bytes) in wrapped(&text("pem/identity.pem")) {
        assert!(converted(bytes.clone(), &[]) == identity, "{name}");
        on(bytes, &["inspect", "-"]).stdout_contains("the private key is here and matches").run();
    }
    for (name, bytes) in wrapped(&text("pem/dek-info-3des.pem")) {
        // Where the header ends is not known without its line end.
        if name == "one line" {
            on(bytes, &["convert", "-"]).status(3).stderr_contains("at line 1").run();
            continue;
        }
        assert!(converted(bytes, &PASSIN) == identity, "{name}");
    }
}

#[test]
fn base64_around_a_binary_file_is_undone() {
    let p12 = read("p12/keychain-password.p12");
    let identity = converted(p12.clone(), &PASSIN);
    let base64 = BASE64.encode(&p12);
    for text in [
        base64.clone(),
        BASE64.encode(base64.as_bytes()),
        format!("P12={base64}\nPASSWORD=push\n"),
        format!("{{\"p12\": \"{base64}\"}}"),
        format!("data:application/x-pkcs12;base64,{base64}"),
    ] {
        assert!(converted(text, &PASSIN) == identity);
    }
}

#[test]
fn line_ends_put_into_a_binary_file_are_named() {
    for file in ["p12/keychain.p12", "p12/openssl-3-default.p12", "der/universal.cer", "key/pkcs8.der"] {
        let mut sent = Vec::new();
        for byte in read(file) {
            if byte == b'\n' {
                sent.push(b'\r');
            }
            sent.push(byte);
        }
        on(sent, &["inspect", "-", "--passin", "pass:push"]).status(3).stderr_contains("sent in text mode").run();
        let lossy = String::from_utf8_lossy(&read(file)).into_owned();
        on(lossy, &["convert", "-"]).status(3).stderr_contains("taken for a text").run();
    }
}

/// BEGIN lines that are not read, and what is on them.
const DAMAGED_BEGINS: [&str; 7] = [
    "----BEGIN CERTIFICATE-----",
    "-----BEGIN CERTIFICATE----",
    "BEGIN CERTIFICATE-----",
    "-----BEGIN CERTIFICATE",
    "-----begin certificate-----",
    "----- BEGIN CERTIFICATE -----",
    "\u{2014}\u{2014}BEGIN CERTIFICATE\u{2014}\u{2014}",
];

/// Returns a text in lines of `width`, the first of `first`, with what stands between them.
fn folded(text: &str, first: usize, width: usize, between: &str) -> String {
    let (head, rest) = text.split_at(first);
    let lines: Vec<&str> = rest.as_bytes().chunks(width).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("{head}{between}{}", lines.join(between))
}

/// Returns bytes written one by one.
fn each(bytes: &[u8], between: &str, write: fn(u8) -> String) -> String {
    bytes.iter().map(|byte| write(*byte)).collect::<Vec<_>>().join(between)
}

/// What programs, databases and mails make of a binary file.
fn transported(file: &[u8]) -> Vec<(&'static str, String)> {
    let base64 = BASE64.encode(file);
    let hexadecimal = each(file, "", |byte| format!("{byte:02x}"));
    let quoted = folded(&base64.replace('=', "=3D"), 75, 75, "=\n");
    let printable = |byte: u8| match byte {
        b'\n' => "\\n".to_owned(),
        b'\r' => "\\r".to_owned(),
        b'\t' => "\\t".to_owned(),
        b'\\' => "\\\\".to_owned(),
        b' '..=b'~' if byte != b'\'' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    let url = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    let words: Vec<String> =
        hexadecimal.as_bytes().chunks(8).map(|word| format!("0x{}", str::from_utf8(word).unwrap())).collect();
    vec![
        ("bytea", format!(" cert \n------\n \\x{hexadecimal}\n(1 row)\n")),
        ("hexadecimal in SQL", format!("INSERT INTO t VALUES (X'{hexadecimal}');\n")),
        ("quoted-printable", format!("Content-Transfer-Encoding: quoted-printable\n\n{quoted}\n\nbye\n")),
        ("quoted-printable, CR LF", format!("Here it is:\r\n{}\r\n", quoted.replace('\n', "\r\n"))),
        ("LDIF", format!("dn: cn=jo\nuserCertificate;binary:: {}\nsn: x\n", folded(&base64, 51, 77, "\n "))),
        (
            "LDIF with a long name",
            format!(
                "aVeryLongNameOfAnAttributeOfSomeSchemaThatIsHardlyUsed;binary:: {}\n",
                folded(&base64, 12, 77, "\n ")
            ),
        ),
        ("YAML in quotes", format!("cert: \"{}\"\n", folded(&base64, 39, 76, "\\\n  "))),
        ("YAML, plain", format!("cert: {}\nkey: x\n", folded(&base64, 66, 76, "\n  "))),
        ("properties", format!("cert={}\n", folded(&base64, 56, 76, "\\\n  "))),
        ("a word before", format!("description: InternationalCertificates\n{}\n", folded(&base64, 64, 64, "\n"))),
        ("JSON that begins in a line end", format!("{{\"x509\": [\"\\n{}\\n\"]}}\n", folded(&base64, 76, 76, "\\n"))),
        ("JSON that begins in a tab", format!("{{\"x509\": \"\\r\\n\\t{}\"}}\n", folded(&base64, 64, 64, "\\n\\t"))),
        ("JSON in JSON", format!("{{\"x\": \"{{\\\"c\\\": \\\"\\\\n{}\\\"}}\"}}\n", folded(&base64, 76, 76, "\\\\n"))),
        ("colons", format!("cert = {}\n", each(file, ":", |byte| format!("{byte:02x}")))),
        (
            "colons in lines",
            format!("Blob:\n    {}\n", folded(&each(file, ":", |byte| format!("{byte:02x}")), 45, 45, "\n    ")),
        ),
        ("dashes", format!("Bytes: {}\r\n", each(file, "-", |byte| format!("{byte:02X}")))),
        ("a buffer", format!("<Buffer {}>\n", each(file, " ", |byte| format!("{byte:02x}")))),
        ("lines of digits", format!("CERT:\n{}\nEND\n", folded(&hexadecimal, 64, 64, "\n"))),
        ("long lines of digits", format!("CERT:\n{}\n", folded(&hexadecimal, 256, 256, "\n"))),
        (
            "a registry file",
            format!("\"Blob\"=hex:{}\r\n", folded(&each(file, ",", |byte| format!("{byte:02x}")), 66, 75, "\\\r\n  ")),
        ),
        ("C", format!("char *s = \"{}\";\n", each(file, "", |byte| format!("\\x{byte:02x}")))),
        (
            "C in lines",
            format!(
                "char s[] =\n  \"{}\";\n",
                folded(&each(file, "", |byte| format!("\\x{byte:02x}")), 64, 64, "\"\n  \"")
            ),
        ),
        ("octal", format!("char *s = \"{}\";\n", each(file, "", |byte| format!("\\{byte:03o}")))),
        ("Python", format!("cert = b'{}'\n", each(file, "", printable))),
        ("URL", format!("cert={}&x=1\n", each(file, "", url))),
        ("Rust", format!("&[0x30_u8, {}]\n", each(&file[1..], ", ", |byte| format!("0x{byte:02x}")))),
        ("octal numbers", format!("{{ {} }}\n", each(file, ", ", |byte| format!("0{byte:o}")))),
        ("words", format!("uint32_t a[] = {{{}}};\n", words.join(", "))),
    ]
}

#[test]
fn bytes_that_were_written_as_a_text_are_read() {
    let certificate = read("der/universal.cer");
    let p12 = read("p12/keychain-password.p12");
    let arguments = [&["inspect", "-"], &PASSIN[..]].concat();
    for ((name, text), (_, other)) in transported(&certificate).into_iter().zip(transported(&p12)) {
        let run = on(text.clone(), &["inspect", "-"]).any_status().run();
        assert!(run.text().contains("com.example.MyApp"), "{name}: {}", run.stderr);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), text).unwrap();
        let run = Test::new().args(["expiry", "."]).folder(folder.path()).any_status().run();
        assert!(run.text().contains("1 certificate in 1 file"), "{name}: {}", run.text());
        let run = on(other, &arguments).any_status().run();
        assert!(run.text().contains("com.example.MyApp"), "{name}, PKCS#12: {}", run.stderr);
    }
    let pem = text("pem/certificate-only.pem");
    for (name, text) in [
        ("bytea", format!(" \\x{}\n", each(pem.as_bytes(), "", |byte| format!("{byte:02x}")))),
        ("a mail", pem.replace('=', "=3D").replace("\n-----", "\n=2D----").replacen('-', "=2D", 1)),
        ("a mail with all of its dashes escaped", pem.replace('=', "=3D").replace('-', "=2D")),
        ("UTF-7", pem.replace('+', "+-").replace('=', "+AD0-")),
    ] {
        let run = on(text, &["inspect", "-"]).any_status().run();
        assert!(run.text().contains("com.example.MyApp"), "{name}: {}", run.stderr);
    }
}

#[test]
fn a_name_beside_a_block_is_no_part_of_the_file() {
    let identity = converted(read("pem/identity.pem"), &[]);
    let other = text("key/other.pem");
    let der = block_bytes(&other);
    let line = other.replace('\n', "");
    for name in [
        line.clone(),
        BASE64.encode(&der),
        each(&der, "", |byte| format!("{byte:02x}")),
        each(&der, " ", |byte| format!("{byte:02x}")),
        line.replace('-', "%2D").replace('+', "%2B"),
        line.replace('-', "&#45;"),
        line.replace('-', "="),
        line.replace('-', "\\-"),
        format!("{}{line}", " ".repeat(400)),
    ] {
        for beside in [
            format!("Bag Attributes\n    localKeyID: 01 \n    friendlyName: {name}\nsubject=CN = x\nissuer=CN = y\n"),
            format!("Bag Attributes\n    1.2.3.4: {name}\nKey Attributes: <No Attributes>\n"),
            format!("subject=C = US, CN = {name}\nissuer=CN = y\n"),
            format!(" 0 s:CN = x\n   i:CN = {name}\n"),
        ] {
            let run = on(format!("{beside}{identity}"), &["convert", "-"]).run();
            assert!(run.text() == identity, "{beside}");
        }
    }
    // What lost its line ends keeps what stands on the line.
    let flat = format!("Bag Attributes friendlyName: x subject=CN = x issuer=CN = y {}", identity.replace('\n', " "));
    assert!(converted(flat, &[]) == identity);
}

#[test]
fn a_prefix_after_a_title_of_attributes_hides_no_block() {
    let key = text("key/other.pem").replace('\n', "\n    app: ");
    let file = format!("Bag Attributes\n    app: {key}\n{}", text("pem/identity.pem"));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.pem"), &file).unwrap();
    std::fs::write(folder.path().join("y.pem"), text("pem/identity.pem")).unwrap();
    let inspected = Test::new().args(["inspect", "x.pem"]).folder(folder.path()).any_status().run();
    assert!(
        inspected.text().contains("without a certificate") || inspected.stderr.contains("line 2"),
        "{}",
        inspected.stderr
    );
    let arguments = ["convert", "x.pem", "-o", "x.pem", "--force"];
    Test::new().args(arguments).folder(folder.path()).status(6).stderr_contains("would be lost").run();
    assert!(std::fs::read_to_string(folder.path().join("x.pem")).unwrap() == file);
    // A certificate is judged there.
    let certificate = block("CERTIFICATE", &read("der/expired.cer")).replace('\n', "\n    app: ");
    std::fs::write(folder.path().join("x.log"), format!("Bag Attributes\n    app: {certificate}\n")).unwrap();
    Test::new().args(["expiry", "x.log"]).folder(folder.path()).status(1).run();
}

#[test]
fn a_name_that_may_be_a_key_is_not_overwritten() {
    let key = block_bytes(&text("key/other.pem"));
    for name in [BASE64.encode(&key), text("key/other.pem").replace('\n', "")] {
        let folder = tempfile::tempdir().unwrap();
        let file = format!("Bag Attributes\n    friendlyName: {name}\n{}", text("pem/identity.pem"));
        std::fs::write(folder.path().join("x.pem"), &file).unwrap();
        let arguments = ["convert", "x.pem", "-o", "x.pem", "--force"];
        Test::new().args(arguments).folder(folder.path()).status(6).stderr_contains("would be lost").run();
        assert!(std::fs::read_to_string(folder.path().join("x.pem")).unwrap() == file);
    }
}

#[test]
fn a_name_in_a_bag_is_written_so_that_it_is_no_block() {
    let certificate = text("pem/certificate-only.pem").replace('\n', "");
    for name in
        ["-----BEGIN CERTIFICATE-----", "x ----------END PUBLIC KEY-----", "x -----END PRIVATE KEY-----", &certificate]
    {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("in.pem"), text("pem/identity.pem")).unwrap();
        let name_argument = format!("--name={name}");
        let arguments = ["pack", "in.pem", "--passout", "env:P", "-o", "x.p12", &name_argument];
        Test::new().args(arguments).folder(folder.path()).env("P", "x").run();
        let arguments = ["convert", "x.p12", "--passin", "env:P", "--bag-attributes"];
        let run = Test::new().args(arguments).folder(folder.path()).env("P", "x").run();
        let dashes = run.text().lines().filter(|line| line.contains("-----"));
        assert!(dashes.clone().count() == 4 && dashes.clone().all(|line| line.starts_with('-')), "{}", run.text());
        let name_line = run.text().lines().find(|line| line.contains("friendlyName")).unwrap();
        let may_be_key = name.len() > 100 || name.contains("PRIVATE KEY");
        assert!(name_line.contains(if may_be_key { "(not shown" } else { "\\2D" }), "{name_line}");
        assert!(converted(run.text(), &[]) == converted(read("pem/identity.pem"), &[]));
    }
}

#[test]
fn a_key_that_is_not_read_is_called_a_key_where_one_is_wanted() {
    let jwk = "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"d\":\"AQAB\"}";
    let files = [
        ("c.pem", &text("pem/certificate-only.pem")[..]),
        ("keys/a.json", jwk),
        ("keys/b", "PuTTY-User-Key-File-2: x\n"),
    ];
    let (_, said) = in_folder_saying(
        &files,
        &["inspect", "c.pem", "--key", "keys"],
        3,
        "a private key in JSON (JWK), which is not read here",
    );
    assert!(
        !said.contains("not a certificate") && said.contains("a PuTTY private key, which is not read here"),
        "{said}"
    );
    let (_, said) =
        in_folder_saying(&files, &["inspect", "c.pem", "--key", "keys/a.json"], 3, "a private key in JSON (JWK)");
    assert!(said.contains("which is not read here") && !said.contains("not a certificate"), "{said}");
}

/// What is left of bytes that were taken for a text and written as UTF-8.
fn as_utf8_of(bytes: &[u8], decode: fn(u8) -> char) -> Vec<u8> {
    let mut text = String::new();
    for byte in bytes {
        text.push(decode(*byte));
    }
    text.into_bytes()
}

#[test]
fn binary_files_that_were_taken_for_latin_1_are_read() {
    let certificate = read("der/universal.cer");
    let p12 = read("p12/keychain-password.p12");
    let windows: fn(u8) -> char = |byte| match byte {
        0x80 => '\u{20ac}',
        0x82 => '\u{201a}',
        0x86 => '\u{2020}',
        byte => char::from(byte),
    };
    for decode in [char::from, windows] {
        for file in [&certificate, &p12] {
            let marked = [b"\xef\xbb\xbf", &as_utf8_of(file, decode)[..]].concat();
            let text = String::from_utf8(marked.clone()).unwrap();
            let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let twice = as_utf8_of(&as_utf8_of(file, decode), char::from);
            for sent in [marked, wide, twice] {
                let arguments = [&["inspect", "-"], &PASSIN[..]].concat();
                on(sent, &arguments).stdout_contains("com.example.MyApp").run();
            }
        }
        on(as_utf8_of(&certificate, decode), &["inspect", "-"]).stdout_contains("com.example.MyApp").run();
        let arguments = [&["inspect", "-"], &PASSIN[..]].concat();
        on(as_utf8_of(&p12, decode), &arguments).stdout_contains("com.example.MyApp").run();
    }
}

#[test]
fn a_damaged_file_of_any_name_fails_a_folder() {
    let p12 = read("p12/keychain-password.p12");
    let replaced: Vec<u8> = p12.iter().map(|byte| if *byte > 127 { b'?' } else { *byte }).collect();
    let mut sent = Vec::new();
    for byte in &p12 {
        sent.extend_from_slice(if *byte == b'\n' { b"\r\n" } else { std::slice::from_ref(byte) });
    }
    let lossy = String::from_utf8_lossy(&p12).into_owned().into_bytes();
    let marked = [b"\xef\xbb\xbf", &lossy[..]].concat();
    let other = as_utf8_of(&p12, |byte| if byte > 127 { 'é' } else { char::from(byte) });
    let in_lines = as_utf8_of(&sent, char::from);
    for damaged in [lossy, marked, other, in_lines, replaced, sent] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("good.pem"), text("pem/identity.pem")).unwrap();
        std::fs::write(folder.path().join("push"), &damaged).unwrap();
        Test::new()
            .args(["expiry", "."])
            .folder(folder.path())
            .status(3)
            .stdout_contains("push: the file is damaged")
            .run();
        on(damaged, &["inspect", "-"]).status(3).stderr_contains("the file is damaged").run();
    }
}

#[test]
fn a_begin_that_was_not_read_is_never_passed_over() {
    let good = text("pem/identity.pem");
    for begin in DAMAGED_BEGINS {
        let damaged = text("pem/certificate-only.pem").replacen("-----BEGIN CERTIFICATE-----", begin, 1);
        let both = format!("{good}{damaged}");
        let line = format!("at line {}", good.lines().count() + 1);
        let run = on(both.clone(), &["inspect", "-"])
            .status(3)
            .stdout_contains("com.example.MyApp")
            .stderr_contains(&line)
            .run();
        assert!(!run.stderr.contains("MII"), "{begin}: {}", run.stderr);
        on(both.clone(), &["expiry", "-"]).status(3).stdout_contains(&line).run();
        // The identity is there.
        on(both, &["convert", "-"]).stderr_contains("left out").run();
        on(damaged, &["inspect", "-"]).status(3).stderr_contains("at line 1").run();
    }
}

#[test]
fn a_begin_that_is_glued_to_its_base64_is_never_passed_over() {
    let good = text("pem/identity.pem");
    let line = format!("at line {}", good.lines().count() + 1);
    for (label, file) in [("CERTIFICATE", "pem/certificate-only.pem"), ("PRIVATE KEY", "key/other.pem")] {
        let block = text(file);
        let begin = format!("-----BEGIN {label}-----\n");
        for glued in [
            block.replacen(&begin, &format!("-----BEGIN {label}"), 1),
            block.replacen(&begin, &format!("-----BEGIN {label}--"), 1),
            block.replacen(&begin, &format!("-----BEGIN {label} "), 1),
            block.replacen(&begin, &format!("-----BEGIN {label}"), 1).replace('\n', "") + "\n",
            block.replacen(&begin, &format!("-----BEGIN {label}\\n"), 1),
            format!("X=-----BEGIN{label}{}", &block[begin.len()..]),
        ] {
            let both = format!("{good}{glued}");
            let run = on(both.clone(), &["inspect", "-"]).status(3).stderr_contains(&line).stderr_contains(label).run();
            assert!(!run.stderr.contains("MII"), "{}", run.stderr);
            on(both.clone(), &["expiry", "-"]).status(3).stdout_contains(&line).run();
            in_folder_saying(&[("in.pem", &both)], &["expiry", "."], 3, "");
            if label == "PRIVATE KEY" {
                let arguments = ["convert", "in.pem", "-o", "in.pem", "--force"];
                in_folder_saying(&[("in.pem", &both)], &arguments, 6, "would be lost");
                let arguments = ["convert", "in.pem", "-o", "out.pem", "--force"];
                in_folder_saying(
                    &[("in.pem", &good), ("out.pem", &glued)],
                    &arguments,
                    0,
                    "may have held a private key",
                );
                let alone = text("pem/certificate-only.pem") + &glued;
                on(alone, &["convert", "-"]).status(3).stderr_contains("its BEGIN line is damaged").run();
            }
        }
    }
}

#[test]
fn a_begin_without_dashes_is_never_passed_over() {
    let good = text("pem/identity.pem");
    let line = format!("at line {}", good.lines().count() + 1);
    for begin in
        ["BEGIN CERTIFICATE", "==BEGIN CERTIFICATE==", "-BEGIN CERTIFICATE-", "[BEGIN CERTIFICATE]", "BEGINCERTIFICATE"]
    {
        let damaged = text("pem/certificate-only.pem").replacen("-----BEGIN CERTIFICATE-----", begin, 1);
        for end in ["-----END CERTIFICATE-----", "END CERTIFICATE", "=="] {
            let damaged = damaged.replace("-----END CERTIFICATE-----", end);
            for (before, after) in [("# ", ""), ("10:00:{} app: ", ""), ("", "$")] {
                let lines = String::from_utf8(framed(&damaged, before, after)).unwrap();
                let both = format!("{good}{lines}");
                let run = on(both.clone(), &["inspect", "-"]).status(3).stderr_contains(&line).run();
                assert!(run.stderr.contains("CERTIFICATE") && !run.stderr.contains("MII"), "{}", run.stderr);
                on(both, &["expiry", "-"]).status(3).stdout_contains(&line).run();
                on(lines, &["inspect", "-"]).status(3).stderr_contains("at line 1").run();
            }
            // The lines alone are read, or named where they end in no END.
            let run = on(damaged, &["inspect", "-"]).any_status().run();
            assert!(run.text().contains("com.example.MyApp") || run.code == Some(3), "{begin} {end}: {}", run.text());
        }
    }
}

#[test]
fn a_label_of_any_length_begins_a_block() {
    for label in ["A".repeat(70), "SOME LABEL ".repeat(70) + "X"] {
        let text = block(&label, &read("der/universal.cer"));
        on(text, &["inspect", "-"]).stdout_contains("com.example.MyApp").run();
    }
}

#[test]
fn an_end_without_a_begin_is_never_passed_over() {
    let certificate = text("pem/certificate-only.pem");
    for (label, file) in [("PRIVATE KEY", "key/push.pem"), ("CERTIFICATE", "pem/certificate-only.pem")] {
        let block = text(file);
        let rest = block.split_once('\n').unwrap().1;
        let line = format!("at line {}", certificate.lines().count() + rest.lines().count());
        for (before, after) in [("10:00:01 app: ", ""), ("// ", ""), ("", "$"), ("{}. ", ""), ("> > ", "")] {
            let both = framed(&format!("{certificate}{rest}"), before, after);
            let run = on(both.clone(), &["inspect", "-"]).status(3).stderr_contains(&line).stderr_contains(label).run();
            assert!(run.stderr.contains("no BEGIN line"), "{}", run.stderr);
            on(both.clone(), &["expiry", "-"]).status(3).stdout_contains(&line).run();
            if label == "PRIVATE KEY" {
                on(both, &["convert", "-"]).status(3).stderr_contains("no BEGIN line").run();
            }
        }
        // What is read all the same is not named.
        on(certificate.clone() + rest, &["inspect", "-"]).run();
    }
}

/// A file that speaks of PEM and has hashes in Base64 after it.
const LOCK_FILE: &str = r#"{"begin": "-----BEGIN CERTIFICATE-----", "integrity": [
"sha512-3Qf9MeNrQv0yBDXmMhsLJ0bJ3C8Yk1Bz8zdGWIPSmW9xPYfDyJVMrP7cCzqk0v0GKN1bZkzXyM8oUuRr2dN8Kw==",
"sha512-7Qf9MeNrQv0yBDXmMhsLJ0bJ3C8Yk1Bz8zdGWIPSmW9xPYfDyJVMrP7cCzqk0v0GKN1bZkzXyM8oUuRr2dN8Kw=="]}"#;

#[test]
fn prose_about_pem_fails_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("push.pem"), text("pem/identity.pem")).unwrap();
    for (name, prose) in [
        ("README.md", "Copy from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.\n"),
        ("main.go", "if strings.HasPrefix(line, \"-----BEGIN CERTIFICATE\") {\n"),
        ("notes.txt", "-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----\n"),
        ("keys.md", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n...\n"),
        ("lock.json", LOCK_FILE),
        ("sql.txt", "BEGIN CERTIFICATE\nthe heading of a chapter\n=====BEGIN LOG=====\n"),
        (
            "end.md",
            "It ends in -----END CERTIFICATE-----, and a log in -----END LOG-----. BEGIN PRIVATE KEY is above.\n",
        ),
    ] {
        std::fs::write(folder.path().join(name), prose).unwrap();
        Test::new().args(["inspect", name]).folder(folder.path()).any_status().run();
    }
    Test::new().args(["expiry", "."]).folder(folder.path()).stdout_contains("1 certificate in 8 files").run();
    // A file that is called a certificate is another matter.
    std::fs::write(folder.path().join("cut.pem"), "-----BEGIN CERTIFICATE-----\n").unwrap();
    Test::new().args(["expiry", "."]).folder(folder.path()).status(3).run();
}

#[test]
fn what_is_no_certificate_is_named_with_the_way_on() {
    let mut tar = vec![b'x'; 600];
    tar[257..262].copy_from_slice(b"ustar");
    let openssh = block("OPENSSH PRIVATE KEY", b"openssh-key-v1\0\0\0\0\x04none and more");
    let plist = [&b"\x30\x82\x01\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x81\xf2\x30\x81\xef\x02\x01\x01\x31\x00\x30\x81\xe7\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x81\xd9\x04\x81\xd6"[..], b"<?xml version=\"1.0\"?><plist><key>ProvisionedDevices</key>", &[b' '; 157]].concat();
    for (bytes, name, hint) in [
        (read("p12/java-keystore.jks"), "a Java keystore (JKS)", "keytool -importkeystore"),
        (tar, "a tar archive", "unpack it"),
        (b"PK\x03\x04 and more".to_vec(), "a ZIP archive", "unpack it"),
        (openssh.into_bytes(), "an OpenSSH private key", "ssh-keygen -p -m PEM"),
        (b"\0\x05\x16\x07\0\x02\0\0Mac OS X        ".to_vec(), "AppleDouble", "without ._ before it"),
        (b"PuTTY-User-Key-File-2: ssh-rsa\n".to_vec(), "a PuTTY private key", "PuTTYgen"),
        (
            BASE64.encode(&[b"Salted__", &[7; 100][..]].concat()).into_bytes(),
            "encrypted with a passphrase",
            "fastlane match",
        ),
        (
            [b"match_encrypted_v2__", BASE64.encode(&[7; 100]).as_bytes()].concat(),
            "fastlane match",
            "passphrase of the repository",
        ),
        (b"\x1e\xf1\xb5\xb0\0\0\0\0\x01\0\0\0".to_vec(), "Microsoft's PVK format", "openssl rsa -inform PVK"),
        (b"\x07\x02\0\0\0\x24\0\0RSA2\0\x08\0\0".to_vec(), "(MSBLOB)", "openssl rsa -inform MSBLOB"),
        (b"\x07\x02\0\0\0\xa4\0\0RSA2\0\x08\0\0".to_vec(), "(MSBLOB)", "openssl rsa -inform MSBLOB"),
        (
            b"{\n \"kty\": \"EC\", \"crv\": \"P-256\", \"d\": \"AQ\"}".to_vec(),
            "a private key in JSON (JWK)",
            "reads JWK",
        ),
        (b"{\"keys\":[{\"kty\":\"RSA\",\"d\":\"AQ\"}]}".to_vec(), "a private key in JSON (JWK)", "reads JWK"),
        (b"{\"kty\":\"RSA\",\"n\":\"AQ\"}".to_vec(), "a public key in JSON (JWK)", "is expected"),
        (b"<RSAKeyValue><Modulus>AQ==</Modulus>".to_vec(), "a key in .NET's XML", "in PKCS#8"),
        (b"Private-key-format: v1.3\n".to_vec(), "a private key of DNSSEC", "in PKCS#8"),
        (b"Private-Key: (2048 bit, 2 primes)\nmodulus:\n".to_vec(), "the text of a private key", "made of"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n6162\n".to_vec(), "Ansible Vault", "ansible-vault view"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n".to_vec(),
            "this is a Git LFS pointer, not a certificate",
            "get the file itself with: git lfs pull",
        ),
        (b"begin 644 cert.p12\nM,( &\n`\nend\n".to_vec(), "encoded with uuencode", "uudecode FILE"),
        (SPKAC.to_vec(), "a request of Netscape's kind (SPKAC)", "is expected"),
        (block("X509 CRL", b"\x30\x03\x02\x01\x00").into_bytes(), "certificate revocation list", "is expected"),
        (block("PUBLIC KEY", b"\x30\x03\x02\x01\x00").into_bytes(), "a public key", "is expected"),
        (
            block("DH PARAMETERS", b"\x30\x06\x02\x01\x05\x02\x01\x02").into_bytes(),
            "parameters of a key",
            "is expected",
        ),
        (plist, "a provisioning profile", "push certificate itself"),
    ] {
        let run = on(bytes, &["convert", "-"]).status(3).stderr_contains(name).stderr_contains(hint).run();
        assert!(!run.stderr.contains("damaged"), "{}", run.stderr);
    }
    let key = read("pem/AuthKey_ABC123DEFG.p8");
    on(key, &["convert", "-"]).status(3).stderr_contains("APNs token signing key").run();
    on(read("csr/request.der"), &["convert", "-"]).status(3).stderr_contains("certificate signing request").run();
}

/// What `openssl spkac -key KEY -digest sha256 -challenge hello` writes.
const SPKAC: &[u8] = b"SPKAC=MIG5MGIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAShKjyYZtMFntNJUH1kg9azc+AxQk99iI2gwgFSEYvtKa+9mXh8MQI+\
H9SVXQ/cpskyXFDPUpjQE/gODMyAwjxnFgVoZWxsbzAKBggqhkjOPQQDAgNHADBEAiAIfdNbkZ+ZoIgy8wSHNNP+Yyq5An/MPDaUQR3hMwFGNwIgOjBY0r5C\
RtZxWCm+hdVhYPgpWAW68pyliavD2DszF9A=\n";

fn inspected(file: &str) -> Test {
    Test::new().args(["inspect", "--passin", "env:P"]).env("P", "push").arg(fixture(file))
}

#[test]
fn a_part_that_is_whole_and_not_read_is_not_called_damaged() {
    let run = inspected("p12/unknown-bag.p12").status(3).stdout_contains("is here and matches").run();
    let sentence = "bag 2: unsupported: a bag of the type 1.3.6.1.4.1.55555.4, which is not known here";
    assert!(run.text().contains(sentence) && run.stderr.contains("export it again in another way"), "{}", run.stderr);
    assert!(!run.text().contains("damaged") && !run.stderr.contains("damaged"));
    let run = inspected("p12/nested-beyond-limit.p12").status(3).run();
    assert!(run.stderr.contains("nests its safes deeper than 16") && !run.stderr.contains("damaged"), "{}", run.stderr);
    inspected("p12/nested-six-deep.p12").stdout_contains("is here and matches").run();
    // Content of other types (RFC 5652): data and digestedData in the place of signedData.
    for content in [
        &b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x00"[..],
        b"\x30\x82\x00\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x05\xa0\x00",
    ] {
        let run = on(content, &["inspect", "-"]).status(3).stderr_contains("this is a message (CMS)").run();
        assert!(!run.stderr.contains("damaged"), "{}", run.stderr);
    }
}

#[test]
fn a_key_in_a_bag_is_read_by_its_content() {
    for file in ["p12/plain-shrouded-key.p12", "p12/encrypted-key-bag.p12"] {
        inspected(file).stdout_contains("the private key is here and matches").run();
    }
}

#[test]
fn bytes_after_the_bags_are_passed_over_and_named() {
    let run = inspected("p12/bytes-after-bags.p12").stdout_contains("is here and matches").run();
    assert_eq!(run.text().matches("3 bytes of no meaning (after the bags of a part)").count(), 2, "{}", run.text());
    assert_eq!(run.text().matches("3 bytes of no meaning (after the content of bag 2)").count(), 1, "{}", run.text());
}

#[test]
fn a_date_that_is_none_is_the_certificate_s_own_fault() {
    let der = read("der/universal.cer");
    let at = der.windows(15).position(|bytes| bytes == b"20991231000000Z").unwrap();
    for value in ["20990230000000Z", "20991231235960Z", "209912310000000"] {
        let mut odd = der.clone();
        odd[at..at + 15].copy_from_slice(value.as_bytes());
        let message =
            format!("the certificate itself is wrong: its notAfter \"{value}\" is no date of the form YYYYMMDDhhmmssZ");
        let run = on(odd.clone(), &["inspect", "-"]).status(3).stderr_contains(&message).run();
        assert!(run.stderr.contains("no copy is better") && !run.stderr.contains("damaged"), "{}", run.stderr);
        // It takes no other with it.
        let both = block("CERTIFICATE", &odd) + &text("pem/identity.pem");
        on(both, &["inspect", "-"]).status(3).stdout_contains("is here and matches").stdout_contains(&message).run();
    }
    // What may be anything is not shown.
    let mut odd = der;
    odd[at..at + 15].copy_from_slice(b"hunter2hunter2!");
    on(odd, &["inspect", "-"]).status(3).stderr_contains("its notAfter (15 bytes) is no date").hides("hunter2").run();
}

#[test]
fn revocation_lists_are_named_wherever_they_stand() {
    for (file, place) in [
        ("p7b/revocation-list.p7b", "among the revocation lists"),
        ("pem/crl.pem", "PEM block \"X509 CRL\" at line 1"),
        ("p12/odd-attributes.p12", "bag 1"),
    ] {
        let json = inspected(file).arg("--json").run().json();
        let named = format!("a certificate revocation list (CRL) ({place})");
        assert!(json["files"][0]["others"].as_array().unwrap().contains(&named.into()), "{json}");
    }
}

#[test]
fn a_field_that_nothing_in_a_file_has_is_no_success() {
    for (file, name, value) in [
        ("csr/request.der", "subject", "emailAddress=push@example.com, CN=Push Key, C=US\n"),
        ("csr/request.der", "key_bits", "2048\n"),
        ("key/push.pem", "key_algorithm", "RSA\n"),
        ("p12/key-only.p12", "friendly_name", "Push Key\n"),
        // What separates attributes is escaped in their values (RFC 4514).
        (
            "der/forged-team.cer",
            "subject",
            "UID=com.example.MyApp, CN=www.example.com\\, OU=TEAMID1234\\, O=Apple Inc., OU=OTHERTEAM1, O=Example Team, C=US\n",
        ),
        // A certificate that lacks a field answers with nothing.
        ("der/not-push.cer", "topic", ""),
    ] {
        inspected(file).args(["--field", name]).stdout(value).run();
    }
    for (file, name, message) in [
        ("key/push.pem", "sha256", "no sha256 to print: there is only a private key in it"),
        ("csr/request.der", "not_after", "no not_after to print: there is only a certificate signing request in it"),
        ("p7b/empty.p7b", "subject", "no subject to print: there is nothing in it"),
    ] {
        inspected(file).args(["--field", name]).status(3).stdout("").stderr_contains(message).run();
    }
}

fn field(bytes: &str, name: &str) -> Test {
    on(bytes, &["inspect", "-", "--field", name])
}

#[test]
fn a_locked_key_hides_no_certificate() {
    for file in ["pem/encrypted-key.pem", "pem/dek-info-3des.pem", "p12/certificate-unencrypted.p12"] {
        let bytes = read(file);
        let shown =
            on(bytes.clone(), &["inspect", "-"]).status(4).stdout_contains("Bundle ID    com.example.MyApp").run();
        assert!(shown.text().contains("a private key is here, and was not read"), "{}", shown.text());
        assert!(!shown.text().contains("has no private key"), "{}", shown.text());
        let report = on(bytes.clone(), &["inspect", "-", "--json"]).status(4).run().json();
        assert_eq!(report["files"][0]["certificates"][0]["bundle_id"], "com.example.MyApp");
        assert_eq!(report["files"][0]["unread"][0]["error"]["exit_code"], 4);
        on(bytes.clone(), &["inspect", "-", "--field", "topic"]).stdout_contains("com.example.MyApp").run();
        on(bytes.clone(), &["inspect", "-", "--field", "key_matches"]).status(4).run();
        on(bytes.clone(), &["expiry", "-"]).stdout_contains("1 ok").run();
        on(bytes.clone(), &["expiry", "-", "--expect-key"]).status(4).run();
        on(bytes.clone(), &["convert", "-"]).status(4).stderr_contains("needs a password").stdout("").run();
        on(bytes.clone(), &["pack", "-", "--passout", "pass:x"]).status(4).stdout("").run();
        on(bytes, &["convert", "-", "--passin", "pass:wrong"])
            .status(4)
            .stderr_contains("wrong password")
            .stdout("")
            .run();
    }
    let (certificate, key) = (text("pem/encrypted-key.pem"), text("key/push.pem"));
    assert!(converted(certificate.clone(), &["--no-key"]).starts_with("-----BEGIN CERTIFICATE"));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("push.key"), key).unwrap();
    let run = on(certificate, &["convert", "-", "--key", "push.key"]).folder(folder.path()).run();
    assert!(run.text() == converted(read("pem/identity.pem"), &[]));
}

#[test]
fn a_locked_key_in_a_folder_fails_no_expiry_run() {
    let folder = tempfile::tempdir().unwrap();
    let pem = text("pem/encrypted-key.pem");
    let (certificate, key) = pem.split_at(pem.find("-----BEGIN ENCRYPTED").unwrap());
    std::fs::write(folder.path().join("push.crt"), certificate).unwrap();
    std::fs::write(folder.path().join("push.key"), key).unwrap();
    for format in ["human", "json", "github", "markdown", "junit", "nagios", "prometheus", "html", "ics"] {
        Test::new().args(["expiry", ".", "--format", format]).folder(folder.path()).run();
    }
    Test::new().args(["expiry", "push.key"]).folder(folder.path()).status(4).run();
    // A certificate that is locked is not known to be valid.
    std::fs::copy(fixture("p12/keychain-password.p12"), folder.path().join("push.p12")).unwrap();
    Test::new().args(["expiry", "."]).folder(folder.path()).status(4).stdout_contains("push.p12").run();
}

#[test]
fn a_broken_block_takes_no_other_with_it() {
    let good = text("pem/identity.pem");
    let broken = block("CERTIFICATE", &read("der/other.cer")[..500]);
    for both in [format!("{good}{broken}"), format!("{broken}{good}")] {
        let run = on(both.clone(), &["inspect", "-"]).status(3).stdout_contains("Bundle ID    com.example.MyApp").run();
        assert!(run.text().contains("not read:"), "{}", run.text());
        field(&both, "topic").status(3).stdout_contains("com.example.MyApp").run();
        on(both.clone(), &["expiry", "-"]).status(3).stdout_contains("com.example.MyApp").run();
        on(both.clone(), &["expiry", "-", "--skip-unreadable"]).stdout_contains("1 ok").run();
        assert!(converted(both.clone(), &[]) == converted(good.clone(), &[]));
        on(both, &["convert", "-", "--certs", "all"]).status(3).stdout("").stderr_contains("damaged").run();
    }
    let two = text("pem/two-identities.pem");
    let odd_key = format!("{two}{}", block("PRIVATE KEY", &read("key/pkcs8.der")[..900]));
    on(odd_key.clone(), &["convert", "-", "--select", "com.example.MyApp"]).stderr_contains("left out").run();
    on(odd_key, &["csr", "--email", "jo@example.com", "--name", "Jo", "--country", "DE", "--key", "-", "-o", "-"])
        .status(3)
        .run();
}

#[test]
fn a_key_that_was_not_read_is_not_called_missing() {
    let certificate = text("pem/certificate-only.pem");
    for key in [
        block("PRIVATE KEY", &read("key/pkcs8.der")[..900]),
        text("key/push.pem").replacen("-----BEGIN", "----BEGIN", 1),
        block("OPENSSH PRIVATE KEY", &[&b"openssh-key-v1\0\0\0\0\x04none"[..], &[7; 100]].concat()),
        text("key/push.pem").replacen("-----END PRIVATE KEY-----", "", 1),
    ] {
        let both = format!("{certificate}{key}");
        for command in [&["convert", "-"][..], &["pack", "-", "--passout", "pass:x"], &["check", "-"]] {
            let run = on(both.clone(), command).status(3).stdout("").run();
            assert!(!run.stderr.contains("no private key"), "{command:?}: {}", run.stderr);
        }
        assert!(converted(both, &["--no-key"]).starts_with("-----BEGIN CERTIFICATE"));
    }
}

#[test]
fn der_values_in_a_row_are_all_read() {
    let (first, second) = (read("der/universal.cer"), read("der/other.cer"));
    let count = |run: &Run| run.json()["files"][0]["certificates"].as_array().unwrap().len();
    let run = on([&first[..], &second].concat(), &["inspect", "-", "--json"]).run();
    assert_eq!(count(&run), 2);
    let run = on([&first[..], b"\r\n", &second, &first].concat(), &["inspect", "-", "--json"]).run();
    assert_eq!(count(&run), 2, "the same certificate twice is one");
    let run = on([&first[..], &second[..300]].concat(), &["inspect", "-", "--json"]).status(3).run();
    assert_eq!(count(&run), 1);
    assert!(converted([&first[..], &read("key/pkcs8.der")].concat(), &[]) == converted(read("pem/identity.pem"), &[]));
}

#[test]
fn a_file_that_was_changed_is_not_called_locked() {
    let bytes = read("p12/keychain-password.p12");
    for back in 1..40 {
        let mut changed = bytes.clone();
        let place = changed.len() - back;
        changed[place] ^= 1;
        let run = on(changed, &["convert", "-", "--passin", "pass:push"]).any_status().run();
        assert_eq!(run.text(), "", "{back} bytes before the end");
        if run.stderr.contains("does not verify") && !run.stderr.contains("wrong password") {
            assert_eq!(run.code, Some(3), "{}", run.stderr);
            return;
        }
    }
    panic!("no change of the MAC was called damage");
}

#[test]
fn a_file_of_very_many_parts_is_refused_and_prose_is_not() {
    let begins = "-----BEGIN CERTIFICATE-----\n".repeat(2_000);
    on(begins.clone() + &text("pem/identity.pem"), &["inspect", "-", "--field", "topic"]).status(3).run();
    let data = format!("----BEGIN CERTIFICATE-----\nMII{}\n", BASE64.encode(&[7; 300])).repeat(1_100);
    on(data, &["inspect", "-"]).status(3).stderr_contains("more than 1000 parts that cannot be read").run();
    let run = on(text("pem/identity.pem") + &begins, &["convert", "-"]).stderr_contains("more parts").run();
    assert!(run.stderr.lines().count() < 20, "{}", run.stderr);
}

#[test]
fn der_and_pem_in_one_file_are_both_read() {
    let identity = converted(read("pem/identity.pem"), &[]);
    let (certificate, key) = (read("der/universal.cer"), read("key/push.pem"));
    assert!(converted([&certificate[..], &key].concat(), &[]) == identity);
    assert!(converted([&key[..], &certificate].concat(), &[]) == identity);
    assert!(converted([&b"\n\0\xef\xbb\xbf"[..], &certificate, &key].concat(), &[]) == identity);
    let sandbox = block("CERTIFICATE", &read("der/sandbox.cer"));
    let three = [&certificate[..], b"\0\0", &read("der/other.cer"), sandbox.as_bytes()].concat();
    let report = on(three, &["inspect", "-", "--json"]).run().json();
    assert_eq!(report["files"][0]["certificates"].as_array().unwrap().len(), 3);
}

/// Bytes as the source of a program has them.
fn as_array(bytes: &[u8]) -> String {
    let mut array = String::from("unsigned char bytes[] = {");
    for byte in bytes {
        write!(array, "{byte:#04x}, ").unwrap();
    }
    array + "};\n"
}

#[test]
fn bytes_written_as_numbers_hide_nothing_beside_them() {
    let expired = block("CERTIFICATE", &read("der/expired.cer"));
    let array = as_array(&read("der/universal.cer"));
    let buffer = format!("{{\"a\": {:?}, \"b\": {:?}}}", expired, read("der/universal.cer"));
    for text in [expired.clone() + &array, array.clone() + &expired, buffer] {
        on(text, &["expiry", "-"]).status(1).stdout_contains("2 certificates in 1 file: 1 failure").run();
    }
    // These begin as DER does, and are none.
    for numbers in [vec![0x30, 0x82, 0, 1], vec![0x30, 0x81, 0xc8, 2, 1]] {
        let numbers: Vec<u8> = numbers.into_iter().chain(0..200).collect();
        on(expired.clone() + &as_array(&numbers), &["expiry", "-"]).status(1).stdout_contains("1 certificate in").run();
    }
    let key = text("key/push.pem") + &array;
    let folder = in_folder(
        &[("push.key", &key), ("new.key", &text("key/other.pem"))],
        &[
            "csr",
            "--email",
            "jo@example.com",
            "--name",
            "Jo",
            "--country",
            "DE",
            "--key",
            "new.key",
            "--force",
            "-o",
            "push.key",
        ],
        6,
    );
    assert_eq!(std::fs::read_to_string(folder.path().join("push.key")).unwrap(), key);
}

#[test]
fn control_characters_turn_off_no_escapes() {
    let escaped = block("CERTIFICATE", &read("der/expired.cer")).replace('-', "%2D").replace('\n', "%0A");
    for control in ["\x01", "\x02", "\x03"] {
        on(format!("log {control}\n{escaped}"), &["expiry", "-"]).status(1).stdout_contains("1 failure").run();
    }
}

#[test]
fn a_locked_key_hides_no_locked_certificate() {
    let pem = text("pem/encrypted-key.pem");
    let key = pem[pem.find("-----BEGIN ENCRYPTED").unwrap()..].to_owned();
    let p12 = block("PKCS12", &read("p12/keychain-password.p12"));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("good.pem"), text("pem/identity.pem")).unwrap();
    for both in [format!("{key}{p12}"), format!("{p12}{key}")] {
        std::fs::write(folder.path().join("both.txt"), both).unwrap();
        Test::new().args(["expiry", "."]).folder(folder.path()).status(4).run();
    }
}

#[test]
fn one_bad_entry_of_a_secret_hides_no_other() {
    let expired = BASE64.encode(&read("der/expired.cer"));
    let secret = |name: &str, entries: &str| {
        format!(r#"{{"kind":"Secret","metadata":{{"namespace":"n","name":"{name}"}},"data":{{{entries}}}}}"#)
    };
    let bad = secret("bad", r#""tls.crt":"%%%","x":null"#);
    let good = secret("good", &format!(r#""tls.crt":"{expired}""#));
    let map = format!(
        r#"{{"kind":"ConfigMap","data":{{"ca.crt":"{}"}}}}"#,
        text("pem/certificate-only.pem").replace('\n', "\\n")
    );
    for json in [
        format!(r#"{{"kind":"List","items":[{bad},{good},{map}]}}"#),
        format!("{bad}\n{good}\n{map}\n"),
        format!("\u{feff}[{bad},{good},{map}]"),
    ] {
        let run = on(json, &["expiry", "-", "--at", "2026-11-24"]).status(1).run();
        let printed = format!("{}{}", run.text(), run.stderr);
        for expected in ["n/bad/tls.crt", "n/good/tls.crt", "FAIL", " ca.crt", "1 failure"] {
            assert!(printed.contains(expected), "{expected}: {printed}");
        }
    }
}

#[test]
fn what_stands_in_an_object_beside_its_entries_is_judged() {
    let pem = text("pem/certificate-only.pem").replace('\n', "\\n");
    for (json, name) in [
        (format!(r#"{{"kind":"Secret","spec":{{"cert":"{pem}"}}}}"#), "(other fields)"),
        (format!(r#"{{"items":[{{"id":1,"data":{{"x":"AAEC"}},"cert":"{pem}"}}]}}"#), "-"),
        (
            format!(r#"{{"kind":"ConfigMap","metadata":{{"name":"x","annotations":{{"ca":"{pem}"}}}}}}"#),
            "x/(other fields)",
        ),
        (format!(r#"{{"kind":"List","items":[{{"kind":"Secret"}},{{"kind":"Hook","caBundle":"{pem}"}}]}}"#), "Hook"),
    ] {
        let run = on(json, &["expiry", "-", "--at", "2101-01-01", "--json"]).status(1).run();
        let report = run.json();
        let certificates = report["certificates"].as_array().unwrap();
        assert_eq!(certificates.len(), 1, "{}", run.text());
        assert_eq!(certificates[0]["file"], name, "{}", run.text());
    }
}

#[test]
fn a_file_of_two_encodings_is_read() {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let (certificate, key) = (text("pem/certificate-only.pem"), text("key/push.pem"));
    let identity = converted(read("pem/identity.pem"), &[]);
    for mixed in [
        [certificate.as_bytes(), &wide(&key)].concat(),
        [&b"\xff\xfe"[..], &wide(&certificate), key.as_bytes()].concat(),
    ] {
        assert!(converted(mixed, &[]) == identity);
    }
}

#[test]
fn what_stands_beside_utf_16_is_read() {
    let little = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let (certificate, key) = (text("pem/certificate-only.pem"), text("key/push.pem"));
    let base64 = BASE64.encode(&read("key/pkcs8.der"));
    let of_certificate = BASE64.encode(&read("der/universal.cer"));
    let json = format!("{{\"key\":\"{base64}\"}}");
    let marked = [&b"\xff\xfe"[..], &little(&certificate)].concat();
    let of_bash = [&marked[..], b"\n\xff\xfe", &little(&key), b"\n"].concat();
    let identity = converted(read("pem/identity.pem"), &[]);
    for (name, mixed) in [
        ("a line end of one byte", of_bash.clone()),
        ("the same without marks", [&little(&certificate)[..], b"\n", &little(&key)].concat()),
        ("the same in the other order", [&big(&certificate)[..], b"\n", &big(&key)].concat()),
        ("the other order", [&marked[..], b"\xfe\xff", &big(&key)].concat()),
        ("the other order without marks", [&big(&certificate)[..], &little(&key)].concat()),
        ("Base64", [&marked[..], base64.as_bytes(), b"\n"].concat()),
        ("Base64 at an odd place", [&marked[..], b" ", base64.as_bytes()].concat()),
        ("JSON", [&marked[..], json.as_bytes()].concat()),
        ("DER", [&marked[..], &read("key/pkcs8.der")].concat()),
        ("DER of a short key", [&marked[..], &read("key/pkcs8.der"), &read("key/sec1.der")].concat()),
        ("after a text, Base64 in UTF-16", [key.as_bytes(), &little(&of_certificate)].concat()),
        ("after a text, Base64 in the other order", [key.as_bytes(), b"\xfe\xff", &big(&of_certificate)].concat()),
        ("after DER, UTF-16", [&read("der/universal.cer")[..], &b"\xff\xfe"[..], &little(&key)].concat()),
    ] {
        assert!(converted(mixed, &[]) == identity, "{name}");
    }
    let p12 = [&marked[..], &read("p12/ec.p12")].concat();
    let run = on(p12, &[&["inspect", "-", "--json"][..], &PASSIN].concat()).run();
    assert_eq!(run.json()["files"][0]["certificates"].as_array().unwrap().len(), 2, "{}", run.text());
    let expired = block("CERTIFICATE", &read("der/expired.cer"));
    for second in [
        [b"\n\xff\xfe", &little(&expired)[..]].concat(),
        expired.lines().filter(|line| !line.starts_with('-')).collect::<String>().into_bytes(),
        [b"\xfe\xff", &big(&expired)[..]].concat(),
    ] {
        on([&marked[..], &second].concat(), &["expiry", "-"])
            .status(1)
            .stdout_contains("2 certificates in 1 file: 1 failure")
            .run();
    }
    // In a folder, and in place.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in.pem"), of_bash).unwrap();
    Test::new().args(["convert", "in.pem", "-o", "in.pem", "--force"]).folder(folder.path()).run();
    assert_eq!(std::fs::read_to_string(folder.path().join("in.pem")).unwrap(), identity);
    std::fs::write(folder.path().join("two.pem"), [&marked[..], b"\n", &little(&expired)].concat()).unwrap();
    Test::new().args(["expiry", "."]).folder(folder.path()).status(1).stdout_contains("two.pem").run();
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_has_one_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("keys")).unwrap();
    std::os::unix::fs::symlink("gone", folder.path().join("keys/push.pem")).unwrap();
    std::os::unix::fs::symlink("loop.pem", folder.path().join("keys/loop.pem")).unwrap();
    let certificate = fixture("der/universal.cer").display().to_string();
    let test = Test::new().args(["inspect", &certificate, "--key", "keys"]).folder(folder.path());
    let run = test.status(3).run();
    let told = format!("{}{}", run.text(), run.stderr);
    for name in ["push.pem", "loop.pem"] {
        assert!(told.contains(&format!("keys/{name}: it is a link that leads nowhere")), "{told}");
    }
}

#[test]
fn a_secret_of_another_application_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let p12 = read("p12/odd-attributes.p12");
    let run = |arguments: &[&str]| {
        std::fs::write(folder.path().join("ks.p12"), &p12).unwrap();
        Test::new().args(arguments).args(PASSIN).folder(folder.path()).env("P", "x")
    };
    for arguments in [
        &["convert", "ks.p12", "-o", "ks.p12", "--force"][..],
        &["convert", "ks.p12", "--cert-out", "ks.p12", "--key-out", "key.pem", "--force"],
        &["convert", "ks.p12", "--bag-attributes", "-o", "ks.p12", "--force"],
        &["pack", "ks.p12", "--for", "java", "--passout", "env:P", "-o", "ks.p12", "--force"],
    ] {
        run(arguments).status(6).stderr_contains("a secret of another application in it would be lost").run();
        assert!(std::fs::read(folder.path().join("ks.p12")).unwrap() == p12, "{arguments:?}");
    }
    for arguments in [
        &["convert", "ks.p12", "-o", "new.pem"][..],
        &["pack", "ks.p12", "--for", "java", "--passout", "env:P", "-o", "new.p12"],
    ] {
        run(arguments).stderr_contains("ks.p12: left out: a secret of another application (bag ").run();
    }
    // A file that is no input, and is replaced.
    run(&["convert", "ks.p12", "-o", "other.pem"]).run();
    std::fs::write(folder.path().join("old.p12"), &p12).unwrap();
    let arguments = ["convert", "other.pem", "-o", "old.p12", "--force"];
    Test::new().args(arguments).folder(folder.path()).stderr_contains("old.p12: ").stderr_contains("replaced").run();
}

#[test]
fn a_certificate_in_the_clear_is_written_without_its_key() {
    let file = fixture("p12/certificate-unencrypted.p12").display().to_string();
    let run = Test::new().args(["convert", &file, "--no-key"]).stderr_contains("its MAC was not checked").run();
    assert!(run.text() == converted(read("pem/certificate-only.pem"), &["--no-key"]));
    Test::new().args(["convert", &file]).status(4).stderr_contains("needs a password").run();
    let open = Test::new().args(["convert", &file, "--no-key"]).args(PASSIN).run();
    assert!(!open.stderr.contains("MAC"), "{}", open.stderr);
    // A MAC that fails is another thing than one that was not checked.
    let wrong = ["convert", &file, "--no-key", "--passin", "pass:wrong"];
    Test::new().args(wrong).status(4).stderr_contains("wrong password").run();
    let mut altered = read("p12/certificate-unencrypted.p12");
    let place = altered.windows(11).position(|bytes| bytes == b"com.example").unwrap();
    altered[place] = b'k';
    on(altered, &[&["convert", "-", "--no-key"][..], &PASSIN].concat())
        .status(3)
        .stderr_contains("does not verify")
        .run();
}

#[test]
fn keys_of_one_case_are_not_lost_in_place() {
    let identity = text("pem/identity.pem");
    let in_place = ["convert", "in.pem", "-o", "in.pem", "--force"];
    for key in [
        "AGE-SECRET-KEY-1QQPQYZ3XM8F0W9DKXL4J6P7HT5RU2NCVSEGA3QYX7Z8WL2MTK4PSFD9H6J",
        "# key: nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5",
        "SEED=SDJHRQF4GCMIIKAAAQ6IHY42X73FQFLHUULAPSKKD4DFDM7UXWWCRHBE",
    ] {
        in_folder_saying(&[("in.pem", &format!("{identity}{key}\n"))], &in_place, 6, "would be lost");
    }
    for other in [
        "SHA1 fingerprint 5CE74E3B493C229 4FD88EE64C9004B1031B97E88",
        "# sha-256 5ce74e3b493c2294fd88ee64c9004b1031b97e",
        "# kubernetes-secret-apns-production-2026-renewal-job-of-the-team",
        "# /etc/letsencrypt/archive/push2026/fullchain1",
        "# public key: age1qqpqyz3xm8f0w9dkxl4j6p7ht5ru2ncvsega3qyx7z8wl2mtk4psfd9h6j",
    ] {
        in_folder(&[("in.pem", &format!("{identity}{other}\n"))], &in_place, 0);
    }
}

#[test]
fn a_value_of_ansible_vault_is_named() {
    let body = "$ANSIBLE_VAULT;1.1;AES256\n          33346638363164313231353066623464";
    for vars in [
        format!("apns:\n  cert: !vault |\n          {body}\n  topic: x\n"),
        format!("cert: !vault | {}\n", body.replace('\n', "")),
        format!("{{\"cert\": {{\"__ansible_vault\": \"{}\"}}}}", body.replace('\n', "\\n")),
    ] {
        on(vars.clone(), &["inspect", "-"]).status(3).stderr_contains("encrypted with Ansible Vault").run();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("vars.yml"), &vars).unwrap();
        std::fs::write(folder.path().join("push.pem"), text("pem/identity.pem")).unwrap();
        let test = Test::new().args(["expiry", ".", "--list-skipped"]).folder(folder.path());
        let run = test.run();
        assert!(format!("{}{}", run.text(), run.stderr).contains("encrypted with Ansible Vault"), "{}", run.text());
    }
    for prose in [
        "# A vault begins with $ANSIBLE_VAULT;1.1;AES256\n",
        "```\n$ANSIBLE_VAULT;1.1;AES256\n```\nis how a vault begins\n",
        "grep -q '$ANSIBLE_VAULT;1.1' \"$1\"\n",
    ] {
        on(prose, &["inspect", "-"]).status(3).stderr_contains("not a certificate, a key or a PKCS#12 file").run();
    }
}

#[test]
fn a_label_hides_no_content() {
    let identity = converted(read("pem/identity.pem"), &[]);
    let certificate = text("pem/certificate-only.pem");
    for label in ["PUBLIC KEY", "X509 CRL", "DH PARAMETERS", "PGP MESSAGE", "SSH2 PUBLIC KEY"] {
        assert!(converted(certificate.clone() + &block(label, &read("key/pkcs8.der")), &[]) == identity, "{label}");
    }
}

#[test]
fn an_empty_block_is_what_its_label_says() {
    let (certificate, identity) = (text("pem/certificate-only.pem"), text("pem/identity.pem"));
    let in_place = ["convert", "in.pem", "-o", "in.pem", "--force"];
    for label in ["X509 CRL", "PUBLIC KEY", "DH PARAMETERS", "EC PARAMETERS", "ATTRIBUTE CERTIFICATE"] {
        let block = |body: &str| format!("-----BEGIN {label}-----\n{body}-----END {label}-----\n");
        for body in ["", "\n", "$BODY\n", "...\n"] {
            let input = format!("{certificate}{}", block(body));
            on(input, &["convert", "-"]).status(3).stderr_contains("there is no private key in it").run();
            in_folder(&[("in.pem", &format!("{identity}{}", block(body)))], &in_place, 0);
        }
        // What stands under it may be a short key all the same.
        let short_key =
            format!("{identity}{}", block("MC4CAQAwBQYDK2VwBCIEI!FOObar0123456789abcdefghijklmnopqrstuvw\n"));
        in_folder_saying(&[("in.pem", &short_key)], &in_place, 6, "would be lost");
    }
    let key = format!("{certificate}-----BEGIN EC PRIVATE KEY-----\n-----END EC PRIVATE KEY-----\n");
    on(key, &["convert", "-"]).status(3).stderr_contains("PEM block \"EC PRIVATE KEY\" at line 32: is empty").run();
}

#[test]
fn blocks_of_other_programs_fail_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("push.pem"), text("pem/identity.pem")).unwrap();
    for (name, text) in [
        (
            "ta.key",
            "-----BEGIN OpenVPN Static key V1-----\n6acef03f62675b4b1bbd03e53b187727\n-----END OpenVPN Static key V1-----\n",
        ),
        (
            "InRelease",
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\ntext\n-----BEGIN PGP SIGNATURE-----\n\niQIz=\n=abcd\n-----END PGP SIGNATURE-----\n",
        ),
        (
            "commit.sig",
            "-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg\n-----END SSH SIGNATURE-----\n",
        ),
        ("values.yaml", "cert: |\n  -----BEGIN CERTIFICATE-----\n  {{ .Values.cert }}\n  -----END CERTIFICATE-----\n"),
        ("state.json", "{\"cert_pem\": \"-----BEGIN CERTIFICATE-----\\nREDACTED\\n-----END CERTIFICATE-----\\n\"}\n"),
        (
            "test.py",
            "KEY = '-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA_not_a_real_key\n-----END RSA PRIVATE KEY-----'\n",
        ),
        ("app.log", "------ BEGIN LOG ------ /usr/share/ca-certificates/mozilla/Some_Authority_Root_R1.crt\n"),
        (
            "README.md",
            "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n...\n-----END CERTIFICATE-----\n",
        ),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
        Test::new().args(["expiry", "."]).folder(folder.path()).run();
    }
}

/// Writes files into a folder, runs convert in it, and returns the folder.
fn in_folder(files: &[(&str, &str)], arguments: &[&str], code: i32) -> tempfile::TempDir {
    in_folder_saying(files, arguments, code, "").0
}

/// As [`in_folder`]; standard error has `said` in it, and is returned.
fn in_folder_saying(files: &[(&str, &str)], arguments: &[&str], code: i32, said: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let run = Test::new().args(arguments).folder(folder.path()).env("P", "x").status(code).stderr_contains(said).run();
    (folder, run.stderr)
}

#[test]
fn an_input_with_a_key_that_was_not_read_is_not_replaced() {
    let identity = text("pem/identity.pem");
    let certificate = text("pem/certificate-only.pem");
    let encrypted = text("pem/encrypted-key.pem");
    let key = text("key/push.pem");
    let broken = text("key/other.pem").replacen('M', "*", 1);
    for (input, arguments) in [
        (encrypted.clone(), &["convert", "in.pem", "--no-key", "-o", "in.pem", "--force"][..]),
        (format!("{identity}{broken}"), &["convert", "in.pem", "-o", "in.pem", "--force"]),
        (format!("{identity}{broken}"), &["pack", "in.pem", "--passout", "env:P", "-o", "in.pem", "--force"]),
        (format!("{certificate}{broken}"), &["convert", "in.pem", "--key", "k.pem", "-o", "in.pem", "--force"]),
        (encrypted, &["convert", "in.pem", "--no-key", "-o", "in.pem", "--force", "--json"]),
        (identity.clone(), &["convert", "in.pem", "--cert-out", "in.pem", "--key-out", "/dev/null", "--force"]),
        (identity, &["convert", "in.pem", "--cert-out", "in.pem", "--force"]),
    ] {
        let said = if arguments.contains(&"--json") { "" } else { "a private key in it would be lost" };
        let (folder, _) = in_folder_saying(&[("in.pem", &input), ("k.pem", &key)], arguments, 6, said);
        assert!(std::fs::read_to_string(folder.path().join("in.pem")).unwrap() == input, "{arguments:?}");
    }
    let both = format!("{key}{broken}");
    let arguments = ["convert", "c.pem", "--key", "k.pem", "-o", "k.pem", "--force"];
    let folder = in_folder(&[("c.pem", &certificate), ("k.pem", &both)], &arguments, 6);
    assert!(std::fs::read_to_string(folder.path().join("k.pem")).unwrap() == both);
}

#[test]
fn a_file_whose_copy_came_through_a_pipe_loses_no_key() {
    let identity = text("pem/identity.pem");
    let certificate = text("pem/certificate-only.pem");
    let own = text("key/push.pem");
    let other = text("key/other.pem");
    let both = format!("{identity}{other}");
    let keys = format!("{own}{other}");
    for (input, arguments, is_refused) in [
        (&both, &["convert", "-", "-o", "old.pem", "--force"][..], true),
        (&both, &["convert", "-", "--no-key", "-o", "old.pem", "--force"], true),
        (&both, &["convert", "/dev/stdin", "-o", "old.pem", "--force"], true),
        (&both, &["convert", "-", "-o", "old.pem", "--force", "--json"], true),
        (&both, &["pack", "-", "--passout", "env:P", "-o", "old.pem", "--force"], true),
        (&identity, &["convert", "-", "--no-key", "-o", "old.pem", "--force"], true),
        (&keys, &["convert", "c.pem", "--key", "-", "-o", "old.pem", "--force"], true),
        (&keys, &["convert", "c.pem", "--key", "-", "--key-out", "old.pem", "--cert-out", "n.pem", "--force"], true),
        (&keys, &["pack", "c.pem", "--key", "-", "--passout", "env:P", "-o", "old.pem", "--force"], true),
        // The output has all of it.
        (&identity, &["convert", "-", "-o", "old.pem", "--force"], false),
        (&own, &["convert", "c.pem", "--key", "-", "-o", "old.pem", "--force"], false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join("old.pem");
        std::fs::write(&old, input).unwrap();
        std::fs::write(folder.path().join("c.pem"), &certificate).unwrap();
        let run = Test::new().args(arguments).stdin(input.as_str()).folder(folder.path()).env("P", "x");
        if is_refused {
            run.status(6).run();
            assert!(std::fs::read_to_string(&old).unwrap() == *input, "{arguments:?}");
            assert!(!folder.path().join("n.pem").exists(), "{arguments:?}");
        } else {
            run.run();
        }
    }
}

/// Another key, in forms that are not read.
fn unread_keys() -> Vec<(&'static str, String)> {
    let der = block_bytes(&text("key/other.pem"));
    let base64 = BASE64.encode(&der);
    let hexadecimal = data_encoding::HEXLOWER.encode(&der);
    let pairs: Vec<&str> = hexadecimal.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap()).collect();
    let part = &base64[80..123];
    vec![
        ("JWK", format!("{{\"kty\":\"EC\",\"crv\":\"P-256\",\"d\":\"{part}\"}}\n")),
        ("JWK in a text", format!("my key:\n[{{\"kty\": \"RSA\", \"n\": \"AQAB\", \"d\": \"{part}\"}}]\n")),
        ("PuTTY", format!("\nPuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 1\n{part}\n")),
        ("BIND", format!("# key\nPrivate-key-format: v1.3\nPrivateKey: {part}=\n")),
        ("XML", format!("<RSAKeyValue><Modulus>AQAB</Modulus><D>{part}</D></RSAKeyValue>\n")),
        ("text", format!("Private-Key: (256 bit)\npriv:\n    {}\n", pairs[40..72].join(":"))),
        ("seed", format!("seed: {part}\n")),
        ("seed in lines", format!("seed:\n {}\n {}\n", &part[..22], &part[22..])),
        ("digits", format!("d = {}\n", &hexadecimal[80..144])),
        ("words", format!("{{0x{}}}\n", pairs[40..72].join("_u8, 0x"))),
    ]
}

/// The bytes of a PEM block.
fn block_bytes(block: &str) -> Vec<u8> {
    let lines: String = block.lines().filter(|line| !line.starts_with('-')).collect();
    BASE64.decode(lines.as_bytes()).unwrap()
}

#[test]
fn a_key_in_a_form_that_is_not_read_is_not_lost() {
    let identity = text("pem/identity.pem");
    for (form, key) in unread_keys() {
        let input = format!("{identity}{key}");
        let arguments = ["convert", "in.pem", "-o", "in.pem", "--force"];
        let (folder, _) = in_folder_saying(&[("in.pem", &input)], &arguments, 6, "would be lost");
        assert!(std::fs::read_to_string(folder.path().join("in.pem")).unwrap() == input, "{form}");
        let arguments = ["convert", "c.pem", "--key", "k.pem", "-o", "k.pem", "--force"];
        let files = [("c.pem", &text("pem/certificate-only.pem")[..]), ("k.pem", &input)];
        in_folder_saying(&files, &arguments, 6, "would be lost");
        let arguments = ["convert", "in.pem", "-o", "out.pem", "--force"];
        for old in [&input, &key] {
            let files = [("in.pem", &identity[..]), ("out.pem", old)];
            in_folder_saying(&files, &arguments, 0, "may have held a private key");
        }
    }
    let notes = "Bag Attributes\n    friendlyName: push 2026-01-01 2027-01-01 2028-01-01 2029-01-01\n    localKeyID: \
                 AB CD 01 23 45 67 89 01 23 45 67 89 01 23 45 67 89 01 23 45\nsubject=CN=a\nissuer=CN=b\n# made 2026-01-01 by \
                 d04062fe-545c-6cc1-29cf-62ee4db2de9f: use com.example.AVeryLongNameOfAnApp2026\n";
    let input = format!("{notes}{identity}");
    in_folder(&[("in.pem", &input)], &["convert", "in.pem", "-o", "in.pem", "--force"], 0);
    let (_, said) = in_folder_saying(
        &[("in.pem", &identity), ("out.pem", notes)],
        &["convert", "in.pem", "-o", "out.pem", "--force"],
        0,
        "",
    );
    assert!(!said.contains("may have held"), "{said}");
}

/// Blocks of keys of kinds that are not read.
fn unknown_key_blocks() -> Vec<(&'static str, String)> {
    let random: Vec<u8> = read("key/pkcs8.der")[300..700].to_vec();
    let openssh = block("OPENSSH PRIVATE KEY", &[&b"openssh-key-v1\0\0\0\0\x04none"[..], &random].concat());
    let lines: Vec<&str> = openssh.lines().collect();
    let without_first_line = [&lines[..1], &lines[2..], &[""]].concat().join("\n");
    let tpm = b"\x30\x26\x06\x06\x67\x81\x05\x0a\x01\x03\xa0\x03\x01\x01\xff\x02\x04\x40\0\0\x01\x04\x08publicly\x04\x07private";
    let hexadecimal = each(&random[..256], "", |byte| format!("{byte:02x}"));
    let key_body = folded(&hexadecimal, 32, 32, "\n");
    let openvpn = format!("-----BEGIN OpenVPN Static key V1-----\n{key_body}\n-----END OpenVPN Static key V1-----\n");
    vec![
        ("OpenVPN", openvpn.clone()),
        ("OpenVPN, cut", openvpn.replace("-----END OpenVPN Static key V1-----\n", "")),
        ("Sigstore", block("ENCRYPTED SIGSTORE PRIVATE KEY", &random)),
        ("Nebula", block("NEBULA ED25519 PRIVATE KEY", &random[..64])),
        ("WireGuard", block("WIREGUARD PRIVATE KEY", &random[..32])),
        ("OpenSSH", without_first_line),
        ("TPM", block("TSS2 PRIVATE KEY", tpm)),
        ("TPM in another block", block("MADE UP", tpm)),
    ]
}

#[test]
fn a_block_of_an_unknown_kind_of_key_is_never_passed_over() {
    let identity = text("pem/identity.pem");
    for (kind, key) in unknown_key_blocks() {
        for input in [format!("{identity}{key}"), format!("{key}{identity}")] {
            let arguments = ["convert", "in.pem", "-o", "in.pem", "--force"];
            let (folder, _) = in_folder_saying(&[("in.pem", &input)], &arguments, 6, "would be lost");
            assert!(std::fs::read_to_string(folder.path().join("in.pem")).unwrap() == input, "{kind}");
            on(input.clone(), &["inspect", "-"]).status(3).stdout_contains("com.example.MyApp").run();
            on(input.clone(), &["convert", "-"]).stderr_contains(" at line ").run();
            if !kind.contains("cut") {
                // No certificate's expiry hangs on a key.
                on(input, &["expiry", "-"]).run();
            }
        }
    }
    on(
        format!("{identity}{}", block("TSS2 PRIVATE KEY", b"\x30\x08\x06\x06\x67\x81\x05\x0a\x01\x03")),
        &["inspect", "-"],
    )
    .status(3)
    .stderr_contains("a key in a TPM")
    .run();
}

#[test]
fn a_block_that_may_be_a_certificate_of_another_kind_is_never_passed_over() {
    let other = block("NEBULA CERTIFICATE", b"\x0a\x1f and what else its makers put into it, in their own form");
    let input = format!("{}{other}", text("pem/identity.pem"));
    on(input.clone(), &["inspect", "-"]).status(3).stderr_contains("unknown label at line ").run();
    on(input, &["expiry", "-"]).status(3).stdout_contains("unknown label at line ").run();
}

#[test]
fn a_block_of_any_label_may_be_a_key() {
    let identity = text("pem/identity.pem");
    let secret = block("SHARED SECRET", &read("key/pkcs8.der")[300..332]);
    let input = format!("{identity}{secret}");
    in_folder_saying(&[("in.pem", &input)], &["convert", "in.pem", "-o", "in.pem", "--force"], 6, "would be lost");
    on(input, &["inspect", "-"]).run();
    for harmless in ["SSH SIGNATURE", "MADE UP"] {
        let input = format!("{identity}{}", block(harmless, b"too short to be a key"));
        in_folder(&[("in.pem", &input)], &["convert", "in.pem", "-o", "in.pem", "--force"], 0);
        on(input.clone(), &["inspect", "-"]).run();
        on(input, &["expiry", "-"]).run();
    }
}

#[test]
fn a_short_key_in_der_beside_pem_is_read() {
    let identity = text("pem/identity.pem");
    let sec1 =
        b"\x30\x31\x02\x01\x01\x04\x20abcdefghijklmnopqrstuvwxyz012345\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
    let ed25519 = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20abcdefghijklmnopqrstuvwxyz012345";
    for (key, found) in [(&sec1[..], "private key, EC 256"), (ed25519, "private key, Ed25519 256")] {
        for input in [[identity.as_bytes(), key].concat(), [key, identity.as_bytes()].concat()] {
            on(input.clone(), &["inspect", "-"]).stdout_contains(found).run();
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("in.pem"), &input).unwrap();
            let arguments = ["convert", "in.pem", "-o", "in.pem", "--force"];
            Test::new().args(arguments).folder(folder.path()).status(6).stderr_contains("would be lost").run();
            assert!(std::fs::read(folder.path().join("in.pem")).unwrap() == input);
        }
    }
    // Bytes that are no text at all may be one too.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in.pem"), [identity.as_bytes(), &read("key/pkcs8.der")[300..332]].concat())
        .unwrap();
    let arguments = ["convert", "in.pem", "-o", "in.pem", "--force"];
    Test::new().args(arguments).folder(folder.path()).status(6).stderr_contains("would be lost").run();
}

#[test]
fn comments_in_latin_1_are_text() {
    let identity = text("pem/identity.pem");
    let words = "# Schl\u{fc}ssel f\u{fc}r die \u{c4}pp (\u{fc}ber K\u{f6}ln), m\u{f6}glich: \u{e4}ndern, l\u{f6}schen; na\u{ef}ve \u{e0} No\u{eb}l\r\n";
    let words: Vec<u8> = words.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
    let convert = |bytes: &[u8], code: i32| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("in.pem"), bytes).unwrap();
        let arguments = ["convert", "in.pem", "-o", "in.pem", "--force"];
        Test::new().args(arguments).folder(folder.path()).status(code).run();
    };
    convert(&[&words, identity.as_bytes(), &words].concat(), 0);
    // A key beside such words is seen all the same.
    let key = &read("key/pkcs8.der")[300..332];
    convert(&[&words, key, &words, identity.as_bytes()].concat(), 6);
    convert(&[identity.as_bytes(), b"# the key, for K\xf6ln: ", key, b" and more words behind it\n"].concat(), 6);
}

#[test]
fn an_openpgp_public_key_is_no_private_key() {
    let identity = text("pem/identity.pem");
    for (label, is_key) in [
        ("PGP PUBLIC KEY BLOCK", false),
        ("PGP SIGNATURE", false),
        ("PGP PRIVATE KEY BLOCK", true),
        ("PGP MESSAGE", true),
    ] {
        let armour =
            format!("-----BEGIN {label}-----\n\n{}\n=abcd\n-----END {label}-----\n", "mQENBFx7abc0BCAD".repeat(16));
        let files = [("in.pem", identity.as_str()), ("out.pem", armour.as_str())];
        let (_, said) = in_folder_saying(&files, &["convert", "in.pem", "-o", "out.pem"], 6, "already exists");
        assert_eq!(said.contains("may hold a private key"), is_key, "{label}: {said}");
    }
}

#[test]
fn a_key_of_a_known_form_among_other_things_is_named() {
    let identity = text("pem/identity.pem");
    for (form, key) in &unread_keys()[..6] {
        let run =
            on(format!("{identity}{key}"), &["inspect", "-"]).status(3).stdout_contains("com.example.MyApp").run();
        assert!(run.stderr.contains("text at line ") && run.stderr.contains("not read here"), "{form}: {}", run.stderr);
    }
    // A public key is none, and neither is the text of a key that was read.
    let public = "{\"kty\":\"RSA\",\"e\":\"AQAB\"}\n<RSAKeyValue><Modulus>AQAB</Modulus></RSAKeyValue>\nPublic-Key: (2048 bit)\n";
    on(format!("{identity}{public}"), &["inspect", "-"]).run();
    let der = block_bytes(&text("key/push.pem"));
    let start = der.windows(5).position(|bytes| bytes == b"\x02\x82\x01\x01\0").unwrap() + 4;
    let mut key_text = "Private-Key: (2048 bit, 2 primes)\nmodulus:\n".to_owned();
    for line in der[start..start + 257].chunks(15) {
        let digits: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(key_text, "    {}:", digits.join(":")).unwrap();
    }
    on(format!("{key_text}{identity}"), &["inspect", "-"]).run();
}

#[test]
fn standard_input_and_the_files_of_key_are_inputs_too() {
    let folder = tempfile::tempdir().unwrap();
    let identity = text("pem/identity.pem");
    std::fs::write(folder.path().join("in.pem"), &identity).unwrap();
    Test::shell("\"$0\" convert - --no-key -o in.pem --force <in.pem").folder(folder.path()).status(6).run();
    assert!(std::fs::read_to_string(folder.path().join("in.pem")).unwrap() == identity);
    let files = [
        ("c.pem", text("pem/certificate-only.pem")),
        ("keys/a.pem", text("key/push.pem")),
        ("keys/z.pem", text("key/other.pem")),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    for key in [&["--key", "keys"][..], &["--key", "keys/a.pem", "--key", "keys/z.pem"]] {
        let arguments = [&["convert", "c.pem"], key, &["-o", "keys/z.pem", "--force"]].concat();
        let (folder, _) = in_folder_saying(
            &files,
            &arguments,
            6,
            "it is among the files of --key, and its key would be lost: choose another name",
        );
        assert!(std::fs::read_to_string(folder.path().join("keys/z.pem")).unwrap() == text("key/other.pem"));
        // The key that is taken may go in one file with its certificate.
        in_folder(&files, &[&["convert", "c.pem"], key, &["-o", "keys/a.pem", "--force"]].concat(), 0);
    }
}

#[test]
fn keys_of_a_folder_that_fit_several_certificates_are_a_choice() {
    let both = text("pem/certificate-only.pem") + &block("CERTIFICATE", &read("der/other.cer"));
    let files = [("c.pem", both), ("keys/a.pem", text("key/push.pem")), ("keys/z.pem", text("key/other.pem"))];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    in_folder(&files, &["convert", "c.pem", "--key", "keys", "-o", "out.pem"], 2);
    let select = ["convert", "c.pem", "--key", "keys", "-o", "out.pem", "--select", "com.example.Other"];
    let folder = in_folder(&files, &select, 0);
    assert!(std::fs::read_to_string(folder.path().join("out.pem")).unwrap().contains("PRIVATE KEY"));
}

#[test]
fn a_key_that_was_not_read_may_be_the_one() {
    let certificate = text("pem/certificate-only.pem");
    let pem = text("pem/encrypted-key.pem");
    let locked = &pem[pem.find("-----BEGIN ENCRYPTED").unwrap()..];
    let broken = text("key/push.pem").replacen('M', "*", 1);
    let other = text("key/other.pem");
    for (unread, code) in [(locked, 4), (&broken[..], 3)] {
        let files = [("c.pem", &certificate[..]), ("keys/a.pem", &other), ("keys/b.pem", unread)];
        in_folder_saying(&files, &["convert", "c.pem", "--key", "keys", "-o", "out.pem"], code, "not read: keys/b.pem");
        in_folder(&files, &["inspect", "c.pem", "--key", "keys"], code);
    }
    let files = [("c.pem", &certificate[..]), ("keys/a.pem", &other)];
    in_folder(&files, &["convert", "c.pem", "--key", "keys", "-o", "out.pem"], 1);
    in_folder(&files, &["inspect", "c.pem", "--key", "keys"], 1);
}

#[test]
fn a_mac_that_cannot_be_checked_is_no_wrong_password() {
    for file in ["p12/pbmac1-no-key-length.p12", "p12/pbmac1-short-key.p12"] {
        let run = on(read(file), &["inspect", "-", "--passin", "pass:wrong"]).status(3).run();
        assert!(!run.stderr.contains("wrong password") && run.stderr.contains("MAC"), "{file}: {}", run.stderr);
    }
}

#[test]
fn what_is_replaced_and_may_hold_a_key_is_warned_of() {
    let identity = text("pem/identity.pem");
    let openssh = block("OPENSSH PRIVATE KEY", &[&b"openssh-key-v1\0\0\0\0\x04none"[..], &[7; 100]].concat());
    let broken = text("key/push.pem").replacen('M', "*", 1);
    let key_text = "Private-Key: (256 bit)\npriv:\n    00:01\n";
    for old in [&openssh[..], "PuTTY-User-Key-File-2: ssh-rsa\n", &broken, "Salted__ and more", key_text, "BZh91AY"] {
        let files = [("in.pem", &identity[..]), ("out.pem", old)];
        let arguments = ["convert", "in.pem", "-o", "out.pem", "--force"];
        in_folder_saying(&files, &arguments, 0, "may have held a private key");
        // To overwrite it is not the first advice.
        in_folder_saying(
            &files,
            &arguments[..4],
            6,
            "it may hold a private key that no input has: choose another name",
        );
    }
    for old in ["notes", "", "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n"] {
        let files = [("in.pem", &identity[..]), ("out.pem", old)];
        let (_, said) = in_folder_saying(&files, &["convert", "in.pem", "-o", "out.pem", "--force"], 0, "");
        assert!(!said.contains("may have held"), "{old}: {said}");
        if !old.is_empty() {
            let (_, said) = in_folder_saying(&files, &["convert", "in.pem", "-o", "out.pem"], 6, "with --force");
            assert!(!said.contains("may hold"), "{old}: {said}");
        }
    }
}

/// The lines of Base64 of a PEM block.
fn base64_lines(pem: &str) -> String {
    let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with('-')).collect();
    lines.join("\n") + "\n"
}

#[test]
fn a_damaged_block_that_may_be_a_key_is_not_replaced_whatever_its_begin_says() {
    let identity = text("pem/identity.pem");
    let certificate = base64_lines(&text("pem/certificate-only.pem"));
    for key in ["key/other.pem", "key/ec.pem"] {
        let key = base64_lines(&text(key));
        let (_, without_first) = key.split_once('\n').unwrap();
        for label in ["CERTIFICATE", "TRUSTED CERTIFICATE", "CERTIFICATE REQUEST", "PKCS7", "X509 CRL", "PUBLIC KEY"] {
            let end = format!("-----END {label}-----\n");
            for rest in [
                format!("{key}-----END PRIVATE KEY-----\n"),
                key.clone(),
                format!("{certificate}{key}{end}"),
                format!("{certificate}{key}"),
                format!("{certificate}-----END PRIVATE KEY-----\n"),
                format!("AAAA\n{key}{end}"),
                format!("{without_first}{end}"),
                without_first.to_owned(),
                format!("{}{end}", key.replacen('M', "M*", 1)),
                format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{}\n\n{certificate}", "00".repeat(16)),
            ] {
                let damaged = format!("{identity}-----BEGIN {label}-----\n{rest}");
                // Two that are whole are read, and are a choice.
                let lost = ["convert", "in.pem", "-o", "in.pem", "--force", "--select", "com.example.MyApp"];
                let (folder, _) = in_folder_saying(&[("in.pem", &damaged)], &lost, 6, "would be lost");
                assert_eq!(std::fs::read_to_string(folder.path().join("in.pem")).unwrap(), damaged);
            }
        }
    }
}

#[test]
fn a_damaged_certificate_is_no_key() {
    let identity = text("pem/identity.pem");
    let certificate = base64_lines(&text("pem/certificate-only.pem"));
    let lines: Vec<&str> = certificate.lines().collect();
    let cut = lines[..lines.len() - 2].join("\n") + "\n";
    for damaged in [
        format!("-----BEGIN CERTIFICATE-----\n{certificate}"),
        format!("-----BEGIN CERTIFICATE-----\n{certificate}-----END X509 CRL-----\n"),
        format!("-----BEGIN CERTIFICATE-----\n{cut}-----END CERTIFICATE-----\n"),
        format!("-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n", certificate.replacen('A', "*", 1)),
        "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n".to_owned(),
        format!(
            "The line -----BEGIN CERTIFICATE----- comes first, {}\n",
            "and then as many words as anybody likes ".repeat(9)
        ),
    ] {
        let files = [("in.pem", &(identity.clone() + &damaged)[..])];
        in_folder(&files, &["convert", "in.pem", "-o", "in.pem", "--force"], 0);
    }
}

/// A PEM with the identity, of which one byte of the common name is changed.
fn changed_identity(from: &[u8], to: &[u8]) -> String {
    let mut der = read("der/universal.cer");
    let place = der.windows(from.len()).position(|window| window == from).unwrap();
    der[place..place + from.len()].copy_from_slice(to);
    block("CERTIFICATE", &der) + &text("key/push.pem")
}

#[test]
fn inspect_warns_of_what_openssl_does_not_read() {
    let damaged = changed_identity(b"\x0c\x26Apple Push Services", b"\x1c\x26Apple Push Services");
    let warning = "warning: is damaged: OpenSSL does not read it (universalstring is wrong length)";
    let code = "\"code\": \"refused-by-openssl\"";
    let run = |file: &str, format: &[&str]| on(file, &[&["inspect", "-"], format].concat()).run().text().to_owned();
    assert!(run(&damaged, &[]).contains(warning));
    assert!(run(&damaged, &["--json"]).contains(code));
    let whole = changed_identity(b"\x0c\x26Apple Push Services", b"\x0c\x26Apple Push services");
    assert!(!run(&whole, &[]).contains("OpenSSL"));
    assert!(!run(&whole, &["--json"]).contains(code));
}

#[test]
fn a_file_behind_headers_is_read() {
    let p12 = read("p12/keychain.p12");
    let cer = read("der/universal.cer");
    for headers in [
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-pkcs12\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nServer: x\r\n\r\n",
        "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"cert.p12\"\r\n\r\n",
        "Subject: the certificate\n\n",
    ] {
        let of_p12 = [headers.as_bytes(), &p12, b"\r\n--b--\r\n"].concat();
        assert_eq!(converted(of_p12, &[]), converted(p12.clone(), &[]), "{headers}");
        on([headers.as_bytes(), &cer].concat(), &["expiry", "-", "--at", "2027-01-01", "--min-certificates", "1"])
            .run();
        let cut = [headers.as_bytes(), &p12[..p12.len() / 2]].concat();
        on(cut, &["inspect", "-"]).status(3).stderr_contains("cut short").run();
    }
}

#[test]
fn messages_are_called_what_they_are() {
    let oid = |der: &[u8]| [&[6, u8::try_from(der.len()).unwrap()][..], der].concat();
    let message = |der: &[u8]| {
        let content = [oid(der), [&[0xa0, 0x82, 1, 0][..], &[0x04, 0x81, 0xfd][..], &[7; 0xfd]].concat()].concat();
        [&[0x30, 0x82, 1, u8::try_from(content.len() - 256).unwrap()][..], &content].concat()
    };
    let pkcs7: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07";
    let smime: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01";
    for (kind, last, said) in [
        (pkcs7, 3, "an encrypted message"),
        (pkcs7, 6, "an encrypted message"),
        (smime, 23, "an encrypted message"),
        (pkcs7, 1, "openssl cms -data_out"),
        (pkcs7, 5, "openssl cms -data_out"),
        (smime, 9, "openssl cms -data_out"),
    ] {
        let der = message(&[kind, &[last]].concat());
        on(der.clone(), &["inspect", "-"]).status(3).stderr_contains(said).run();
        let block = block("CMS", &der) + &text("pem/identity.pem");
        let code = if said.starts_with("an ") { 0 } else { 3 };
        on(block, &["expiry", "-", "--at", "2027-01-01", "--format", "json"]).status(code).run();
    }
}

#[test]
fn expiry_is_not_green_for_what_openssl_does_not_read() {
    let damaged = changed_identity(b"\x0c\x26Apple Push Services", b"\x0c\x26Apple P\xfcsh Services");
    let told = "is damaged: OpenSSL does not read it (invalid utf8string)";
    for (format, code) in [("human", 1), ("json", 1), ("junit", 1), ("github", 1), ("markdown", 1), ("nagios", 2)] {
        let arguments = ["expiry", "-", "--format", format, "--at", "2027-01-01"];
        let run = on(damaged.as_str(), &arguments).status(code).run();
        assert!(run.text().contains(told), "{format}: {}", run.text());
    }
    let mut root = block_bytes(&text("ca/root.pem"));
    let place = root.windows(7).position(|window| window == b"Fixture").unwrap();
    root[place + 1] = 0xfc;
    let file = text("pem/identity.pem") + &block("CERTIFICATE", &root);
    in_folder(&[("in.pem", &file)], &["expiry", "in.pem", "--at", "2027-01-01"], 1);
    in_folder(&[("in.pem", &file)], &["expiry", "in.pem", "--at", "2027-01-01", "--leaf-only"], 0);
    let whole = text("pem/identity.pem");
    in_folder(&[("in.pem", &whole)], &["expiry", "in.pem", "--at", "2027-01-01"], 0);
}

#[test]
fn what_openssl_does_not_read_is_neither_written_nor_presented() {
    let name = b"\x0c\x26Apple Push Services";
    for (changed, problem) in [
        (&b"\x0c\x26Apple P\xfcsh Services"[..], "invalid utf8string"),
        (b"\x1c\x26Apple Push Services", "universalstring is wrong length"),
        (b"\x02\x26Apple Push Services", "mstring wrong tag"),
    ] {
        let file = changed_identity(name, changed);
        let said = format!("is damaged: OpenSSL does not read it ({problem})");
        let gateway = ["--gateway", "127.0.0.1:1", "--timeout", "1s"];
        let token = "ab".repeat(32);
        let commands: [&[&str]; 6] = [
            &["convert", "in.pem", "-o", "out.pem"],
            &["convert", "in.pem", "--no-key", "--bag-attributes", "-o", "out.pem"],
            &["pack", "in.pem", "--passout", "pass:geheim99", "-o", "out.p12"],
            &["check", "in.pem", gateway[0], gateway[1], gateway[2], gateway[3]],
            &["compare", "in.pem", "in.pem"],
            &["push", "in.pem", "--environment", "production", "--token", &token, "--alert", "x", "--dry-run"],
        ];
        for command in commands {
            let (folder, told) = in_folder_saying(&[("in.pem", &file)], command, 3, &said);
            assert!(!folder.path().join("out.pem").exists() && !folder.path().join("out.p12").exists());
            assert!(told.contains("hint:") && told.lines().count() == 2, "{told}");
        }
        // The key alone is had.
        in_folder(&[("in.pem", &file)], &["convert", "in.pem", "--certs", "none", "-o", "out.key"], 0);
    }
    // So is an authority that is written with it.
    let mut root = block_bytes(&text("ca/root.pem"));
    let place = root.windows(7).position(|window| window == b"Fixture").unwrap();
    root[place + 1] = 0xfc;
    let file = text("pem/identity.pem") + &block("CERTIFICATE", &root);
    let arguments = ["convert", "in.pem", "--certs", "all", "-o", "out.pem"];
    in_folder_saying(&[("in.pem", &file)], &arguments, 3, "is damaged: OpenSSL does not read it");
    in_folder(&[("in.pem", &file)], &["convert", "in.pem", "-o", "out.pem"], 0);
}

#[test]
fn authorities_are_written_in_the_order_of_the_chain() {
    let (root, intermediate) = (text("ca/root.pem"), text("ca/intermediate.pem"));
    let other = text("ca/application-integration.pem");
    let body = |pem: &str| base64_lines(&pem[pem.find("-----BEGIN").unwrap()..]);
    let file = format!("{other}{root}{intermediate}{}", text("pem/identity.pem"));
    for arguments in [
        &["convert", "in.pem", "--certs", "all", "-o", "out.pem"][..],
        &["convert", "in.pem", "--certs", "all", "--no-key", "-o", "out.pem"],
        &["convert", "in.pem", "--certs", "ca", "--no-key", "-o", "out.pem"],
    ] {
        let folder = in_folder(&[("in.pem", &file)], arguments, 0);
        let written = std::fs::read_to_string(folder.path().join("out.pem")).unwrap();
        let place = |pem: &str| written.find(body(pem).trim_end()).unwrap();
        assert!(place(&intermediate) < place(&root) && place(&root) < place(&other), "{written}");
    }
    let pack = ["pack", "in.pem", "--passout", "pass:geheim99", "-o", "out.p12"];
    let packed = std::fs::read(in_folder(&[("in.pem", &file)], &pack, 0).path().join("out.p12")).unwrap();
    let run = on(packed, &["inspect", "-", "--passin", "pass:geheim99", "--json"]).run();
    let told = String::from_utf8(run.stdout).unwrap();
    let place = |title: &str| told.find(&format!("\"subject\": \"CN={title}")).unwrap();
    assert!(
        place("Fixture Worldwide") < place("Fixture Root") && place("Fixture Root") < place("Fixture App"),
        "{told}"
    );
}

#[test]
fn what_a_selection_and_a_conversion_leave_out_is_said() {
    let file = text("pem/identity.pem") + &text("ca/intermediate.pem");
    let files = [("in.pem", &file[..])];
    let fingerprint = Test::new().arg("inspect").arg(fixture("ca/intermediate.pem")).args(["--field", "sha256"]).run();
    let fingerprint = String::from_utf8(fingerprint.stdout).unwrap();
    let select = ["convert", "in.pem", "--select", fingerprint.trim(), "-o", "out.pem"];
    in_folder_saying(&files, &select, 1, "is the certificate of an authority");
    let lost = "in.pem has lost one certificate of authorities: --certs all writes them too";
    in_folder_saying(&files, &["convert", "in.pem", "-o", "in.pem", "--force"], 0, lost);
    for kept in [&["-o", "in.pem", "--force", "--certs", "all"][..], &["-o", "out.pem"]] {
        let (_, told) = in_folder_saying(&files, &[&["convert", "in.pem"], kept].concat(), 0, "");
        assert!(!told.contains("has lost"), "{told}");
    }
}

#[test]
fn a_pkcs12_file_of_another_version_is_named() {
    let mut bytes = read("p12/keychain.p12");
    let version = bytes.windows(3).position(|window| window == [2, 1, 3]).unwrap() + 2;
    for other in [1, 4] {
        bytes[version] = other;
        let expected = format!("the file is not supported: PKCS#12 file: its version is {other}, where 3 is expected");
        on(bytes.clone(), &["inspect", "-"]).status(3).stderr_contains(&expected).run();
        on(bytes.clone(), &["convert", "-"]).status(3).stderr_contains(&expected).run();
    }
}

#[test]
fn a_bag_that_was_not_read_has_a_number() {
    let mut bytes = read("p12/unencrypted.p12");
    // The version of TBSCertificate: the certificate is a sequence, and no certificate.
    let place = bytes.windows(5).position(|window| window == [0xa0, 3, 2, 1, 2]).unwrap();
    bytes[place] = 0x05;
    on(bytes, &["inspect", "-"]).any_status().stdout_contains("bag 1: ").run();
}

#[test]
fn a_certificate_behind_something_else_is_read() {
    let certificate = std::fs::read(fixture("der/ec.cer")).unwrap();
    let key = openssl::x509::X509::from_der(&certificate).unwrap().public_key().unwrap();
    let encode = |label: &str, der: &[u8]| {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", data_encoding::BASE64.encode(der)).into_bytes()
    };
    let public_key = key.public_key_to_der().unwrap();
    let unknown = [&b"\x30\x82\x01\x00\x13\x81\xfd"[..], &[b'a'; 253]].concat();
    for first in [&public_key, &unknown] {
        let both = [first, &certificate[..]].concat();
        for file in [
            both.clone(),
            [first, &encode("CERTIFICATE", &certificate)[..]].concat(),
            encode("X509 CRL", &both),
            encode("PUBLIC KEY", &both),
            encode("DH PARAMETERS", &both),
            encode("SOMETHING", &both),
        ] {
            let run = Test::new().args(["inspect", "--json", "-"]).stdin(&file[..]).any_status().run();
            let report = run.json();
            let certificates = report["files"][0]["certificates"].as_array().map_or(0, Vec::len);
            assert_eq!(certificates, 1, "{report}");
        }
    }
}
