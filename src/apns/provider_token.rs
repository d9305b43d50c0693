//! Provider tokens: JSON Web Tokens by which a provider authenticates without a certificate.
//!
//! Sources: Apple, "Establishing a token-based connection to APNs" (the fields); RFC 7515 section 7.1 (the three
//! parts); RFC 7518 section 3.4 (ES256: the signature is r and s, 32 bytes each).

use std::collections::BTreeMap;
use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use http::HeaderValue;
use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{HasParams, PKey, PKeyRef, Private, Public};
use openssl::sign::{Signer, Verifier};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::key::PrivateKey;

/// The only algorithm that APNs accepts: ECDSA on P-256 with SHA-256.
const ALGORITHM: &str = "ES256";
/// The length of r and of s in a signature.
const NUMBER_LENGTH: usize = 32;
/// The length of key IDs and Team IDs.
const ID_LENGTH: usize = 10;
/// The time for which a token is valid, in seconds (Apple: "within the last hour").
pub(crate) const LIFETIME: i64 = 3600;

/// The members of an object. The structs below could also be read from an array.
type Members = BTreeMap<String, IgnoredAny>;

#[derive(Serialize, Deserialize)]
struct JoseHeader {
    alg: String,
    kid: String,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    iat: i64,
}

/// A key with which provider tokens are signed, and its names at Apple.
pub(crate) struct TokenSigner {
    key: PKey<Private>,
    key_id: String,
    team_id: String,
}

/// The cause for which no token can be signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignError {
    #[error("the key is not an EC key on P-256, as token signing keys are")]
    WrongKey,
    #[error("the key ID is not ten capital letters and digits")]
    KeyId,
    #[error("the Team ID is not ten capital letters and digits")]
    TeamId,
    #[error("OpenSSL cannot sign: {0}")]
    OpenSsl(#[from] ErrorStack),
}

impl TokenSigner {
    /// Creates a signer.
    ///
    /// # Errors
    /// When the key or one of the names cannot belong to a token signing key.
    pub(crate) fn new(key: &PrivateKey, key_id: &str, team_id: &str) -> Result<Self, SignError> {
        if !is_id(key_id) {
            return Err(SignError::KeyId);
        }
        if !is_id(team_id) {
            return Err(SignError::TeamId);
        }
        let key = PKey::private_key_from_pkcs8(key.pkcs8())?;
        if !is_p256(&key) {
            return Err(SignError::WrongKey);
        }
        Ok(Self { key, key_id: key_id.to_owned(), team_id: team_id.to_owned() })
    }

    /// Signs a token that says it was issued at this time, in UNIX seconds.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub(crate) fn sign(&self, issued_at: i64) -> Result<ProviderToken, SignError> {
        let header = JoseHeader { alg: ALGORITHM.to_owned(), kid: self.key_id.clone() };
        let claims = Claims { iss: self.team_id.clone(), iat: issued_at };
        let mut text = Zeroizing::new(format!("{}.{}", encode_json(&header), encode_json(&claims)));
        let mut signer = Signer::new(MessageDigest::sha256(), &self.key)?;
        let signature = join_numbers(&signer.sign_oneshot_to_vec(text.as_bytes())?)?;
        text.push('.');
        text.push_str(&Base64UrlUnpadded::encode_string(&signature));
        Ok(ProviderToken(text))
    }
}

/// A signed token. It is wiped when dropped, and Debug does not show it.
pub(crate) struct ProviderToken(Zeroizing<String>);

impl fmt::Debug for ProviderToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderToken")
    }
}

impl ProviderToken {
    /// Returns the token itself, for what must not repeat it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the value of the header `authorization`, which HTTP libraries neither show nor index.
    pub(crate) fn header_value(&self) -> Option<HeaderValue> {
        let text = Zeroizing::new(format!("bearer {}", self.0.as_str()));
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// A token from a request. Its signature is not verified yet.
pub(crate) struct ReceivedToken {
    pub(crate) key_id: String,
    pub(crate) team_id: String,
    /// The time at which it says it was issued, in UNIX seconds.
    pub(crate) issued_at: i64,
    signed_part: Zeroizing<String>,
    /// ECDSA-Sig-Value in DER (RFC 3279 section 2.2.3).
    signature: Vec<u8>,
}

impl fmt::Debug for ReceivedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceivedToken")
    }
}

