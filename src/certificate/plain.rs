//! Certificates that OpenSSL reads for certain.

use x509_cert::der::asn1::{Any, Ia5StringRef, ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use x509_cert::der::{Decode, Encode, Tag, Tagged};
use x509_cert::name::Name;
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::certificate::Certificate;

/// The most bytes of a name. The parser sorts what a part of it holds in a time that grows with the square of its number.
const MAX_NAME: usize = 512;

/// Returns whether a certificate is DER to the letter, with everyday parameters and texts. OpenSSL reads those, and to
/// ask it takes half as long as to convert a file: at its start it makes tables of its messages and algorithms.
pub(super) fn is_plain(certificate: &Certificate) -> bool {
    let names = [&certificate.raw_issuer, &certificate.raw_subject];
    names.iter().all(|name| name.len() <= MAX_NAME) && is_plain_der(&certificate.der)
}

fn is_plain_der(der: &[u8]) -> bool {
    let Ok(certificate) = x509_cert::Certificate::from_der(der) else { return false };
    // What the parser passes over is not written.
    if !certificate.to_der().is_ok_and(|encoded| encoded == der) {
        return false;
    }
    let signed = &certificate.tbs_certificate;
    let key = &signed.subject_public_key_info.algorithm;
    [&certificate.signature_algorithm, &signed.signature, key].into_iter().all(is_plain_algorithm)
        && [&signed.issuer, &signed.subject].into_iter().all(is_plain_name)
        && signed.extensions.iter().flatten().all(|extension| is_plain_oid(&extension.extn_id))
}

fn is_plain_algorithm(algorithm: &AlgorithmIdentifierOwned) -> bool {
    let has_plain_parameters = match &algorithm.parameters {
        None => true,
        // Of EC: a curve.
        Some(parameters) if parameters.tag() == Tag::ObjectIdentifier => {
            parameters.decode_as().is_ok_and(|curve| is_plain_oid(&curve))
        }
        Some(parameters) => *parameters == Any::null(),
    };
    has_plain_parameters && is_plain_oid(&algorithm.oid)
}

/// Returns whether its arcs are encoded as short as they can be: none begins with 0x80 (X.690 section 8.19.2).
fn is_plain_oid(oid: &ObjectIdentifier) -> bool {
    const CONTINUES: u8 = 0x80;
    let mut begins_arc = true;
    for byte in oid.as_bytes() {
        if begins_arc && *byte == CONTINUES {
            return false;
        }
        begins_arc = byte & CONTINUES == 0;
    }
    true
}

fn is_plain_name(name: &Name) -> bool {
    let mut attributes = name.0.iter().flat_map(|relative| relative.0.iter());
    attributes.all(|attribute| is_plain_oid(&attribute.oid) && is_plain_text(&attribute.value))
}

fn is_plain_text(value: &Any) -> bool {
    match value.tag() {
        Tag::PrintableString => value.decode_as::<PrintableStringRef<'_>>().is_ok(),
        Tag::Utf8String => value.decode_as::<Utf8StringRef<'_>>().is_ok(),
        Tag::Ia5String => value.decode_as::<Ia5StringRef<'_>>().is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use openssl::x509::X509;

    use super::{MAX_NAME, is_plain, is_plain_der};
    use crate::certificate::Certificate;
    use crate::test_support::certificate;

    const FILES: [&str; 3] = ["der/universal.cer", "der/ec.cer", "ca/root.pem"];

    /// Tags, lengths that say more than they need, signs of BER, and bytes that are in no UTF-8.
    const BYTES: [u8; 16] = [0, 1, 2, 5, 12, 19, 22, 28, 30, 0x30, 0x7f, 0x80, 0x81, 0xa0, 0xa3, 0xff];

    #[test]
    fn certificates_of_every_day_are_plain() {
        for file in FILES {
            assert!(is_plain(&certificate(file)), "{file}");
        }
        assert!(!is_plain(&certificate("der/utf8-subject.cer")), "texts in T61String");
    }

    #[test]
    fn a_long_name_is_not_sorted() {
        let long = vec![0; MAX_NAME + 1];
        for file in FILES {
            let certificate = certificate(file);
            assert!(!is_plain(&Certificate { raw_subject: long.clone(), ..certificate.clone() }), "{file}");
            assert!(!is_plain(&Certificate { raw_issuer: long.clone(), ..certificate }), "{file}");
        }
    }

    #[test]
    fn openssl_reads_what_is_plain_whatever_a_byte_becomes() {
        let (mut plain, mut other) = (0, 0);
        for file in FILES {
            let der = certificate(file).der;
            for place in 0..der.len() {
                for byte in BYTES {
                    let mut changed = der.clone();
                    changed[place] = byte;
                    if is_plain_der(&changed) {
                        plain += 1;
                        assert!(X509::from_der(&changed).is_ok(), "{file}: byte {place} is {byte:#x}");
                    } else {
                        other += 1;
                    }
                }
            }
        }
        assert!(plain > 1000 && other > 1000, "{plain} {other}");
    }
}
