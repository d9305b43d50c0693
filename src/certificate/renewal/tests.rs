use openssl::dsa::Dsa;
use openssl::ec::{Asn1Flag, EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use time::macros::datetime;

use super::*;
use crate::certificate::apple::Environment;
use crate::certificate::extension::NetscapeType;
use crate::public_key::PublicKey;
use crate::test_support;

const RULES: Rules =
    Rules { now: datetime!(2026-12-01 0:00 UTC), allows_kind_change: false, allows_self_issued: false };

fn fixture(name: &str, from: OffsetDateTime, until: OffsetDateTime) -> Certificate {
    let certificate = test_support::certificate(&format!("der/{name}.cer"));
    // Two certificates are never the same bytes, unless they are the same.
    let der = [certificate.der, from.unix_timestamp().to_be_bytes().to_vec()].concat();
    Certificate { der, not_before: from, not_after: until, ..certificate }
}

fn old(name: &str) -> Certificate {
    fixture(name, datetime!(2025-12-01 0:00 UTC), datetime!(2026-12-31 0:00 UTC))
}

fn new(name: &str) -> Certificate {
    fixture(name, datetime!(2026-11-30 0:00 UTC), datetime!(2027-12-30 0:00 UTC))
}

fn side(certificate: &Certificate, state: KeyState) -> Side<'_> {
    let key = PrivateKeyFacts { state, form: KeyForm::Clear, is_behind: false };
    Side { certificate, key, is_apples: false, chain: FileChain::default(), file: FileForm::default() }
}

fn with_key(certificate: &Certificate) -> Side<'_> {
    side(certificate, KeyState::Matches)
}

fn apples(certificate: &Certificate, is_apples: bool) -> Side<'_> {
    Side { is_apples, ..with_key(certificate) }
}

fn codes(old: &Certificate, new: &Certificate, keys: (KeyState, KeyState)) -> Vec<(Level, FindingCode)> {
    let comparison = compare(side(old, keys.0), side(new, keys.1), RULES);
    let breaks = comparison.differences.iter().any(|difference| difference.level == Level::Failure);
    assert_eq!(comparison.drop_in, !breaks);
    comparison.differences.into_iter().map(|difference| (difference.level, difference.code)).collect()
}

