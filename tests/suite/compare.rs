//! `pushcert compare` on certificates that no fixture is.

use std::path::Path;

use super::certificates::{self, Extension, Shape};
use super::common::Test;
use openssl::pkey::{PKey, Private};
use openssl::symm::Cipher;

fn compare(folder: &Path, old: &[u8], new: &[u8]) -> (Option<i32>, String) {
    let (old_file, new_file) = (folder.join("old.pem"), folder.join("new.pem"));
    std::fs::write(&old_file, old).unwrap();
    std::fs::write(&new_file, new).unwrap();
    let run = Test::new().arg("compare").args([old_file, new_file]).args(["--at", "2026-11-24"]).any_status().run();
    (run.code, run.text().to_owned())
}

#[test]
fn a_renewal_in_time_is_a_drop_in() {
    let folder = tempfile::tempdir().unwrap();
    let old = certificates::push("com.example.a", "a", "20251124", "20261224");
    let new = certificates::push("com.example.a", "a", "20261120", "20271220");
    let (code, text) = compare(folder.path(), &old, &new);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("for 34 days both are valid"), "{text}");
    let (code, text) = compare(folder.path(), &new, &old);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("are they swapped?"), "{text}");
}

#[test]
fn mdm_with_another_uid_silences_every_device() {
    let folder = tempfile::tempdir().unwrap();
    let old = certificates::mdm("com.apple.mgmt.External.one", "20251124", "20261224");
    let same = certificates::mdm("com.apple.mgmt.External.one", "20261120", "20271120");
    let other = certificates::mdm("com.apple.mgmt.External.two", "20261120", "20271120");
    let (code, text) = compare(folder.path(), &old, &same);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = compare(folder.path(), &old, &other);
    assert_eq!(code, Some(1), "{text}");
    let error = "error: the UID has changed from com.apple.mgmt.External.one to com.apple.mgmt.External.two: \
                 every enrolled device falls silent";
    assert!(text.contains(error), "{text}");
    assert!(text.contains("hint: keep the old one, and renew it at identity.apple.com/pushcert"), "{text}");
}

#[test]
fn a_universal_certificate_may_succeed_one_for_production() {
    let folder = tempfile::tempdir().unwrap();
    let old = certificates::production("com.example.a", "20251124", "20261224");
    let new = certificates::push("com.example.a", "a", "20261120", "20271220");
    let (code, text) = compare(folder.path(), &old, &new);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("which can send to the same topics") && text.contains("--allow-kind-change"), "{text}");
    let run = |arguments: &[&str]| {
        let names = ["old.pem", "new.pem", "--at", "2026-11-24", "--allow-kind-change"];
        let run = Test::new().arg("compare").args(names).args(arguments).folder(folder.path()).any_status().run();
        (run.code, run.text().to_owned())
    };
    let (code, text) = run(&[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("note: the kind has changed"), "{text}");
    assert!(run(&["--json"]).1.contains("\"possible_successor\": true"));
    // Not back again: the sandbox is lost.
    let back = certificates::production("com.example.a", "20261120", "20280101");
    compare(folder.path(), &new, &back);
    assert_eq!(run(&[]).0, Some(1));
}

#[test]
fn certificates_of_servers_are_compared_by_their_hosts() {
    let folder = tempfile::tempdir().unwrap();
    let old = certificates::server(&["a.c.example", "b.c.example"], "20251124", "20261224");
    let pem = |server: &certificates::Server| [server.certificate.clone(), server.key.clone()].concat();
    for (hosts, expected, said) in [
        (&["a.c.example", "b.c.example"][..], 0, "can take the place"),
        (&["*.c.example"], 0, "the new one is also for *.c.example"),
        (&["a.c.example"], 1, "the new one is not for b.c.example"),
        (&["other.example"], 1, "the new one is not for a.c.example and b.c.example"),
    ] {
        let new = certificates::server(hosts, "20261120", "20271220");
        let (code, text) = compare(folder.path(), &pem(&old), &pem(&new));
        assert_eq!(code, Some(expected), "{hosts:?} {text}");
        assert!(text.contains(said), "{hosts:?} {text}");
    }
}

#[test]
fn a_top_level_domain_has_no_wildcard() {
    let folder = tempfile::tempdir().unwrap();
    let old = certificates::server(&["c.example"], "20251124", "20261224");
    let new = certificates::server(&["*.example"], "20261120", "20271220");
    let (code, text) = compare(folder.path(), &old.certificate, &new.certificate);
    assert!(code == Some(1) && text.contains("error: the new one is not for c.example"), "{text}");
}

#[test]
fn a_server_that_vouches_for_itself_takes_the_place_of_none_that_an_authority_vouches_for() {
    let folder = tempfile::tempdir().unwrap();
    let shape = Shape { hosts: &["a.c.example"], from: "20251124", until: "20261224", ..Shape::default() };
    let old = certificates::shaped(&certificates::ec_key(), &Shape { issuer: "ca", ..shape });
    let new = certificates::shaped(&certificates::ec_key(), &Shape { from: "20261120", until: "20271220", ..shape });
    let (code, text) = compare(folder.path(), &old, &new);
    assert!(code == Some(1) && text.contains("accept it with --allow-self-signed"), "{text}");
    let names = ["old.pem", "new.pem", "--at", "2026-11-24", "--allow-self-signed"];
    let run = Test::new().arg("compare").args(names).folder(folder.path()).status(0).run();
    assert!(run.text().contains("note: the new one is issued by itself, the old one by CN=ca"), "{}", run.text());
}

#[test]
fn a_server_that_is_no_client_any_more_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let both = ["serverAuth", "clientAuth"];
    let shape =
        Shape { issuer: "ca", hosts: &["a.c.example"], from: "20251124", until: "20261224", ..Shape::default() };
    let old = certificates::shaped(&certificates::ec_key(), &Shape { usages: &both, ..shape });
    let new = Shape { usages: &both[..1], is_public: true, from: "20261120", until: "20271220", ..shape };
    let (code, text) = compare(folder.path(), &old, &certificates::shaped(&certificates::ec_key(), &new));
    assert!(
        code == Some(0) && text.contains("note: the new one may be used for serverAuth only, and not for clientAuth"),
        "{text}"
    );
    // Of an authority of one's own, peers have both.
    let new = Shape { is_public: false, ..new };
    let (code, text) = compare(folder.path(), &old, &certificates::shaped(&certificates::ec_key(), &new));
    let error = "error: the new one may be used for serverAuth only, and not for clientAuth: a server that connects to others \
                 with it (mTLS, peers of etcd) is refused\n  hint: ask the authority for one with all uses; if nobody makes that use \
                 of it, accept it with --accept lost-use\n";
    assert!(code == Some(1) && text.contains(error), "{text}");
}

