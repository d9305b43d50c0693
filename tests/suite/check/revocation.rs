//! OCSP and CRL, served on the loopback. The OCSP answers are OpenSSL's own in `tests/interop`.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, SubjectKeyIdentifier};
use openssl::x509::{X509, X509Extension, X509Name};

use super::{Checked, Stage};
use pushcert::testing::{GatewayOptions, ThrowawayCa};

/// Answers every request with this.
fn serve(status: &'static str, body: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut line = String::new();
            while stream.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
            let stream = stream.get_mut();
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).unwrap();
        }
    });
    port
}

/// An authority whose key is at hand.
struct Issuer {
    certificate: X509,
    key: PKey<Private>,
}

fn certificate(name: &str, serial: u32, issuer: Option<&Issuer>, points: &[(&str, String)]) -> Issuer {
    certificate_until(9, name, serial, issuer, points)
}

/// A certificate that ends in so many days.
fn certificate_until(days: i64, name: &str, serial: u32, issuer: Option<&Issuer>, points: &[(&str, String)]) -> Issuer {
    let at = |days: i64| Asn1Time::from_unix(time::OffsetDateTime::now_utc().unix_timestamp() + days * 86400).unwrap();
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut builder = X509::builder().unwrap();
    let mut subject = X509Name::builder().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&Asn1Integer::from_bn(&BigNum::from_u32(serial).unwrap()).unwrap()).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(issuer.map_or(&*subject, |issuer| issuer.certificate.subject_name())).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&at(days - 9)).unwrap();
    builder.set_not_after(&at(days)).unwrap();
    let mut constraints = BasicConstraints::new();
    if issuer.is_none() {
        constraints.ca();
        let id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None)).unwrap();
        builder.append_extension(id).unwrap();
    }
    builder.append_extension(constraints.critical().build().unwrap()).unwrap();
    for (kind, value) in points {
        #[expect(deprecated, reason = "the only way to these extensions")]
        let extension = X509Extension::new(None, None, kind, value).unwrap();
        builder.append_extension(extension).unwrap();
    }
    builder.sign(issuer.map_or(&key, |issuer| &issuer.key), MessageDigest::sha256()).unwrap();
    Issuer { certificate: builder.build(), key }
}

/// A list signed by `issuer` with `serial` in it.
fn list(issuer: &Issuer, serial: u32, days: i64) -> Vec<u8> {
    list_with(issuer, serial, days, None)
}

/// A list with a critical extension.
fn list_with(issuer: &Issuer, serial: u32, days: i64, critical: Option<(&str, &[u8])>) -> Vec<u8> {
    use openssl::asn1::{Asn1Object, Asn1OctetString};
    use openssl::x509::{X509CrlBuilder, X509RevokedBuilder};
    let at = |days: i64| Asn1Time::from_unix(time::OffsetDateTime::now_utc().unix_timestamp() + days * 86400).unwrap();
    let mut revoked = X509RevokedBuilder::new().unwrap();
    revoked.set_serial_number(&Asn1Integer::from_bn(&BigNum::from_u32(serial).unwrap()).unwrap()).unwrap();
    revoked.set_revocation_date(&at(-3)).unwrap();
    let mut list = X509CrlBuilder::new().unwrap();
    list.set_issuer_name(issuer.certificate.subject_name()).unwrap();
    list.set_last_update(&at(-3)).unwrap();
    list.set_next_update(&at(days)).unwrap();
    list.add_revoked(revoked.build()).unwrap();
    let id = issuer.certificate.subject_key_id().unwrap().as_slice().to_vec();
    let mut authority = vec![0x30, 2 + id.len() as u8, 0x80, id.len() as u8];
    authority.extend(id);
    for (oid, value) in [("2.5.29.35", authority), ("2.5.29.20", vec![2, 1, 1])] {
        let value = Asn1OctetString::new_from_bytes(&value).unwrap();
        let oid = Asn1Object::from_str(oid).unwrap();
        list.append_extension(X509Extension::new_from_der(&oid, false, &value).unwrap()).unwrap();
    }
    if let Some((oid, value)) = critical {
        let value = Asn1OctetString::new_from_bytes(value).unwrap();
        let oid = Asn1Object::from_str(oid).unwrap();
        list.append_extension(X509Extension::new_from_der(&oid, true, &value).unwrap()).unwrap();
    }
    list.sign(&issuer.key, MessageDigest::sha256()).unwrap();
    list.build().unwrap().to_der().unwrap()
}