/// Returns what is told of two certificates with their keys, each with its level.
fn told(old: &Certificate, new: &Certificate) -> Vec<String> {
    let comparison = compare(with_key(old), with_key(new), RULES);
    let mut lines = Vec::new();
    for difference in &comparison.differences {
        lines.push(format!("{:?}: {}", difference.level, difference.message));
    }
    lines
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn public_key(key: &PKey<Private>) -> PublicKey {
    PublicKey::parse(key.public_key_to_der().unwrap()).unwrap()
}

fn ec_key(curve: Nid) -> PublicKey {
    let group = EcGroup::from_curve_name(curve).unwrap();
    public_key(&PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap())
}

const KEYS: (KeyState, KeyState) = (KeyState::Matches, KeyState::Matches);

#[test]
fn a_renewal_overlaps() {
    let (old, new) = (old("universal"), new("universal"));
    assert_eq!(codes(&old, &new, KEYS), []);
    assert_eq!(overlap(&old, &new).days(), 31);
    assert_eq!(codes(&old, &new, (KeyState::Missing, KeyState::Missing)), []);
}

#[test]
fn what_breaks() {
    use FindingCode::*;
    let universal = old("universal");
    assert_eq!(codes(&universal, &universal, KEYS), [(Level::Failure, NotRenewed)]);
    assert_eq!(codes(&new("universal"), &universal, KEYS), [(Level::Failure, NotRenewed)]);
    assert_eq!(
        codes(&universal, &new("universal"), (KeyState::Matches, KeyState::Missing)),
        [(Level::Failure, KeyMissing)]
    );
    let mismatch = (KeyState::Missing, KeyState::Mismatch);
    assert_eq!(codes(&universal, &new("universal"), mismatch), [(Level::Failure, KeyMismatch)]);
    let team = Certificate { team_id: None, ..new("universal") };
    assert_eq!(codes(&universal, &team, KEYS), [(Level::Failure, OtherTeam)]);
    let fewer = Certificate { topics: universal.topics[..1].to_vec(), ..new("universal") };
    assert_eq!(codes(&universal, &fewer, KEYS), [(Level::Failure, TopicLost), (Level::Failure, TopicLost)]);
    assert_eq!(
        codes(&fewer, &universal, KEYS)[..3],
        [(Level::Ok, TopicGained), (Level::Ok, TopicGained), (Level::Failure, TopicHeader)]
    );
    let sandbox = Certificate { environments: vec![Environment::Sandbox], ..new("universal") };
    assert_eq!(codes(&universal, &sandbox, KEYS), [(Level::Failure, EnvironmentLost)]);
    let kind = Certificate { kind: CertificateKind::ApnsSandbox, ..new("universal") };
    assert_eq!(codes(&universal, &kind, KEYS), [(Level::Failure, OtherKind)]);
}

#[test]
fn names_are_compared_for_every_kind() {
    use FindingCode::*;
    let server = |hosts: &[&str]| {
        let dns_names = hosts.iter().map(|host| (*host).to_owned()).collect();
        Certificate { dns_names, ..old("not-push") }
    };
    let renewed = |hosts: &[&str]| Certificate { dns_names: server(hosts).dns_names, ..new("not-push") };
    let named = |name: &str| Certificate { common_name: Some(name.to_owned()), ..renewed(&[]) };
    assert_eq!(codes(&server(&["a.example", "b.example"]), &renewed(&["a.example", "b.example"]), KEYS), []);
    assert_eq!(
        codes(&server(&["a.example", "b.example"]), &renewed(&["b.example", "c.example"]), KEYS),
        [(Level::Failure, HostLost), (Level::Ok, HostGained)]
    );
    assert_eq!(codes(&server(&["a.b.example"]), &renewed(&["*.b.example"]), KEYS), [(Level::Ok, HostGained)]);
    assert_eq!(codes(&server(&["*.b.example"]), &renewed(&["a.b.example"]), KEYS)[0], (Level::Failure, HostLost));
    assert_eq!(
        told(&server(&["a.example"]), &renewed(&["a.example "])),
        ["Failure: the new one is not for a.example", "Ok: the new one is also for \"a.example \""]
    );
    // Without hosts the name decides.
    assert_eq!(codes(&server(&[]), &named("other"), KEYS), [(Level::Failure, OtherName)]);
    let uid = Certificate { uid: Some("a".to_owned()), ..server(&[]) };
    assert_eq!(codes(&uid, &renewed(&[]), KEYS), [(Level::Failure, OtherUid)]);
    let (old, new) = (old("universal"), new("universal"));
    let other = Certificate { common_name: Some("other".to_owned()), ..new.clone() };
    assert_eq!(codes(&old, &other, KEYS), [(Level::Ok, OtherName)]);
    let other = Certificate { uid: Some("other".to_owned()), ..new };
    assert_eq!(codes(&old, &other, KEYS), [(Level::Failure, OtherUid)]);
}

#[test]
fn what_certificates_that_are_not_apples_are_for_is_compared() {
    use FindingCode::*;
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let server = |certificate| Certificate { dns_names: texts(&["a.example"]), ..certificate };
    let (old, new) = (server(old("not-push")), server(new("not-push")));
    let with = |certificate: &Certificate, usages: &[&str], names: &[&str]| Certificate {
        usages: texts(usages),
        other_names: texts(names),
        ..certificate.clone()
    };
    let of = |old_usages: &[&str], new_usages: &[&str], old_names: &[&str], new_names: &[&str]| {
        codes(&with(&old, old_usages, old_names), &with(&new, new_usages, new_names), KEYS)
    };
    assert_eq!(of(&[], &[], &["email:a@b"], &["email:a@b"]), []);
    assert_eq!(of(&[], &[], &["email:a@b"], &["email:b@b"]), [(Level::Failure, NameLost), (Level::Ok, NameGained)]);
    let authority = Certificate { is_ca: true, ..new.clone() };
    assert_eq!(codes(&old, &authority, KEYS), [(Level::Failure, BecameAuthority)]);
    // Without other names the whole subject decides, and with them it is told.
    let viewers = Certificate { organization: Some("viewers".into()), raw_subject: vec![], ..new.clone() };
    assert_eq!(codes(&old, &viewers, KEYS), [(Level::Ok, OtherName)]);
    let hostless = |certificate: &Certificate| Certificate { dns_names: vec![], ..certificate.clone() };
    assert_eq!(codes(&hostless(&old), &hostless(&viewers), KEYS), [(Level::Failure, OtherName)]);
    let nameless = |certificate: &Certificate| Certificate {
        subject: String::new(),
        raw_subject: names::EMPTY_NAME.to_vec(),
        common_name: None,
        ..hostless(certificate)
    };
    assert_eq!(codes(&nameless(&old), &nameless(&new), KEYS), [(Level::Failure, Nameless)]);
}

#[test]
fn who_issued_a_certificate_is_compared() {
    use FindingCode::*;
    let by = |certificate: Certificate, issuer: &[u8]| Certificate { raw_issuer: issuer.to_vec(), ..certificate };
    let itself = |certificate: Certificate| Certificate { raw_issuer: certificate.raw_subject.clone(), ..certificate };
    let (server, renewed) = (old("not-push"), new("not-push"));
    assert_eq!(
        codes(&by(server.clone(), b"0\x02a"), &by(renewed.clone(), b"0\x02b"), KEYS),
        [(Level::Ok, OtherIssuer)]
    );
    assert_eq!(codes(&by(server.clone(), b"0\x02a"), &itself(renewed.clone()), KEYS), [(Level::Failure, OtherIssuer)]);
    let rules = Rules { allows_self_issued: true, ..RULES };
    let (by_other, by_itself) = (by(server, b"0\x02a"), itself(renewed));
    assert!(compare(with_key(&by_other), with_key(&by_itself), rules).drop_in);
    let (push, renewed) = (by(old("universal"), b"0\x02a"), new("universal"));
    assert!(!compare(with_key(&push), with_key(&itself(renewed.clone())), rules).drop_in);
    assert_eq!(codes(&push, &by(renewed.clone(), b"0\x02b"), KEYS), []);
    assert_eq!(codes(&push, &itself(renewed.clone()), KEYS), [(Level::Failure, OtherIssuer)]);
    let comparison = compare(apples(&push, true), apples(&renewed, false), RULES);
    assert_eq!((comparison.drop_in, comparison.differences[0].code), (false, OtherIssuer));
    assert!(compare(apples(&push, true), apples(&renewed, true), RULES).drop_in);
}

#[test]
fn a_wildcard_covers_one_label_and_no_top_level_domain() {
    for (host, wildcard) in [
        ("a.b.example", Some("*.b.example")),
        ("b.example", None),
        ("b.example.", None),
        ("localhost", None),
        ("*.b.example", None),
        ("10.0.0.1", None),
        ("2001:db8::1.2.3.4", None),
    ] {
        assert_eq!(wildcard_for(host).as_deref(), wildcard, "{host}");
    }
}

#[test]
fn an_authority_stays_one_and_a_new_key_of_it_is_warned_of() {
    use FindingCode::*;
    let usages = |usages: &[&str]| usages.iter().map(|usage| (*usage).to_owned()).collect::<Vec<_>>();
    let authority = |certificate: Certificate| Certificate {
        dns_names: vec![],
        usages: vec![],
        raw_subject: certificate.raw_issuer.clone(),
        is_ca: true,
        may_sign_certificates: true,
        ..certificate
    };
    let (old, new) = (authority(old("not-push")), authority(new("not-push")));
    assert_eq!(codes(&old, &new, KEYS), []);
    let leaf = Certificate { is_ca: false, ..new.clone() };
    assert_eq!(codes(&old, &leaf, KEYS), [(Level::Failure, AuthorityLost)]);
    let mute = Certificate { may_sign_certificates: false, ..new.clone() };
    let lost = "Failure: the key usage of the new one lacks keyCertSign: it may not issue certificates";
    assert_eq!(told(&old, &mute), [lost]);
    let narrow = Certificate { usages: usages(&["codeSigning"]), ..new.clone() };
    let lost = "Failure: the new one may be used for codeSigning only, and not for anything else";
    assert_eq!(told(&old, &narrow), [lost]);
    let public_key = ec_key(Nid::X9_62_PRIME256V1);
    let other = Certificate { public_key, ..new.clone() };
    assert_eq!(codes(&old, &other, KEYS), [(Level::Warning, OtherAuthorityKey), (Level::Ok, OtherKeyType)]);
    // A server's that calls itself one.
    let server = |certificate: &Certificate| Certificate { usages: usages(&["serverAuth"]), ..certificate.clone() };
    assert_eq!(codes(&server(&old), &server(&leaf), KEYS), []);
    assert_eq!(codes(&server(&old), &server(&other), KEYS), [(Level::Ok, OtherKeyType), (Level::Ok, OtherIssuer)]);
}

#[test]
fn what_programs_refuse_takes_the_place_of_nothing() {
    use FindingCode::*;
    let (old, new) = (old("not-push"), new("not-push"));
    let unsigned = Certificate { may_sign: false, ..new.clone() };
    assert_eq!(codes(&old, &unsigned, KEYS), [(Level::Failure, UsageLost)]);
    assert_eq!(codes(&Certificate { may_sign: false, ..old.clone() }, &unsigned, KEYS), []);
    let closed = Certificate { may_encrypt: false, ..new.clone() };
    assert_eq!(codes(&old, &closed, KEYS), []);
    let mail =
        |certificate: &Certificate| Certificate { usages: vec!["emailProtection".to_owned()], ..certificate.clone() };
    assert_eq!(codes(&mail(&old), &mail(&closed), KEYS), [(Level::Failure, UsageLost)]);
    let unknown = Certificate { has_unknown_critical: true, ..new.clone() };
    assert_eq!(codes(&old, &unknown, KEYS), [(Level::Failure, UnknownCritical)]);
    assert_eq!(codes(&Certificate { has_unknown_critical: true, ..old.clone() }, &unknown, KEYS), []);
    let sha1 = |certificate: &Certificate| Certificate { has_weak_signature: true, ..certificate.clone() };
    assert_eq!(codes(&old, &sha1(&new), KEYS), [(Level::Failure, Sha1Signature)]);
    assert_eq!(codes(&sha1(&old), &sha1(&new), KEYS), [(Level::Ok, Sha1Signature)]);
    let short = |certificate: &Certificate, bits| {
        let mut certificate = certificate.clone();
        certificate.public_key.algorithm = "RSA".into();
        certificate.public_key.bits = bits;
        certificate
    };
    assert_eq!(codes(&short(&old, 2048), &short(&new, 1024), KEYS), [(Level::Failure, WeakKey)]);
    assert_eq!(codes(&short(&old, 1024), &short(&new, 1024), KEYS), [(Level::Ok, WeakKey)]);
    assert_eq!(codes(&short(&old, 1024), &short(&new, 768), KEYS), [(Level::Failure, WeakKey)]);
}

#[test]
fn a_kind_that_can_do_the_same_is_accepted_where_that_is_allowed() {
    use FindingCode::*;
    let topic = old("universal").topics[..1].to_vec();
    let production = Certificate {
        kind: CertificateKind::ApnsProduction,
        topics: topic,
        environments: vec![Environment::Production],
        ..old("universal")
    };
    let universal = new("universal");
    for (allows_kind_change, level) in [(false, Level::Failure), (true, Level::Ok)] {
        let comparison = compare(with_key(&production), with_key(&universal), Rules { allows_kind_change, ..RULES });
        assert_eq!((comparison.possible_successor, comparison.drop_in), (true, allows_kind_change));
        let first = &comparison.differences[0];
        assert_eq!((first.level, first.code), (level, OtherKind));
        assert!(first.message.contains("apns-topic is mandatory"), "{}", first.message);
    }
    // Not the other way round.
    let back = Certificate { not_after: universal.not_after + time::Duration::days(1), ..production.clone() };
    let comparison = compare(with_key(&universal), with_key(&back), Rules { allows_kind_change: true, ..RULES });
    assert!(!comparison.possible_successor && !comparison.drop_in);
    assert_eq!(comparison.differences[0].level, Level::Failure);
}

#[test]
fn a_renewal_with_the_same_request_has_the_key_of_the_old_one() {
    let (old, new) = (old("universal"), new("universal"));
    let comparison = compare(side(&old, KeyState::Matches), side(&new, KeyState::Missing), RULES);
    assert!(comparison.key_reused && !comparison.drop_in);
    assert!(comparison.differences[0].message.contains("its key is that of the old one"));
}

#[test]
fn an_mdm_certificate_keeps_its_uid() {
    let new = Certificate { uid: Some("com.apple.mgmt.External.other".into()), topics: vec![], ..new("mdm") };
    assert_eq!(codes(&old("mdm"), &new, KEYS), [(Level::Failure, FindingCode::OtherMdmUid)]);
}

#[test]
fn a_gap_is_reported_and_the_future_does_not_serve_today() {
    let (from, until) = (datetime!(2027-01-30 0:00 UTC), datetime!(2028-01-30 0:00 UTC));
    let late = fixture("universal", from, until);
    let expected = [(Level::Failure, FindingCode::NotYetValid), (Level::Ok, FindingCode::Gap)];
    assert_eq!(codes(&old("universal"), &late, KEYS), expected);
    assert_eq!(overlap(&old("universal"), &late).days(), -30);
}

/// Which uses and names the old one has, which uses the new one has, and what is told.
struct UseCase {
    old: &'static [&'static str],
    new: &'static [&'static str],
    names: Names,
    is_public: bool,
    told: &'static [&'static str],
}

