//! What the worst files cost that are as large as any that is read: time and memory of a whole run. Run with
//! `cargo bench --bench worst`, or `cargo bench --bench worst -- NAME` for the cases whose names have NAME in them. It
//! prints a table, and fails where a run takes more than the limits.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and ends where it cannot go on")]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, exit};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use nix::sys::resource::{Resource, UsageWho, getrusage, setrlimit};
use openssl::ec::{EcGroup, EcKey, PointConversionForm};
use openssl::nid::Nid;
use openssl::pkey::PKey;

/// The largest file that is read.
const SIZE: usize = 64 << 20;

const MAX_MEMORY_MIB: u64 = 512;
const MAX_TIME: Duration = Duration::from_secs(5);

/// A run that takes so long is ended.
const PATIENCE_SECONDS: u64 = 30;
const MAX_ADDRESS_SPACE: u64 = 12 << 30;

/// The limit of certificates in one file, and of its keys.
const MAX_PARTS: usize = 10_000;
const MAX_KEYS: usize = 2_000;

const COMMANDS: [&[&str]; 4] =
    [&["inspect", "--json"], &["inspect", "--full"], &["expiry"], &["convert", "-o", "/dev/null"]];

struct Case {
    name: &'static str,
    bytes: fn() -> Vec<u8>,
}

