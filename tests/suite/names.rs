//! Names from outside: whatever is in a certificate, a file name or an argument, no line of any output is forged by it,
//! and nothing in it acts on the terminal.

use std::fs;
use std::path::Path;

use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time, Asn1Type};
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::SubjectAlternativeName;
use openssl::x509::{X509, X509Builder, X509Extension, X509Name, X509NameBuilder, X509ReqBuilder};

use super::common::{Run, Test, entries, fixture};

/// Begins with a command of a GitHub workflow, forges an error, and has a member of each class that is escaped.
const HOSTILE: &str = "::error::forged\nerror: forged\r\n  hint: forged\u{1b}[31m\u{9b}\u{7f}\u{202e}\u{2066}\u{200f}\
                       \u{61c}\u{200b}\u{200d}x\u{2060}\u{feff}\u{ad}\u{180e}\u{2028}\u{2029}\u{fe0f}\u{e0041}\u{fff9}\u{85}ok: forged";

/// The beginnings of lines that only [`HOSTILE`] has.
const FORGED: [&str; 4] = ["::error::forged", "error: forged", "hint: forged", "ok: forged"];

const FIELDS: [&str; 9] =
    ["topic", "bundle_id", "team_id", "organization", "subject", "issuer", "friendly_name", "intermediate", "warning"];

/// Returns whether a character acts on the text around it, or is not seen.
fn acts(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
        || matches!(c, '\u{e0000}'..='\u{e0fff}')
}

/// Checks both streams.
#[track_caller]
fn assert_clean(run: &Run, what: &str) {
    let stdout = String::from_utf8_lossy(&run.stdout);
    for (stream, text) in [("stdout", &*stdout), ("stderr", &*run.stderr)] {
        // iCalendar folds long lines.
        let text = text.replace("\r\n ", "").replace("\r\n", "\n");
        // OpenSSL writes the characters of a BMPString in Latin-1.
        let is_text = !text.contains(char::REPLACEMENT_CHARACTER) || what.contains("--bag-attributes");
        assert!(is_text, "{what}: {stream} is not UTF-8: {text}");
        if let Some(found) = text.chars().find(|c| acts(*c)) {
            panic!("{what}: {stream} has {found:?}: {text:?}");
        }
        for line in text.lines() {
            for forged in FORGED {
                assert!(!line.trim_start().starts_with(forged), "{what}: {stream} has the line {line:?}: {text}");
            }
        }
    }
}

fn name(value: &str) -> X509Name {
    let mut builder = X509NameBuilder::new().unwrap();
    for field in ["UID", "CN", "OU", "O", "L"] {
        builder.append_entry_by_text_with_type(field, value, Asn1Type::UTF8STRING).unwrap();
    }
    builder.build()
}

/// The DER of the topics extension, in which lengths have up to four bytes.
fn topics(value: &str) -> Vec<u8> {
    let tlv = |tag: u8, content: &[u8]| {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x84], &length[..], content].concat()
    };
    let one = |topic: &str| [tlv(0x0c, topic.as_bytes()), tlv(0x30, &tlv(0x0c, topic.as_bytes()))].concat();
    tlv(0x30, &[one(value), one(&format!("{value}2"))].concat())
}

fn key() -> PKey<Private> {
    PKey::private_key_from_pem(&fs::read(fixture("key/push.pem")).unwrap()).unwrap()
}

/// A push certificate in which each name is `value`.
fn certificate(value: &str, issuer: &str, days: u32) -> X509 {
    let key = key();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&Asn1Integer::from_bn(&BigNum::from_u32(days).unwrap()).unwrap()).unwrap();
    builder.set_subject_name(&name(value)).unwrap();
    builder.set_issuer_name(&name(issuer)).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(days).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    let add = |builder: &mut X509Builder, oid: &str, der: &[u8]| {
        let (oid, value) = (Asn1Object::from_str(oid).unwrap(), Asn1OctetString::new_from_bytes(der).unwrap());
        builder.append_extension(X509Extension::new_from_der(&oid, false, &value).unwrap()).unwrap();
    };
    add(&mut builder, "1.2.840.113635.100.6.3.1", &[5, 0]);
    add(&mut builder, "1.2.840.113635.100.6.3.6", &topics(value));
    // OpenSSL reads a line end in a name as the end of a setting.
    let names = SubjectAlternativeName::new()
        .dns(&value.replace(['\r', '\n', ','], "\u{85}"))
        .build(&builder.x509v3_context(None, None));
    builder.append_extension(names.unwrap()).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    builder.build()
}