#[derive(Clone, Copy)]
enum Names {
    Host,
    Mail,
    None,
}

const NO_CLIENT: &str = "the new one may be used for serverAuth only, and not for clientAuth";
const BOTH: &[&str] = &["serverAuth", "clientAuth"];

/// A certificate without an extended key usage may be used for all (OpenSSL and Java agree); its names tell for what it
/// is used.
#[rustfmt::skip]
static USE_CASES: [UseCase; 19] = [
    UseCase { old: BOTH, new: BOTH, names: Names::Host, is_public: false, told: &[] },
    UseCase { old: BOTH, new: &[], names: Names::Host, is_public: false, told: &[] },
    UseCase { old: &["clientAuth"], new: BOTH, names: Names::Host, is_public: false, told: &["Ok: the new one may also be used for serverAuth"] },
    UseCase { old: BOTH, new: &["clientAuth"], names: Names::Host, is_public: true, told: &["Failure: the new one may be used for clientAuth only, and not for serverAuth"] },
    // Public authorities leave clientAuth out; others make peers.
    UseCase { old: BOTH, new: &["serverAuth"], names: Names::Host, is_public: true, told: &["Ok: the new one may be used for serverAuth only, and not for clientAuth: enough for a server, unless it uses the certificate as a client too"] },
    UseCase { old: BOTH, new: &["serverAuth"], names: Names::Host, is_public: false, told: &["Failure: the new one may be used for serverAuth only, and not for clientAuth: a server that connects to others with it (mTLS, peers of etcd) is refused"] },
    UseCase { old: BOTH, new: &["serverAuth"], names: Names::None, is_public: true, told: &["Failure: the new one may be used for serverAuth only, and not for clientAuth"] },
    UseCase { old: &["serverAuth"], new: &["serverAuth"], names: Names::Host, is_public: false, told: &[] },
    // No restriction before.
    UseCase { old: &[], new: &["serverAuth"], names: Names::Host, is_public: false, told: &["Ok: the new one may be used for serverAuth only, the old one for anything"] },
    UseCase { old: &[], new: &["clientAuth"], names: Names::Host, is_public: false, told: &["Failure: the new one may be used for clientAuth only, and not for serverAuth"] },
    UseCase { old: &[], new: BOTH, names: Names::None, is_public: false, told: &["Ok: the new one may be used for serverAuth and clientAuth only, the old one for anything"] },
    UseCase { old: &[], new: &["serverAuth"], names: Names::None, is_public: false, told: &["Failure: the new one may be used for serverAuth only, and not for clientAuth"] },
    UseCase { old: &[], new: &["emailProtection"], names: Names::Mail, is_public: false, told: &["Ok: the new one may be used for emailProtection only, the old one for anything"] },
    UseCase { old: &[], new: &["clientAuth"], names: Names::Mail, is_public: false, told: &["Failure: the new one may be used for clientAuth only, and not for emailProtection"] },
    // OpenSSL does not take any use for that of TLS.
    UseCase { old: &["serverAuth"], new: &["anyExtendedKeyUsage"], names: Names::Host, is_public: false, told: &["Failure: the new one may be used for anyExtendedKeyUsage only, and not for serverAuth: OpenSSL does not take the one for the other", "Ok: the new one may also be used for anyExtendedKeyUsage"] },
    UseCase { old: &[], new: &["anyExtendedKeyUsage"], names: Names::Host, is_public: false, told: &["Failure: the new one may be used for anyExtendedKeyUsage only, and not for serverAuth: OpenSSL does not take the one for the other"] },
    UseCase { old: &["anyExtendedKeyUsage"], new: &["anyExtendedKeyUsage"], names: Names::Host, is_public: false, told: &[] },
    UseCase { old: &["anyExtendedKeyUsage"], new: &["serverAuth"], names: Names::Host, is_public: false, told: &["Ok: the new one may be used for serverAuth only, the old one for anything"] },
    UseCase { old: &["codeSigning"], new: &["anyExtendedKeyUsage"], names: Names::None, is_public: false, told: &["Ok: the new one may also be used for anyExtendedKeyUsage"] },
];