/// Checks a certificate whose CRL is served at `port`.
fn check(stage: &Stage, issuer: &Issuer, kind: &'static str, port: u16, arguments: &[&str]) -> Checked {
    check_leaf(stage, issuer, kind, port, 9, arguments)
}

/// As [`check`], of a certificate that ends in so many days.
fn check_leaf(stage: &Stage, issuer: &Issuer, kind: &'static str, port: u16, days: i64, arguments: &[&str]) -> Checked {
    let url = match kind {
        "OCSP" => ("authorityInfoAccess", format!("OCSP;URI:http://127.0.0.1:{port}/")),
        _ => ("crlDistributionPoints", format!("URI:http://127.0.0.1:{port}/list.crl")),
    };
    let production = ("1.2.840.113635.100.6.3.2", "DER:05:00".to_owned());
    let leaf = certificate_until(days, "leaf", 7, Some(issuer), &[url, production]);
    let mut pem = leaf.certificate.to_pem().unwrap();
    pem.extend(issuer.certificate.to_pem().unwrap());
    pem.extend(leaf.key.private_key_to_pem_pkcs8().unwrap());
    let file = stage.file(&format!("leaf-{port}.pem"));
    std::fs::write(&file, pem).unwrap();
    stage.check_file(&file, &[&["--revocation"], arguments].concat())
}

fn status(checked: &Checked) -> (String, String) {
    let stages = checked.first()["stages"].as_array().unwrap();
    let stage = stages.iter().find(|stage| stage["stage"] == "revocation").unwrap();
    (stage["status"].as_str().unwrap().to_owned(), stage["detail"].as_str().unwrap().to_owned())
}

/// deltaCRLIndicator: what has changed since the CRL with number 1.
const DELTA: (&str, &[u8]) = ("2.5.29.27", &[2, 1, 1]);
const UNKNOWN: (&str, &[u8]) = ("1.2.3.4", &[5, 0]);
/// issuingDistributionPoint: only the certificates of authorities, only those of users.
const CA_ONLY: (&str, &[u8]) = ("2.5.29.28", &[0x30, 3, 0x82, 1, 0xff]);
const USERS: (&str, &[u8]) = ("2.5.29.28", &[0x30, 3, 0x81, 1, 0xff]);

#[test]
fn only_a_signed_and_current_list_is_believed() {
    let stage = Stage::new(GatewayOptions::default());
    let issuer = certificate("issuer", 1, None, &[]);
    let stranger = certificate("issuer", 1, None, &[]);
    for (status_line, body, expected, detail) in [
        ("200 OK", list(&issuer, 7, 3), "failed", "revoked, says the issuer's CRL"),
        ("200 OK", list(&issuer, 8, 3), "ok", "good, says the issuer's CRL"),
        ("200 OK", list(&issuer, 8, -1), "warning", "the CRL is out of date"),
        ("200 OK", list(&issuer, 7, -1), "failed", "which is not current; what is revoked stays so"),
        ("200 OK", damaged(list(&issuer, 7, -1)), "warning", "out of date"),
        ("200 OK", list_with(&issuer, 8, 3, Some(DELTA)), "warning", "lists only what has changed since another CRL"),
        (
            "200 OK",
            list_with(&issuer, 8, 3, Some(UNKNOWN)),
            "warning",
            "a critical extension that is not known (1.2.3.4)",
        ),
        ("200 OK", list_with(&issuer, 8, 3, Some(CA_ONLY)), "warning", "OpenSSL does not accept the CRL"),
        ("200 OK", list_with(&issuer, 8, 3, Some(USERS)), "ok", "good"),
        ("200 OK", list(&stranger, 8, 3), "warning", "the CRL is not one of the certificate's issuer"),
        ("200 OK", damaged(list(&issuer, 8, 3)), "warning", "the CRL's signature does not verify"),
        ("200 OK", b"<html>".to_vec(), "warning", "the answer is not a CRL"),
        ("404 Not Found", vec![], "warning", "the answer is 404"),
    ] {
        let checked = check(&stage, &issuer, "CRL", serve(status_line, body), &[]);
        let (found, text) = status(&checked);
        assert_eq!(found, expected, "{text}");
        assert!(text.contains(detail), "{text}");
        assert!(expected != "warning" || text.starts_with("unknown: "), "{text}");
    }
}