fn request(value: &str) -> Vec<u8> {
    let key = key();
    let mut builder = X509ReqBuilder::new().unwrap();
    builder.set_subject_name(&name(value)).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    builder.build().to_pem().unwrap()
}

/// A list of secrets in which namespace, name and keys are `value`.
fn secrets(value: &str, pem: &[u8]) -> Vec<u8> {
    let mut data = serde_json::Map::new();
    data.insert(value.to_owned(), openssl::base64::encode_block(pem).into());
    data.insert(format!("{value}.broken"), openssl::base64::encode_block(&pem[..300]).into());
    let metadata = serde_json::json!({ "namespace": value, "name": value });
    let secret = serde_json::json!({ "kind": "Secret", "metadata": metadata, "data": data });
    serde_json::json!({ "kind": "List", "items": [secret] }).to_string().into_bytes()
}

/// Fills the folder with files of hostile contents, named as `file` says.
fn write_files(folder: &Path, value: &str, file: &str) {
    let path = |suffix: &str| folder.join(format!("{file}{suffix}"));
    let (key, certificate) = (key(), certificate(value, value, 20));
    let pem = [certificate.to_pem().unwrap(), key.private_key_to_pem_pkcs8().unwrap()].concat();
    let other = self::certificate(&format!("{value}3"), "Apple Worldwide Developer Relations", 700);
    let other = [other.to_pem().unwrap(), key.private_key_to_pem_pkcs8().unwrap()].concat();
    // The key of another certificate.
    let stranger = fs::read(fixture("key/other.pem")).unwrap();
    let mut pkcs12 = Pkcs12::builder();
    // A NUL would end the name, and OpenSSL's BMPString has no characters beyond U+FFFF.
    let short: String = value.chars().filter(|c| *c <= '\u{ffff}').collect();
    pkcs12.name(&short).pkey(&key).cert(&certificate);
    fs::write(path(".pem"), &pem).unwrap();
    fs::write(path(".other.pem"), &other).unwrap();
    fs::write(path(".both.pem"), [&pem[..], &other].concat()).unwrap();
    fs::write(path(".crt"), certificate.to_pem().unwrap()).unwrap();
    fs::write(path(".mismatch.pem"), [certificate.to_pem().unwrap(), stranger].concat()).unwrap();
    fs::write(path(".key"), key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    fs::write(path(".p12"), pkcs12.build2("push").unwrap().to_der().unwrap()).unwrap();
    fs::write(path(".csr"), request(value)).unwrap();
    fs::write(path(".damaged.pem"), &pem[..pem.len() / 3]).unwrap();
    fs::write(path(".empty"), "").unwrap();
    fs::write(path(".json"), secrets(value, &pem)).unwrap();
    fs::write(path(".passwords"), format!("{value} = env:{value}\n")).unwrap();
    std::os::unix::fs::symlink(path(".gone"), path(".dangling.pem")).unwrap();
    fs::create_dir(path(".folder")).unwrap();
    fs::copy(path(".crt"), path(".folder").join(format!("{file}.cer"))).unwrap();
}

/// The command lines; `@` stands for the beginning of the files' names.
const COMMANDS: [&str; 66] = [
    "inspect @.pem @.both.pem @.mismatch.pem @.key @.csr @.damaged.pem @.empty @.missing @.dangling.pem @.folder",
    "inspect --json @.pem @.both.pem @.key @.csr @.damaged.pem @.missing",
    "inspect @.p12 --passin pass:push",
    "inspect --json @.p12 --passin pass:push",
    "inspect @.p12 --passin pass:wrong",
    "inspect @.p12",
    "inspect @.pem --passin env:@",
    "inspect @.pem --passin file:@.gone",
    "inspect @.pem --field @",
    "inspect @.pem --at @",
    "inspect @.pem --@",
    "inspect @.pem --at=@ --json",
    "@",
    "compare @.pem @.other.pem",
    "compare @.pem @.other.pem --json",
    "compare @.both.pem @.other.pem",
    "compare @.pem @.missing",
    "compare @.pem @.other.pem --select @",
    "expiry .",
    "expiry . --format json",
    "expiry . --format junit",
    "expiry . --format github",
    "expiry . --format nagios",
    "expiry . --format prometheus",
    "expiry . --format ics",
    "expiry . --format html",
    "expiry . --skip-unreadable --expect-topic @ --expect-team @ --expect-key --expect-apple",
    "expiry . --skip-unreadable --format github --expect-topic @ --expect-team @ --expect-key --expect-apple",
    "expiry @.json",
    "expiry @.json --format junit",
    "expiry @.json --format github",
    "expiry @.json --format nagios",
    "expiry @.json --format prometheus",
    "expiry @.json --format html",
    "expiry @.json --format json",
    "expiry @.missing --format nagios",
    "expiry . --passwords @.passwords",
    "expiry . --passwords @.missing",
    "expiry . --include @[",
    "expiry . --format @",
    "expiry . -o report.txt",
    "check @.pem --gateway 127.0.0.1:1",
    "check @.pem --gateway 127.0.0.1:1 --format github",
    "check @.mismatch.pem --gateway 127.0.0.1:1 --format junit",
    "check @.pem --gateway 127.0.0.1:1 --format nagios",
    "check @.pem --gateway 127.0.0.1:1 --format json",
    "check @.pem --gateway 127.0.0.1:1 --format prometheus",
    "check @.both.pem --gateway 127.0.0.1:1",
    "check @.pem --gateway @",
    "check @.pem --topic @ --gateway 127.0.0.1:1",
    "check @.pem --ca-file @.key --gateway 127.0.0.1:1",
    "check @.pem --proxy http://@ --gateway 127.0.0.1:1",
    "convert @.pem -o @.out.pem",
    "convert @.pem -o @.out.json.pem --json",
    "convert @.both.pem",
    "convert @.pem --strict",
    "convert @.csr",
    "convert @.pem -o @.pem",
    "convert @.pem -o @.missing/x",
    "convert @.pem -o @.folder",
    "convert @.p12 --passin pass:push --bag-attributes",
    "convert @.p12 --passin pass:push --bag-attributes=3.2",
    "pack @.pem --passout pass:push -o @.out.p12",
    "pack @.pem --passout pass:push -o @.out.java.p12 --for java",
    "gateway --topic @ --listen @",
    "gateway --tokens @.passwords",
];

/// Command lines of `csr`, with a good subject.
const CSR: [&str; 6] = [
    "--key-out @.new.key -o @.new.csr",
    "--key-out @.json.key -o @.json.csr --json",
    "--key-out @.new.key -o @.again.csr",
    "--key-out @.third.key -o @.missing/x",
    "--key @.mismatch.pem -o @.4.csr --name @",
    "--key @.p12 -o @.5.csr --email @",
];

fn run(folder: &Path, command: &str, file: &str) -> Run {
    let arguments = command.split(' ').map(|word| word.replace('@', file));
    Test::new().args(arguments).folder(folder).any_status().run()
}

fn check_everywhere(value: &str, file: &str, check: impl Fn(&Run, &str)) {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join(file);
    fs::create_dir(&folder).unwrap();
    write_files(&folder, value, file);
    assert!(entries(&folder).len() > 10);
    let fields = FIELDS.map(|field| format!("inspect @.pem --field {field}"));
    let csr = CSR.map(|rest| format!("csr --email jo@example.com --name Jo --country DE {rest}"));
    for command in COMMANDS.map(str::to_owned).iter().chain(&fields).chain(&csr) {
        let run = run(&folder, command, file);
        if command.contains("json") && !command.contains(".json") {
            run.json();
        }
        assert!(!run.stdout.is_empty() || !run.stderr.is_empty() || command.contains("--field"), "{command}");
        check(&run, command);
    }
}

#[test]
fn no_name_forges_a_line_or_acts_on_the_terminal() {
    check_everywhere(HOSTILE, HOSTILE, assert_clean);
}

#[test]
fn a_long_name_is_cut() {
    let long = "x".repeat(20_000);
    check_everywhere(&long, "long", |run, command| {
        // Facts for programs are whole.
        if command.contains("json") || command.contains("--field") || command.contains("--bag-attributes") {
            return;
        }
        for text in [run.text(), &*run.stderr] {
            assert!(!text.contains(&long[..2000]), "{command}: {text}");
        }
    });
}

#[test]
fn names_of_all_languages_are_readable() {
    let value = "株式会社 شركة 👩\u{200d}💻";
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), value, value);
    for command in ["inspect @.pem", "compare @.pem @.other.pem", "expiry @.pem", "convert @.pem -o @.new.pem"] {
        let run = run(folder.path(), command, value);
        assert!(run.text().contains(value) || run.stderr.contains(value), "{command}: {}{}", run.text(), run.stderr);
    }
}