const CASES: [Case; 115] = [
    Case { name: "PEM: tiny blocks", bytes: || repeat(b"-----BEGIN CMS-----\nAA==\n-----END CMS-----\n") },
    Case { name: "PEM: tiny blocks, unknown", bytes: || repeat(b"-----BEGIN A-----\nAA==\n-----END A-----\n") },
    Case { name: "PEM: empty blocks", bytes: || repeat(b"-----BEGIN CMS-----\n-----END CMS-----\n") },
    Case { name: "PEM: opaque blocks", bytes: || repeat(b"-----BEGIN PGP MESSAGE-----\n-----END PGP MESSAGE-----\n") },
    Case {
        name: "PEM: public keys",
        bytes: || repeat(b"-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n"),
    },
    Case { name: "PEM: BEGINs", bytes: || repeat(b"-----BEGIN CERTIFICATE-----\n") },
    Case { name: "PEM: ENDs", bytes: || repeat(b"-----END CERTIFICATE-----\n") },
    Case { name: "PEM: dashes", bytes: || repeat(b"-") },
    Case { name: "PEM: lines of dashes", bytes: || repeat(b"-----\n") },
    Case { name: "PEM: dashes, letters", bytes: || repeat(b"x-") },
    Case { name: "PEM: dashes of Unicode", bytes: || repeat("–".as_bytes()) },
    Case { name: "PEM: bytes of such dashes", bytes: || repeat(b"\xe2") },
    Case {
        name: "PEM: one line",
        bytes: || around(b"-----BEGIN CERTIFICATE-----", b"MIIB", b"-----END CERTIFICATE-----"),
    },
    Case { name: "PEM: one key in one line", bytes: || around(b"-----BEGIN PRIVATE KEY-----", b"MIIB", b"") },
    Case { name: "PEM: near BEGINs", bytes: || repeat(b"-----BEGIN -----BEGIN X") },
    Case { name: "PEM: BEGINs of four dashes", bytes: || repeat(b"----BEGIN CERTIFICATE----\n") },
    Case { name: "PEM: BEGINs without dashes", bytes: || repeat(b"BEGIN CERTIFICATE-----\n") },
    Case { name: "PEM: headers", bytes: || around(b"-----BEGIN CMS-----\n", b"a:\n", b"\nAA==\n-----END CMS-----\n") },
    Case {
        name: "PEM: DEK-Info in a line",
        bytes: || around(b"-----BEGIN CMS-----\n", b"DEK-Info: ", b"\nAA==\n-----END CMS-----\n"),
    },
    Case { name: "PEM: backslashes", bytes: || around(b"-----BEGIN CMS-----\n", b"\\", b"\n-----END CMS-----\n") },
    Case {
        name: "PEM: escaped line ends",
        bytes: || around(b"-----BEGIN CMS-----", b"\\nAAAA", b"\\n-----END CMS-----\n"),
    },
    Case { name: "PEM: BEGINs of one dash", bytes: || repeat(b"-BEGIN CMS- ") },
    Case { name: "PEM: BEGINs of four dashes, open", bytes: || repeat(b"----BEGIN A") },
    Case { name: "PEM: BEGINs of one dash, open", bytes: || repeat(b"-BEGIN ") },
    Case { name: "PEM: BEGINs of one dash of Unicode", bytes: || repeat("–BEGIN ".as_bytes()) },
    Case { name: "PEM: BEGINs, no label", bytes: || repeat(b"-----BEGIN \n") },
    Case { name: "PEM: the word BEGIN", bytes: || repeat(b"BEGIN ") },
    Case { name: "PEM: blocks of NULL", bytes: || repeat(b"-----BEGIN X-----\nMAA=\n-----END X-----\n") },
    Case {
        name: "PEM: tiny lists of revoked certificates",
        bytes: || repeat(b"-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n"),
    },
    Case { name: "PEM: BEGINs after written line ends", bytes: || repeat(b"\\n-----BEGIN X") },
    Case { name: "PEM: BEGINs of other signs", bytes: || repeat(b"=====BEGIN CMS=====") },
    Case {
        name: "PEM: DEK-Info without BEGIN",
        bytes: || repeat(b"DEK-Info: DES,0123456789ABCDEF\nMIIabc0123456789\n"),
    },
    Case { name: "escapes: of URLs", bytes: || repeat(b"%41") },
    Case { name: "escapes: of URLs, DER", bytes: || repeat(b"%30%82") },
    Case { name: "escapes: of programs, DER", bytes: || repeat(b"\\x30\\x82") },
    Case { name: "escapes: in one another", bytes: || repeat(b"%2525252541") },
    Case { name: "escapes: names of HTML", bytes: || around(b"", b"&nnnnn;", b"%252525252541") },
    Case { name: "escapes: line ends of HTML", bytes: || around(b"", b"<br", b"%252525252541") },
    Case { name: "escapes: of programs", bytes: || around(b"", b"\\01", b"%252525252541") },
    Case { name: "numbers: beginnings of lists", bytes: || repeat(b"[48,") },
    Case { name: "numbers: beginnings of lists in braces", bytes: || repeat(b"{48,") },
    Case { name: "numbers: one list", bytes: || repeat(b"0x30,") },
    Case {
        name: "text: names beside a block",
        bytes: || around(b"-----BEGIN A-----\nBag Attributes\n", b"    friendlyName: a\n", b""),
    },
    Case { name: "numbers: comments", bytes: || repeat(b"[//[\n") },
    Case { name: "numbers: hexadecimal words", bytes: || repeat(&[&b"3082".repeat(40)[..], b","].concat()) },
    Case { name: "text: Base64 of DER, lines", bytes: || around(b"key: x\n", b"MIIB\n", b"") },
    Case { name: "text: Base64 of DER, words", bytes: || around(b"key: x\n", b"MIIB ", b"") },
    Case { name: "text: Base64 of DER, long words", bytes: || around(b"key: x\n", &word(b"MIIB"), b"") },
    Case { name: "text: Base64 between blanks", bytes: || repeat(&[&[b'A'; 64][..], b" "].concat()) },
    Case { name: "text: Base64 of PEM, lines", bytes: || around(b"key: x\n", b"LS0tLS1CRUdJTi\n", b"") },
    Case { name: "text: Base64 of PEM, long words", bytes: || around(b"{\"a\":\"", &word(b"LS0tLS1CRUdJTi"), b"\"}") },
    Case { name: "text: tiny certificates in JSON", bytes: || around(b"{\"a\":[", tiny_value().as_bytes(), b"\"\"]}") },
    Case { name: "text: texts in Base64 in one another", bytes: nested_texts },
    Case { name: "JSON: entries of secrets", bytes: entries_of_secrets },
    Case {
        name: "JSON: secrets",
        bytes: || around(b"{\"kind\":\"List\",\"items\":[", b"{\"kind\":\"\"},", b"{\"kind\":\"\"}]}"),
    },
    Case { name: "JSON: secrets of one entry", bytes: secrets },
    Case {
        name: "JSON: objects",
        bytes: || [&b"{\"items\":["[..], &b"{\"kind\":\"a\"},".repeat(999_000), b"{}]}"].concat(),
    },
    Case { name: "JSON: empty lists", bytes: || around(b"[", b"[],", b"[]]") },
    Case { name: "JSON: lists in one another around a text", bytes: nested_lists },
    Case { name: "JSON: nested", bytes: || [b"{\"kind\":".to_vec(), repeat_to(b"[", SIZE - 9)].concat() },
    Case { name: "YAML: entries of a secret", bytes: || around(YAML_SECRET, b"  a: b\n", b"") },
    Case { name: "YAML: entries in braces", bytes: || around(&[YAML_SECRET, b" {"].concat(), b"a: b,", b"}\n") },
    Case { name: "text: UTF-16", bytes: || [b"\xff\xfe", &repeat(b"-\0")[2..]].concat() },
    Case { name: "text: UTF-16, wide", bytes: || [b"\xff\xfe", &repeat(b"\x00\x4e")[2..]].concat() },
    Case { name: "text: zero-width characters", bytes: || around(b"-----BEGIN", b"\xe2\x80\x8b", b"") },
    Case {
        name: "text: Base64 three times",
        bytes: || encoded(encoded(encoded(repeat_to(b"-----BEGIN A-----\n", SIZE / 64 * 27 - 99)))),
    },
    Case {
        name: "text: Base64 of a certificate, five times",
        bytes: || (0..5).fold(repeat_to(b"\x30\x80", SIZE / 1024 * 243 - 999), |file, _| encoded(file)),
    },
    Case { name: "DER: NULs", bytes: || repeat(b"\x05\0") },
    Case { name: "DER: zeros", bytes: || repeat(b"\0") },
    Case { name: "DER: tiny sequences", bytes: || repeat(b"\x30\0") },
    Case { name: "DER: a sequence of tiny sequences", bytes: || sequence(&repeat_to(b"\x30\0", SIZE - 6)) },
    Case {
        name: "DER: nested sequences",
        bytes: || (0..SIZE / 6).rev().flat_map(|left| header(0x30, left * 6)).collect(),
    },
    Case { name: "DER: nested, of no length", bytes: || repeat(b"\x30\x80") },
    Case { name: "DER: NULs in sequences of no length", bytes: || in_endless(b"\x30\x80\x30\x80", b"\x05\0", 2) },
    Case { name: "DER: sequences of no length, ended", bytes: || in_endless(b"\x30\x80", b"\x30\x80\0\0", 1) },
    Case { name: "search: zeros in a text", bytes: || around(b"text\n", b"0", b"") },
    Case { name: "search: beginnings in a text", bytes: || around(b"text\n", b"\x30\x82\0\x64", b"") },
    Case {
        name: "search: sequences in one another",
        bytes: || around(b"text\n", b"\x30\x83\0\xff\xff\x30\x82\xff\xf0", b""),
    },
    Case { name: "search: integers in sequences", bytes: || around(b"text\n", &small_integers(), b"") },
    Case { name: "search: fields of no length in a text", bytes: || around(b"text\n", ENDLESS, b"") },
    Case {
        name: "search: fields of no length after a value",
        bytes: || around(&[&der_of("der/ec.cer")[..], b"x"].concat(), ENDLESS, b""),
    },
    Case { name: "search: fields of no length between blocks", bytes: endless_gaps },
    Case { name: "search: values before what has no end", bytes: values_before_endless },
    Case { name: "PKCS#7: certificates of no length", bytes: endless_pkcs7 },
    Case { name: "PKCS#12: safes of no length, three", bytes: || endless_safes(3, 1) },
    Case { name: "PKCS#12: safes of no length, many", bytes: || endless_safes(11, 50) },
    Case { name: "PKCS#12: certificates", bytes: pkcs12_of_certificates },
    Case { name: "PKCS#12: tiny safes", bytes: || pkcs12(&repeat_to(b"\x30\0", SIZE - 99)) },
    Case { name: "PKCS#12: tiny bags", bytes: || pkcs12(&safe(&repeat_to(&bag(), SIZE - 999))) },
    Case { name: "PKCS#12: broken bags", bytes: || pkcs12(&safe(&repeat_to(b"\x30\0", SIZE - 999))) },
    Case { name: "PKCS#12: attributes of a bag", bytes: || pkcs12(&safe(&bag_with_attributes())) },
    Case { name: "PKCS#12: nested safes", bytes: nested_safes },
    Case { name: "PKCS#7: tiny certificates", bytes: || pkcs7(&repeat_to(b"\x30\0", SIZE - 99)) },
    Case { name: "certificates: PEM", bytes: || pem_of(&certificates(&der_of("der/ec.cer"))) },
    Case { name: "certificates: DER, large names, topics", bytes: || certificates(&large()).concat() },
    Case { name: "certificates: DER, SANs", bytes: || certificates(&certificate_with(&sans(5_400), b"")).concat() },
    Case {
        name: "certificates: DER, of a MiB",
        bytes: || certificates(&certificate_with(b"", &names(1_000_000))).concat(),
    },
    Case {
        name: "certificates: PKCS#7, CAs of one name",
        bytes: || pkcs7(&certificates(&der_of("ca/root.pem")).concat()),
    },
    Case { name: "certificates: keyed and keyless", bytes: keyed_and_keyless },
    Case { name: "certificate: topics", bytes: || certificate_with(&topics(SIZE - 4_000), b"") },
    Case { name: "certificate: names", bytes: || certificate_with(b"", &names(SIZE - 4_000)) },
    Case { name: "certificate: SANs", bytes: || certificate_with(&sans(SIZE - 4_000), b"") },
    Case { name: "keys: encrypted", bytes: || repeat(&fs::read(fixture("pem/encrypted-key.pem")).unwrap()) },
    Case { name: "keys: RSA of 4096 bits", bytes: || repeat(&rsa_key()) },
    Case { name: "keys: DSA of a huge prime", bytes: huge_dsa_key },
    Case { name: "keys: DSA of 65536 bits", bytes: || computed_keys(DSA, 65_536) },
    Case { name: "keys: DSA of 9984 bits", bytes: || computed_keys(DSA, 9_984) },
    Case { name: "keys: DH of 4096 bits", bytes: || computed_keys(DH, 4_096) },
    Case { name: "keys: RSA of 16384 bits without primes", bytes: rsa_keys_without_primes },
    Case { name: "keys: EC on the largest curve", bytes: large_curve_keys },
    Case { name: "requests: RSA with a long exponent", bytes: || repeat(&request_with_long_exponent(384, 380)) },
    Case { name: "requests: RSA of 16384 bits", bytes: || repeat(&request_with_long_exponent(2_048, 8)) },
    Case { name: "certificates: of an RSA key with a long exponent", bytes: issued_by_long_exponent },
    Case { name: "requests: SANs", bytes: || repeat(&request_with_names()) },
    Case { name: "requests", bytes: || repeat(&fs::read(fixture("csr/request.certSigningRequest")).unwrap()) },
];

