//! Detects the file type from its contents, never from its name.

use x509_parser::asn1_rs::{Oid, Tag, oid};

use crate::asn1::{self, Value};
use crate::container::lookalike::Lookalike;
use crate::container::{Container, OpenError, hidden, list, transport};
use crate::crypto::pkcs8;
use crate::limits::{self, MAX_FILE_SIZE, SEARCH_STEP};
use crate::pem;
use crate::pkcs12::{self, Holds};

/// The file types that have a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Pem,
    Pkcs12,
    Certificate,
    CertificateList,
    Pkcs7,
    Request,
    Pkcs8Key,
    EncryptedKey,
    Pkcs1Key,
    Sec1Key,
    DsaKey,
}

impl Format {
    pub(super) fn container(self) -> Container {
        match self {
            Self::Pem => Container::Pem,
            Self::Pkcs12 => Container::Pkcs12,
            Self::Certificate | Self::CertificateList => Container::Der,
            Self::Pkcs7 => Container::Pkcs7,
            Self::Request => Container::Csr,
            Self::Pkcs8Key | Self::EncryptedKey | Self::Pkcs1Key | Self::Sec1Key | Self::DsaKey => Container::Key,
        }
    }

    /// Returns what such a structure holds.
    pub(super) fn holds(self) -> Holds {
        match self {
            Self::Pem | Self::Pkcs12 => Holds::Anything,
            Self::Certificate | Self::CertificateList | Self::Pkcs7 => Holds::Certificate,
            Self::Request => Holds::Other,
            Self::Pkcs8Key | Self::EncryptedKey | Self::Pkcs1Key | Self::Sec1Key | Self::DsaKey => Holds::Key,
        }
    }

    /// Returns the format that the label of a PEM block promises.
    pub(super) fn of_label(label: &str) -> Option<Self> {
        Some(match label {
            "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => Self::Certificate,
            "PKCS7" | "CMS" | "PKCS #7 SIGNED DATA" => Self::Pkcs7,
            "PKCS12" => Self::Pkcs12,
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Self::Request,
            "PRIVATE KEY" | "ANY PRIVATE KEY" => Self::Pkcs8Key,
            "ENCRYPTED PRIVATE KEY" => Self::EncryptedKey,
            "RSA PRIVATE KEY" => Self::Pkcs1Key,
            "EC PRIVATE KEY" => Self::Sec1Key,
            "DSA PRIVATE KEY" => Self::DsaKey,
            _ => return None,
        })
    }
}

/// Detects what a file is, whose transport is undone.
pub(super) fn detect(bytes: &[u8]) -> Result<Format, OpenError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(OpenError::Empty);
    }
    // A certificate may have a PEM block in one of its texts, and a PEM block may follow it.
    if begins_with_value(bytes) || is_set_of_certificates(bytes) {
        return detect_der(bytes);
    }
    if let Some(lookalike) = Lookalike::of_binary(bytes) {
        return Err(OpenError::Lookalike(lookalike));
    }
    if pem::looks_like_pem(bytes) || transport::has_encoded_part(bytes) {
        return Ok(Format::Pem);
    }
    detect_der(bytes)
}

/// Returns whether a DER value of some length is at the beginning, as a whole.
pub(super) fn begins_with_value(bytes: &[u8]) -> bool {
    transport::begins_as_der(bytes) && Value::parse_prefix(bytes).is_some()
}

/// Returns whether a set of certificates is at the beginning.
pub(super) fn is_set_of_certificates(bytes: &[u8]) -> bool {
    const SET: u8 = 0x31;
    if !bytes.starts_with(&[SET]) {
        return false;
    }
    match Value::parse_prefix(bytes) {
        Some((set, _)) => list::is_list(&set),
        None => false,
    }
}

/// The fewest bytes of a value that is found among others: a private key alone has as many.
const MIN_VALUE: usize = 32;