/// A name in Latin-1, and the command that a shell reads it in.
#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf8_is_a_name() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let name = |ending: &str| OsStr::from_bytes(&[b"schl\xfcssel.", ending.as_bytes()].concat()).to_owned();
    fs::copy(fixture("p12/keychain-password.p12"), folder.path().join(name("p12"))).unwrap();
    fs::write(folder.path().join(name("txt")), "push\n").unwrap();
    let file = [OsStr::new("file:"), &name("txt")].map(OsStrExt::as_bytes).concat();
    let passin = [OsStr::new("--passin"), OsStr::from_bytes(&file)];
    let test = |arguments: &[&str]| Test::new().args(arguments).folder(folder.path());
    let run = test(&["convert"]).arg(name("p12")).args(passin).arg("-o").arg(name("pem")).run();
    assert!(run.stderr.contains("to schl\u{fffd}ssel.pem"), "{}", run.stderr);
    assert!(run.stderr.contains("next: pushcert check $'schl\\374ssel.pem'"), "{}", run.stderr);
    for command in ["inspect", "expiry"] {
        test(&[command]).arg(name("pem")).stdout_contains("schl\u{fffd}ssel.pem").run();
        let json = test(&[command, "--json"]).arg(name("pem")).run();
        assert!(json.json().to_string().contains("schl\u{fffd}ssel.pem"), "{command}");
    }
    test(&["expiry", "."]).args(passin).stdout_contains("schl\u{fffd}ssel.p12").run();
    test(&["compare"]).args([name("pem"), name("pem")]).any_status().stdout_contains("schl\u{fffd}ssel.pem").run();
    let run = test(&["pack", "--passout", "pass:geheim99"]).arg(name("pem")).arg("-o").arg(name("new")).run();
    assert!(run.stderr.contains("security import $'schl\\374ssel.new'"), "{}", run.stderr);
    let subject = ["csr", "--email", "jo@example.com", "--name", "Jo", "--country", "DE"];
    let run = test(&subject).arg("--key-out").arg(name("key")).run();
    assert!(run.stderr.contains("--key $'schl\\374ssel.key'"), "{}", run.stderr);
    test(&subject)
        .arg("--key-out")
        .arg(name("key"))
        .args(["-o", "new"])
        .status(6)
        .stderr_contains("--key $'schl")
        .run();
    test(&subject).arg("--key").arg(name("key")).args(["-o", "new"]).run();
    // A password too; one that names no source is not repeated.
    test(&["inspect", "--passin"]).args([OsStr::from_bytes(b"pass:geh\xe9im99"), &name("p12")]).status(4).run();
    let secret = OsStr::from_bytes(b"geh\xe9im99");
    test(&["inspect", "--passin"]).args([secret, &name("p12")]).status(2).hides("im99").run();
}

/// A topic that ends a string of the program, in each language.
#[test]
fn no_topic_becomes_a_part_of_a_program() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("push.pem");
    for topic in ["com.example'$(id)", "com.example\", x(), \"", "com.example', x(), '", HOSTILE, "a b", ""] {
        let certificate = certificate(topic, "issuer", 20);
        let pem = [certificate.to_pem().unwrap(), key().private_key_to_pem_pkcs8().unwrap()].concat();
        fs::write(&file, pem).unwrap();
        for language in ["php", "python", "node", "curl"] {
            let run = Test::new().args(["example", language, "--cert"]).arg(&file).status(3).stdout("").run();
            assert!(run.stderr.contains("the certificate's topic is no bundle ID"), "{}", run.stderr);
            assert!(run.stderr.contains("hint: give the topic with --topic"), "{}", run.stderr);
            assert_clean(&run, language);
            // The file that lies there, which the program will send with.
            Test::new().args(["example", language]).folder(folder.path()).status(3).stdout("").run();
            let run =
                Test::new().args(["example", language, "--topic", "com.example.MyApp", "--cert"]).arg(&file).run();
            assert!(!run.text().contains("$(id)") && !run.text().contains("x()"), "{}", run.text());
            assert_clean(&run, language);
        }
    }
}
