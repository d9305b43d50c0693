//! `check --p8`: token authentication, against the gateway that verifies tokens.

use std::path::{Path, PathBuf};

use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};

use super::{Checked, read, servers};
use crate::common::{Test, fixture};
use crate::gateway::Process;

const KEY_ID: &str = "ABC123DEFG";
const TEAM_ID: &str = "TEAMID1234";
const TOPIC: &str = "com.example.MyApp";

/// A folder with a token signing key.
struct Keys {
    folder: tempfile::TempDir,
    key: PKey<Private>,
}

impl Keys {
    fn new() -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let keys = Self { folder: tempfile::tempdir().unwrap(), key };
        keys.write(&format!("AuthKey_{KEY_ID}.p8"), &keys.key.private_key_to_pem_pkcs8().unwrap());
        keys
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        std::fs::write(self.file(name), bytes).unwrap();
        self.file(name)
    }

    fn usual(&self) -> PathBuf {
        self.file(&format!("AuthKey_{KEY_ID}.p8"))
    }

    /// Starts a gateway that knows the key.
    fn gateway(&self, arguments: &[&str]) -> Process {
        let known = format!("{KEY_ID}:{TEAM_ID}:{}", self.usual().to_str().unwrap());
        Process::start(&[&["--p8-key", &known], arguments].concat())
    }
}

fn check(gateway: &Process, key: &Path, arguments: &[&str]) -> Checked {
    let address = format!("localhost:{}", gateway.address().port());
    let mut test = Test::new().arg("check").arg("--p8").arg(key).args(["--gateway", &address, "--json"]);
    test = test.args(["--ca-file", gateway.file("ca_file")]);
    for (name, value) in [("--topic", TOPIC), ("--team-id", TEAM_ID), ("--timeout", "20s")] {
        if !arguments.contains(&name) {
            test = test.args([name, value]);
        }
    }
    // The header and the payload of every token begin so.
    read(test.args(arguments).env("PASSWORD", "push").hides("eyJ"))
}

#[test]
fn a_token_is_accepted_or_its_topic_refused() {
    let keys = Keys::new();
    let gateway = keys.gateway(&[]);
    let accepted = check(&gateway, &keys.usual(), &[]);
    assert_eq!((accepted.text("/verdict"), accepted.code), ("accepted", 0), "{:#}", accepted.first());
    assert_eq!(accepted.text("/authentication"), "token");
    assert_eq!(accepted.detail("identity"), "provider token of key ABC123DEFG, team TEAMID1234");
    assert_eq!(accepted.first()["tls"]["is_certificate_sent"], false);
    assert_eq!(accepted.text("/meaning"), "the gateway accepts the provider token");
    let live = check(&gateway, &keys.usual(), &["--topic", "com.example.MyApp.push-type.liveactivity"]);
    assert_eq!((live.text("/verdict"), live.code), ("accepted", 0), "{:#}", live.first());
    let other = check(&gateway, &keys.usual(), &["--topic", "com.example.Other"]);
    assert_eq!((other.text("/verdict"), other.text("/reason"), other.code), ("refused", "TopicDisallowed", 1));
    assert!(other.text("/meaning").starts_with("the provider token was judged good, the topic was not: "));
    assert!(!other.first().to_string().contains("needs a provider token"), "{:#}", other.first());
    let named = check(&gateway, &keys.usual(), &["--token", "22ff"]);
    assert_eq!((named.text("/verdict"), named.text("/reason"), named.code), ("refused", "BadDeviceToken", 1));
}

#[test]
fn the_key_is_read_in_every_shape() {
    let keys = Keys::new();
    let gateway = keys.gateway(&[]);
    let pem = keys.key.private_key_to_pem_pkcs8().unwrap();
    let text = String::from_utf8(pem.clone()).unwrap();
    let der = keys.key.private_key_to_der().unwrap();
    let encrypted =
        keys.key.private_key_to_pem_pkcs8_passphrase(openssl::symm::Cipher::aes_256_cbc(), b"push").unwrap();
    for (name, bytes, arguments) in [
        ("sec1.p8", keys.key.ec_key().unwrap().private_key_to_pem().unwrap(), &[][..]),
        ("pkcs8.der", keys.key.private_key_to_pkcs8().unwrap(), &[]),
        ("sec1.der", der, &[]),
        ("flat.p8", text.replace('\n', "\\n").into_bytes(), &[]),
        ("crlf.p8", text.replace('\n', "\r\n").into_bytes(), &[]),
        ("encrypted.p8", encrypted, &["--passin", "env:PASSWORD"]),
    ] {
        let file = keys.write(name, &bytes);
        let checked = check(&gateway, &file, &[&["--key-id", KEY_ID], arguments].concat());
        assert_eq!((checked.text("/verdict"), checked.code), ("accepted", 0), "{name} {:#}", checked.first());
    }
}

