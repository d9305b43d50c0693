//! OCSP and CRL, served on the loopback. The OCSP answers are OpenSSL's own in `tests/interop`.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
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
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(9).unwrap()).unwrap();
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
    list.sign(&issuer.key, MessageDigest::sha256()).unwrap();
    list.build().unwrap().to_der().unwrap()
}

/// Checks a certificate whose CRL is served at `port`.
fn check(stage: &Stage, issuer: &Issuer, kind: &'static str, port: u16, arguments: &[&str]) -> Checked {
    let url = match kind {
        "OCSP" => ("authorityInfoAccess", format!("OCSP;URI:http://127.0.0.1:{port}/")),
        _ => ("crlDistributionPoints", format!("URI:http://127.0.0.1:{port}/list.crl")),
    };
    let production = ("1.2.840.113635.100.6.3.2", "DER:05:00".to_owned());
    let leaf = certificate("leaf", 7, Some(issuer), &[url, production]);
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

#[test]
fn only_a_signed_and_current_list_is_believed() {
    let stage = Stage::new(GatewayOptions::default());
    let issuer = certificate("issuer", 1, None, &[]);
    let stranger = certificate("issuer", 1, None, &[]);
    for (status_line, body, expected, detail) in [
        ("200 OK", list(&issuer, 7, 3), "failed", "revoked, says the issuer's CRL"),
        ("200 OK", list(&issuer, 8, 3), "ok", "good, says the issuer's CRL"),
        ("200 OK", list(&issuer, 8, -1), "warning", "the CRL is out of date"),
        ("200 OK", list(&stranger, 8, 3), "warning", "the CRL's signature does not verify"),
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