#[test]
fn what_is_made_for_something_else_takes_the_place_of_no_server() {
    let folder = tempfile::tempdir().unwrap();
    let shape =
        Shape { issuer: "ca", hosts: &["a.c.example"], from: "20251124", until: "20261224", ..Shape::default() };
    let old = certificates::shaped(&certificates::ec_key(), &shape);
    let shape = Shape { from: "20261120", until: "20271220", ..shape };
    for (new, said) in [
        (Shape { key_usages: &["keyCertSign", "cRLSign"], ..shape }, "lacks digitalSignature"),
        (Shape { has_unknown_critical: true, ..shape }, "a critical extension that is not known here"),
        (Shape { is_ca: true, ..shape }, "is that of an authority"),
    ] {
        let (code, text) = compare(folder.path(), &old, &certificates::shaped(&certificates::ec_key(), &new));
        assert!(code == Some(1) && text.contains(said), "{text}");
    }
    let authority = Shape { issuer: "server", hosts: &[], is_ca: true, from: "20251124", until: "20261224", ..shape };
    let old = certificates::shaped(&certificates::ec_key(), &authority);
    let new = Shape { from: "20261120", until: "20271220", ..authority };
    let (code, text) = compare(folder.path(), &old, &certificates::shaped(&certificates::ec_key(), &new));
    assert!(code == Some(0) && text.contains("warning: the new one is an authority with a new key"), "{text}");
}

#[test]
fn the_command_that_joins_a_renewal_and_its_key_works_as_printed() {
    let folder = tempfile::tempdir().unwrap();
    let key = std::fs::read(super::common::fixture("key/push.pem")).unwrap();
    let old = [certificates::push("com.example.a", "a", "20251124", "20261224"), key].concat();
    let new = certificates::push("com.example.a", "a", "20261120", "20271220");
    let (code, text) = compare(folder.path(), &old, &new);
    assert_eq!(code, Some(1), "{text}");
    assert!(!text.contains("both have the same key"), "{text}");
    let (_, command) = text.split_once("join them with: pushcert ").unwrap();
    let command = command.lines().next().unwrap();
    Test::shell(&format!("\"$0\" {command}")).folder(folder.path()).run();
    let joined = folder.path().join("new.joined.pem");
    let arguments = [folder.path().join("old.pem"), joined];
    Test::new().arg("compare").args(arguments).args(["--at", "2026-11-24"]).status(0).run();
}

#[test]
fn the_command_that_joins_them_has_the_source_of_the_password() {
    let folder = tempfile::tempdir().unwrap();
    for (name, file) in [("old.p12", "p12/keychain-password.p12"), ("aps.cer", "der/universal.cer")] {
        std::fs::copy(super::common::fixture(file), folder.path().join(name)).unwrap();
    }
    for (source, shown) in [("env:P12", "env:P12"), ("pass:push", "prompt")] {
        let test = Test::new().args(["compare", "old.p12", "aps.cer", "--passin", source]).env("P12", "push");
        let text = test.folder(folder.path()).status(1).run().text().to_owned();
        let command = format!("pushcert convert aps.cer --key old.p12 --passin {shown} -o aps.pem\n");
        assert!(text.contains(&command) && !text.contains("pass:push"), "{text}");
    }
}

#[test]
fn a_kind_that_is_in_the_uid_is_no_other_app() {
    let folder = tempfile::tempdir().unwrap();
    let universal = std::fs::read(super::common::fixture("der/universal.cer")).unwrap();
    for (uid, is_other) in [("com.example.MyApp.voip", false), ("com.example.MyAppx", true)] {
        std::fs::write(folder.path().join("old.cer"), certificates::voip(uid, "20251124", "20261224")).unwrap();
        std::fs::write(folder.path().join("new.cer"), &universal).unwrap();
        let arguments = ["compare", "old.cer", "new.cer", "--allow-kind-change", "--at", "2026-11-24"];
        let run = Test::new().args(arguments).folder(folder.path()).status(1).run();
        let errors: Vec<_> = run.text().lines().filter(|line| line.starts_with("error:")).collect();
        // The certificate that is made here names no team.
        assert!(errors.contains(&"error: the team has changed from none to TEAMID1234"), "{errors:?}");
        assert_eq!(errors.len() > 1, is_other, "{errors:?}");
    }
}

/// An authority with its key.
struct Authority {
    certificate: Vec<u8>,
    key: PKey<Private>,
}

const VALID: Shape<'_> = Shape {
    subject: "server",
    issuer: "Inter",
    hosts: &["a.c.example"],
    uris: &[],
    from: "20251124",
    until: "20261224",
    is_ca: false,
    usages: &[],
    key_usages: &[],
    has_unknown_critical: false,
    is_public: false,
    must_staple: false,
    netscape_type: None,
    path_length: None,
    addresses: &[],
    extensions: &[],
};
const RENEWED: Shape<'_> = Shape { from: "20261120", until: "20271120", ..VALID };
const AUTHORITY: Shape<'_> = Shape { is_ca: true, hosts: &[], from: "20200101", until: "20400101", ..VALID };

impl Authority {
    fn root() -> Self {
        let key = certificates::ec_key();
        let certificate = certificates::shaped(&key, &Shape { subject: "Root", issuer: "Root", ..AUTHORITY });
        Self { certificate, key }
    }

    fn make(&self, shape: &Shape<'_>) -> Self {
        let key = certificates::ec_key();
        Self { certificate: certificates::shaped_by(&self.key, &key, shape), key }
    }

    /// Makes a certificate, and its key in PEM.
    fn leaf(&self, shape: &Shape<'_>) -> (Vec<u8>, Vec<u8>) {
        let leaf = self.make(shape);
        (leaf.certificate, leaf.key.private_key_to_pem_pkcs8().unwrap())
    }
}

/// A new file, whether it can take the place of the old one, and what is told.
struct ChainCase<'a> {
    new: Vec<&'a [u8]>,
    code: i32,
    said: &'a str,
}

const ADD_CHAIN: &str = "\n  hint: put the intermediates that the authority gave with it after the certificate; if programs get \
                         them elsewhere, accept it with --accept chain\n";
const RENEW_CHAIN: &str = "\n  hint: get the intermediates anew from the authority; if programs have others, accept it with \
                           --accept chain\n";