fn repeat(unit: &[u8]) -> Vec<u8> {
    repeat_to(unit, SIZE)
}

/// As many of a unit as fit.
fn repeat_to(unit: &[u8], size: usize) -> Vec<u8> {
    unit.repeat(size / unit.len())
}

fn around(before: &[u8], unit: &[u8], after: &[u8]) -> Vec<u8> {
    let inner = repeat_to(unit, SIZE - before.len() - after.len());
    [before, &inner, after].concat()
}

/// A word of Base64 that is long enough to be a file.
fn word(start: &[u8]) -> Vec<u8> {
    let mut word = start.to_vec();
    word.resize(124, b'A');
    word.push(b' ');
    word
}

fn encoded(bytes: Vec<u8>) -> Vec<u8> {
    BASE64.encode(&bytes).into_bytes()
}

/// A value of JSON: a sequence of the least length that is looked at.
fn tiny_value() -> String {
    let mut bytes = sequence(&[0; 90]);
    bytes[..6].copy_from_slice(b"\x30\x84\0\0\0\x5a");
    format!("\"{}\",", BASE64.encode(&bytes))
}

fn nested_texts() -> Vec<u8> {
    let mut text = repeat_to(b"-----BEGIN A-----\n", SIZE / 1024 * 240);
    for _ in 0..5 {
        text = [b"key: LS0t\n", &encoded([b"-----BEGIN ", &text[..]].concat())[..], b"\n"].concat();
    }
    text
}

