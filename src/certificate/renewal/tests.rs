use time::macros::datetime;

use super::*;
use crate::certificate::apple::Environment;
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

fn codes(old: &Certificate, new: &Certificate, keys: (KeyState, KeyState)) -> Vec<(Level, FindingCode)> {
    let side = |certificate, key| Side { certificate, key, is_apples: false };
    let comparison = compare(side(old, keys.0), side(new, keys.1), RULES);
    let breaks = comparison.differences.iter().any(|difference| difference.level == Level::Failure);
    assert_eq!(comparison.drop_in, !breaks);
    comparison.differences.into_iter().map(|difference| (difference.level, difference.code)).collect()
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
    assert_eq!(codes(&fewer, &universal, KEYS)[..2], [(Level::Ok, TopicGained), (Level::Ok, TopicGained)]);
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
    let (both, one) = (["serverAuth", "clientAuth"], ["clientAuth"]);
    let of = |old_usages: &[&str], new_usages: &[&str], old_names: &[&str], new_names: &[&str]| {
        codes(&with(&old, old_usages, old_names), &with(&new, new_usages, new_names), KEYS)
    };
    assert_eq!(of(&both, &both, &["email:a@b"], &["email:a@b"]), []);
    assert_eq!(of(&both, &one, &[], &[]), [(Level::Failure, UsageLost)]);
    assert_eq!(of(&both, &["serverAuth"], &[], &[]), [(Level::Ok, UsageLost)]);
    assert_eq!(of(&[], &["serverAuth"], &[], &[]), [(Level::Failure, UsageLost)]);
    assert_eq!(of(&[], &one, &[], &[]), [(Level::Failure, UsageLost)]);
    assert_eq!(of(&one, &both, &[], &[]), [(Level::Ok, UsageGained)]);
    assert_eq!(of(&one, &[], &[], &[]), []);
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
    let side = |certificate| Side { certificate, key: KeyState::Matches, is_apples: false };
    let (by_other, by_itself) = (by(server, b"0\x02a"), itself(renewed));
    assert!(compare(side(&by_other), side(&by_itself), rules).drop_in);
    let (push, renewed) = (by(old("universal"), b"0\x02a"), new("universal"));
    assert!(!compare(side(&push), side(&itself(renewed.clone())), rules).drop_in);
    assert_eq!(codes(&push, &by(renewed.clone(), b"0\x02b"), KEYS), []);
    assert_eq!(codes(&push, &itself(renewed.clone()), KEYS), [(Level::Failure, OtherIssuer)]);
    let side = |certificate, is_apples| Side { certificate, key: KeyState::Matches, is_apples };
    let comparison = compare(side(&push, true), side(&renewed, false), RULES);
    assert_eq!((comparison.drop_in, comparison.differences[0].code), (false, OtherIssuer));
    assert!(compare(side(&push, true), side(&renewed, true), RULES).drop_in);
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
    assert_eq!(codes(&old, &mute, KEYS), [(Level::Failure, UsageLost)]);
    let key = openssl::pkey::PKey::generate_ed25519().unwrap();
    let public_key = PublicKey::parse(key.public_key_to_der().unwrap()).unwrap();
    let other = Certificate { public_key, ..new.clone() };
    assert_eq!(codes(&old, &other, KEYS), [(Level::Warning, OtherAuthorityKey)]);
    // A server's that calls itself one.
    let server = |certificate: &Certificate| Certificate { usages: usages(&["serverAuth"]), ..certificate.clone() };
    assert_eq!(codes(&server(&old), &server(&leaf), KEYS), []);
    assert_eq!(codes(&server(&old), &server(&other), KEYS), [(Level::Ok, OtherIssuer)]);
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
    let side = |certificate| Side { certificate, key: KeyState::Matches, is_apples: false };
    for (allows_kind_change, level) in [(false, Level::Failure), (true, Level::Ok)] {
        let comparison = compare(side(&production), side(&universal), Rules { allows_kind_change, ..RULES });
        assert_eq!((comparison.possible_successor, comparison.drop_in), (true, allows_kind_change));
        let first = &comparison.differences[0];
        assert_eq!((first.level, first.code), (level, OtherKind));
        assert!(first.message.contains("apns-topic is mandatory"), "{}", first.message);
    }
    // Not the other way round.
    let back = Certificate { not_after: universal.not_after + time::Duration::days(1), ..production.clone() };
    let comparison = compare(side(&universal), side(&back), Rules { allows_kind_change: true, ..RULES });
    assert!(!comparison.possible_successor && !comparison.drop_in);
    assert_eq!(comparison.differences[0].level, Level::Failure);
}

#[test]
fn a_renewal_with_the_same_request_has_the_key_of_the_old_one() {
    let (old, new) = (old("universal"), new("universal"));
    let side = |certificate, key| Side { certificate, key, is_apples: false };
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
