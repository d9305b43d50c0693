//! Writing PKCS#12 (RFC 7292): one key, its certificate, and authorities, in DER, as Keychain Access
//! lays them out: the certificates in an encrypted safe, then the key in a bag of its own.

use p12::{
    AlgorithmIdentifier, CertBag, ContentInfo, DigestInfo, EncryptedContentInfo, EncryptedData,
    EncryptedPrivateKeyInfo, MacData, OtherAlgorithmIdentifier, PFX, PKCS12Attribute, SafeBag, SafeBagKind,
};
use pkcs12::kdf::Pkcs12KeyType;
use serde::Serialize;
use yasna::models::ObjectIdentifier;

use crate::crypto::digest::Hash;
use crate::crypto::encrypt::{EncryptError, Encrypted, Encryption, random};
use crate::key::PrivateKey;
use crate::secret::{Encodings, Password};

/// The version of PKCS#12 (RFC 7292 section 4).
const VERSION: u8 = 3;

/// SHA-256 (FIPS 180-4), as the DER writer takes it.
const SHA256: [u64; 9] = [2, 16, 840, 1, 101, 3, 4, 2, 1];

/// Who is to read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Profile {
    /// Every macOS: 3DES for certificates and key, MAC with SHA-1.
    Keychain,
    /// What OpenSSL 3 writes: AES-256, MAC with SHA-256.
    Modern,
    /// What Java writes: as [`Profile::Modern`], with more iterations.
    Java,
}

impl Profile {
    fn encryption(self) -> Encryption {
        match self {
            Self::Keychain => Encryption::TripleDes,
            Self::Modern | Self::Java => Encryption::Aes256,
        }
    }

    /// Of every key derivation, that of the MAC too: what the writers it is named after use.
    fn iterations(self) -> u32 {
        match self {
            Self::Keychain | Self::Modern => 2048,
            Self::Java => 10_000,
        }
    }

    fn hash(self) -> Hash {
        match self {
            Self::Keychain => Hash::Sha1,
            Self::Modern | Self::Java => Hash::Sha256,
        }
    }
}

/// What goes into a file.
#[derive(Debug, Clone)]
pub(crate) struct Pkcs12Input<'a> {
    /// The certificate, DER.
    pub(crate) certificate: &'a [u8],
    /// Its friendlyName.
    pub(crate) certificate_name: &'a str,
    /// The key of the certificate.
    pub(crate) key: &'a PrivateKey,
    /// Its friendlyName.
    pub(crate) key_name: &'a str,
    pub(crate) authorities: Vec<NamedCertificate<'a>>,
}

/// A CA certificate, DER, with its friendlyName.
#[derive(Debug, Clone)]
pub(crate) struct NamedCertificate<'a> {
    pub(crate) der: &'a [u8],
    pub(crate) name: &'a str,
}

/// Writes the file. The localKeyID that ties certificate and key is the key identifier of RFC 5280
/// section 4.2.1.2 (1), as Keychain has it.
///
/// # Errors
/// When the system has no randomness to give.
pub(crate) fn write(
    recipe: Profile,
    ingredients: &Pkcs12Input<'_>,
    password: &Password,
) -> Result<Vec<u8>, EncryptError> {
    let password = Encodings::of(Some(password));
    let (encryption, iterations) = (recipe.encryption(), recipe.iterations());
    let id = ingredients.key.public().key_id();
    let tied =
        |name: &str| vec![PKCS12Attribute::FriendlyName(name.to_owned()), PKCS12Attribute::LocalKeyId(id.clone())];
    let certificate =
        |der: &[u8], attributes| SafeBag { bag: SafeBagKind::CertBag(CertBag::X509(der.to_vec())), attributes };
    let mut certificates = vec![certificate(ingredients.certificate, tied(ingredients.certificate_name))];
    certificates.extend(
        ingredients.authorities.iter().map(|authority| {
            certificate(authority.der, vec![PKCS12Attribute::FriendlyName(authority.name.to_owned())])
        }),
    );
    let Encrypted { algorithm, bytes } = encryption.encrypt(&password, iterations, &safe_contents(&certificates))?;
    let content = EncryptedContentInfo { content_encryption_algorithm: algorithm, encrypted_content: bytes };
    let certificates = ContentInfo::EncryptedData(EncryptedData { encrypted_content_info: content });

    let Encrypted { algorithm, bytes } = encryption.encrypt(&password, iterations, ingredients.key.pkcs8())?;
    let key = EncryptedPrivateKeyInfo { encryption_algorithm: algorithm, encrypted_data: bytes };
    let key = SafeBag { bag: SafeBagKind::Pkcs8ShroudedKeyBag(key), attributes: tied(ingredients.key_name) };
    let keys = ContentInfo::Data(safe_contents(&[key]));

    let safe = yasna::construct_der(|writer| {
        writer.write_sequence_of(|writer| {
            certificates.write(writer.next());
            keys.write(writer.next());
        });
    });
    let mac_data = Some(mac(recipe, &safe, &password)?);
    Ok(PFX { version: VERSION, auth_safe: ContentInfo::Data(safe), mac_data }.to_der())
}

