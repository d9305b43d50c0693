//! Reads the certificates of PKCS#7 SignedData (RFC 2315 section 9.1, RFC 5652 section 5.1).

use std::borrow::Cow;

use x509_parser::asn1_rs::{Oid, Tag, oid};

use crate::asn1::{Malformed, Value};
use crate::container::detect::SIGNED_DATA;
use crate::container::lookalike::Lookalike;
use crate::container::passwords::Unlocker;
use crate::container::profile::ProvisioningProfile;
use crate::container::{Container, Contents, OpenError, Unread, read_layer};
use crate::crypto::DecodeError;
use crate::limits::LimitError;
use crate::pkcs12::Holds;

const NETSCAPE_SEQUENCE: Oid<'static> = oid!(2.16.840.1.113730.2.5);

/// Reads the certificates. One that cannot be read takes no other with it.
pub(super) fn read(bytes: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let (content_info, _) = Value::parse(bytes, "PKCS#7")?;
    let mut rests = Vec::new();
    if let Some(list) = netscape_sequence(&content_info, &mut rests)? {
        let mut contents = read_list(&list, unlocker)?;
        contents.add_rests(&rests, unlocker)?;
        return Ok(contents);
    }
    if let Some(values) = certificate_values(&content_info) {
        let mut contents = Contents::new(Container::Der);
        contents.add_rest("inside the attribute", values, unlocker)?;
        return Ok(contents);
    }
    let signed = signed_data(&content_info, &mut rests)?;
    let mut fields = signed.reader("PKCS#7");
    fields.expect(Tag::Integer, "the version")?;
    fields.expect(Tag::Set, "the digest algorithms")?;
    let content = fields.expect(Tag::Sequence, "the content")?;
    let text = signed_text(&content, &mut rests);
    if is_provisioning_profile(content.encoded()) {
        let profile = match &text {
            Some(text) if text.starts_with(BINARY_LIST) => Err(Malformed::new("property list", BINARY)),
            Some(text) => ProvisioningProfile::parse(text),
            None => Err(Malformed::new("provisioning profile", "has no property list")),
        };
        return Err(OpenError::Profile(profile.map(Box::new)));
    }
    let mut contents = Contents::new(Container::Pkcs7);
    while let Some(set) = fields.try_next()? {
        if set.is_context(0) {
            contents.add_certificates(&set, unlocker)?;
        } else if set.is_context(1) {
            contents.add_revocation_lists(&set)?;
        } else if set.is(Tag::Set) {
            // The signers, which are last.
            rests.push(fields.rest());
            break;
        } else {
            rests.push(set.encoded());
        }
    }
    if let Some(text) = text {
        contents.add_signed(&text, unlocker)?;
    }
    contents.add_rests(&rests, unlocker)?;
    Ok(contents)
}

/// The beginning of a binary property list.
const BINARY_LIST: &[u8] = b"bplist00";

const BINARY: &str = "is binary, which is not read";

/// What is signed, as the place of what is read in it.
const SIGNED: &str = "the signed content";

/// The place of what is no certificate in their list.
const AMONG: &str = "among the certificates";

fn read_list(list: &Value<'_>, unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let mut contents = Contents::new(Container::Pkcs7);
    contents.add_certificates(list, unlocker)?;
    Ok(contents)
}

impl Contents {
    fn add_rests(&mut self, rests: &[&[u8]], unlocker: &mut Unlocker<'_, '_>) -> Result<(), OpenError> {
        for rest in rests {
            if !rest.is_empty() {
                self.add_rest("after the content of PKCS#7", rest, unlocker)?;
            }
        }
        Ok(())
    }

    fn add_certificates(&mut self, list: &Value<'_>, unlocker: &mut Unlocker<'_, '_>) -> Result<(), OpenError> {
        let mut list = list.reader("PKCS#7 certificates");
        while let Some(certificate) = list.try_next()? {
            if certificate.is(Tag::Sequence) {
                self.add_item(&certificate, unlocker)?;
            } else if (0..=3).any(|number| certificate.is_context(number)) {
                // The other choices are tagged.
                self.add_other(Lookalike::AttributeCertificate, AMONG);
            } else if certificate.is(Tag::OctetString) {
                self.add_rest(AMONG, &certificate.octets()?, unlocker)?;
            } else {
                self.add_rest(AMONG, certificate.encoded(), unlocker)?;
            }
        }
        Ok(())
    }