#[test]
fn a_use_is_lost_where_it_was_made() {
    for case in &USE_CASES {
        let named = |certificate: Certificate| {
            let (hosts, others): (&[&str], &[&str]) = match case.names {
                Names::Host => (&["a.example"], &[]),
                Names::Mail => (&[], &["email:a@b.example"]),
                Names::None => (&[], &[]),
            };
            Certificate { dns_names: strings(hosts), other_names: strings(others), ..certificate }
        };
        let old = Certificate { usages: strings(case.old), ..named(old("not-push")) };
        let new = Certificate { usages: strings(case.new), is_public: case.is_public, ..named(new("not-push")) };
        assert_eq!(told(&old, &new), case.told, "{:?} {:?}", case.old, case.new);
    }
    assert!(USE_CASES.iter().any(|case| case.told.iter().any(|text| text.contains(NO_CLIENT))));
}

#[test]
fn netscapes_type_is_held_to() {
    let (push, renewed_push) = (old("universal"), new("universal"));
    let server = |certificate| Certificate { usages: strings(BOTH), dns_names: strings(&["a.example"]), ..certificate };
    let (old, new) = (server(old("not-push")), server(new("not-push")));
    let typed = |certificate: &Certificate, is_server, is_client| Certificate {
        netscape_type: Some(NetscapeType { is_server, is_client }),
        ..certificate.clone()
    };
    let lost = |list: &str| {
        [format!(
            "Failure: the Netscape type (nsCertType) of the new one leaves out {list}: OpenSSL and Java refuse it"
        )]
    };
    assert_eq!(told(&old, &typed(&new, true, true)), [""; 0]);
    assert_eq!(told(&old, &typed(&new, false, true)), lost("serverAuth"));
    assert_eq!(told(&old, &typed(&new, true, false)), lost("clientAuth"));
    assert_eq!(told(&old, &typed(&new, false, false)), lost("serverAuth and clientAuth"));
    assert_eq!(told(&typed(&old, true, false), &typed(&new, true, false)), [""; 0]);
    assert_eq!(told(&typed(&old, true, false), &new), [""; 0]);
    let public = Certificate { is_public: true, ..typed(&new, true, false) };
    assert_eq!(codes(&old, &public, KEYS), [(Level::Ok, FindingCode::UsageLost)]);
    assert_eq!(told(&push, &typed(&renewed_push, true, false)), lost("clientAuth"));
}