/// Secrets with as many entries and keys as are read.
fn entries_of_secrets() -> Vec<u8> {
    let mut secret = String::from("{\"kind\":\"Secret\",\"data\":{");
    for number in 1..MAX_PARTS {
        secret += &format!("\"{number}\":\"\",");
    }
    secret += "\"\":\"\"}},";
    format!("{{\"kind\":\"List\",\"items\":[{}{{\"kind\":\"\"}}]}}", secret.repeat(99)).into_bytes()
}

const YAML_SECRET: &[u8] = b"apiVersion: v1\nkind: Secret\ndata:\n";

fn nested_lists() -> Vec<u8> {
    around(&[&b"[".repeat(120)[..], b"\""].concat(), b"a", &[&b"\""[..], &b"]".repeat(120)].concat())
}

/// Secrets with one certificate each.
fn secrets() -> Vec<u8> {
    let data = BASE64.encode(&der_of("der/ec.cer"));
    let unit = format!("{{\"kind\":\"Secret\",\"data\":{{\"tls.crt\":\"{data}\"}}}},");
    around(b"{\"kind\":\"List\",\"items\":[", unit.as_bytes(), b"{\"kind\":\"\"}]}")
}

fn header(tag: u8, length: usize) -> Vec<u8> {
    let mut header = vec![tag, 0x84];
    header.extend(u32::try_from(length).unwrap().to_be_bytes());
    header
}

fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    [&header(tag, content.len()), content].concat()
}

fn sequence(content: &[u8]) -> Vec<u8> {
    value(0x30, content)
}

/// The type "data" of PKCS#7.
const DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
const SIGNED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";

fn data(content: &[u8]) -> Vec<u8> {
    sequence(&[DATA, &value(0xa0, &value(0x04, content))].concat())
}

/// A file without a MAC, of these safes.
fn pkcs12(safes: &[u8]) -> Vec<u8> {
    sequence(&[b"\x02\x01\x03", &data(&sequence(safes))[..]].concat())
}

fn safe(bags: &[u8]) -> Vec<u8> {
    data(&sequence(bags))
}

/// The least bag: of an unknown type.
fn bag() -> Vec<u8> {
    b"\x30\x05\x06\x01\x2a\xa0\x00".to_vec()
}

fn bag_with_attributes() -> Vec<u8> {
    let attributes = repeat_to(b"\x30\x03\x06\x01\x2a", SIZE - 999);
    sequence(&[b"\x06\x01\x2a\xa0\x00", &value(0x31, &attributes)[..]].concat())
}

/// Safes in one another, of no length, as deep as they are read.
fn nested_safes() -> Vec<u8> {
    let kind = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x06";
    let mut bags = repeat_to(&bag(), SIZE - 4_000);
    for _ in 0..15 {
        bags = [b"\x30\x80", &kind[..], b"\xa0\x80\x30\x80", &bags, b"\0\0\0\0\0\0"].concat();
    }
    pkcs12(&safe(&bags))
}

fn pkcs7(certificates: &[u8]) -> Vec<u8> {
    let content = sequence(DATA);
    let signed = sequence(&[b"\x02\x01\x01\x31\x00", &content[..], &value(0xa0, certificates)].concat());
    sequence(&[SIGNED_DATA, &value(0xa0, &signed)].concat())
}

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)
}

fn der_of(path: &str) -> Vec<u8> {
    let bytes = fs::read(fixture(path)).unwrap();
    match openssl::x509::X509::from_pem(&bytes) {
        Ok(certificate) => certificate.to_der().unwrap(),
        Err(_) => bytes,
    }
}

/// Certificates that differ in their signatures, as many as there may be and as fit.
fn certificates(der: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for number in 0..MAX_PARTS.min((SIZE - 99) / der.len()) {
        let mut changed = der.to_vec();
        let end = changed.len();
        changed[end - 8..].copy_from_slice(&number.to_be_bytes());
        all.push(changed);
    }
    all
}

/// A certificate of 6 KiB with as many topics as there may be.
fn large() -> Vec<u8> {
    certificate_with(&topics(50 * 8), &names(5_000))
}

fn pem_of(all: &[Vec<u8>]) -> Vec<u8> {
    let mut text = String::new();
    for der in all {
        text += &pushcert::testing::encode_pem("CERTIFICATE", der);
    }
    text.into_bytes()
}

/// Certificates without keys, then keys, then certificates of these keys.
fn keyed_and_keyless() -> Vec<u8> {
    let der = der_of("der/ec.cer");
    let place = memchr::memmem::find(&der, b"\x03\x42\x00\x04").unwrap() + 3;
    let mut file = certificates(&der)[2 * MAX_KEYS..].concat();
    let mut keyed = Vec::new();
    for _ in 0..MAX_KEYS {
        let (point, key) = pair();
        let mut changed = der.clone();
        changed[place..place + point.len()].copy_from_slice(&point);
        keyed.extend(changed);
        file.extend(key);
    }
    file.extend(keyed);
    file
}

fn rsa_key() -> Vec<u8> {
    let key = openssl::rsa::Rsa::generate(4096).unwrap();
    PKey::from_rsa(key).unwrap().private_key_to_pem_pkcs8().unwrap()
}