/// Returns the error of a chain with its hint, and what `--accept chain` makes of it.
fn check_chain(folder: &Path, old: &[u8], case: &ChainCase<'_>) {
    let (code, text) = compare(folder, old, &case.new.concat());
    assert_eq!(code, Some(case.code), "{} {text}", case.said);
    assert!(text.contains(case.said), "{} {text}", case.said);
    if case.said.is_empty() {
        assert!(!text.contains("error:") && !text.contains("warning:") && !text.contains("note:"), "{text}");
    }
    let names = ["old.pem", "new.pem", "--at", "2026-11-24", "--accept", "chain"];
    let run = Test::new().arg("compare").args(names).folder(folder).status(0).run();
    assert!(!run.text().contains("error:") && !run.text().contains("warning:"), "{}", run.text());
}

#[test]
fn a_chain_that_was_there_is_there_whole_and_valid() {
    let folder = tempfile::tempdir().unwrap();
    let root = Authority::root();
    let inter = Shape { subject: "Inter", issuer: "Root", ..AUTHORITY };
    let [first, dead, early, mute] = [
        inter,
        Shape { until: "20261101", ..inter },
        Shape { from: "20261201", ..inter },
        Shape { key_usages: &["cRLSign"], ..inter },
    ]
    .map(|shape| root.make(&shape));
    let short = root.make(&Shape { until: "20270101", ..inter });
    let other = root.make(&Shape { subject: "Other", ..inter });
    let (old, old_key) = first.leaf(&VALID);
    let of = |authority: &Authority| authority.leaf(&RENEWED);
    let (good, good_key) = of(&first);
    let (of_dead, of_early, of_mute, of_short) = (of(&dead).0, of(&early).0, of(&mute).0, of(&short).0);
    let direct = root.leaf(&Shape { issuer: "Root", ..RENEWED }).0;
    let old_file = [&old[..], &first.certificate, &old_key].concat();
    let lost = format!(
        "error: the new file has no intermediate, the old one has Inter: programs that know the root alone refuse it{ADD_CHAIN}"
    );
    let wrong = format!(
        "error: no authority in the new file has issued the certificate, which names CN=Inter as its issuer: programs that do \
         not know that one refuse it{ADD_CHAIN}"
    );
    let expired =
        format!("error: Inter in the new file, which leads to the certificate, expired on 2026-11-01{RENEW_CHAIN}");
    let future = format!(
        "error: Inter in the new file, which leads to the certificate, is not valid before 2026-12-01{RENEW_CHAIN}"
    );
    let may_not = format!(
        "error: Inter in the new file, which leads to the certificate, may not sign certificates (its key usage lacks \
         keyCertSign){RENEW_CHAIN}"
    );
    let key = &good_key[..];
    let cases = [
        ChainCase { new: vec![&good, &first.certificate, key], code: 0, said: "" },
        ChainCase { new: vec![key, &good, &first.certificate], code: 0, said: "" },
        ChainCase { new: vec![&good, &first.certificate, &root.certificate, key], code: 0, said: "" },
        ChainCase { new: vec![&good, &dead.certificate, &first.certificate, key], code: 0, said: "" },
        ChainCase { new: vec![&good, key], code: 1, said: &lost },
        ChainCase { new: vec![&good, &root.certificate, key], code: 1, said: &lost },
        ChainCase { new: vec![&good, &other.certificate, key], code: 1, said: &wrong },
        ChainCase { new: vec![&good, &dead.certificate, key], code: 1, said: &wrong },
    ];
    for case in &cases {
        check_chain(folder.path(), &old_file, case);
    }
    // The keys are others here, and not compared.
    let old_file = [&old[..], &first.certificate, &root.certificate].concat();
    let ends =
        "warning: Inter in the new file ends on 2027-01-01, before the certificate that it leads to (2027-11-20)";
    let cases = [
        ChainCase { new: vec![&of_dead, &dead.certificate], code: 1, said: &expired },
        ChainCase { new: vec![&of_early, &early.certificate], code: 1, said: &future },
        ChainCase { new: vec![&of_mute, &mute.certificate], code: 1, said: &may_not },
        ChainCase { new: vec![&of_short, &short.certificate], code: 0, said: ends },
        // A root issued it, which is known from the old file.
        ChainCase { new: vec![&direct], code: 0, said: "note: the issuer has changed from CN=Inter to CN=Root" },
    ];
    for case in &cases {
        check_chain(folder.path(), &old_file, case);
    }
}

#[test]
fn every_intermediate_of_the_old_file_that_is_needed_is_in_the_new_one_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let root = Authority::root();
    let upper = root.make(&Shape { subject: "Upper", issuer: "Root", ..AUTHORITY });
    let lower = upper.make(&Shape { subject: "Inter", issuer: "Upper", ..AUTHORITY });
    let short = root.make(&Shape { subject: "Upper", issuer: "Root", path_length: Some(0), ..AUTHORITY });
    let below_short = short.make(&Shape { subject: "Inter", issuer: "Upper", ..AUTHORITY });
    let servers = upper.make(&Shape { subject: "Inter", issuer: "Upper", usages: &["serverAuth"], ..AUTHORITY });
    let both = Shape { usages: &["serverAuth", "clientAuth"], ..RENEWED };
    let old = lower.leaf(&Shape { usages: both.usages, ..VALID }).0;
    let (good, of_short, of_servers) = (lower.leaf(&both).0, below_short.leaf(&both).0, servers.leaf(&both).0);
    let public = servers.leaf(&Shape { is_public: true, ..both }).0;
    let old_file = [&old[..], &lower.certificate, &upper.certificate].concat();
    let lost = format!(
        "error: the new file lacks the intermediate Upper, which the old one has: programs that know the root alone refuse \
         it{ADD_CHAIN}"
    );
    let deep = format!(
        "error: Upper in the new file, which leads to the certificate, does not allow so many authorities below it \
         (pathlen){RENEW_CHAIN}"
    );
    let mixed = "warning: the intermediates in the new file do not follow one another: each should stand before its issuer, and \
                 some programs refuse any other order";
    let cases = [
        ChainCase { new: vec![&good, &lower.certificate, &upper.certificate], code: 0, said: "" },
        ChainCase { new: vec![&good, &lower.certificate], code: 1, said: &lost },
        ChainCase { new: vec![&good, &upper.certificate, &lower.certificate], code: 0, said: mixed },
        ChainCase { new: vec![&of_short, &below_short.certificate, &short.certificate], code: 1, said: &deep },
    ];
    for case in &cases {
        check_chain(folder.path(), &old_file, case);
    }
    let no_client = "Inter in the new file, which leads to the certificate, allows no clientAuth below it";
    for (leaf, level, expected) in [(&of_servers, "error", 1), (&public, "note", 0)] {
        let new = [&leaf[..], &servers.certificate, &upper.certificate].concat();
        let (code, text) = compare(folder.path(), &old_file, &new);
        assert!(code == Some(expected) && text.contains(&format!("{level}: {no_client}")), "{text}");
    }
}