/// A gateway that accepts the certificates of this issuer.
fn gateway_of(issuer: &Issuer) -> Stage {
    let client_authorities = Some(vec![issuer.certificate.clone()]);
    let faults = vec!["answer:BadDeviceToken".parse().unwrap()];
    Stage::new(GatewayOptions { client_authorities, faults, ..GatewayOptions::default() })
}

#[test]
fn the_issuers_answer_is_part_of_the_verdict() {
    let issuer = certificate("issuer", 1, None, &[]);
    let stage = gateway_of(&issuer);
    for (body, verdict, reason, code) in [
        (list(&issuer, 8, 3), "accepted", "BadDeviceToken", 0),
        (list(&issuer, 7, 3), "rejected", "revoked", 1),
        (list(&issuer, 8, -1), "unproven", "revocation-unknown", 1),
        (b"nonsense".to_vec(), "unproven", "revocation-unknown", 1),
    ] {
        let checked = check(&stage, &issuer, "CRL", serve("200 OK", body), &[]);
        let found = (checked.text("/verdict"), checked.text("/reason"), checked.code);
        assert_eq!(found, (verdict, reason, code), "{:#}", checked.first());
    }
}

#[test]
fn each_way_of_not_knowing_has_its_ground_and_its_advice() {
    let issuer = certificate("issuer", 1, None, &[]);
    let stage = gateway_of(&issuer);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let outdated = serve("200 OK", list(&issuer, 8, -1));
    for (port, reason, advice) in [
        (closed, "revocation-unreachable", "HTTP to the addresses"),
        (outdated, "revocation-unknown", "what each source answered"),
    ] {
        let checked = check(&stage, &issuer, "CRL", port, &[]);
        assert_eq!((checked.text("/verdict"), checked.text("/reason")), ("unproven", reason), "{:#}", checked.first());
        assert!(checked.text("/advice").contains(advice), "{}", checked.text("/advice"));
    }
    // The file as it was, without its issuer.
    let whole = std::fs::read_to_string(stage.file(&format!("leaf-{outdated}.pem"))).unwrap();
    let parts: Vec<&str> = whole.split_inclusive("-----END CERTIFICATE-----\n").collect();
    let alone = stage.file("alone.pem");
    std::fs::write(&alone, [parts[0], parts[2]].concat()).unwrap();
    let checked = stage.check_file(&alone, &["--revocation"]);
    assert_eq!(checked.text("/reason"), "revocation-no-issuer", "{:#}", checked.first());
    assert_eq!(checked.text("/advice"), "put the certificate of its issuer into the file");
    // The gateway's own certificate names no source.
    let own = Stage::new(GatewayOptions::default()).check(&["--revocation"]);
    assert_eq!(own.text("/reason"), "revocation-no-source", "{:#}", own.first());
    assert!(own.text("/advice").contains("leave out --revocation"), "{}", own.text("/advice"));
}

#[test]
fn a_certificate_without_its_key_meets_no_expectation() {
    let issuer = certificate("issuer", 1, None, &[]);
    let stage = gateway_of(&issuer);
    let port = serve("200 OK", list(&issuer, 7, 3));
    check(&stage, &issuer, "CRL", port, &[]);
    let whole = std::fs::read_to_string(stage.file(&format!("leaf-{port}.pem"))).unwrap();
    let alone = stage.file("alone.pem");
    std::fs::write(&alone, whole.split("-----BEGIN PRIVATE KEY-----").next().unwrap()).unwrap();
    for expected in ["rejected", "rejected:revoked"] {
        let checked = stage.check_file(&alone, &["--revocation", "--expect", expected]);
        assert_eq!((checked.text("/verdict"), checked.code), ("unproven", 1), "{:#}", checked.first());
        assert_eq!(checked.first()["is_expected"], false);
    }
}