/// A key whose public half takes long to compute.
fn huge_dsa_key() -> Vec<u8> {
    let number = |length: usize| value(0x02, &[&[0x7f], &vec![0xff; length][..]].concat());
    let parameters = sequence(&[number(SIZE / 2), number(32), number(SIZE / 4)].concat());
    let algorithm = sequence(&[b"\x06\x07\x2a\x86\x48\xce\x38\x04\x01", &parameters[..]].concat());
    sequence(&[b"\x02\x01\x00", &algorithm[..], &value(0x04, &number(32))].concat())
}

const DSA: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x38\x04\x01";
const DH: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x03\x01";

/// As many keys as are read, whose public halves are to be computed, of so many bits.
fn computed_keys(algorithm: &[u8], bits: usize) -> Vec<u8> {
    let number = |length: usize| value(0x02, &[&[0x7f], &vec![0xff; length][..]].concat());
    let parameters = sequence(&[number(bits / 8 - 1), number(32), number(bits / 8 - 2)].concat());
    let algorithm = sequence(&[algorithm, &parameters].concat());
    let key = sequence(&[b"\x02\x01\x00", &algorithm[..], &value(0x04, &number(bits / 8 - 2))].concat());
    repeat_to(&key, key.len() * MAX_KEYS.min(SIZE / key.len()))
}

fn rsa_keys_without_primes() -> Vec<u8> {
    let number = |length: usize| value(0x02, &[&[0x7f], &vec![0xff; length][..]].concat());
    sequence(&[b"\x02\x01\x00", &number(2_047)[..], b"\x02\x03\x01\x00\x01", &number(2_040)].concat()).repeat(MAX_KEYS)
}

fn large_curve_keys() -> Vec<u8> {
    let key = EcKey::generate(&EcGroup::from_curve_name(Nid::SECT571R1).unwrap()).unwrap();
    let der = key.private_key_to_der().unwrap();
    // Without the public half, which is then computed.
    let fields = children(&der);
    sequence(&fields[..3].concat()).repeat(MAX_KEYS)
}

/// A key of so many bytes, with an exponent of so many.
fn long_exponent(modulus: usize, exponent: usize) -> PKey<openssl::pkey::Public> {
    let number = |length: usize| openssl::bn::BigNum::from_slice(&vec![0xef; length]).unwrap();
    PKey::from_rsa(openssl::rsa::Rsa::from_public_components(number(modulus), number(exponent)).unwrap()).unwrap()
}

fn request_with_long_exponent(modulus: usize, exponent: usize) -> Vec<u8> {
    let signer =
        PKey::from_rsa(openssl::rsa::Rsa::generate(u32::try_from(modulus).unwrap().min(512) * 8).unwrap()).unwrap();
    let mut builder = openssl::x509::X509Req::builder().unwrap();
    builder.set_pubkey(&long_exponent(modulus, exponent)).unwrap();
    builder.sign(&signer, openssl::hash::MessageDigest::sha256()).unwrap();
    let request = builder.build().to_der().unwrap();
    let signed = children(&request);
    // As long as the modulus: another is refused at once.
    let signature = value(0x03, &[&[0, 0x7f], &vec![0xff; modulus - 1][..]].concat());
    sequence(&[signed[0], signed[1], &signature].concat())
}

