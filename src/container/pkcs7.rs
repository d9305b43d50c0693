//! Reads the certificates of PKCS#7 SignedData (RFC 2315 section 9.1, RFC 5652 section 5.1).

use std::borrow::Cow;

use x509_parser::asn1_rs::{Oid, Tag, oid};

use crate::asn1::{Malformed, Value};
use crate::certificate::Certificate;
use crate::container::lookalike::Lookalike;
use crate::container::profile::ProvisioningProfile;
use crate::container::{Container, Contents, OpenError, Unread};
use crate::crypto::DecodeError;
use crate::pkcs12::Holds;

const NETSCAPE_SEQUENCE: Oid<'static> = oid!(2.16.840.1.113730.2.5);
const SIGNED_DATA: Oid<'static> = oid!(1.2.840.113549.1.7.2);

/// Reads the certificates. One that cannot be read takes no other with it.
pub(super) fn read(bytes: &[u8]) -> Result<Contents, OpenError> {
    let (content_info, _) = Value::parse(bytes, "PKCS#7")?;
    if let Some(list) = netscape_sequence(&content_info)? {
        return read_list(&list);
    }
    let signed = signed_data(&content_info)?;
    let mut fields = signed.reader("PKCS#7");
    fields.expect(Tag::Integer, "the version")?;
    fields.expect(Tag::Set, "the digest algorithms")?;
    let content = fields.expect(Tag::Sequence, "the content")?;
    if is_provisioning_profile(content.encoded()) {
        let profile = match profile_text(&content) {
            Some(text) => ProvisioningProfile::parse(&text),
            None => Err(Malformed::new("provisioning profile", "has no property list")),
        };
        return Err(OpenError::Profile(profile.map(Box::new)));
    }
    let mut contents = Contents::new(Container::Pkcs7);
    while let Some(set) = fields.try_next()? {
        if set.is_context(0) {
            contents.add_certificates(&set)?;
        } else if set.is_context(1) {
            contents.add_revocation_lists(&set)?;
        }
    }
    Ok(contents)
}

fn read_list(list: &Value<'_>) -> Result<Contents, OpenError> {
    let mut contents = Contents::new(Container::Pkcs7);
    contents.add_certificates(list)?;
    Ok(contents)
}

impl Contents {
    fn add_certificates(&mut self, list: &Value<'_>) -> Result<(), OpenError> {
        let mut list = list.reader("PKCS#7 certificates");
        while let Some(certificate) = list.try_next()? {
            // The other choices are tagged.
            if !certificate.is(Tag::Sequence) {
                self.add_other(Lookalike::AttributeCertificate, "among the certificates");
                continue;
            }
            let place = format!("certificate {}", self.certificates.len() + self.unread.len() + 1);
            match Certificate::parse(certificate.encoded()) {
                Ok(read) => self.certificates.push(read.into()),
                Err(error) => self.unread.push(Unread::new(place, Holds::Certificate, error.into())),
            }
            self.check_bounds()?;
        }
        Ok(())
    }

    fn add_revocation_lists(&mut self, list: &Value<'_>) -> Result<(), OpenError> {
        let mut list = list.reader("PKCS#7 revocation lists");
        while let Some(other) = list.try_next()? {
            // The other choices, such as OCSP responses (RFC 5940), are tagged.
            let kind = if other.is(Tag::Sequence) { Lookalike::RevocationList } else { Lookalike::OcspResponse };
            self.add_other(kind, "among the revocation lists");
        }
        Ok(())
    }
}

/// Returns the certificates of a Netscape certificate sequence, which OpenSSL still writes (`openssl nseq`).
fn netscape_sequence<'a>(content_info: &Value<'a>) -> Result<Option<Value<'a>>, Malformed> {
    let mut content = content_info.reader("PKCS#7");
    if content.required("its type")?.oid()? != NETSCAPE_SEQUENCE {
        return Ok(None);
    }
    let wrapped = content.expect_context(0, "its content")?;
    Ok(Some(wrapped.reader("certificate sequence").expect(Tag::Sequence, "the certificates")?))
}

/// Returns the property list of a provisioning profile.
fn profile_text<'a>(content: &Value<'a>) -> Option<Cow<'a, [u8]>> {
    let mut fields = content.reader("PKCS#7");
    fields.required("its type").ok()?;
    let wrapped = fields.expect_context(0, "its content").ok()?;
    wrapped.reader("PKCS#7").expect(Tag::OctetString, "its content").ok()?.octets().ok()
}

/// Returns whether signed content is a provisioning profile.
fn is_provisioning_profile(content: &[u8]) -> bool {
    memchr::memmem::find(content, b"<key>ProvisionedDevices</key>").is_some()
        || memchr::memmem::find(content, b"<key>DeveloperCertificates</key>").is_some()
}

/// Returns the SignedData. Signatures are not looked at: a .p7b has none.
fn signed_data<'a>(content_info: &Value<'a>) -> Result<Value<'a>, DecodeError> {
    let mut content = content_info.reader("PKCS#7");
    let kind = content.required("its type")?.oid()?;
    if kind != SIGNED_DATA {
        return Err(DecodeError::unknown_type("PKCS#7 content", &kind));
    }
    let wrapped = content.expect_context(0, "its content")?;
    Ok(wrapped.reader("PKCS#7").expect(Tag::Sequence, "the signed data")?)
}