#[test]
fn what_the_gateway_and_the_issuer_reject_is_rejected_for_both_reasons() {
    let issuer = certificate("issuer", 1, None, &[]);
    let client_authorities = Some(vec![issuer.certificate.clone()]);
    let faults = vec!["alert:certificate_revoked".parse().unwrap()];
    let stage = Stage::new(GatewayOptions { client_authorities, faults, ..GatewayOptions::default() });
    for (expected, code) in
        [("rejected:revoked", 0), ("rejected:certificate_revoked", 0), ("rejected:certificate_expired", 1)]
    {
        let checked = check(&stage, &issuer, "CRL", serve("200 OK", list(&issuer, 7, 3)), &["--expect", expected]);
        let found = (checked.text("/verdict"), checked.text("/reason"), checked.code);
        assert_eq!(found, ("rejected", "certificate_revoked", code), "{expected} {:#}", checked.first());
    }
    let good = check(&stage, &issuer, "CRL", serve("200 OK", list(&issuer, 8, 3)), &["--expect", "rejected:revoked"]);
    assert_eq!((good.text("/reason"), good.code), ("certificate_revoked", 1));
}

/// A list with the certificate 7 in it, by this reason of RFC 5280 section 5.3.1, valid until so many days from now.
fn list_for(issuer: &Issuer, reason: u8, days: i64) -> Vec<u8> {
    let at = |days: i64| {
        let when = time::OffsetDateTime::now_utc() + time::Duration::days(days);
        let format = time::macros::format_description!("[year repr:last_two][month][day][hour][minute][second]Z");
        der(0x17, &[when.format(format).unwrap().as_bytes()])
    };
    let algorithm = der(0x30, &[&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 11, 5, 0]]);
    let reason = der(0x30, &[&[6, 3, 0x55, 0x1d, 21], &der(4, &[&[10, 1, reason]])]);
    let entry = der(0x30, &[&[2, 1, 7], &at(-3), &der(0x30, &[&reason])]);
    let name = issuer.certificate.subject_name().to_der().unwrap();
    let list = der(0x30, &[&[2, 1, 1], &algorithm, &name, &at(-3), &at(days), &der(0x30, &[&entry])]);
    let mut signature = openssl::sign::Signer::new(MessageDigest::sha256(), &issuer.key).unwrap();
    let signature = signature.sign_oneshot_to_vec(&list).unwrap();
    der(0x30, &[&list, &algorithm, &der(3, &[&[0], &signature])])
}

#[test]
fn a_hold_in_an_old_list_may_have_been_taken_back() {
    let stage = Stage::new(GatewayOptions::default());
    let issuer = certificate("issuer", 1, None, &[]);
    for (reason, days, expected, detail) in [
        (6, 3, "failed", "revoked, says the issuer's CRL"),
        (6, -1, "warning", "the CRL is out of date"),
        (1, -1, "failed", "which is not current; what is revoked stays so"),
    ] {
        let checked = check(&stage, &issuer, "CRL", serve("200 OK", list_for(&issuer, reason, days)), &[]);
        let (found, text) = status(&checked);
        assert_eq!(found, expected, "{reason} {days}: {text}");
        assert!(text.contains(detail), "{reason} {days}: {text}");
    }
}

#[test]
fn a_list_says_nothing_good_of_an_expired_certificate() {
    let stage = Stage::new(GatewayOptions::default());
    let issuer = certificate("issuer", 1, None, &[]);
    for (serial, expected, detail) in [
        (8, "warning", "the certificate has expired, and the CRL need not list it any more"),
        (7, "failed", "revoked, says the issuer's CRL"),
    ] {
        let checked = check_leaf(&stage, &issuer, "CRL", serve("200 OK", list(&issuer, serial, 3)), -1, &[]);
        let (found, text) = status(&checked);
        assert_eq!(found, expected, "{serial}: {text}");
        assert!(text.contains(detail), "{serial}: {text}");
    }
}

