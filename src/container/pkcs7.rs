//! The certificates of PKCS#7 SignedData (RFC 2315 section 9.1, RFC 5652 section 5.1).

use x509_parser::asn1_rs::{Oid, Tag, oid};

use crate::asn1::{Malformed, Value};

const SIGNED_DATA: Oid<'static> = oid!(1.2.840.113549.1.7.2);

/// All X.509 certificates, as encoded. Signatures are not looked at: a .p7b has none.
pub(super) fn certificates<'a>(content_info: &Value<'a>) -> Result<Vec<&'a [u8]>, Malformed> {
    let mut content = content_info.reader("PKCS#7");
    let kind = content.required("its type")?.oid()?;
    if kind != SIGNED_DATA {
        return Err(content.malformed(format!("holds no certificates (its type is {kind})")));
    }
    let wrapped = content.expect_context(0, "its content")?;
    let signed = wrapped.reader("PKCS#7").expect(Tag::Sequence, "the signed data")?;
    let mut fields = signed.reader("PKCS#7");
    fields.expect(Tag::Integer, "the version")?;
    fields.expect(Tag::Set, "the digest algorithms")?;
    fields.expect(Tag::Sequence, "the content")?;
    let mut certificates = Vec::new();
    if let Some(set) = fields.try_next()?.filter(|field| field.is_context(0)) {
        let mut list = set.reader("PKCS#7 certificates");
        while let Some(certificate) = list.try_next()? {
            // Other choices (attribute certificates) are tagged.
            if certificate.is(Tag::Sequence) {
                certificates.push(certificate.encoded());
            }
        }
    }
    Ok(certificates)
}
