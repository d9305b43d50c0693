//! What is written is read back as what it was.

use openssl::pkey::PKey;
use openssl::symm::Cipher;
use proptest::prelude::*;
use pushcert::testing::{
    Certificate, Collection, Contents, DEFAULT_MAX_ITERATIONS, Entry, OpenError, Password, Passwords, PrivateKey,
    encode_pem, parse_pem,
};

fn open(bytes: &[u8], password: Option<&str>) -> Result<Contents, OpenError> {
    let mut passwords = match password {
        Some(password) => Passwords::Given(Password::new(password.into())),
        None => Passwords::None,
    };
    pushcert::testing::open(bytes, &mut passwords, DEFAULT_MAX_ITERATIONS)
}

fn fixture(path: &str, password: Option<&str>) -> Contents {
    open(&std::fs::read(crate::common::fixture(path)).unwrap(), password).unwrap()
}

fn identity(contents: &Contents) -> (&Certificate, &PrivateKey) {
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let leaf: &Entry<Certificate> = collection.select(None, true).unwrap();
    (&leaf.item, &collection.key_of(&leaf.item).unwrap().item)
}

/// Every writer's file holds the same identity.
#[test]
fn all_containers_of_an_identity_agree() {
    let reference = fixture("p12/keychain.p12", None);
    let (certificate, key) = identity(&reference);
    for name in ["keychain-password", "ber", "key-bag", "nested", "odd-attributes", "pbes2-sha512", "scrypt", "pbmac1"]
    {
        let contents = fixture(&format!("p12/{name}.p12"), Some("push"));
        let (other, other_key) = identity(&contents);
        assert_eq!((&other.der, other_key.pkcs8()), (&certificate.der, key.pkcs8()), "{name}");
    }
}

#[test]
fn both_forms_of_a_key_are_the_same_key() {
    for (path, label) in [("p12/keychain.p12", "RSA PRIVATE KEY"), ("p12/ec.p12", "EC PRIVATE KEY")] {
        let contents = fixture(path, Some("push").filter(|_| path.contains("ec")));
        let (_, key) = identity(&contents);
        let traditional = key.to_traditional_pem().unwrap();
        assert!(traditional.contains(label));
        for text in [&traditional, &key.to_pem()] {
            assert_eq!(open(text.as_bytes(), None).unwrap().keys[0].item.pkcs8(), key.pkcs8(), "{path}");
        }
    }
}

/// Whether an encrypted key is read with `password`, and with nothing else.
fn opens_with_only(password: &str, encrypted: &[u8], key: &PrivateKey) -> bool {
    let opened = open(encrypted, Some(password)).unwrap();
    let other = open(encrypted, Some(&format!("{password}x")));
    opened.keys[0].item.pkcs8() == key.pkcs8()
        && matches!(other, Err(OpenError::WrongPassword { .. }))
        && matches!(open(encrypted, None), Err(OpenError::PasswordNeeded(_)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    // By OpenSSL, with few iterations.
    #[test]
    fn a_key_that_another_encrypted_opens_with_its_password_only(password in "\\PC{1,40}") {
        let contents = fixture("p12/keychain.p12", None);
        let (_, key) = identity(&contents);
        let theirs = PKey::private_key_from_pkcs8(key.pkcs8()).unwrap();
        let pem = theirs.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), password.as_bytes()).unwrap();
        prop_assert!(opens_with_only(&password, &pem, key));
    }
}

proptest! {
    // Each case derives a key with 600,000 iterations.
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    // By OpenSSL, which is optimised in every profile.
    #[test]
    fn an_encrypted_key_opens_with_its_password_only(password in "\\PC{1,40}") {
        let contents = fixture("p12/keychain.p12", None);
        let (_, key) = identity(&contents);
        let encrypted = key.to_encrypted_pem(&Password::new(password.clone().into())).unwrap();
        let opened = PKey::private_key_from_pem_passphrase(encrypted.as_bytes(), password.as_bytes()).unwrap();
        let pkcs8 = opened.private_key_to_pkcs8().unwrap();
        prop_assert_eq!(&pkcs8[..], key.pkcs8());
        let other = format!("{password}x");
        prop_assert!(PKey::private_key_from_pem_passphrase(encrypted.as_bytes(), other.as_bytes()).is_err());
    }
}

#[test]
fn an_encrypted_key_is_read_back() {
    let contents = fixture("p12/keychain.p12", None);
    let (_, key) = identity(&contents);
    let encrypted = key.to_encrypted_pem(&Password::new("pässwörd€".into())).unwrap();
    assert!(opens_with_only("pässwörd€", encrypted.as_bytes(), key));
}

proptest! {
    #[test]
    fn pem_keeps_every_byte(bytes in prop::collection::vec(any::<u8>(), 1..300), before in "[ -~\n]{0,80}") {
        prop_assume!(!before.contains("-----BEGIN"));
        // A value of DER must be whole.
        prop_assume!(bytes[0] != 0x30);
        let text = format!("{before}\n{}", *encode_pem("CERTIFICATE", &bytes)).replace('\n', "\r\n");
        let blocks = parse_pem(text.as_bytes()).unwrap();
        prop_assert_eq!(blocks.len(), 1);
        prop_assert_eq!(&*blocks[0].der, &bytes);
    }
}