#[test]
fn a_list_from_the_future_is_a_matter_of_clocks() {
    let issuer = certificate("issuer", 1, None, &[]);
    let stage = gateway_of(&issuer);
    let body = ocsp(&issuer, &issuer, &Single { serial: 7, is_revoked: false, reason: None, since: 2, until: Some(4) });
    let checked = check(&stage, &issuer, "OCSP", serve("200 OK", body), &[]);
    assert_eq!((checked.text("/verdict"), checked.text("/reason")), ("unproven", "revocation-clock"));
    assert!(checked.text("/advice").contains("clock"), "{}", checked.text("/advice"));
}

#[test]
fn a_gateway_that_was_not_reached_meets_no_expectation() {
    let issuer = certificate("issuer", 1, None, &[]);
    let faults = vec!["close-tcp".parse().unwrap()];
    let stage = Stage::new(GatewayOptions { faults, ..GatewayOptions::default() });
    let port = serve("200 OK", list(&issuer, 7, 3));
    let checked = check(&stage, &issuer, "CRL", port, &["--expect", "rejected"]);
    assert_eq!((checked.text("/verdict"), checked.code), ("unreachable", 5), "{:#}", checked.first());
    assert_eq!(checked.first()["is_expected"], false);
    assert!(checked.text("/meaning").ends_with("; the certificate's issuer has revoked it"), "{:#}", checked.first());
}

/// Changes the last byte, which belongs to the signature.
fn damaged(mut bytes: Vec<u8>) -> Vec<u8> {
    *bytes.last_mut().unwrap() ^= 1;
    bytes
}

/// Returns a value in DER, whose lengths are as short as can be: OpenSSL encodes again what was signed.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let head = match content.len() {
        0..128 => vec![tag, low],
        128..256 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head, content].concat()
}

/// The single response in an OCSP answer: serial number, revoked or not, and days from now.
struct Single {
    serial: u8,
    is_revoked: bool,
    /// The code of RFC 5280 section 5.3.1.
    reason: Option<u8>,
    since: i64,
    until: Option<i64>,
}

/// An OCSP answer (RFC 6960 section 4.2.1) about a certificate of `issuer`, signed by `signer`.
fn ocsp(issuer: &Issuer, signer: &Issuer, single: &Single) -> Vec<u8> {
    use openssl::hash::hash;
    let at = |days: i64| {
        let when = time::OffsetDateTime::now_utc() + time::Duration::days(days);
        let format = time::macros::format_description!("[year][month][day][hour][minute][second]Z");
        der(0x18, &[when.format(format).unwrap().as_bytes()])
    };
    let key_hash = |issuer: &Issuer| {
        let key = issuer.key.rsa().unwrap().public_key_to_der_pkcs1().unwrap();
        der(4, &[&hash(MessageDigest::sha1(), &key).unwrap()])
    };
    let name = issuer.certificate.subject_name().to_der().unwrap();
    let name_hash = der(4, &[&hash(MessageDigest::sha1(), &name).unwrap()]);
    let sha1 = der(0x30, &[&[6, 5, 0x2b, 14, 3, 2, 26]]);
    let certificate = der(0x30, &[&sha1, &name_hash, &key_hash(issuer), &der(2, &[&[single.serial]])]);
    let reason = single.reason.map_or(vec![], |code| der(0xa0, &[&[10, 1, code]]));
    let status = if single.is_revoked { der(0xa1, &[&at(-1), &reason]) } else { vec![0x80, 0] };
    let until = single.until.map_or(vec![], |days| der(0xa0, &[&at(days)]));
    let response = der(0x30, &[&certificate, &status, &at(single.since), &until]);
    let data = der(0x30, &[&der(0xa2, &[&key_hash(signer)]), &at(0), &der(0x30, &[&response])]);
    let mut signature = openssl::sign::Signer::new(MessageDigest::sha256(), &signer.key).unwrap();
    let signature = signature.sign_oneshot_to_vec(&data).unwrap();
    let algorithm = der(0x30, &[&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 11, 5, 0]]);
    let basic = der(0x30, &[&data, &algorithm, &der(3, &[&[0], &signature])]);
    let kind = [6, 9, 0x2b, 6, 1, 5, 5, 7, 48, 1, 1];
    der(0x30, &[&[10, 1, 0], &der(0xa0, &[&der(0x30, &[&kind, &der(4, &[&basic])])])])
}

