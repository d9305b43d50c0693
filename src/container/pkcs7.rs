//! Reads the certificates of PKCS#7 SignedData (RFC 2315 section 9.1, RFC 5652 section 5.1).

use x509_parser::asn1_rs::{Oid, Tag, oid};

use crate::asn1::{Malformed, Value};
use crate::certificate::Certificate;
use crate::container::passwords::Unlocker;
use crate::container::{Container, Contents, OpenError};

const SIGNED_DATA: Oid<'static> = oid!(1.2.840.113549.1.7.2);

pub(super) fn read(bytes: &[u8], _: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let (content_info, _) = Value::parse(bytes, "PKCS#7")?;
    let mut contents = Contents::new(Container::Pkcs7);
    let Some(set) = certificate_set(&content_info)? else { return Ok(contents) };
    let mut list = set.reader("PKCS#7 certificates");
    while let Some(certificate) = list.try_next()? {
        // Other choices (attribute certificates) are tagged.
        if certificate.is(Tag::Sequence) {
            contents.certificates.push(Certificate::parse(certificate.encoded())?.into());
        }
    }
    Ok(contents)
}

/// Finds the certificates of SignedData. Signatures are not looked at: a .p7b has none.
fn certificate_set<'a>(content_info: &Value<'a>) -> Result<Option<Value<'a>>, Malformed> {
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
    match fields.try_next()? {
        Some(set) if set.is_context(0) => Ok(Some(set)),
        _ => Ok(None),
    }
}