/// For b.example alone (RFC 5280 section 4.2.1.10), and for all below "example".
const FOR_OTHERS: Extension<'_> = critical("2.5.29.30", b"\x30\x0f\xa0\x0d\x30\x0b\x82\x09b.example");
const FOR_THIS: Extension<'_> = critical("2.5.29.30", b"\x30\x0d\xa0\x0b\x30\x09\x82\x07example");
/// inhibitPolicyMapping 0.
const POLICY_CONSTRAINTS: Extension<'_> = critical("2.5.29.36", b"\x30\x03\x81\x01\0");
const INHIBIT_ANY_POLICY: Extension<'_> = critical("2.5.29.54", b"\x02\x01\0");
const UNKNOWN: Extension<'_> = critical("1.3.6.1.4.1.99999.1", b"\x05\0");

const fn critical<'a>(oid: &'a str, value: &'a [u8]) -> Extension<'a> {
    Extension { oid, is_critical: true, value }
}

/// The key identifier of an issuer, or its name (CN=Root) and the serial number 47.
const fn issuer_id(value: &[u8]) -> Extension<'_> {
    Extension { oid: "2.5.29.35", is_critical: false, value }
}

const ISSUER_SERIAL: &[u8] =
    b"\x30\x18\xa1\x13\xa4\x11\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x0c\x04Root\x82\x01\x2f";

#[test]
fn openssl_judges_what_programs_make_of_a_chain() {
    let folder = tempfile::tempdir().unwrap();
    let root = Authority::root();
    let inter = Shape { subject: "Inter", issuer: "Root", ..AUTHORITY };
    let first = root.make(&inter);
    let old = first.leaf(&VALID).0;
    let with = |extensions| {
        let authority = root.make(&Shape { extensions, ..inter });
        [authority.leaf(&RENEWED).0, authority.certificate].concat()
    };
    let odd_before = root.make(&Shape { extensions: &[UNKNOWN], ..inter });
    let (constrained, allowed) = (with(&[FOR_OTHERS]), with(&[FOR_THIS, POLICY_CONSTRAINTS, INHIBIT_ANY_POLICY]));
    let unknown = with(&[UNKNOWN]);
    let by_serial = first.leaf(&Shape { extensions: &[issuer_id(ISSUER_SERIAL)], ..RENEWED }).0;
    let for_any = root.make(&Shape { usages: &["anyExtendedKeyUsage"], ..inter });
    let odd =
        |extension| [first.leaf(&Shape { extensions: &[extension], ..RENEWED }).0, first.certificate.clone()].concat();
    let names = "error: the name constraints of an authority in the new file do not allow the names of the certificate";
    let extension = "error: Inter in the new file, which leads to the certificate, has a critical extension that programs do \
                     not know";
    let serial = "error: Inter in the new file, which leads to the certificate, has another serial number than what it issued \
                  names (authorityKeyIdentifier)";
    let use_below = "error: Inter in the new file, which leads to the certificate, allows no serverAuth below it";
    let taken = "the new one can take the place of the old one";
    let leaf_of_any = [for_any.leaf(&RENEWED).0, for_any.certificate.clone()].concat();
    let cases = [
        (constrained, 1, format!("{names}{RENEW_CHAIN}")),
        (allowed, 0, taken.to_owned()),
        (unknown, 1, format!("{extension}{RENEW_CHAIN}")),
        ([by_serial, first.certificate.clone()].concat(), 1, format!("{serial}{RENEW_CHAIN}")),
        (odd(FOR_THIS), 0, taken.to_owned()),
        (odd(POLICY_CONSTRAINTS), 0, taken.to_owned()),
        (odd(INHIBIT_ANY_POLICY), 0, taken.to_owned()),
        (odd(UNKNOWN), 1, "error: the new one has a critical extension that is not known here".to_owned()),
        (leaf_of_any.clone(), 1, use_below.to_owned()),
    ];
    for old_file in
        [[&old[..], &first.certificate].concat(), [&old[..], &first.certificate, &root.certificate].concat()]
    {
        for (new, code, said) in &cases {
            let (found, text) = compare(folder.path(), &old_file, new);
            assert!(found == Some(*code) && text.contains(said), "{said} {text}");
            assert_eq!(text.matches("error: ").count(), usize::try_from(*code).unwrap(), "{text}");
        }
    }
    // What OpenSSL did not take before is no loss.
    let old_of_any = [for_any.leaf(&VALID).0, for_any.certificate.clone()].concat();
    let old_of_odd = [odd_before.leaf(&VALID).0, odd_before.certificate.clone()].concat();
    assert_eq!(compare(folder.path(), &old_of_any, &leaf_of_any).0, Some(0));
    assert_eq!(compare(folder.path(), &old_of_odd, &with(&[UNKNOWN])).0, Some(0));
}

#[test]
fn the_new_file_leads_to_the_root_of_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let (root, namesake, older) = (Authority::root(), Authority::root(), Authority::root());
    let inter = Shape { subject: "Inter", issuer: "Root", ..AUTHORITY };
    let own = Shape { subject: "Root", issuer: "Root", ..AUTHORITY };
    let cross = certificates::shaped_by(&older.key, &root.key, &Shape { issuer: "Older", ..own });
    let past = certificates::shaped(&root.key, &Shape { until: "20261101", ..own });
    let by = |authority: &Authority, key_id| authority.make(&Shape { extensions: &[issuer_id(key_id)], ..inter });
    let first = by(&root, b"\x30\x03\x80\x01\x01");
    let second = by(&namesake, b"\x30\x03\x80\x01\x02");
    let (plain, stranger) = (root.make(&inter), namesake.make(&inter));
    let old = |authority: &Authority| [authority.leaf(&VALID).0, authority.certificate.clone()].concat();
    let new = |authority: &Authority| [authority.leaf(&RENEWED).0, authority.certificate.clone()].concat();
    let joined = |file: &[u8], more: &[&[u8]]| [file, &more.concat()].concat();
    let root_pem = &root.certificate[..];
    let other =
        "error: the new file does not lead to Root, as the old one does: programs that trust that alone refuse it\n";
    let by_id = "error: the new file leads to another authority of the name CN=Root than the old one, by its key identifier: \
                 programs that trust that alone refuse it\n";
    let cases = [
        (joined(&old(&plain), &[root_pem]), new(&stranger), 1, other),
        (joined(&old(&plain), &[root_pem]), joined(&new(&stranger), &[&namesake.certificate]), 1, other),
        (old(&first), new(&second), 1, by_id),
        (first.leaf(&VALID).0, new(&first), 0, ""),
        // The root itself is there, or its own certificate was.
        (joined(&old(&plain), &[&cross, root_pem]), new(&plain), 0, ""),
        (joined(&old(&plain), &[&cross]), joined(&new(&plain), &[root_pem]), 0, ""),
        // Programs have a newer one of the same key.
        (old(&plain), joined(&new(&plain), &[&past]), 0, ""),
        (joined(&old(&plain), &[root_pem]), joined(&new(&plain), &[&past]), 0, ""),
        (joined(&old(&plain), &[&past]), new(&plain), 0, ""),
        // An authority that is not known cannot be told from another intermediate.
        (joined(&old(&plain), &[&cross]), new(&plain), 1, "error: the new file lacks the intermediate Root"),
    ];
    for (index, (old, new, code, said)) in cases.iter().enumerate() {
        let (found, text) = compare(folder.path(), old, new);
        assert!(found == Some(*code) && text.contains(said), "{index} {text}");
        assert_eq!(text.matches("error: ").count(), usize::try_from(*code).unwrap(), "{index} {text}");
    }
    // A certificate of an authority that is renewed under its name, with nothing beside it.
    let id = |key_id| Shape { extensions: key_id, ..RENEWED };
    let [one, two] = [[issuer_id(b"\x30\x03\x80\x01\x01")], [issuer_id(b"\x30\x03\x80\x01\x02")]];
    let old = first.leaf(&Shape { extensions: &one, ..VALID }).0;
    assert_eq!(compare(folder.path(), &old, &first.leaf(&id(&one)).0).0, Some(0));
    let (code, text) = compare(folder.path(), &old, &second.leaf(&id(&two)).0);
    assert!(code == Some(1) && text.contains("leads to another authority of the name CN=Inter"), "{text}");
}