#[test]
fn an_ocsp_answer_is_believed_while_it_says_that_it_is_valid() {
    let stage = Stage::new(GatewayOptions::default());
    let issuer = certificate("issuer", 1, None, &[]);
    let stranger = certificate("issuer", 1, None, &[]);
    let good = |since, until| Single { serial: 7, is_revoked: false, reason: None, since, until };
    for (answer, expected, detail) in [
        (ocsp(&issuer, &issuer, &good(-1, Some(1))), "ok", "good, says the issuer's OCSP"),
        (
            ocsp(&issuer, &issuer, &Single { is_revoked: true, ..good(-1, Some(1)) }),
            "failed",
            "revoked, says the issuer's OCSP",
        ),
        (
            ocsp(&issuer, &issuer, &Single { is_revoked: true, ..good(-9, Some(-1)) }),
            "failed",
            "which is not current; what is revoked stays so",
        ),
        (ocsp(&issuer, &issuer, &Single { is_revoked: true, ..good(-9, None) }), "failed", "not current"),
        (
            ocsp(&issuer, &stranger, &Single { is_revoked: true, ..good(-9, Some(-1)) }),
            "warning",
            "the OCSP response's signature does not verify",
        ),
        (ocsp(&issuer, &issuer, &good(0, None)), "warning", "the OCSP response does not say until when it is valid"),
        (ocsp(&issuer, &issuer, &good(-9, Some(-1))), "warning", "the OCSP response is out of date"),
        (
            ocsp(&issuer, &issuer, &good(1, Some(2))),
            "warning",
            "by this machine's clock, the OCSP response is not valid yet",
        ),
        (
            ocsp(&issuer, &issuer, &Single { is_revoked: true, reason: Some(6), ..good(-9, Some(-1)) }),
            "warning",
            "the OCSP response is out of date",
        ),
        (
            ocsp(&issuer, &issuer, &Single { is_revoked: true, reason: Some(6), ..good(-1, Some(1)) }),
            "failed",
            "revoked, says the issuer's OCSP",
        ),
        (
            ocsp(&issuer, &issuer, &Single { is_revoked: true, reason: Some(1), ..good(-9, Some(-1)) }),
            "failed",
            "not current",
        ),
        (
            ocsp(&issuer, &issuer, &Single { serial: 8, ..good(-1, Some(1)) }),
            "warning",
            "the answer is about another certificate",
        ),
        (ocsp(&issuer, &stranger, &good(-1, Some(1))), "warning", "the OCSP response's signature does not verify"),
    ] {
        let checked = check(&stage, &issuer, "OCSP", serve("200 OK", answer), &[]);
        let (found, text) = status(&checked);
        assert_eq!(found, expected, "{text}");
        assert!(text.contains(detail), "{text}");
        assert!(expected == "ok" || checked.text("/verdict") != "accepted");
    }
}

/// A proxy that answers requests for plain HTTP itself, and hands out the first lines that it saw.
fn plain_proxy(body: Vec<u8>) -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (seen, lines) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while stream.read_line(&mut head).unwrap() > 2 {}
            seen.send(head.clone()).unwrap();
            let is_tunnel = head.starts_with("CONNECT");
            let body = if is_tunnel { &[][..] } else { &body };
            let line = if is_tunnel { "HTTP/1.1 403 Forbidden" } else { "HTTP/1.1 200 OK" };
            let answer = format!("{line}\r\nContent-Length: {}\r\n\r\n", body.len());
            let stream = stream.get_mut();
            stream.write_all(answer.as_bytes()).and_then(|()| stream.write_all(body)).unwrap();
        }
    });
    (port, lines)
}