#[test]
fn a_push_certificate_is_a_clients() {
    let (old, new) = (old("universal"), new("universal"));
    let with =
        |certificate: &Certificate, usages: &[&str]| Certificate { usages: strings(usages), ..certificate.clone() };
    assert_eq!(told(&with(&old, &["clientAuth"]), &with(&new, &["clientAuth"])), [""; 0]);
    assert_eq!(told(&with(&old, &["clientAuth"]), &with(&new, &[])), [""; 0]);
    assert_eq!(told(&with(&old, &["serverAuth"]), &with(&new, &["serverAuth"])), [""; 0]);
    for usages in [&["clientAuth"][..], &[]] {
        assert_eq!(
            told(&with(&old, usages), &with(&new, &["serverAuth"])),
            ["Failure: the new one may be used for serverAuth only, and not for clientAuth: APNs takes clients alone"]
        );
    }
    let mute = Certificate { may_sign: false, ..new.clone() };
    let lost = "Failure: the key usage of the new one lacks digitalSignature, which servers and clients need";
    assert_eq!(told(&old, &mute), [lost]);
    assert_eq!(told(&mute_of(&old), &mute), [""; 0]);
    // Its team is not told, for an authority has none.
    let authority = Certificate { is_ca: true, team_id: None, ..new.clone() };
    let became = "Failure: the new one is that of an authority (CA:TRUE), which no push certificate of Apple's is";
    assert_eq!(told(&old, &authority), [became]);
    assert_eq!(
        told(&old, &Certificate { team_id: None, ..new }),
        ["Failure: the team has changed from TEAMID1234 to none"]
    );
}