#[test]
fn the_certificate_is_the_first_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let inter = Authority::root().make(&Shape { subject: "Inter", issuer: "Root", ..AUTHORITY });
    let ((old, old_key), (new, new_key)) = (inter.leaf(&VALID), inter.leaf(&RENEWED));
    let (good, last) = ([&new[..], &inter.certificate, &new_key], [&inter.certificate[..], &new, &new_key]);
    let old_file = [&old[..], &inter.certificate, &old_key].concat();
    let (code, text) = compare(folder.path(), &old_file, &last.concat());
    let error = "error: an authority stands before the certificate in the new file: programs take the first one for the \
                 certificate, and say that the key does not match\n  hint: put it first, with: pushcert ";
    assert!(code == Some(1) && text.contains(error), "{text}");
    let (_, command) = text.split_once("put it first, with: pushcert ").unwrap();
    Test::shell(&format!("\"$0\" {}", command.lines().next().unwrap())).folder(folder.path()).run();
    let ordered = std::fs::read(folder.path().join("new.ordered.pem")).unwrap();
    assert_eq!(compare(folder.path(), &old_file, &ordered).0, Some(0));
    assert_eq!(compare(folder.path(), &old_file, &good.concat()).0, Some(0));
    // As before.
    let old_file = [&inter.certificate[..], &old, &old_key].concat();
    let (code, text) = compare(folder.path(), &old_file, &last.concat());
    assert!(code == Some(0) && text.contains("note: an authority stands before the certificate"), "{text}");
}

#[test]
fn a_chain_is_no_matter_of_apns() {
    let folder = tempfile::tempdir().unwrap();
    let old = certificates::push("com.example.a", "a", "20251124", "20261224");
    let new = certificates::push("com.example.a", "a", "20261120", "20271220");
    let inter = Authority::root().make(&Shape { subject: "Inter", issuer: "Root", ..AUTHORITY }).certificate;
    assert_eq!(compare(folder.path(), &[&old[..], &inter].concat(), &new).0, Some(0));
    assert_eq!(compare(folder.path(), &old, &[&new[..], &inter].concat()).0, Some(0));
    assert_eq!(compare(folder.path(), &old, &[&inter[..], &new].concat()).0, Some(1), "a program takes the first");
}

#[test]
fn a_key_that_is_encrypted_now_is_of_no_use_to_who_has_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let (old_key, new_key) = (certificates::ec_key(), certificates::ec_key());
    let (old, new) = (certificates::shaped(&old_key, &VALID), certificates::shaped(&new_key, &RENEWED));
    let plain = |key: &PKey<Private>| key.private_key_to_pem_pkcs8().unwrap();
    let locked = |key: &PKey<Private>| key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"x").unwrap();
    let new_file = [new.clone(), locked(&new_key)].concat();
    let old_file = [old.clone(), plain(&old_key)].concat();
    let (code, text) = compare(folder.path(), &old_file, &new_file);
    let error = "error: the private key in the new file was not read, that of the old one was: nothing says that it belongs to \
                 the new certificate\n  hint: give its password with --passin-new, or with --passin if both have the same\n";
    assert!(code == Some(1) && text.contains(error), "{text}");
    std::fs::write(folder.path().join("password"), "x\n").unwrap();
    let run = |arguments: &[&str]| {
        let names = ["old.pem", "new.pem", "--at", "2026-11-24", "--passin-new", "file:password"];
        let run = Test::new().arg("compare").args(names).args(arguments).folder(folder.path()).any_status().run();
        (run.code, run.text().to_owned())
    };
    let (code, text) = run(&[]);
    let error = "error: the private key of the new one is encrypted, that of the old one is not: programs that have no password \
                 for it do not start\n  hint: write it without a password with: pushcert convert ";
    assert!(code == Some(1) && text.contains(error), "{text}");
    assert!(text.contains("new.unlocked.pem; if programs have it, accept it with --accept locked-key\n"), "{text}");
    let (code, text) = run(&["--accept", "locked-key"]);
    assert!(code == Some(0) && text.contains("note: the private key of the new one is encrypted"), "{text}");
    // Both are encrypted: it cannot be told, and is no worse than before.
    let (code, text) = compare(folder.path(), &[old, locked(&old_key)].concat(), &new_file);
    assert!(code == Some(0) && text.contains("warning: the private key in the new file was not read"), "{text}");
    // The old one is there, and encrypted.
    let (code, text) = compare(folder.path(), &std::fs::read(folder.path().join("old.pem")).unwrap(), &new);
    assert!(code == Some(1) && text.contains("error: the new file has no private key, the old one has\n"), "{text}");
}