#[test]
fn revocation_goes_through_the_same_proxy() {
    let stage = Stage::new(GatewayOptions::default());
    let issuer = certificate("issuer", 1, None, &[]);
    let (proxy, lines) = plain_proxy(list(&issuer, 7, 3));
    // Port 9 is the certificate's, where nobody listens: the proxy answers in its place.
    let url = format!("http://user:p%40ss@127.0.0.1:{proxy}");
    let checked = check(&stage, &issuer, "CRL", 9, &["--proxy", &url]);
    let (found, text) = status(&checked);
    assert_eq!(found, "failed", "{text}");
    let heads: Vec<_> = [lines.recv().unwrap(), lines.recv().unwrap()].into_iter().collect();
    let request = heads.iter().find(|head| head.starts_with("GET http://127.0.0.1:9/list.crl HTTP/1.1")).unwrap();
    assert!(request.to_lowercase().contains("proxy-authorization: basic dxnlcjpwqhnz"), "{request}");
    assert!(!checked.report.to_string().contains("p@ss"));
}

#[test]
fn the_proxys_own_answer_is_not_the_issuers() {
    let stage = Stage::new(GatewayOptions::default());
    let issuer = certificate("issuer", 1, None, &[]);
    for (status_line, expected) in [
        ("407 Proxy Authentication Required", "the answer, perhaps the proxy's own, is 407"),
        ("503 Service Unavailable", "the answer, perhaps the proxy's own, is 503"),
        ("404 Not Found", "the answer is 404"),
    ] {
        let url = format!("http://127.0.0.1:{}", serve(status_line, vec![]));
        let checked = check(&stage, &issuer, "CRL", 9, &["--proxy", &url]);
        assert!(status(&checked).1.contains(expected), "{}", status(&checked).1);
    }
}

#[test]
fn revocation_is_asked_beside_the_connection() {
    let faults = vec!["stall-answer".parse().unwrap()];
    let stage = Stage::new(GatewayOptions { faults, ..GatewayOptions::default() });
    let issuer = certificate("issuer", 1, None, &[]);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let checked = check(&stage, &issuer, "OCSP", port, &["--timeout", "1500ms"]);
    assert!(status(&checked).1.contains("no answer within 1.5 s"), "{:#}", checked.first());
    // Both wait for 1.5 seconds; one after the other that would be three.
    assert!(checked.took < Duration::from_millis(2900), "{:?}", checked.took);
}

#[test]
fn silence_is_unknown() {
    let stage = Stage::new(GatewayOptions::default());
    let issuer = certificate("issuer", 1, None, &[]);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for (kind, port) in [
        ("CRL", closed),
        ("CRL", silent.local_addr().unwrap().port()),
        ("OCSP", closed),
        ("OCSP", serve("200 OK", b"nonsense".to_vec())),
    ] {
        let checked = check(&stage, &issuer, kind, port, &["--timeout", "400ms"]);
        let (found, text) = status(&checked);
        assert_eq!(found, "warning", "{text}");
        assert!(text.starts_with("unknown: "), "{text}");
        assert!(checked.took < Duration::from_secs(5));
    }
    // A responder may say no more than that it will not answer (RFC 6960 section 4.2.1: unauthorized).
    let refusing = serve("200 OK", b"\x30\x03\x0a\x01\x06".to_vec());
    let (_, text) = status(&check(&stage, &issuer, "OCSP", refusing, &[]));
    assert!(text.ends_with("the responder refused the request"), "{text}");
    // Who names neither is not known about either.
    let (found, text) = status(&stage.check(&["--revocation"]));
    assert_eq!(
        (found.as_str(), text.as_str()),
        ("warning", "unknown: the certificate names no OCSP responder and no CRL")
    );
}

#[test]
fn the_gateways_own_list_is_well_formed() {
    let authority = ThrowawayCa::new().unwrap();
    let client = authority.client(&["a.b".to_owned()]).unwrap().certificate;
    let list = authority.revoke(&client).unwrap();
    assert!(list.verify(&authority.certificate().public_key().unwrap()).unwrap());
}