/// The rule that a token breaks. It says nothing of the token's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("authorization does not begin with \"bearer\"")]
    NotBearer,
    #[error("the provider token does not have three parts in Base64 for URLs")]
    Parts,
    #[error("the provider token's header is not a JSON object with alg and kid")]
    Header,
    #[error("the provider token's header has crit, and no extension is understood")]
    Critical,
    #[error("the provider token's algorithm is not ES256")]
    Algorithm,
    #[error("the provider token's key ID is not ten capital letters and digits")]
    KeyId,
    #[error("the provider token's claims are not a JSON object with iss, a text, and iat, a whole number")]
    Claims,
    #[error("the provider token's issuer is not a Team ID, ten capital letters and digits")]
    TeamId,
    #[error("the provider token's signature is not 64 bytes")]
    Signature,
}

impl ReceivedToken {
    /// Parses the value of the header `authorization`.
    ///
    /// # Errors
    /// With the first rule that it breaks.
    pub(crate) fn parse(authorization: &str) -> Result<Self, TokenError> {
        let Some((scheme, token)) = authorization.split_once(' ') else { return Err(TokenError::NotBearer) };
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(TokenError::NotBearer);
        }
        let token = token.trim_matches(' ');
        let Some((signed_part, signature)) = token.rsplit_once('.') else { return Err(TokenError::Parts) };
        let Some((header, claims)) = signed_part.split_once('.') else { return Err(TokenError::Parts) };
        let header = parse_header(&decode(header)?)?;
        let claims = parse_claims(&decode(claims)?)?;
        Ok(Self {
            key_id: header.kid,
            team_id: claims.iss,
            issued_at: claims.iat,
            signed_part: Zeroizing::new(signed_part.to_owned()),
            signature: split_numbers(&decode(signature)?)?,
        })
    }

    /// Returns whether this key signed the token.
    pub(crate) fn is_signed_by(&self, key: &PKeyRef<Public>) -> bool {
        let Ok(mut verifier) = Verifier::new(MessageDigest::sha256(), key) else { return false };
        matches!(verifier.verify_oneshot(&self.signature, self.signed_part.as_bytes()), Ok(true))
    }
}

fn parse_header(json: &[u8]) -> Result<JoseHeader, TokenError> {
    let Ok(members) = serde_json::from_slice::<Members>(json) else { return Err(TokenError::Header) };
    // RFC 7515 section 4.1.11: what is listed there must be understood.
    if members.contains_key("crit") {
        return Err(TokenError::Critical);
    }
    let Ok(header) = serde_json::from_slice::<JoseHeader>(json) else { return Err(TokenError::Header) };
    if header.alg != ALGORITHM {
        return Err(TokenError::Algorithm);
    }
    if !is_id(&header.kid) {
        return Err(TokenError::KeyId);
    }
    Ok(header)
}

fn parse_claims(json: &[u8]) -> Result<Claims, TokenError> {
    if serde_json::from_slice::<Members>(json).is_err() {
        return Err(TokenError::Claims);
    }
    let Ok(claims) = serde_json::from_slice::<Claims>(json) else { return Err(TokenError::Claims) };
    if is_id(&claims.iss) { Ok(claims) } else { Err(TokenError::TeamId) }
}

fn encode_json(value: &impl Serialize) -> String {
    Base64UrlUnpadded::encode_string(&serde_json::to_vec(value).unwrap_or_default())
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    match Base64UrlUnpadded::decode_vec(part) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        Ok(_) | Err(_) => Err(TokenError::Parts),
    }
}

/// Converts a signature from DER to r and s, side by side.
fn join_numbers(der: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let signature = EcdsaSig::from_der(der)?;
    let length = i32::try_from(NUMBER_LENGTH).unwrap_or_default();
    let mut joined = signature.r().to_vec_padded(length)?;
    joined.extend(signature.s().to_vec_padded(length)?);
    Ok(joined)
}

/// Converts a signature from r and s, side by side, to DER.
fn split_numbers(joined: &[u8]) -> Result<Vec<u8>, TokenError> {
    if joined.len() != 2 * NUMBER_LENGTH {
        return Err(TokenError::Signature);
    }
    let (r, s) = joined.split_at(NUMBER_LENGTH);
    match encode_signature(r, s) {
        Ok(der) => Ok(der),
        Err(_) => Err(TokenError::Signature),
    }
}