#[test]
fn swapped_names_are_suspected_and_said() {
    let keys = Keys::new();
    let gateway = keys.gateway(&[]);
    let swapped = check(&gateway, &keys.usual(), &["--key-id", TEAM_ID, "--team-id", KEY_ID]);
    assert_eq!((swapped.text("/verdict"), swapped.text("/reason")), ("rejected", "InvalidProviderToken"));
    assert_eq!((swapped.code, swapped.text("/advice")), (1, "swap --key-id and --team-id"));
    assert!(swapped.text("/meaning").contains("look swapped"), "{}", swapped.text("/meaning"));
    assert!(swapped.detail("identity").contains("look swapped"), "{}", swapped.detail("identity"));
    // Without Apple's name of the file there is no proof, and a hint.
    let file = keys.write("key.pem", &std::fs::read(keys.usual()).unwrap());
    let unnamed = check(&gateway, &file, &["--key-id", TEAM_ID, "--team-id", KEY_ID]);
    assert!(unnamed.text("/advice").contains("may be swapped"), "{}", unnamed.text("/advice"));
    let same = check(&gateway, &keys.usual(), &["--key-id", KEY_ID, "--team-id", KEY_ID]);
    assert!(same.text("/meaning").contains("are the same"), "{}", same.text("/meaning"));
    assert!(same.text("/advice").starts_with("compare both"), "{}", same.text("/advice"));
    assert!(same.detail("identity").contains("are the same"), "{}", same.detail("identity"));
    let other = check(&gateway, &keys.usual(), &["--key-id", "ZZZ123DEFG"]);
    assert_eq!(other.text("/reason"), "InvalidProviderToken");
    assert!(other.detail("identity").contains("named after another key, ABC123DEFG"), "{}", other.detail("identity"));
}

#[test]
fn each_reason_about_a_token_has_its_verdict_and_its_advice() {
    let keys = Keys::new();
    for (reason, verdict, meaning, advice) in [
        ("ExpiredProviderToken", "rejected", "by this machine's clock it was signed at 20", "set this machine's clock"),
        ("InvalidProviderToken", "rejected", "do not belong together", "compare both IDs"),
        ("BadEnvironmentKeyInToken", "rejected", "other environment", "the key's environment"),
        ("Forbidden", "rejected", "not allowed", "enabled for APNs"),
        ("MissingProviderToken", "unproven", "saw no provider token", "check the address"),
        ("TooManyProviderTokenUpdates", "unproven", "changes too often", "wait 20 minutes"),
        ("BadCertificate", "unproven", "", ""),
        ("ServiceUnavailable", "unproven", "", "try again later"),
    ] {
        let gateway = keys.gateway(&["--fault", &format!("answer:{reason}")]);
        let checked = check(&gateway, &keys.usual(), &[]);
        assert_eq!((checked.text("/verdict"), checked.text("/reason"), checked.code), (verdict, reason, 1));
        assert!(checked.text("/meaning").contains(meaning), "{}", checked.text("/meaning"));
        assert!(checked.text("/advice").contains(advice), "{}", checked.text("/advice"));
        assert!(
            meaning.is_empty() || !checked.text("/meaning").contains("certificate"),
            "{}",
            checked.text("/meaning")
        );
    }
}

#[test]
fn a_server_without_a_word_about_the_token_proves_nothing() {
    let keys = Keys::new();
    let server = servers::serve_h2(|_| http::Response::builder().status(404), "{}");
    let address = format!("localhost:{}", server.port);
    let test = Test::new().arg("check").arg("--p8").arg(keys.usual()).args(["--gateway", &address, "--json"]);
    let test = test.arg("--ca-file").arg(server.ca()).args(["--team-id", TEAM_ID, "--topic", TOPIC]);
    let checked = read(test.hides("eyJ"));
    assert_eq!((checked.text("/verdict"), checked.text("/reason"), checked.code), ("unproven", "not-apns", 1));
}