fn mute_of(certificate: &Certificate) -> Certificate {
    Certificate { may_sign: false, ..certificate.clone() }
}

/// A kind of key, and what is told where the old one has RSA.
struct KeyCase {
    key: PublicKey,
    told: &'static str,
}

fn key_cases() -> Vec<KeyCase> {
    let mut explicit = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    explicit.set_asn1_flag(Asn1Flag::EXPLICIT_CURVE);
    let explicit = PKey::from_ec_key(EcKey::generate(&explicit).unwrap()).unwrap();
    let dsa = PKey::from_dsa(Dsa::generate(1024).unwrap()).unwrap();
    let case = |key, told| KeyCase { key, told };
    vec![
        case(
            ec_key(Nid::X9_62_PRIME256V1),
            "Ok: the key of the new one is EC (P-256), that of the old one RSA: programs that are set up for one kind refuse the other",
        ),
        case(
            ec_key(Nid::SECP384R1),
            "Ok: the key of the new one is EC (P-384), that of the old one RSA: programs that are set up for one kind refuse the other",
        ),
        case(
            ec_key(Nid::SECP521R1),
            "Warning: the key of the new one is EC (P-521), which browsers such as Chrome refuse",
        ),
        case(
            public_key(&PKey::generate_ed25519().unwrap()),
            "Warning: the key of the new one is Ed25519, which browsers such as Chrome refuse",
        ),
        case(
            public_key(&PKey::generate_ed448().unwrap()),
            "Warning: the key of the new one is Ed448, which browsers such as Chrome refuse",
        ),
        case(
            ec_key(Nid::SECP256K1),
            "Failure: the key of the new one is EC (secp256k1), which TLS 1.3 and most programs refuse",
        ),
        case(
            ec_key(Nid::X9_62_PRIME192V1),
            "Failure: the key of the new one is EC (P-192), which TLS 1.3 and most programs refuse",
        ),
        case(
            ec_key(Nid::SECP224R1),
            "Failure: the key of the new one is EC (P-224), which TLS 1.3 and most programs refuse",
        ),
        case(
            ec_key(Nid::BRAINPOOL_P256R1),
            "Failure: the key of the new one is EC (brainpoolP256r1), which TLS 1.3 and most programs refuse",
        ),
        case(
            public_key(&explicit),
            "Failure: the key of the new one is EC (another curve, or parameters in the place of its name), which TLS 1.3 and most programs refuse",
        ),
        case(public_key(&dsa), "Failure: the key of the new one is DSA, which TLS 1.3 and most programs refuse"),
    ]
}