fn encode_signature(r: &[u8], s: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?.to_der()
}

/// Returns whether a key is an EC key on P-256.
pub(crate) fn is_p256<T: HasParams>(key: &PKeyRef<T>) -> bool {
    let Ok(key) = key.ec_key() else { return false };
    key.group().curve_name() == Some(Nid::X9_62_PRIME256V1)
}

/// Returns whether the text has the form of a key ID or a Team ID: ten capital letters and digits.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Returns the key ID in the name of a key's file, as Apple names it: AuthKey_ABC123DEFG.p8.
pub(crate) fn key_id_in(file_name: &str) -> Option<String> {
    let (_, rest) = file_name.split_once("AuthKey_")?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let id = &rest[..end];
    if is_id(id) { Some(id.to_owned()) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::ec::{EcGroup, EcKey};

    const KEY_ID: &str = "ABC123DEFG";
    const TEAM_ID: &str = "TEAMID1234";

    fn new_key(curve: Nid) -> PrivateKey {
        let group = EcGroup::from_curve_name(curve).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        PrivateKey::from_pkcs8(&key.private_key_to_pkcs8().unwrap()).unwrap()
    }

    fn public_half(key: &PrivateKey) -> PKey<Public> {
        PKey::public_key_from_der(&key.public().spki).unwrap()
    }

    fn signed_header(key: &PrivateKey, issued_at: i64) -> HeaderValue {
        let token = TokenSigner::new(key, KEY_ID, TEAM_ID).unwrap().sign(issued_at).unwrap();
        token.header_value().unwrap()
    }

    #[test]
    fn a_signed_token_is_read_and_verified() {
        let key = new_key(Nid::X9_62_PRIME256V1);
        // r and s begin with a zero byte once in 128 signatures.
        for issued_at in 1_700_000_000..1_700_000_400 {
            let header = signed_header(&key, issued_at);
            let token = ReceivedToken::parse(header.to_str().unwrap()).unwrap();
            assert_eq!((token.key_id.as_str(), token.team_id.as_str()), (KEY_ID, TEAM_ID));
            assert_eq!(token.issued_at, issued_at);
            assert!(token.is_signed_by(&public_half(&key)));
            assert!(!token.is_signed_by(&public_half(&new_key(Nid::X9_62_PRIME256V1))));
        }
    }

    #[test]
    fn a_token_with_other_claims_is_not_verified() {
        let key = new_key(Nid::X9_62_PRIME256V1);
        let header = signed_header(&key, 1_700_000_000);
        let mut parts: Vec<&str> = header.to_str().unwrap().split('.').collect();
        let forged = encode_json(&Claims { iss: "TEAMID9999".to_owned(), iat: 1_700_000_000 });
        parts[1] = &forged;
        let token = ReceivedToken::parse(&parts.join(".")).unwrap();
        assert!(!token.is_signed_by(&public_half(&key)));
    }

    #[test]
    fn nothing_shows_a_token() {
        let key = new_key(Nid::X9_62_PRIME256V1);
        let token = TokenSigner::new(&key, KEY_ID, TEAM_ID).unwrap().sign(1_700_000_000).unwrap();
        assert_eq!(format!("{token:?}"), "ProviderToken");
        let header = token.header_value().unwrap();
        assert_eq!(format!("{header:?}"), "Sensitive");
        assert_eq!(format!("{:?}", ReceivedToken::parse(header.to_str().unwrap()).unwrap()), "ReceivedToken");
    }

    #[test]
    fn each_rule_has_its_error() {
        let part = |json: &str| Base64UrlUnpadded::encode_string(json.as_bytes());
        let header = part(r#"{"alg":"ES256","kid":"ABC123DEFG","typ":"JWT"}"#);
        let claims = part(r#"{"iss":"TEAMID1234","iat":1700000000}"#);
        let critical = r#"{"alg":"ES256","kid":"ABC123DEFG","crit":["b64"],"b64":false}"#;
        let signature = Base64UrlUnpadded::encode_string(&[1; 64]);
        let token = |header: &str, claims: &str, signature: &str| format!("Bearer {header}.{claims}.{signature}");
        assert!(ReceivedToken::parse(&token(&header, &claims, &signature)).is_ok());
        for (authorization, expected) in [
            (String::new(), TokenError::NotBearer),
            ("basic YTpi".to_owned(), TokenError::NotBearer),
            ("bearer ".to_owned(), TokenError::Parts),
            (format!("bearer {header}.{claims}"), TokenError::Parts),
            (token("e+/=", &claims, &signature), TokenError::Parts),
            (token(&format!("{header}="), &claims, &signature), TokenError::Parts),
            (token(&header, "", &signature), TokenError::Parts),
            (token(&part("[]"), &claims, &signature), TokenError::Header),
            (token(&part(r#"["ES256","ABC123DEFG"]"#), &claims, &signature), TokenError::Header),
            (token(&part(critical), &claims, &signature), TokenError::Critical),
            (token(&header, &part(r#"["TEAMID1234",1700000000]"#), &signature), TokenError::Claims),
            (token(&part(r#"{"alg":"none","kid":"ABC123DEFG"}"#), &claims, &signature), TokenError::Algorithm),
            (token(&part(r#"{"alg":"ES256","kid":"abc"}"#), &claims, &signature), TokenError::KeyId),
            (token(&header, &part(r#"{"iss":"TEAMID1234","iat":"now"}"#), &signature), TokenError::Claims),
            (token(&header, &part(r#"{"iss":"com.example","iat":0}"#), &signature), TokenError::TeamId),
            (token(&header, &claims, &part("short")), TokenError::Signature),
        ] {
            let error = ReceivedToken::parse(&authorization).unwrap_err();
            assert_eq!(error, expected, "{authorization}");
        }
    }

    #[test]
    fn each_error_says_what_is_expected() {
        for (error, sentence) in [
            (TokenError::NotBearer, "authorization does not begin with \"bearer\""),
            (TokenError::Parts, "the provider token does not have three parts in Base64 for URLs"),
            (TokenError::Header, "the provider token's header is not a JSON object with alg and kid"),
            (TokenError::Critical, "the provider token's header has crit, and no extension is understood"),
            (TokenError::Algorithm, "the provider token's algorithm is not ES256"),
            (TokenError::KeyId, "the provider token's key ID is not ten capital letters and digits"),
            (
                TokenError::Claims,
                "the provider token's claims are not a JSON object with iss, a text, and iat, a whole number",
            ),
            (TokenError::TeamId, "the provider token's issuer is not a Team ID, ten capital letters and digits"),
            (TokenError::Signature, "the provider token's signature is not 64 bytes"),
        ] {
            assert_eq!(error.to_string(), sentence);
        }
        assert_eq!(SignError::KeyId.to_string(), "the key ID is not ten capital letters and digits");
        assert_eq!(SignError::TeamId.to_string(), "the Team ID is not ten capital letters and digits");
    }

    #[test]
    fn only_keys_on_p256_with_names_sign() {
        let key = new_key(Nid::X9_62_PRIME256V1);
        let refused = |key: &PrivateKey, key_id: &str, team_id: &str| TokenSigner::new(key, key_id, team_id).err();
        assert!(matches!(refused(&new_key(Nid::SECP384R1), KEY_ID, TEAM_ID), Some(SignError::WrongKey)));
        assert!(matches!(refused(&new_key(Nid::SECP256K1), KEY_ID, TEAM_ID), Some(SignError::WrongKey)));
        assert!(matches!(refused(&key, "ABC", TEAM_ID), Some(SignError::KeyId)));
        assert!(matches!(refused(&key, KEY_ID, "teamid1234"), Some(SignError::TeamId)));
        assert!(refused(&key, KEY_ID, TEAM_ID).is_none());
    }

    #[test]
    fn the_key_id_is_in_the_files_name() {
        for (name, expected) in [
            ("AuthKey_ABC123DEFG.p8", Some("ABC123DEFG")),
            ("APNSAuthKey_ABC123DEFG.p8", Some("ABC123DEFG")),
            ("AuthKey_ABC123DEFG (1).p8", Some("ABC123DEFG")),
            ("AuthKey_ABC123DEFG", Some("ABC123DEFG")),
            ("AuthKey_ABC123DEFGH.p8", None),
            ("AuthKey_abc123defg.p8", None),
            ("AuthKey_ABC.p8", None),
            ("key.p8", None),
        ] {
            assert_eq!(key_id_in(name).as_deref(), expected, "{name}");
        }
    }
}