/// Returns the rest of `bytes` from the first certificate, key or container in DER in it on, or from the value of any
/// kind that it begins with. The places that are looked at are counted for the whole file.
pub(super) fn find_value(bytes: &[u8]) -> Option<&[u8]> {
    let start = trim_start(bytes);
    if begins_with_value(start) {
        return Some(start);
    }
    for position in memchr::memchr_iter(0x30, bytes) {
        let rest = &bytes[position..];
        if (matches!(rest, [_, 0x81..=0x83, ..]) || transport::begins_as_short_key(rest))
            && asn1::claimed_length(rest).is_some_and(|claimed| claimed >= MIN_VALUE && claimed <= rest.len())
            && is_read(rest)?
        {
            return Some(rest);
        }
    }
    None
}

/// Returns whether a value is at the beginning that has a reader; `None` where too much was searched, which
/// [`Reading::is_search_over`](crate::limits::Reading::is_search_over) then tells.
fn is_read(bytes: &[u8]) -> Option<bool> {
    limits::charge_search(SEARCH_STEP).ok()?;
    match Value::parse_prefix(bytes) {
        Some((value, _)) => Some(detect_value(&value).is_ok()),
        None => Some(false),
    }
}

/// Leaves out white space, zeros and a byte order mark before a DER value.
pub(super) fn trim_start(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [0 | b' ' | b'\n' | b'\r' | b'\t' | 0xef | 0xbb | 0xbf, after @ ..] = rest {
        rest = after;
    }
    if transport::begins_as_der(rest) { rest } else { bytes }
}

/// Detects what the first value of `bytes` is.
pub(super) fn detect_der(bytes: &[u8]) -> Result<Format, OpenError> {
    // No lookalike that is told by its first bytes is such a value: most are certificates, which are found at once.
    if !begins_with_value(bytes)
        && let Some(lookalike) = Lookalike::of(bytes)
    {
        return Err(OpenError::Lookalike(lookalike));
    }
    if is_named_curve(bytes) {
        return lookalike(Lookalike::Parameters);
    }
    if is_set_of_certificates(bytes) {
        return Ok(Format::CertificateList);
    }
    if !bytes.starts_with(b"\x30") {
        return Err(OpenError::Unrecognized);
    }
    check_length(bytes)?;
    let (outer, _) = Value::parse(bytes, "its outermost structure")?;
    detect_value(&outer)
}

/// The arcs of the curves that have names: of ANSI X9.62, SECG, and Brainpool.
const CURVES: [&[u8]; 3] = [b"\x2a\x86\x48\xce\x3d\x03", b"\x2b\x81\x04\x00", b"\x2b\x24\x03\x03\x02\x08"];

/// Returns whether bytes are the name of a curve, which is all that EC parameters usually are.
fn is_named_curve(bytes: &[u8]) -> bool {
    let [6, length, name @ ..] = bytes else { return false };
    usize::from(*length) == name.len() && CURVES.iter().any(|arc| name.starts_with(arc))
}

/// Compares the length of a file with the one that its outermost header claims.
fn check_length(bytes: &[u8]) -> Result<(), OpenError> {
    let found = bytes.len();
    match asn1::claimed_length(bytes) {
        // What claims to be longer than any file is rather no DER at all.
        Some(claimed) if claimed as u64 > MAX_FILE_SIZE && claimed > found => Err(OpenError::Unrecognized),
        // The length of a short value may be a letter.
        Some(claimed) if claimed > found && is_text(bytes) => Err(OpenError::Unrecognized),
        Some(claimed) if claimed > found => Err(OpenError::Truncated { claimed, found }),
        _ => Ok(()),
    }
}

/// Returns whether a file begins as a text.
fn is_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(64)];
    head.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

/// The most bytes of the headers before a file.
const MAX_HEADERS: usize = 64 << 10;