#[test]
fn a_key_of_a_kind_that_programs_refuse_breaks_unless_it_is_as_before() {
    let (old, new) = (old("not-push"), new("not-push"));
    for case in key_cases() {
        let with = |certificate: &Certificate| Certificate { public_key: case.key.clone(), ..certificate.clone() };
        assert_eq!(told(&old, &with(&new)), [case.told]);
        // As before it is a note at most.
        assert!(told(&with(&old), &with(&new)).iter().all(|text| text.starts_with("Ok: ")), "{}", case.told);
        assert!(told(&with(&old), &new).iter().all(|text| text.starts_with("Ok: ")), "{}", case.told);
    }
    let restricted = |certificate: &Certificate| {
        let mut certificate = certificate.clone();
        certificate.public_key.algorithm = "RSA-PSS".into();
        certificate
    };
    let refused = "the key of the new one is RSA-PSS, which TLS 1.3 and most programs refuse";
    assert_eq!(told(&old, &restricted(&new)), [format!("Failure: {refused}")]);
    assert_eq!(told(&restricted(&old), &restricted(&new)), [format!("Ok: {refused}")]);
}

/// What is known of both private keys, and what is told.
struct PrivateKeyCase {
    old: PrivateKeyFacts,
    new: PrivateKeyFacts,
    told: Option<&'static str>,
}

const fn facts(state: KeyState, form: KeyForm) -> PrivateKeyFacts {
    PrivateKeyFacts { state, form, is_behind: false }
}

const MISSING: Option<&str> = Some("Failure: the new file has no private key, the old one has");
const UNREAD: Option<&str> =
    Some("Warning: the private key in the new file was not read: nothing says that it belongs to the new certificate");

#[rustfmt::skip]
static PRIVATE_KEY_CASES: [PrivateKeyCase; 14] = [
    PrivateKeyCase { old: facts(KeyState::Matches, KeyForm::Clear), new: facts(KeyState::Matches, KeyForm::Clear), told: None },
    PrivateKeyCase { old: facts(KeyState::Matches, KeyForm::Clear), new: facts(KeyState::Matches, KeyForm::Packed), told: None },
    PrivateKeyCase { old: facts(KeyState::Matches, KeyForm::Encrypted), new: facts(KeyState::Matches, KeyForm::Encrypted), told: None },
    PrivateKeyCase { old: facts(KeyState::Matches, KeyForm::Packed), new: facts(KeyState::Matches, KeyForm::Encrypted), told: None },
    PrivateKeyCase { old: facts(KeyState::Matches, KeyForm::Encrypted), new: facts(KeyState::Matches, KeyForm::Clear), told: None },
    PrivateKeyCase { old: facts(KeyState::Missing, KeyForm::Clear), new: facts(KeyState::Matches, KeyForm::Encrypted), told: None },
    PrivateKeyCase { old: facts(KeyState::Missing, KeyForm::Clear), new: facts(KeyState::Missing, KeyForm::Clear), told: None },
    PrivateKeyCase { old: facts(KeyState::Matches, KeyForm::Clear), new: facts(KeyState::Matches, KeyForm::Encrypted), told: Some("Failure: the private key of the new one is encrypted, that of the old one is not: programs that have no password for it do not start") },
    PrivateKeyCase { old: facts(KeyState::Matches, KeyForm::Clear), new: facts(KeyState::Unread, KeyForm::Clear), told: Some("Failure: the private key in the new file was not read, that of the old one was: nothing says that it belongs to the new certificate") },
    PrivateKeyCase { old: facts(KeyState::Unread, KeyForm::Clear), new: facts(KeyState::Unread, KeyForm::Clear), told: UNREAD },
    PrivateKeyCase { old: facts(KeyState::Missing, KeyForm::Clear), new: facts(KeyState::Unread, KeyForm::Clear), told: UNREAD },
    PrivateKeyCase { old: facts(KeyState::Matches, KeyForm::Packed), new: facts(KeyState::Missing, KeyForm::Clear), told: MISSING },
    PrivateKeyCase { old: facts(KeyState::Unread, KeyForm::Clear), new: facts(KeyState::Missing, KeyForm::Clear), told: MISSING },
    PrivateKeyCase { old: facts(KeyState::Missing, KeyForm::Clear), new: facts(KeyState::Mismatch, KeyForm::Clear), told: Some("Failure: the private key is not that of the new certificate") },
];