fn safe_contents(bags: &[SafeBag]) -> Vec<u8> {
    yasna::construct_der(|writer| {
        writer.write_sequence_of(|writer| bags.iter().for_each(|bag| bag.write(writer.next())));
    })
}

fn mac(recipe: Profile, content: &[u8], password: &Encodings) -> Result<MacData, EncryptError> {
    let (hash, iterations) = (recipe.hash(), recipe.iterations());
    // Keychain's length for its own; OpenSSL's of late for the others.
    let salt = match recipe {
        Profile::Keychain => random::<8>()?.to_vec(),
        Profile::Modern | Profile::Java => random::<16>()?.to_vec(),
    };
    let wide = password.wide.first().map_or(&[][..], |wide| wide);
    let key = hash.pkcs12_kdf(wide, &salt, Pkcs12KeyType::Mac, iterations.into(), hash.length());
    let key = key.ok_or_else(|| EncryptError::new("too many iterations"))?;
    let digest_algorithm = match recipe {
        Profile::Keychain => AlgorithmIdentifier::Sha1,
        Profile::Modern | Profile::Java => AlgorithmIdentifier::OtherAlg(OtherAlgorithmIdentifier {
            algorithm_type: ObjectIdentifier::from_slice(&SHA256),
            params: Some(yasna::construct_der(|writer| writer.write_null())),
        }),
    };
    Ok(MacData { mac: DigestInfo { digest_algorithm, digest: hash.hmac(&key, content) }, salt, iterations })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::pem;
    use crate::pkcs12::{BagContent, Pfx};
    use crate::test_support::fixture;

    #[test]
    fn what_is_written_is_read_again() {
        let certificate = fixture("der/universal.cer");
        let authority = &pem::parse(&fixture("ca/intermediate.pem")).unwrap()[0].der.to_vec();
        let key = PrivateKey::from_pkcs8(&pem::parse(&fixture("key/push.pem")).unwrap()[0].der).unwrap();
        let ingredients = Pkcs12Input {
            certificate: &certificate,
            certificate_name: "株 🔔",
            key: &key,
            key_name: "Jo",
            authorities: vec![NamedCertificate { der: authority, name: "Authority" }],
        };
        for (recipe, mac, encryption) in [
            (Profile::Keychain, "HMAC-SHA1", "pbeWithSHAAnd3-KeyTripleDES-CBC"),
            (Profile::Modern, "HMAC-SHA256", "PBES2 (PBKDF2 with HMAC-SHA256, AES-256-CBC)"),
            (Profile::Java, "HMAC-SHA256", "PBES2 (PBKDF2 with HMAC-SHA256, AES-256-CBC)"),
        ] {
            let password = Password::new("sésame 🔑".into());
            let file = write(recipe, &ingredients, &password).unwrap();
            let pfx = Pfx::parse(&file).unwrap();
            let info = pfx.info().unwrap();
            assert_eq!(info.mac.as_deref(), Some(mac));
            assert_eq!(info.certificate_encryption.as_deref(), Some(encryption));
            assert_eq!(info.key_encryption.as_deref(), Some(encryption));
            pfx.open(Some(&Password::new("sesame".into())), &Limits::default()).unwrap_err();
            let bags = pfx.open(Some(&password), &Limits::default()).unwrap();
            let names: Vec<_> = bags.iter().map(|bag| bag.friendly_name().unwrap()).collect();
            assert_eq!(names, ["株 🔔", "Authority", "Jo"]);
            let id = Some(key.public().key_id());
            assert_eq!(bags.iter().map(crate::pkcs12::Bag::local_key_id).collect::<Vec<_>>(), [id.clone(), None, id]);
            assert!(matches!(&bags[0].content, BagContent::Certificate(der) if *der == certificate));
            assert!(matches!(&bags[1].content, BagContent::Certificate(der) if der == authority));
            assert!(matches!(&bags[2].content, BagContent::Key(der) if der.as_slice() == key.pkcs8()));
            let again = write(recipe, &ingredients, &password).unwrap();
            assert_ne!(again, file, "every salt is another");
        }
    }
}