#[test]
fn what_a_certificate_says_is_read_as_other_programs_do() {
    let folder = tempfile::tempdir().unwrap();
    let old = certificates::shaped(&certificates::ec_key(), &Shape { addresses: &["10.0.0.1"], ..VALID });
    let shape = Shape { addresses: &["10.0.0.1"], ..RENEWED };
    let types = "the Netscape type (nsCertType) of the new one leaves out serverAuth";
    for (new, code, said) in [
        (shape, 0, "can take the place"),
        (Shape { netscape_type: Some(0x40), ..shape }, 0, "can take the place"),
        (Shape { netscape_type: Some(0x80), ..shape }, 1, types),
        (Shape { must_staple: true, ..shape }, 0, "warning: the new one asks its server to staple"),
        (
            Shape { hosts: &["a.c.example", "10.0.0.1"], addresses: &[], ..shape },
            1,
            "error: the new one is not for 10.0.0.1\n  hint: ask for it as an address (IP), not as a DNS name: programs look for an address among the addresses alone\n",
        ),
        (
            Shape { hosts: &["*.c.example."], ..shape },
            1,
            "error: the new one is not for a.c.example\n  hint: ask for the name without a dot at its end: OpenSSL finds no host by a name with one\n",
        ),
        (
            Shape { hosts: &[".a.c.example"], ..shape },
            1,
            "error: the new one is not for a.c.example\n  hint: ask for the name without a dot at its beginning, or for one with a star before it: programs find no host by a name that begins with a dot\n",
        ),
        (
            Shape { hosts: &[".c.example"], ..shape },
            1,
            "error: the new one is not for a.c.example\n  hint: ask for the name without a dot at its beginning, or for one with a star before it: programs find no host by a name that begins with a dot\n",
        ),
        (
            Shape { hosts: &["a.c.example."], ..shape },
            1,
            "error: the new one is not for a.c.example\n  hint: ask for the name without a dot at its end: OpenSSL finds no host by a name with one\n",
        ),
    ] {
        let (found, text) = compare(folder.path(), &old, &certificates::shaped(&certificates::ec_key(), &new));
        assert!(found == Some(code) && text.contains(said), "{text}");
    }
}

#[test]
fn a_common_name_is_a_name_of_a_host_where_there_is_no_dns_name() {
    let folder = tempfile::tempdir().unwrap();
    let named = Shape { subject: "a.c.example", hosts: &[], ..VALID };
    let renewed = Shape { from: "20261120", until: "20271120", ..named };
    let judge = |old: &Shape<'_>, new: &Shape<'_>| {
        let [old, new] = [old, new].map(|shape| certificates::shaped(&certificates::ec_key(), shape));
        compare(folder.path(), &old, &new)
    };
    let lost = "error: the new one is not for a.c.example: the old one is by its common name, which programs pass over beside \
                DNS names\n";
    let ask = "  hint: ask for one with it among the DNS names (subjectAltName)\n";
    let no_dot = "  hint: ask for the name without a dot at its end: OpenSSL finds no host by a name with one\n";
    for (hosts, said) in [(&["b.c.example"][..], ask), (&["10.0.0.1"], ask), (&["a.c.example."], no_dot)] {
        let (code, text) = judge(&named, &Shape { hosts, ..renewed });
        assert!(code == Some(1) && text.contains(&format!("{lost}{said}")), "{text}");
        assert_eq!(text.matches("error: ").count(), 1, "{text}");
    }
    for hosts in [&["a.c.example"][..], &["b.c.example", "*.c.example"], &[]] {
        assert_eq!(judge(&named, &Shape { hosts, ..renewed }).0, Some(0), "{hosts:?}");
    }
    // Addresses among the addresses leave the common name in its place.
    let addresses = &["10.0.0.1"][..];
    assert_eq!(judge(&named, &Shape { addresses, ..renewed }).0, Some(0));
    let (code, text) = judge(&Shape { addresses, ..named }, &Shape { addresses, hosts: &["b.c.example"], ..renewed });
    assert!(code == Some(1) && text.contains(lost), "{text}");
    // It was passed over before, or is a client's, or no name of a host.
    let both = Shape { hosts: &["b.c.example"], ..named };
    assert_eq!(judge(&both, &Shape { hosts: &["b.c.example"], ..renewed }).0, Some(0));
    let client = Shape { usages: &["clientAuth"], ..named };
    assert_eq!(judge(&client, &Shape { hosts: &["b.c.example"], usages: &["clientAuth"], ..renewed }).0, Some(0));
    let person = Shape { subject: "Jane Doe", ..named };
    assert_eq!(judge(&person, &Shape { subject: "Jane Doe", hosts: &["b.c.example"], ..renewed }).0, Some(0));
}

#[test]
fn the_key_of_the_certificate_is_the_first_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let inter = Authority::root().make(&Shape { subject: "Inter", issuer: "Root", ..AUTHORITY });
    let ((old, old_key), (new, new_key)) = (inter.leaf(&VALID), inter.leaf(&RENEWED));
    let file = |leaf: &[u8], keys: &[&[u8]]| [leaf, &inter.certificate, &keys.concat()].concat();
    let (old_file, behind) = (file(&old, &[&old_key]), file(&new, &[&old_key, &new_key]));
    let (code, text) = compare(folder.path(), &old_file, &behind);
    let error = "error: another private key stands before that of the new certificate: programs take the first one, and say \
                 that it does not match\n  hint: put it first, with: pushcert ";
    assert!(code == Some(1) && text.contains(error), "{text}");
    let (_, command) = text.split_once("put it first, with: pushcert ").unwrap();
    Test::shell(&format!("\"$0\" {}", command.lines().next().unwrap())).folder(folder.path()).run();
    let ordered = std::fs::read(folder.path().join("new.ordered.pem")).unwrap();
    assert_eq!(compare(folder.path(), &old_file, &ordered).0, Some(0));
    assert_eq!(compare(folder.path(), &old_file, &file(&new, &[&new_key, &old_key])).0, Some(0));
    // As before.
    let was_behind = file(&old, &[&new_key, &old_key]);
    let (code, text) = compare(folder.path(), &was_behind, &behind);
    assert!(code == Some(0) && text.contains("note: another private key stands before"), "{text}");
}

/// The old identity and the new one, each with its key in the clear, and the folder that they are in.
struct Renewal {
    folder: tempfile::TempDir,
    old: Vec<u8>,
    new: Vec<u8>,
}

