//! Finds the certificate in what the registry of Windows keeps of one (`Blob`), and stores write as a serialized certificate.

/// The number of the property that is the certificate itself (CERT_CERT_PROP_ID of wincrypt.h).
const CERTIFICATE: u32 = 0x20;

/// The greatest number of a property (CERT_LAST_USER_PROP_ID).
const LAST_PROPERTY: u32 = 0xffff;

/// The type of the encoding, of each property (X509_ASN_ENCODING).
const X509: u32 = 1;

/// Returns the certificate among the properties that bytes are as a whole: a number, the encoding and a length, of four
/// bytes each and the least first, then the value.
pub(super) fn certificate(bytes: &[u8]) -> Option<&[u8]> {
    let mut certificate = None;
    let mut rest = bytes;
    while !rest.is_empty() {
        let (property, after) = number(rest)?;
        let (encoding, after) = number(after)?;
        let (length, after) = number(after)?;
        if !(1..=LAST_PROPERTY).contains(&property) || encoding != X509 {
            return None;
        }
        let (value, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
        if property == CERTIFICATE {
            certificate = Some(value);
        }
        rest = after;
    }
    certificate
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::{Passwords, open};
    use crate::limits::DEFAULT_MAX_ITERATIONS;
    use crate::test_support::fixture;

    fn property(number: u32, value: &[u8]) -> Vec<u8> {
        let length = u32::try_from(value.len()).unwrap();
        [&number.to_le_bytes()[..], &X509.to_le_bytes(), &length.to_le_bytes(), value].concat()
    }

    #[test]
    fn a_certificate_of_the_registry_is_read() {
        let der = fixture("der/universal.cer");
        let hash = property(3, &[7; 20]);
        let own = property(CERTIFICATE, &der);
        for blob in [own.clone(), [&hash[..], &own].concat(), [&own[..], &hash].concat()] {
            assert_eq!(certificate(&blob), Some(&der[..]));
            assert_eq!(certificate(&blob[..blob.len() - 1]), None);
            let hex: Vec<String> = blob.iter().map(|byte| format!("{byte:02x}")).collect();
            let encoded = data_encoding::BASE64.encode(&blob);
            let quoted = format!("{{\"blob\": \"{encoded}\"}}\n");
            let listed = format!("[HKEY_LOCAL_MACHINE\\CA]\r\n\"Blob\"=hex:{}\r\n", hex.join(","));
            for file in [blob.clone(), encoded.into_bytes(), hex.concat().into_bytes(), quoted.into(), listed.into()] {
                let opened = open(&file, &mut Passwords::None, DEFAULT_MAX_ITERATIONS).unwrap();
                assert_eq!(opened.certificates[0].item.der, der, "{}", file[..12].escape_ascii());
            }
        }
        for other in [&b""[..], &hash, &[0; 24], &[1, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(certificate(other), None);
        }
    }
}