/// Returns the value in DER that follows headers and an empty line, as `curl -i`, a mail program or a form saves a file:
/// there may be headers of several answers.
pub(super) fn after_headers(bytes: &[u8]) -> Option<&[u8]> {
    let window = &bytes[..bytes.len().min(MAX_HEADERS)];
    let end_of_text = window.iter().position(|byte| !is_of_text(*byte))?;
    // The first byte of a value is the digit 0.
    let (headers, value) = bytes.split_at(end_of_text.checked_sub(1)?);
    let is_after_headers = headers.ends_with(b"\r\n\r\n") || headers.ends_with(b"\n\n");
    if is_after_headers && transport::begins_as_file(value) { Some(value) } else { None }
}

fn is_of_text(byte: u8) -> bool {
    byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Encrypted messages (RFC 5652 sections 6.1 and 8, RFC 5083).
const ENCRYPTED_MESSAGES: [Oid<'static>; 3] =
    [oid!(1.2.840.113549.1.7.3), oid!(1.2.840.113549.1.7.6), oid!(1.2.840.113549.1.9.16.1.23)];

/// Messages with a content in the clear: data, digested and compressed data (RFC 5652 sections 4 and 7, RFC 3274).
const OPEN_MESSAGES: [Oid<'static>; 3] =
    [oid!(1.2.840.113549.1.7.1), oid!(1.2.840.113549.1.7.5), oid!(1.2.840.113549.1.9.16.1.9)];

/// The arc of keys that a TPM alone can use (the ASN.1 specification for TPM 2.0 key files).
const TPM_KEYS: Oid<'static> = oid!(2.23.133.10.1);

/// The most fields that a structure is told by: those of RSAPrivateKey.
const MAX_FIELDS: usize = 10;

/// Tells DER structures apart by their first fields.
fn detect_value(outer: &Value<'_>) -> Result<Format, OpenError> {
    if pkcs12::looks_like_pfx(outer) {
        return Ok(Format::Pkcs12);
    }
    if pkcs8::looks_like_private_key(outer) {
        return Ok(Format::Pkcs8Key);
    }
    let mut reader = outer.reader("its outermost structure");
    let mut fields = Vec::new();
    while fields.len() < MAX_FIELDS
        && let Ok(Some(field)) = reader.try_next()
    {
        fields.push(field);
    }
    match &fields[..] {
        [version, imprint, ..] if version.unsigned() == Ok(1) && is_imprint(imprint) => {
            lookalike(Lookalike::TimestampQuery)
        }
        [version, field, ..] if version.unsigned() == Ok(1) && is_field(field) => lookalike(Lookalike::Parameters),
        [request, ..] if fields.len() <= 2 && is_ocsp_request(request) => lookalike(Lookalike::OcspRequest),
        [version, integer, ..] if version.is(Tag::Integer) && integer.is(Tag::Integer) => detect_integers(&fields),
        [version, octets, ..] if version.unsigned() == Ok(1) && octets.is(Tag::OctetString) => Ok(Format::Sec1Key),
        [oid, ..] if oid.oid().is_ok_and(|oid| ENCRYPTED_MESSAGES.contains(&oid)) => {
            lookalike(Lookalike::EncryptedMessage)
        }
        [oid, ..] if oid.oid().is_ok_and(|oid| OPEN_MESSAGES.contains(&oid)) => lookalike(Lookalike::Message),
        [oid, ..] if oid.oid().is_ok_and(|oid| oid.starts_with(&TPM_KEYS)) => lookalike(Lookalike::TpmKey),
        [oid, ..] if oid.is(Tag::Oid) => Ok(Format::Pkcs7),
        [algorithm, octets] if algorithm.is(Tag::Sequence) && octets.is(Tag::OctetString) => Ok(Format::EncryptedKey),
        [algorithm, key] if algorithm.is(Tag::Sequence) && key.is(Tag::BitString) => lookalike(Lookalike::PublicKey),
        [store, check] if is_encrypted_store(store) && is_integrity_check(check) => {
            lookalike(Lookalike::BouncyCastleFips)
        }
        [status, token] if is_status(status) && is_signed_data(token) => lookalike(Lookalike::TimestampResponse),
        [status, response] if status.is(Tag::Enumerated) && response.is_context(0) => {
            lookalike(Lookalike::OcspResponse)
        }
        [signed, algorithm, signature]
            if signed.is(Tag::Sequence) && algorithm.is(Tag::Sequence) && signature.is(Tag::BitString) =>
        {
            detect_signed(signed)
        }
        _ if list::is_list(outer) => Ok(Format::CertificateList),
        _ => Err(OpenError::Unrecognized),
    }
}

fn lookalike(kind: Lookalike) -> Result<Format, OpenError> {
    Err(OpenError::Lookalike(kind))
}

/// Returns whether a value is a digest with its algorithm, as a time-stamp query has it (RFC 3161 section 2.4.1).
fn is_imprint(value: &Value<'_>) -> bool {
    let mut fields = value.reader("file");
    match (fields.try_next(), fields.try_next(), fields.try_next()) {
        (Ok(Some(algorithm)), Ok(Some(digest)), Ok(None)) => {
            value.is(Tag::Sequence) && algorithm.is(Tag::Sequence) && digest.is(Tag::OctetString)
        }
        _ => false,
    }
}

/// Returns whether a value is an algorithm and what it encrypted, as BouncyCastle's BCFKS begins.
fn is_encrypted_store(value: &Value<'_>) -> bool {
    has_tags(value, &[Tag::Sequence, Tag::OctetString])
}

/// Returns whether a value is a MAC with its algorithm and that of its key, as BCFKS ends.
fn is_integrity_check(value: &Value<'_>) -> bool {
    has_tags(value, &[Tag::Sequence, Tag::Sequence, Tag::OctetString])
}

/// Returns whether a value is a sequence of values with these tags.
fn has_tags(value: &Value<'_>, tags: &[Tag]) -> bool {
    let mut fields = value.reader("file");
    value.is(Tag::Sequence)
        && tags.iter().all(|tag| matches!(fields.try_next(), Ok(Some(field)) if field.is(*tag)))
        && fields.rest().is_empty()
}

/// Returns whether a value begins with a status, as a time-stamp response has it (RFC 3161 section 2.4.2).
fn is_status(value: &Value<'_>) -> bool {
    value.is(Tag::Sequence) && matches!(value.reader("file").try_next(), Ok(Some(status)) if status.is(Tag::Integer))
}

/// SignedData of PKCS#7 (RFC 5652 section 5.1).
pub(super) const SIGNED_DATA: Oid<'static> = oid!(1.2.840.113549.1.7.2);

fn is_signed_data(value: &Value<'_>) -> bool {
    value.is(Tag::Sequence)
        && matches!(value.reader("file").try_next(), Ok(Some(kind)) if kind.oid().is_ok_and(|kind| kind == SIGNED_DATA))
}

/// The prime field and the binary one of an elliptic curve (SEC1 appendix C.2).
const CURVE_FIELDS: [Oid<'static>; 2] = [oid!(1.2.840.10045.1.1), oid!(1.2.840.10045.1.2)];

/// Returns whether a value is the field of an elliptic curve, as its parameters have it.
fn is_field(value: &Value<'_>) -> bool {
    if !value.is(Tag::Sequence) {
        return false;
    }
    match value.reader("file").try_next() {
        Ok(Some(kind)) => kind.oid().is_ok_and(|kind| CURVE_FIELDS.contains(&kind)),
        Ok(None) | Err(_) => false,
    }
}

/// Returns whether a value is what an OCSP request asks (RFC 6960 section 4.1.1): a list of certificates, each by
/// two digests and a serial number, after a version and a name or without.
fn is_ocsp_request(value: &Value<'_>) -> bool {
    let mut fields = value.reader("file");
    while let Ok(Some(field)) = fields.try_next() {
        if !field.is_context(0) && !field.is_context(1) {
            return value.is(Tag::Sequence) && field.is(Tag::Sequence) && begins_with_certificate_id(&field);
        }
    }
    false
}

fn begins_with_certificate_id(list: &Value<'_>) -> bool {
    let Ok(Some(request)) = list.reader("file").try_next() else { return false };
    let Ok(Some(id)) = request.reader("file").try_next() else { return false };
    let mut fields = id.reader("file");
    let tags = [Tag::Sequence, Tag::OctetString, Tag::OctetString, Tag::Integer];
    tags.into_iter().all(|tag| matches!(fields.try_next(), Ok(Some(field)) if field.is(tag)))
}

/// Returns the rest of what follows a certificate after OpenSSL's settings for it (X509_CERT_AUX: uses that it is trusted or
/// rejected for, a name, a key id), if they are there.
pub(super) fn after_trust_settings(bytes: &[u8]) -> Option<&[u8]> {
    let (settings, rest) = Value::parse_prefix(bytes)?;
    // openssl x509 -clrtrust leaves no setting.
    if settings.encoded() == b"\x30\0" {
        return Some(rest);
    }
    if !settings.is(Tag::Sequence) || settings.content().is_empty() {
        return None;
    }
    let mut fields = settings.reader("file");
    let mut last = None;
    while let Some(field) = fields.try_next().ok()? {
        let setting = TrustSetting::of(&field)?;
        if last >= Some(setting) {
            return None;
        }
        last = Some(setting);
    }
    Some(rest)
}

/// OpenSSL's settings for a certificate, in their order. Each may be missing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TrustSetting {
    TrustedUses,
    RejectedUses,
    Name,
    KeyId,
    Others,
}

/// The most bytes of the id of a key, and of what no program writes: a key takes more.
const MAX_KEY_ID: usize = 64;

impl TrustSetting {
    fn of(field: &Value<'_>) -> Option<Self> {
        let is_short = field.content().len() <= MAX_KEY_ID;
        if field.is(Tag::Sequence) && is_list_of_uses(field) {
            Some(Self::TrustedUses)
        } else if field.is_context(0) && is_list_of_uses(field) {
            Some(Self::RejectedUses)
        } else if field.is(Tag::Utf8String) && !hidden::is_key_name(field.content()) {
            Some(Self::Name)
        } else if field.is(Tag::OctetString) && is_short {
            Some(Self::KeyId)
        } else if field.is_context(1) && is_short {
            Some(Self::Others)
        } else {
            None
        }
    }
}

fn is_list_of_uses(list: &Value<'_>) -> bool {
    let mut uses = list.reader("file");
    loop {
        match uses.try_next() {
            Ok(Some(purpose)) if purpose.is(Tag::Oid) => {}
            Ok(None) => return true,
            Ok(Some(_)) | Err(_) => return false,
        }
    }
}

/// Tells structures that begin with two integers apart by their number.
fn detect_integers(fields: &[Value<'_>]) -> Result<Format, OpenError> {
    if !are_integers(fields) {
        return match fields {
            [numbers @ .., proof] if matches!(numbers.len(), 3 | 4) && are_integers(numbers) && is_seed(proof) => {
                lookalike(Lookalike::Parameters)
            }
            _ => Err(OpenError::Unrecognized),
        };
    }
    match fields.len() {
        2 if is_rsa_exponent(&fields[1]) => lookalike(Lookalike::PublicKey),
        // DH parameters, and DSA parameters.
        2 | 3 => lookalike(Lookalike::Parameters),
        6 => Ok(Format::DsaKey),
        9.. => Ok(Format::Pkcs1Key),
        _ => Err(OpenError::Unrecognized),
    }
}

fn are_integers(fields: &[Value<'_>]) -> bool {
    fields.iter().all(|field| field.is(Tag::Integer))
}

/// Returns whether a value proves how parameters of Diffie and Hellman were made (ValidationParms of RFC 3279 section
/// 2.3.3).
fn is_seed(value: &Value<'_>) -> bool {
    has_tags(value, &[Tag::BitString, Tag::Integer])
}

/// Returns whether an integer is an exponent of RSA rather than a generator of Diffie and Hellman, which is 2 or 5, or long.
fn is_rsa_exponent(value: &Value<'_>) -> bool {
    match value.unsigned() {
        Ok(number) => number == 3 || (number > 5 && number % 2 == 1 && number <= u64::from(u32::MAX)),
        Err(_) => false,
    }
}

/// Returns whether bytes may be parameters of Diffie and Hellman as well as a public key of RSA, which are two integers
/// each: the second is less than the exponent that nearly all keys have.
pub(super) fn may_be_parameters(bytes: &[u8]) -> bool {
    let Some((outer, _)) = Value::parse_prefix(bytes) else { return false };
    let mut fields = outer.reader("file");
    match (fields.try_next(), fields.try_next(), fields.try_next()) {
        (Ok(Some(_)), Ok(Some(second)), Ok(None)) => second.unsigned().is_ok_and(|number| number < USUAL_EXPONENT),
        _ => false,
    }
}

const USUAL_EXPONENT: u64 = 65_537;

/// Tells apart what is signed: certificates, requests and revocation lists.
fn detect_signed(signed: &Value<'_>) -> Result<Format, OpenError> {
    if is_request(signed) {
        return Ok(Format::Request);
    }
    if is_signed_public_key(signed) {
        return lookalike(Lookalike::SignedPublicKey);
    }
    if is_revocation_list(signed) { lookalike(Lookalike::RevocationList) } else { Ok(Format::Certificate) }
}

/// Returns whether a signed structure begins as a revocation list does (RFC 5280 section 5.1): an algorithm, a name and
/// a time, after a version or none.
fn is_revocation_list(signed: &Value<'_>) -> bool {
    let mut fields = signed.reader("file");
    let mut next = fields.try_next();
    if let Ok(Some(version)) = next
        && version.is(Tag::Integer)
    {
        next = fields.try_next();
    }
    match (next, fields.try_next(), fields.try_next()) {
        (Ok(Some(algorithm)), Ok(Some(name)), Ok(Some(time))) => {
            algorithm.is(Tag::Sequence)
                && name.is(Tag::Sequence)
                && (time.is(Tag::UtcTime) || time.is(Tag::GeneralizedTime))
        }
        _ => false,
    }
}

/// Returns whether a signed structure is a public key and a challenge (PublicKeyAndChallenge of Netscape's SPKAC).
fn is_signed_public_key(signed: &Value<'_>) -> bool {
    let mut fields = signed.reader("file");
    match (fields.try_next(), fields.try_next(), fields.try_next()) {
        (Ok(Some(key)), Ok(Some(challenge)), Ok(None)) => key.is(Tag::Sequence) && challenge.is(Tag::Ia5String),
        _ => false,
    }
}

/// Returns whether a signed structure begins as a request does: version, then a name (a sequence of sets),
/// where a certificate has an algorithm (a sequence that begins with an object identifier).
fn is_request(signed: &Value<'_>) -> bool {
    let mut fields = signed.reader("file");
    match (fields.try_next(), fields.try_next(), fields.try_next()) {
        (Ok(Some(version)), Ok(Some(name)), Ok(Some(key))) => {
            version.is(Tag::Integer) && name.is(Tag::Sequence) && begins_with_set(&name) && key.is(Tag::Sequence)
        }
        _ => false,
    }
}

/// Returns whether a name begins with a set, or is empty.
fn begins_with_set(name: &Value<'_>) -> bool {
    match name.reader("file").try_next() {
        Ok(Some(first)) => first.is(Tag::Set),
        Ok(None) | Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use openssl::bn::BigNum;
    use openssl::dh::Dh;
    use openssl::hash::MessageDigest;
    use openssl::ocsp::{OcspCertId, OcspRequest};
    use openssl::rsa::Rsa;
    use openssl::x509::X509;

    use super::*;
    use crate::test_support::fixture;

    #[test]
    fn structures_that_are_no_certificates_are_named() {
        let certificate = X509::from_der(&fixture("der/universal.cer")).unwrap();
        let id = OcspCertId::from_cert(MessageDigest::sha1(), &certificate, &certificate).unwrap();
        let mut ocsp = OcspRequest::new().unwrap();
        ocsp.add_id(id).unwrap();
        let rsa = Rsa::public_key_from_pem(&certificate.public_key().unwrap().public_key_to_pem().unwrap()).unwrap();
        let dh = |generator| {
            Dh::from_pqg(BigNum::get_rfc3526_prime_2048().unwrap(), None, BigNum::from_u32(generator).unwrap()).unwrap()
        };
        let named = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07".to_vec();
        let explicit = [
            &b"\x30\x81\x8a\x02\x01\x01\x30\x2c\x06\x07\x2a\x86\x48\xce\x3d\x01\x01\x02\x21"[..],
            &[7; 33],
            b"\x30\x34\x04\x32",
            &[7; 50],
            b"\x02\x21",
            &[7; 33],
        ]
        .concat();
        let number = [&b"\x02\x21"[..], &[7; 33]].concat();
        let seed = b"\x30\x0a\x03\x05\0abcd\x02\x01\x05";
        let x942 = [&b"\x30\x75"[..], &number, &number, &number, seed].concat();
        let digest =
            [&b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"[..], &[7; 32]].concat();
        let query = [&b"\x30\x39\x02\x01\x01"[..], &digest, b"\x01\x01\xff"].concat();
        for (der, kind) in [
            (ocsp.to_der().unwrap(), Lookalike::OcspRequest),
            (rsa.public_key_to_der_pkcs1().unwrap(), Lookalike::PublicKey),
            (dh(2).params_to_der().unwrap(), Lookalike::Parameters),
            (dh(5).params_to_der().unwrap(), Lookalike::Parameters),
            (named, Lookalike::Parameters),
            (explicit, Lookalike::Parameters),
            (x942, Lookalike::Parameters),
            (query, Lookalike::TimestampQuery),
        ] {
            match detect(&der) {
                Err(OpenError::Lookalike(found)) => assert_eq!(found, kind),
                other => panic!("{kind:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn settings_of_openssl_are_told_from_other_values() {
        let sequence = |fields: &[&[u8]]| {
            let content = fields.concat();
            [&[0x30, 0x81, u8::try_from(content.len()).unwrap()], &content[..]].concat()
        };
        let uses = b"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02";
        let rejected = b"\xa0\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01";
        let (name, id) = (b"\x0c\x03abc", b"\x04\x02ab");
        for settings in [&[&uses[..], rejected, name, id][..], &[rejected, id], &[name], &[id]] {
            let bytes = [&sequence(settings)[..], b"rest"].concat();
            assert_eq!(after_trust_settings(&bytes), Some(&b"rest"[..]), "{settings:?}");
        }
        assert_eq!(after_trust_settings(b"\x30\0rest"), Some(&b"rest"[..]));
        let octets = |length: u8| [&[4, length], &vec![7; usize::from(length)][..]].concat();
        assert!(after_trust_settings(&sequence(&[&octets(64)])).is_some());
        let key = [b"\x0c\x60", &"Ab1c".repeat(24).into_bytes()[..]].concat();
        for others in
            [&[&octets(65)[..]][..], &[id, id], &[id, uses], &[name, rejected], &[&key], &[b"\x02\x01\x05"], &[]]
        {
            assert!(after_trust_settings(&sequence(others)).is_none(), "{others:?}");
        }
    }

    #[test]
    fn a_lookalike_is_named() {
        let message = |start: &[u8]| detect(&[start, b" and more"].concat()).unwrap_err().to_string();
        for (start, name) in [
            (&b"\xfe\xed\xfe\xed"[..], "a Java keystore (JKS)"),
            (b"\xce\xce\xce\xce", "a Java keystore (JCEKS)"),
            (b"PK\x03\x04", "a ZIP archive"),
            (b"\x1f\x8b", "a gzip archive"),
            (b"bplist00", "a property list"),
            (b"<?xml", "an XML document"),
            (b"<!DOCTYPE html>", "a web page"),
            (b"<html>", "a web page"),
            (b"ssh-rsa", "an SSH public key"),
        ] {
            assert_eq!(message(start), format!("this is {name}, not a certificate"));
        }
    }
}