impl Renewal {
    fn new() -> Self {
        let identity = |shape: &Shape<'_>| {
            let key = certificates::ec_key();
            [certificates::shaped(&key, shape), key.private_key_to_pem_pkcs8().unwrap()].concat()
        };
        Self { folder: tempfile::tempdir().unwrap(), old: identity(&VALID), new: identity(&RENEWED) }
    }

    fn write(&self, name: &str, file: &[u8]) {
        std::fs::write(self.folder.path().join(name), file).unwrap();
    }

    /// Packs an identity in PEM.
    fn pack(&self, name: &str, pem: &[u8], arguments: &[&str]) {
        self.write("identity.pem", pem);
        let test = Test::new().args(["pack", "identity.pem", "--force", "-o", name]).args(arguments);
        test.env("ONE", "one").env("TWO", "two").folder(self.folder.path()).run();
    }

    fn compare(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let test = Test::new().arg("compare").args(arguments).args(["--at", "2026-11-24"]);
        let test = test.env("ONE", "one").env("TWO", "two").env("EMPTY", "");
        let run = test.folder(self.folder.path()).any_status().run();
        (run.code, run.text().to_owned())
    }

    /// Runs the command that a hint prints.
    fn follow(&self, text: &str) {
        let (_, command) = text.split_once("in the form of the old one with: pushcert ").unwrap();
        let line = format!("\"$0\" {}", command.lines().next().unwrap());
        Test::shell(&line).env("ONE", "one").env("TWO", "two").folder(self.folder.path()).run();
    }
}

#[test]
fn what_has_to_be_undone_before_openssl_reads_it_takes_the_place_of_no_plain_pem() {
    let renewal = Renewal::new();
    let text = String::from_utf8(renewal.new.clone()).unwrap();
    let indented = text.lines().map(|line| format!("  {line}\n")).collect::<String>();
    let certificate_end = text.find("-----BEGIN PRIVATE").unwrap();
    let (certificate, key) = text.split_at(certificate_end);
    let undone: [(&str, Vec<u8>); 9] = [
        ("UTF-16", [0xff, 0xfe].into_iter().chain(text.bytes().flat_map(|byte| [byte, 0])).collect()),
        ("indented", indented.clone().into_bytes()),
        ("YAML", format!("cert: |\n{indented}").into_bytes()),
        ("escaped", text.replace('\n', "\\n").into_bytes()),
        ("a variable", format!("CERT=\"{}\"\n", text.replace('\n', "\\n")).into_bytes()),
        ("one line", text.replace('\n', " ").into_bytes()),
        ("quoted", text.lines().map(|line| format!("> {line}\n")).collect::<String>().into_bytes()),
        ("Base64", data_encoding::BASE64.encode(text.as_bytes()).into_bytes()),
        ("the key alone", format!("{certificate}{}", key.replace("-----BEGIN", "  -----BEGIN")).into_bytes()),
    ];
    renewal.write("old.pem", &renewal.old);
    for (name, file) in &undone {
        renewal.write("new.txt", file);
        let (code, text) = renewal.compare(&["old.pem", "new.txt"]);
        let error = "error: programs such as OpenSSL read the old file as it stands, but not the new one";
        assert!(code == Some(1) && text.contains(error), "{name}: {text}");
        renewal.follow(&text);
        let (code, text) = renewal.compare(&["old.pem", "new.pem"]);
        assert_same_form(code, &format!("{name}: {text}"));
        std::fs::remove_file(renewal.folder.path().join("new.pem")).unwrap();
        // It is no worse than before.
        renewal.write("other.txt", &undone[0].1);
        let (_, text) = renewal.compare(&["other.txt", "new.txt"]);
        assert!(!text.contains("as it stands"), "{name}: {text}");
    }
    for (name, file) in [
        ("a byte order mark", format!("\u{feff}{text}")),
        ("CR LF", text.replace('\n', "\r\n")),
        ("no line end", text.trim_end().to_owned()),
        ("words before it", format!("the certificate:\n{text}")),
        ("the key first", format!("{key}{certificate}")),
    ] {
        renewal.write("new.txt", file.as_bytes());
        let (code, text) = renewal.compare(&["old.pem", "new.txt"]);
        assert_same_form(code, &format!("{name}: {text}"));
    }
}

/// Asserts that the run is green, and notes no difference between the forms of the files.
#[track_caller]
fn assert_same_form(code: Option<i32>, text: &str) {
    assert_eq!(code, Some(0), "{text}");
    for note in ["note: the old file", "note: the new file", "alias"] {
        assert!(!text.contains(note), "{text}");
    }
}

#[test]
fn another_container_is_noted_with_the_command_that_writes_the_one_that_was_there() {
    let renewal = Renewal::new();
    renewal.write("old.pem", &renewal.old);
    renewal.pack("new.p12", &renewal.new, &["--passout", "env:TWO"]);
    let (code, text) = renewal.compare(&["old.pem", "new.p12", "--passin-new", "env:TWO"]);
    assert!(code == Some(0) && text.contains("note: the old file is PEM, the new one PKCS#12: programs"), "{text}");
    let (_, json) = renewal.compare(&["old.pem", "new.p12", "--passin-new", "env:TWO", "--json"]);
    assert!(json.contains("\"code\": \"other-container\"") && json.contains("pushcert convert new.p12"), "{json}");
    renewal.follow(&text);
    let (code, text) = renewal.compare(&["old.pem", "new.pem"]);
    assert_same_form(code, &text);
    renewal.pack("old.p12", &renewal.old, &["--passout", "env:ONE", "--name", "my push"]);
    std::fs::remove_file(renewal.folder.path().join("new.p12")).unwrap();
    let (code, text) = renewal.compare(&["old.p12", "new.pem", "--passin", "env:ONE"]);
    assert!(code == Some(0) && text.contains("note: the old file is PKCS#12, the new one PEM: programs"), "{text}");
    renewal.follow(&text);
    let (code, text) = renewal.compare(&["old.p12", "new.p12", "--passin", "env:ONE"]);
    assert_same_form(code, &text);
    // The old file may have no password at all.
    renewal.pack("open.p12", &renewal.old, &["--for", "modern", "--passout", "pass:", "--name", "my push"]);
    std::fs::remove_file(renewal.folder.path().join("new.p12")).unwrap();
    let (code, text) = renewal.compare(&["open.p12", "new.pem"]);
    assert!(code == Some(0) && text.contains(" --for modern --passout pass: "), "{text}");
    renewal.follow(&text);
    let (code, text) = renewal.compare(&["open.p12", "new.p12"]);
    assert!(code == Some(0) && !text.contains("note: the new file") && !text.contains("alias"), "{text}");
    let secret = |pem: &[u8]| {
        let value = data_encoding::BASE64.encode(pem);
        format!(
            "{{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{{\"name\":\"a\"}},\"data\":{{\"a\":\"{value}\"}}}}"
        )
    };
    renewal.write("new.json", secret(&renewal.new).as_bytes());
    let (code, text) = renewal.compare(&["old.pem", "new.json"]);
    assert!(code == Some(0) && text.contains("the new one a dump of Kubernetes"), "{text}");
    renewal.write("old.json", secret(&renewal.old).as_bytes());
    let (code, text) = renewal.compare(&["old.json", "new.json"]);
    assert_same_form(code, &text);
}

