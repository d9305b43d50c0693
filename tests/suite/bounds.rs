//! What a file asks for in time and memory is bounded. `tests/bench/worst.rs` measures it at full size.

use std::time::{Duration, Instant};

use data_encoding::BASE64;
use openssl::asn1::{Asn1Object, Asn1OctetString, Asn1Time};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::x509::{X509, X509Extension};
use pushcert::testing::{
    Contents, DEFAULT_MAX_ITERATIONS, OpenError, Passwords, open, parse_pem, parse_secrets, parse_topics,
};

use crate::common::{Test, fixture};

fn read(bytes: &[u8]) -> Result<Contents, OpenError> {
    open(bytes, &mut Passwords::None, DEFAULT_MAX_ITERATIONS)
}

fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84], &length[..], content].concat()
}

/// The type and the content of PKCS#7 data.
fn data(content: &[u8]) -> Vec<u8> {
    let kind = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
    value(0x30, &[kind, &value(0xa0, &value(0x04, content))[..]].concat())
}

/// A PKCS#12 file without a MAC.
fn pkcs12(safes: &[u8]) -> Vec<u8> {
    value(0x30, &[b"\x02\x01\x03", &data(&value(0x30, safes))[..]].concat())
}

/// A bag of another application's secret.
const BAG: &[u8] = b"\x30\x0f\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x05\xa0\x00";

#[test]
fn a_pkcs12_file_has_a_bounded_number_of_bags_and_safes() {
    let bags = |count| data(&value(0x30, &BAG.repeat(count)));
    let is_refused = |safes: &[u8]| read(&pkcs12(safes)).unwrap_err().to_string().contains("more than 10000");
    assert!(!is_refused(&bags(10_000)));
    assert!(is_refused(&bags(10_001)));
    assert!(is_refused(&b"\x30\x00".repeat(10_001)));
    // It is the number in all safes that counts.
    assert!(!is_refused(&bags(5_000).repeat(2)));
    assert!(is_refused(&bags(6_000).repeat(2)));
}

#[test]
fn a_bag_has_a_bounded_number_of_attributes() {
    for (attribute, count) in [(value(0x30, b"\x06\x01\x2a"), 65), (value(0x30, &attribute_of(64)), 1)] {
        let bag = |count| value(0x30, &[&BAG[2..], &value(0x31, &attribute.repeat(count))[..]].concat());
        let message = |count| read(&pkcs12(&data(&value(0x30, &bag(count))))).unwrap_err().to_string();
        assert!(message(count).contains("attributes are too many"), "{}", message(count));
        assert!(!message(count - 1).contains("attributes"), "{}", message(count - 1));
    }
}

fn attribute_of(values: usize) -> Vec<u8> {
    [b"\x06\x01\x2a", &value(0x31, &b"\x05\x00".repeat(values))[..]].concat()
}

#[test]
fn a_pem_block_has_a_bounded_number_of_headers() {
    let block = |headers| format!("-----BEGIN CMS-----\n{}\nAAEC\n-----END CMS-----\n", "a: b\n".repeat(headers));
    assert_eq!(parse_pem(block(50).as_bytes()).unwrap()[0].headers.len(), 50);
    assert!(parse_pem(block(51).as_bytes()).is_err());
    assert!(parse_pem(block(1).replace("a: b", &"DEK-Info: a ".repeat(51)).as_bytes()).is_err());
}

#[test]
fn lines_that_begin_as_der_are_measured_once() {
    let start = Instant::now();
    for line in ["MIIB\n", "MIQA\n", "LS0tLS1CRUdJTi\n"] {
        assert!(read(format!("key: x\n{}", line.repeat(300_000)).as_bytes()).is_err());
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn each_line_may_be_a_certificate_in_base64() {
    let mut text = "certificates\n".to_owned();
    for name in ["der/universal.cer", "der/sha1.cer", "der/ec.cer"] {
        let der = std::fs::read(fixture(name)).unwrap();
        text += &BASE64.encode(&der);
        text += "\n";
    }
    assert_eq!(read(text.as_bytes()).unwrap().certificates.len(), 3);
}

#[test]
fn a_dump_of_secrets_has_a_bounded_number_of_keys() {
    let secret = |entries: usize| {
        let mut json = r#"{"kind":"Secret","metadata":{"name":"a"},"data":{"#.to_owned();
        for entry in 1..entries {
            json += &format!(r#""{entry}":"","#);
        }
        json + r#""":""}}"#
    };
    assert_eq!(parse_secrets(secret(10_000).as_bytes()).unwrap()[0].entries.len(), 10_000);
    let secrets = parse_secrets(secret(20_000).as_bytes()).unwrap();
    assert!(secrets[0].entries.len() <= 10_002, "{} entries", secrets[0].entries.len());
    let mut problems = Vec::new();
    for entry in secrets[0].entries.values() {
        if let Err(problem) = entry {
            problems.push(problem.to_string());
        }
    }
    assert_eq!(problems, ["secret a: has more than 10000 entries"]);
    let objects = r#"{"kind":""},"#.repeat(1_000_000);
    let error = parse_secrets(format!(r#"{{"items":[{objects}{{"kind":""}}]}}"#).as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "JSON: has more than 1000000 keys");
}

#[test]
fn a_certificate_has_a_bounded_size_and_number_of_topics() {
    let topic = b"\x0c\x01a\x30\x03\x0c\x01b";
    assert_eq!(parse_topics(&value(0x30, &topic.repeat(50))).unwrap().len(), 50);
    let error = parse_topics(&value(0x30, &topic.repeat(51))).unwrap_err().to_string();
    assert_eq!(error, "list of topics: has more than 50 topics");

    // A certificate by its outline: a sequence of two sequences and a BIT STRING.
    let signed = |size: usize| value(0x30, &[&value(0x30, &vec![0; size]), &b"\x30\x00\x03\x01\x00"[..]].concat());
    assert!(!read(&signed(1 << 19)).unwrap_err().to_string().contains("1 MiB"));
    assert!(read(&signed(1 << 20)).unwrap_err().to_string().contains("certificate: is larger than 1 MiB"));
}

fn text_file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

/// A certificate with this many DNS names in each of so many extensions.
fn certificate_with_names(extensions: usize, names: usize) -> X509 {
    let key = PKey::from_ec_key(EcKey::generate(&EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap()).unwrap());
    let key = key.unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    for number in 0..extensions {
        let kind = Asn1Object::from_str(&format!("2.5.29.17.{number}").replace(".17.0", ".17")).unwrap();
        let list = Asn1OctetString::new_from_bytes(&value(0x30, &b"\x82\x01a".repeat(names))).unwrap();
        builder.append_extension(X509Extension::new_from_der(&kind, false, &list).unwrap()).unwrap();
    }
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    builder.build()
}

#[test]
fn the_extensions_of_a_file_that_are_shown_are_bounded() {
    let pem = |certificate: X509| String::from_utf8(certificate.to_pem().unwrap()).unwrap();
    let many = text_file(&pem(certificate_with_names(1, 200_010)));
    let run = Test::new().args(["inspect", "--full", "--json"]).arg(many.path()).run();
    let values = run.json()["files"][0]["certificates"][0]["extensions"][0]["values"].as_array().unwrap().clone();
    assert_eq!((values.len(), values.last().unwrap().as_str()), (200_001, Some("… and 10 more")));
    assert_eq!(read(&certificate_with_names(100, 1).to_der().unwrap()).unwrap().certificates.len(), 1);
    let error = read(&certificate_with_names(101, 1).to_der().unwrap()).unwrap_err();
    assert!(error.to_string().contains("has more than 100 extensions"), "{error}");
}