#[test]
fn an_alert_suspects_no_certificate_where_none_was_sent() {
    let keys = Keys::new();
    let root = servers::authority("root", None, (-1, 30));
    let port = servers::serve_tls(servers::strict_context(&servers::server(&root, (-1, 30))), |_| {});
    let ca = keys.write("ca.pem", &root.certificate.to_pem().unwrap());
    let test = Test::new().arg("check").arg("--p8").arg(keys.usual()).args(["--gateway", &format!("localhost:{port}")]);
    let test = test.arg("--ca-file").arg(ca).args(["--team-id", TEAM_ID, "--topic", TOPIC, "--json"]);
    let checked = read(test);
    let found = (checked.text("/verdict"), checked.text("/reason"), checked.code);
    assert_eq!(found, ("unproven", "certificate_required", 1), "{:#}", checked.first());
    assert!(checked.text("/advice").contains("without a certificate"), "{}", checked.text("/advice"));
    assert!(!checked.text("/meaning").contains("certificate"), "{}", checked.text("/meaning"));
}

#[test]
fn a_reason_suspects_no_certificate_where_none_was_sent() {
    let keys = Keys::new();
    for fault in ["answer:BadCertificate", "answer:BadCertificateEnvironment", "goaway:BadCertificate"] {
        let gateway = keys.gateway(&["--fault", fault]);
        let address = format!("localhost:{}", gateway.address().port());
        let test = Test::new().arg("check").arg("--p8").arg(keys.usual()).args(["--gateway", &address, "--json"]);
        let test = test.args(["--ca-file", gateway.file("ca_file"), "--team-id", TEAM_ID, "--topic", TOPIC]);
        let checked = read(test);
        assert_eq!((checked.text("/verdict"), checked.code), ("unproven", 1), "{fault} {:#}", checked.first());
        let meaning = checked.text("/meaning");
        assert_eq!(meaning, "the server speaks of a certificate, and was sent a provider token", "{fault}");
        assert!(checked.text("/advice").contains("without a certificate"), "{}", checked.text("/advice"));
    }
}

#[test]
fn the_token_is_in_no_format() {
    let keys = Keys::new();
    let gateway = keys.gateway(&[]);
    let address = format!("localhost:{}", gateway.address().port());
    for format in ["human", "json", "junit", "github", "nagios", "prometheus"] {
        let test = Test::new().arg("check").arg("--p8").arg(keys.usual()).args(["--gateway", &address]);
        let test = test.args(["--ca-file", gateway.file("ca_file"), "--team-id", TEAM_ID, "--topic", TOPIC]);
        test.args(["--format", format]).status(0).hides("eyJ").run();
    }
}

#[test]
fn what_cannot_sign_is_refused() {
    let keys = Keys::new();
    let run = |file: &Path, arguments: &[&str]| {
        let test = Test::new().arg("check").arg("--p8").arg(file).args(["--team-id", TEAM_ID, "--topic", TOPIC]);
        test.args(arguments)
    };
    run(&fixture("key/push.pem"), &["--key-id", KEY_ID]).status(3).stderr_contains("not an EC key on P-256").run();
    let key = openssl::pkey::PKey::private_key_from_pem(&std::fs::read(keys.usual()).unwrap()).unwrap();
    let public = keys.write("public.p8", &key.public_key_to_pem().unwrap());
    let refused =
        run(&public, &["--key-id", KEY_ID]).status(3).stderr_contains("no private key in it, only a public key");
    let refused = refused.stderr_contains("--p8 takes the private key").run();
    assert!(!refused.stderr.contains("certificate"), "{}", refused.stderr);
    run(&fixture("der/universal.cer"), &["--key-id", KEY_ID]).status(3).stderr_contains("no private key").run();
    let unnamed = keys.write("key.p8", &std::fs::read(keys.usual()).unwrap());
    run(&unnamed, &[]).status(2).stderr_contains("--key-id").run();
    run(&unnamed, &["--key-id", "abc"]).status(2).stderr_contains("ten capital letters and digits").run();
}