#[test]
fn another_password_and_another_name_of_the_identity_are_told() {
    let renewal = Renewal::new();
    renewal.pack("old.p12", &renewal.old, &["--passout", "env:ONE", "--name", "push"]);
    renewal.pack("same.p12", &renewal.new, &["--passout", "env:ONE", "--name", "push"]);
    renewal.pack("other.p12", &renewal.new, &["--passout", "env:TWO", "--name", "push"]);
    renewal.pack("renamed.p12", &renewal.new, &["--passout", "env:ONE", "--name", "other"]);
    let (code, text) = renewal.compare(&["old.p12", "same.p12", "--passin", "env:ONE"]);
    assert_same_form(code, &text);
    let (code, text) = renewal.compare(&["old.p12", "other.p12", "--passin", "env:ONE", "--passin-new", "env:TWO"]);
    let note = "note: the new file has another password than the old one: programs must be given the new one";
    assert!(code == Some(0) && text.contains(note), "{text}");
    let (code, text) = renewal.compare(&["old.p12", "renamed.p12", "--passin", "env:ONE"]);
    let note = "note: the name of the identity (friendlyName, alias) has changed from push to other";
    assert!(code == Some(0) && text.contains(note) && text.contains(" --name push "), "{text}");
    // The same of a key in PEM.
    let locked = |file: &[u8], password: &str| {
        renewal.write("identity.pem", file);
        let output = format!("{password}.pem");
        let test = Test::new().args(["convert", "identity.pem", "--encrypt", "-o", &output]);
        let source = format!("env:{}", password.to_uppercase());
        test.args(["--passout", &source]).env("ONE", "one").env("TWO", "two").folder(renewal.folder.path()).run();
    };
    locked(&renewal.old, "one");
    locked(&renewal.new, "two");
    let (code, text) = renewal.compare(&["one.pem", "two.pem", "--passin", "env:ONE", "--passin-new", "env:TWO"]);
    assert!(code == Some(0) && text.contains("note: the new file has another password"), "{text}");
}

#[test]
fn a_pkcs12_file_that_has_a_password_now_is_of_no_use_to_who_has_none() {
    let renewal = Renewal::new();
    let key = certificates::ec_key();
    let pkcs12 = |password: &str, shape: &Shape<'_>| {
        let certificate = openssl::x509::X509::from_pem(&certificates::shaped(&key, shape)).unwrap();
        let mut builder = openssl::pkcs12::Pkcs12::builder();
        builder.pkey(&key).cert(&certificate);
        builder.build2(password).unwrap().to_der().unwrap()
    };
    renewal.write("old.p12", &pkcs12("", &VALID));
    renewal.write("new.p12", &pkcs12("two", &RENEWED));
    let (code, text) = renewal.compare(&["old.p12", "new.p12", "--passin-new", "env:TWO"]);
    let error = "error: the new file has a password, the old one has none";
    assert!(code == Some(1) && text.contains(error) && text.contains("--accept locked-key"), "{text}");
    let (code, text) = renewal.compare(&["old.p12", "new.p12", "--passin-new", "env:TWO", "--accept", "locked-key"]);
    assert!(code == Some(0) && text.contains("note: the new file has a password"), "{text}");
    renewal.write("old.p12", &pkcs12("two", &VALID));
    renewal.write("new.p12", &pkcs12("", &RENEWED));
    let (code, text) = renewal.compare(&["old.p12", "new.p12", "--passin", "env:TWO", "--passin-new", "env:EMPTY"]);
    assert!(code == Some(0) && text.contains("note: the old file has a password, the new one has none"), "{text}");
}

#[test]
fn several_topics_in_the_place_of_one_make_the_header_mandatory() {
    let renewal = Renewal::new();
    let key = std::fs::read(super::common::fixture("key/push.pem")).unwrap();
    renewal.write(
        "old.pem",
        &[
            certificates::push("com.example.MyApp", "Apple Push Services: com.example.MyApp", "20251124", "20261224"),
            key,
        ]
        .concat(),
    );
    std::fs::copy(super::common::fixture("pem/identity.pem"), renewal.folder.path().join("new.pem")).unwrap();
    let (code, text) = renewal.compare(&["old.pem", "new.pem", "--json"]);
    assert!(code == Some(1) && text.contains("\"code\": \"topic-header\""), "{text}");
    let (_, text) = renewal.compare(&["old.pem", "new.pem"]);
    assert!(text.contains("the header apns-topic is mandatory in each notification\n  hint: if each"), "{text}");
    let (_, text) = renewal.compare(&["old.pem", "new.pem", "--allow-kind-change"]);
    assert!(text.contains("note: the old one has one topic, the new one"), "{text}");
}

#[test]
fn what_begins_within_a_day_is_told_in_hours() {
    let renewal = Renewal::new();
    renewal.write("old.pem", &renewal.old);
    renewal.write("new.pem", &renewal.new);
    let run = Test::new()
        .args(["compare", "old.pem", "new.pem", "--at", "2026-11-19T19:00:00Z"])
        .folder(renewal.folder.path());
    let text = run.status(1).run().text().to_owned();
    assert!(text.contains("the new one is not valid before 20") && text.contains(" (in 5 hours)"), "{text}");
}

#[test]
fn a_key_and_a_password_that_are_elsewhere_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let old = super::common::fixture("p12/expired.p12");
    let run = |words: &str| Test::new().args(words.split(' ')).folder(folder.path());
    std::fs::copy(&old, folder.path().join("old.p12")).unwrap();
    std::fs::copy(super::common::fixture("der/other.cer"), folder.path().join("aps.cer")).unwrap();
    run("pack old.p12 --passin pass:push --passout pass:other -o new.p12").run();
    let both = run("compare old.p12 new.p12 --passin pass:push").status(4);
    both.stderr_contains("--passin-new SOURCE gives that of the new one").run();
    let wrong = run("compare old.p12 new.p12 --passin pass:wrong").status(4).run();
    assert!(!wrong.stderr.contains("--passin-new"), "it is the old one: {}", wrong.stderr);
    let other = run("compare old.p12 aps.cer --passin pass:push").status(1).run();
    assert!(other.text().contains("--key FILE, such as --key push.key"), "{}", other.text());
    // What is there already is not the output.
    std::fs::copy(super::common::fixture("der/universal.cer"), folder.path().join("new.cer")).unwrap();
    std::fs::write(folder.path().join("new.pem"), "x").unwrap();
    let joined = run("compare old.p12 new.cer --passin pass:push").status(1).run();
    assert!(joined.text().contains("-o new-2.pem"), "{}", joined.text());
}