    /// Adds what is signed: a configuration profile has certificates and .p12 files in it.
    fn add_signed(&mut self, text: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<(), OpenError> {
        if text.starts_with(BINARY_LIST) {
            let error = Malformed::new("property list", BINARY);
            self.unread.push(Unread::new(SIGNED.to_owned(), Holds::Anything, error.into()));
            return Ok(());
        }
        let Some(()) = unlocker.enter() else { return Err(LimitError::Search.into()) };
        let read = read_layer(text, unlocker).and_then(Contents::check_anything);
        unlocker.leave();
        match read {
            Ok(part) => self.add(part),
            // It may be anything, such as a mail.
            Err(OpenError::Unrecognized | OpenError::Empty | OpenError::MereText(_) | OpenError::Lookalike(_)) => {
                Ok(())
            }
            Err(error) => {
                self.unread.push(Unread::new(SIGNED.to_owned(), Holds::Anything, error));
                self.check_bounds()
            }
        }
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

/// The types of what has certificates and is no PKCS#7: attributes of a directory (userCertificate, cACertificate,
/// crossCertificatePair of X.509 section 13), and a bag of PKCS#12.
const CERTIFICATE_VALUES: [Oid<'static>; 4] =
    [oid!(2.5.4.36), oid!(2.5.4.37), oid!(2.5.4.40), oid!(1.2.840.113549.1.9.22.1)];

/// Returns the values of an attribute, or of a bag, that has certificates.
fn certificate_values<'a>(content: &Value<'a>) -> Option<&'a [u8]> {
    let mut fields = content.reader("PKCS#7");
    let kind = fields.required("its type").ok()?.oid().ok()?;
    CERTIFICATE_VALUES.contains(&kind).then(|| fields.rest())
}

/// Returns the certificates of a Netscape certificate sequence, which OpenSSL still writes (`openssl nseq`).
fn netscape_sequence<'a>(content_info: &Value<'a>, rests: &mut Vec<&'a [u8]>) -> Result<Option<Value<'a>>, Malformed> {
    let mut content = content_info.reader("PKCS#7");
    if content.required("its type")?.oid()? != NETSCAPE_SEQUENCE {
        return Ok(None);
    }
    let mut wrapped = content.expect_context(0, "its content")?.reader("certificate sequence");
    let list = wrapped.expect(Tag::Sequence, "the certificates")?;
    rests.extend([wrapped.rest(), content.rest()]);
    Ok(Some(list))
}

/// Returns what is signed, where it is not apart from the signature: octets, or in PKCS#7 a value of any type.
fn signed_text<'a>(content: &Value<'a>, rests: &mut Vec<&'a [u8]>) -> Option<Cow<'a, [u8]>> {
    let mut fields = content.reader("PKCS#7");
    fields.required("its type").ok()?;
    let rest = fields.rest();
    let Ok(Some(content)) = fields.try_next() else {
        rests.push(rest);
        return None;
    };
    if !content.is_context(0) {
        rests.push(rest);
        return None;
    }
    let mut wrapped = content.reader("PKCS#7");
    let text = wrapped.required("its content").ok()?;
    rests.extend([wrapped.rest(), fields.rest()]);
    match text.is(Tag::OctetString) {
        true => text.octets().ok(),
        false => Some(Cow::Borrowed(text.encoded())),
    }
}

/// Returns whether signed content is a provisioning profile.
fn is_provisioning_profile(content: &[u8]) -> bool {
    for name in ["ProvisionedDevices", "DeveloperCertificates"] {
        let has = |text: &[u8]| memchr::memmem::find(content, text).is_some();
        if has(format!("<key>{name}</key>").as_bytes()) || (has(BINARY_LIST) && has(name.as_bytes())) {
            return true;
        }
    }
    false
}

/// Returns the SignedData. Signatures are not looked at: a .p7b has none.
fn signed_data<'a>(content_info: &Value<'a>, rests: &mut Vec<&'a [u8]>) -> Result<Value<'a>, DecodeError> {
    let mut content = content_info.reader("PKCS#7");
    let kind = content.required("its type")?.oid()?;
    if kind != SIGNED_DATA {
        return Err(DecodeError::unknown_type("PKCS#7 content", &kind));
    }
    let mut wrapped = content.expect_context(0, "its content")?.reader("PKCS#7");
    let signed = wrapped.expect(Tag::Sequence, "the signed data")?;
    rests.extend([wrapped.rest(), content.rest()]);
    Ok(signed)
}