fn issued_by_long_exponent() -> Vec<u8> {
    use openssl::x509::{X509Builder, X509NameBuilder, extension::BasicConstraints};
    let signer = PKey::from_rsa(openssl::rsa::Rsa::generate(3_072).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_nid(Nid::COMMONNAME, "CA").unwrap();
    let name = name.build();
    let certificate = |is_ca| {
        let mut builder = X509Builder::new().unwrap();
        builder.set_version(2).unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_not_before(&openssl::asn1::Asn1Time::days_from_now(0).unwrap()).unwrap();
        builder.set_not_after(&openssl::asn1::Asn1Time::days_from_now(9).unwrap()).unwrap();
        builder.set_pubkey(&long_exponent(384, 380)).unwrap();
        if is_ca {
            builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        }
        builder.sign(&signer, openssl::hash::MessageDigest::sha256()).unwrap();
        builder.build().to_der().unwrap()
    };
    [certificate(true), certificates(&certificate(false)).concat()].concat()
}

/// Ten bytes, which begin as a sequence of 64 KiB, whose first field has no length and no end.
const ENDLESS: &[u8] = b"\x04\x08\x30\x82\xff\xff\x30\x80\x05\x00";

/// Sequences of a hundred bytes, which begin with nine integers, one in another.
fn small_integers() -> Vec<u8> {
    [b"\x30\x82\0\x64", &b"\x02\x00".repeat(9)[..]].concat()
}

fn endless_gaps() -> Vec<u8> {
    let block = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    repeat(&[&block[..], &ENDLESS.repeat(100_000)].concat())
}

/// Certificates, each before a value of no length that takes the rest of the file and has no end.
fn values_before_endless() -> Vec<u8> {
    let unit = [b"x", &der_of("der/ec.cer")[..], b"\x30\x80"].concat().repeat(40);
    [b"text\n", &unit[..], &repeat_to(b"\x05\0", SIZE - 100_000)].concat()
}

/// Units in values of no length.
fn in_endless(begin: &[u8], unit: &[u8], depth: usize) -> Vec<u8> {
    around(begin, unit, &b"\0\0".repeat(depth))
}

fn endless_pkcs7() -> Vec<u8> {
    let begin =
        [b"\x30\x80", SIGNED_DATA, b"\xa0\x80\x30\x80\x02\x01\x01\x31\x00\x30\x80", DATA, b"\0\0\xa0\x80"].concat();
    in_endless(&begin, b"\x30\x80\0\0", 4)
}

/// Safes in one another around tiny values, of which nothing has a length.
fn endless_safes(depth: usize, copies: usize) -> Vec<u8> {
    let bag =
        |kind: u8| [b"\x30\x80\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01", &[kind][..], b"\xa0\x80"].concat();
    let mut bags = [&bag(5)[..], &repeat_to(b"\x05\0", SIZE / copies - 4_000), b"\0\0\0\0"].concat();
    for _ in 0..depth {
        bags = [&bag(6)[..], b"\x30\x80", &bags, b"\0\0\0\0\0\0"].concat();
    }
    pkcs12(&data(&[b"\x30\x80", &bags.repeat(copies)[..], b"\0\0"].concat()))
}

fn pkcs12_of_certificates() -> Vec<u8> {
    let kind = |last: u8| [b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01", &[last][..]].concat();
    let x509 = b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x09\x16\x01";
    let mut bags = Vec::new();
    for der in certificates(&large()) {
        let held = sequence(&[x509, &value(0xa0, &value(0x04, &der))[..]].concat());
        bags.extend(sequence(&[&kind(3)[..], &value(0xa0, &held)].concat()));
        if bags.len() > SIZE - 20_000 {
            break;
        }
    }
    pkcs12(&safe(&bags))
}

/// A new public point and its key in PKCS#8.
fn pair() -> (Vec<u8>, Vec<u8>) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = EcKey::generate(&group).unwrap();
    let mut context = openssl::bn::BigNumContext::new().unwrap();
    let point = key.public_key().to_bytes(&group, PointConversionForm::UNCOMPRESSED, &mut context).unwrap();
    (point, PKey::from_ec_key(key).unwrap().private_key_to_pkcs8().unwrap())
}

/// Returns the values in a value.
fn children(der: &[u8]) -> Vec<&[u8]> {
    let mut rest = &der[head_length(der)..];
    let mut children = Vec::new();
    while !rest.is_empty() {
        let (child, after) = rest.split_at(whole_length(rest));
        children.push(child);
        rest = after;
    }
    children
}

fn head_length(der: &[u8]) -> usize {
    if der[1] < 0x80 { 2 } else { 2 + usize::from(der[1] & 0x7f) }
}

fn whole_length(der: &[u8]) -> usize {
    let head = head_length(der);
    let mut length = usize::from(der[1]);
    if head > 2 {
        length = der[2..head].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    }
    head + length
}

/// A certificate with one more extension and more attributes in its subject.
fn certificate_with(extension: &[u8], attributes: &[u8]) -> Vec<u8> {
    let der = der_of("der/ec.cer");
    let outer = children(&der);
    let mut fields: Vec<Vec<u8>> = children(outer[0]).into_iter().map(<[u8]>::to_vec).collect();
    fields[5] = sequence(&[children(&fields[5]).concat(), attributes.to_vec()].concat());
    let last = fields.len() - 1;
    let extensions = children(children(&fields[last])[0]).concat();
    fields[last] = value(0xa3, &sequence(&[&extensions, extension].concat()));
    sequence(&[sequence(&fields.concat()), outer[1..].concat()].concat())
}

/// A request for 32 KiB of names.
fn request_with_names() -> Vec<u8> {
    let certificate = der_of("der/ec.cer");
    let outer = children(&certificate);
    let fields = children(outer[0]);
    let kind = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e";
    let attribute = sequence(&[kind, &value(0x31, &sequence(&sans(32_000)))[..]].concat());
    let info = sequence(&[b"\x02\x01\x00", fields[5], fields[6], &value(0xa0, &attribute)].concat());
    sequence(&[info, outer[1..].concat()].concat())
}

/// Attributes of a name: CN=a.
fn names(size: usize) -> Vec<u8> {
    repeat_to(b"\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01a", size)
}

fn topics(size: usize) -> Vec<u8> {
    let list = sequence(&repeat_to(b"\x0c\x01a\x30\x03\x0c\x01b", size));
    sequence(&[b"\x06\x0a\x2a\x86\x48\x86\xf7\x63\x64\x06\x03\x06", &value(0x04, &list)[..]].concat())
}

fn sans(size: usize) -> Vec<u8> {
    let list = sequence(&repeat_to(b"\x82\x01a", size));
    sequence(&[b"\x06\x03\x55\x1d\x11", &value(0x04, &list)[..]].concat())
}

/// What a run took.
struct Cost {
    cpu: Duration,
    wall: Duration,
    memory_mib: u64,
    code: String,
}

fn main() {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.first().is_some_and(|first| first == "--measure") {
        return measure(&arguments[1..]);
    }
    let wanted = arguments.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("worst.pem");
    let mut exceeded = 0;
    println!("{:42} {:>7} {:14} {:>7} {:>7} {:>6}  exit", "file", "MiB", "command", "CPU s", "wall s", "MiB");
    for case in CASES.iter().filter(|case| case.name.contains(&wanted)) {
        let bytes = (case.bytes)();
        assert!(bytes.len() <= SIZE, "{}: {} bytes", case.name, bytes.len());
        fs::write(&file, &bytes).unwrap();
        for arguments in COMMANDS {
            let cost = run(arguments, &file);
            let is_over = cost.cpu > MAX_TIME || cost.memory_mib > MAX_MEMORY_MIB;
            exceeded += usize::from(is_over);
            println!(
                "{:42} {:7.1} {:14} {:7.2} {:7.2} {:6}  {} {}",
                case.name,
                bytes.len() as f64 / f64::from(1 << 20),
                if arguments.len() == 2 { arguments.join(" ") } else { arguments[0].to_owned() },
                cost.cpu.as_secs_f64(),
                cost.wall.as_secs_f64(),
                cost.memory_mib,
                cost.code,
                if is_over { "TOO MUCH" } else { "" }
            );
        }
    }
    if exceeded > 0 {
        println!("{exceeded} runs take more than {MAX_MEMORY_MIB} MiB or {MAX_TIME:?}");
        exit(1);
    }
}

/// Runs this program again, whose only child is the run: what the children of a process took is known when they end.
fn run(arguments: &[&str], file: &Path) -> Cost {
    let own = std::env::current_exe().unwrap();
    let output = Command::new(own).arg("--measure").args(arguments).arg(file).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let [cpu, wall, memory, code] = text.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{text}") };
    let milliseconds = |text: &str| Duration::from_millis(text.parse().unwrap());
    let memory_mib = memory.parse::<u64>().unwrap() >> 10;
    Cost { cpu: milliseconds(cpu), wall: milliseconds(wall), memory_mib, code: code.to_owned() }
}

fn measure(arguments: &[OsString]) {
    setrlimit(Resource::RLIMIT_CPU, PATIENCE_SECONDS, PATIENCE_SECONDS).unwrap();
    setrlimit(Resource::RLIMIT_AS, MAX_ADDRESS_SPACE, MAX_ADDRESS_SPACE).unwrap();
    let start = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushcert"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().unwrap();
    let wall = start.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let cpu = (usage.user_time().tv_sec() + usage.system_time().tv_sec()) * 1000
        + (usage.user_time().tv_usec() + usage.system_time().tv_usec()) / 1000;
    let code = status.code().map_or_else(|| "killed".to_owned(), |code| code.to_string());
    println!("{cpu} {} {} {code}", wall.as_millis(), usage.max_rss());
}