#[test]
fn the_new_key_is_there_and_can_be_used_as_the_old_one_was() {
    for case in &PRIVATE_KEY_CASES {
        let mut differences = Vec::new();
        keys::compare_private_keys(case.old, case.new, false, &mut differences);
        let lines: Vec<_> = differences.iter().map(|one| format!("{:?}: {}", one.level, one.message)).collect();
        assert_eq!(lines, Vec::from_iter(case.told), "{:?} {:?}", case.old, case.new);
    }
}

#[test]
fn a_name_that_programs_find_no_host_by_is_lost() {
    let of = |certificate: Certificate, hosts: &[&str], misplaced: &[&str]| Certificate {
        dns_names: strings(hosts),
        misplaced_addresses: strings(misplaced),
        ..certificate
    };
    let judge = |old_names: [&[&str]; 2], new_names: [&[&str]; 2]| {
        let [(old_hosts, old_misplaced), (new_hosts, new_misplaced)] =
            [old_names, new_names].map(|[hosts, misplaced]| (hosts, misplaced));
        told(&of(old("not-push"), old_hosts, old_misplaced), &of(new("not-push"), new_hosts, new_misplaced))
    };
    // OpenSSL finds ex.example by no name with a dot; the other way round nothing is lost.
    assert_eq!(judge([&["ex.example"], &[]], [&["ex.example."], &[]]), ["Failure: the new one is not for ex.example"]);
    assert_eq!(judge([&["ex.example."], &[]], [&["ex.example"], &[]]), ["Ok: the new one is also for ex.example"]);
    assert_eq!(judge([&["ex.example."], &[]], [&["ex.example."], &[]]), [""; 0]);
    let address = &["10.0.0.1"][..];
    assert_eq!(judge([address, &[]], [address, address]), ["Failure: the new one is not for 10.0.0.1"]);
    assert_eq!(judge([address, address], [address, address]), [""; 0]);
    assert_eq!(judge([address, address], [address, &[]]), [""; 0]);
}

#[test]
fn what_the_new_one_asks_of_programs_is_warned_of() {
    let server = |certificate| Certificate { dns_names: strings(&["a.example"]), ..certificate };
    let (old, new) = (server(old("not-push")), server(new("not-push")));
    let staple = |certificate: &Certificate| Certificate { must_staple: true, ..certificate.clone() };
    let warning = "Warning: the new one asks its server to staple an answer of OCSP (must-staple): Firefox refuses one that \
                   does not";
    assert_eq!(told(&old, &staple(&new)), [warning]);
    assert_eq!(told(&staple(&old), &staple(&new)), [""; 0]);
    assert_eq!(told(&staple(&old), &new), [""; 0]);
    let long = |certificate: &Certificate, days| Certificate {
        not_after: certificate.not_before + time::Duration::days(days),
        ..certificate.clone()
    };
    let warning =
        "Warning: the new one is valid for 826 days: Apple's systems refuse a server's that is valid for more than 825";
    assert_eq!(told(&old, &long(&new, 826)), [warning]);
    assert_eq!(told(&old, &long(&new, 825)), [""; 0]);
    assert_eq!(told(&long(&old, 900), &long(&new, 1900)), [""; 0]);
    let client = |certificate: &Certificate| Certificate { dns_names: vec![], ..certificate.clone() };
    assert_eq!(told(&client(&old), &client(&long(&new, 826))), [""; 0]);
}

#[test]
fn what_is_accepted_is_a_note() {
    let (old, new) = (old("not-push"), new("not-push"));
    let other = Certificate { public_key: ec_key(Nid::SECP256K1), ..new };
    let mut comparison = compare(with_key(&old), with_key(&other), RULES);
    comparison.accept(&[Acceptable::Chain, Acceptable::LockedKey, Acceptable::LostUse]);
    assert!(!comparison.drop_in);
    comparison.accept(&[Acceptable::KeyType]);
    assert!(comparison.drop_in && comparison.differences[0].level == Level::Ok);
    for name in Acceptable::names() {
        assert!(Acceptable::named(name).is_some());
    }
    assert_eq!(Acceptable::named("expired"), None);
}
