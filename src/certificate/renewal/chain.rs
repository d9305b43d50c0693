//! Compares the chains in the files: what stands beside the certificates.

use memchr::memmem::find;
use time::OffsetDateTime;

use crate::certificate::chain::FileCas;
use crate::certificate::renewal::keys::{KeyType, Reach};
use crate::certificate::renewal::traits::LEAST_RSA_BITS;
use crate::certificate::renewal::uses::{ANY_USE, CLIENT, SERVER, made_for};
use crate::certificate::renewal::verify::{Question, Refusal};
use crate::certificate::renewal::{Comparable, Pair};
use crate::certificate::{Certificate, name};
use crate::finding::{Finding, FindingCode, Level};
use crate::text::{printable, printable_name, text_list};

/// The authorities in the file of a certificate.
#[derive(Debug)]
pub(crate) struct FileChain<'a> {
    /// The certificate; `None` where no file is known.
    leaf: Option<&'a Certificate>,
    /// The authorities that may lead up from it, by their names.
    others: Vec<&'a Certificate>,
    authorities: FileCas<'a>,
    /// Those that lead up from the certificate.
    path: Vec<&'a Certificate>,
    /// Intermediates are there, whether they lead to the certificate or not.
    has_intermediates: bool,
    order: FileOrder,
}

/// The order of the certificates in a file, where programs go by it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct FileOrder {
    /// An authority stands before the certificate.
    is_leaf_behind: bool,
    /// An issuer stands before what it issued.
    is_path_mixed: bool,
}

impl Default for FileChain<'_> {
    fn default() -> Self {
        let authorities = FileCas::new([]);
        let (others, path) = (vec![], vec![]);
        Self { leaf: None, others, authorities, path, has_intermediates: false, order: FileOrder::default() }
    }
}

impl<'a> FileChain<'a> {
    /// Takes the certificates of a file in their order. `is_ordered` says that programs go by it.
    pub(crate) fn of(
        leaf: &'a Certificate,
        certificates: &[&'a Certificate],
        is_ordered: bool,
        now: OffsetDateTime,
    ) -> Self {
        let authorities = FileCas::new(certificates.iter().copied());
        let path = authorities.path_of(leaf, now);
        let others = authorities_above(leaf, &authorities);
        let mut has_intermediates = false;
        for one in certificates {
            has_intermediates |= one.is_ca && !one.is_self_issued() && one.der != leaf.der;
        }
        let order = if is_ordered { FileOrder::of(leaf, &path, certificates) } else { FileOrder::default() };
        Self { leaf: Some(leaf), others, authorities, path, has_intermediates, order }
    }

    fn first_intermediate(&self) -> Option<&'a Certificate> {
        self.path.iter().copied().find(|one| !one.is_self_issued())
    }

    fn has(&self, certificate: &Certificate) -> bool {
        self.path.iter().any(|one| one.der == certificate.der)
    }

    /// Returns what stands highest on the path and is no root.
    fn top(&self) -> Option<&'a Certificate> {
        self.path.iter().copied().rfind(|one| !one.is_self_issued()).or(self.leaf)
    }

    /// Returns the roots in the file that the path of another names, and that programs may trust.
    fn roots_of(&self, other: &Self, now: OffsetDateTime) -> Vec<&'a Certificate> {
        let mut roots = Vec::new();
        for below in other.leaf.iter().chain(&other.path) {
            for root in self.authorities.named_by(below) {
                let is_usable = root.is_self_issued() && !root.is_expired(now) && !root.is_not_yet_valid(now);
                if is_usable && root.der != below.der {
                    roots.push(*root);
                }
            }
        }
        roots
    }

    /// Returns those of the public roots that the path names. Another authority may have signed one of them too, in the
    /// file.
    fn named_of(&self, public: &[impl AsRef<[u8]>]) -> Vec<Certificate> {
        let mut roots = Vec::new();
        for root in public {
            let root = root.as_ref();
            let is_named = self.leaf.iter().chain(&self.path).any(|below| find(root, &below.raw_issuer).is_some());
            if is_named {
                roots.extend(Certificate::parse(root));
            }
        }
        roots
    }

    /// Returns why programs that trust an authority refuse the certificate.
    fn refusal(&self, anchor: &Certificate, time: Option<OffsetDateTime>, is_lenient: bool) -> Option<Refusal> {
        let leaf = self.leaf?;
        let refusal = Question { leaf, others: &self.others, anchor, time, is_lenient }.refusal()?;
        Some(refusal.explain_issuer(&self.path, leaf))
    }

    /// Returns how programs that trust an authority have to be for the certificate to be taken: it may end at any time.
    fn leniency(&self, anchor: &Certificate) -> Option<Leniency> {
        if self.refusal(anchor, None, false).is_none() {
            Some(Leniency::None)
        } else if self.refusal(anchor, None, true).is_none() {
            Some(Leniency::Extensions)
        } else {
            None
        }
    }
}

/// The most authorities of a file that OpenSSL is given, and the most roots that are tried. Real files have a few.
const MAX_AUTHORITIES: usize = 64;
const MAX_ROOTS: usize = 8;

/// Returns the authorities that a certificate names as its issuers, those that these name, and so on.
fn authorities_above<'a>(leaf: &Certificate, authorities: &FileCas<'a>) -> Vec<&'a Certificate> {
    let mut above: Vec<&'a Certificate> = Vec::new();
    let mut next = 0;
    let mut below = Some(leaf);
    while let Some(current) = below {
        for authority in authorities.named_by(current) {
            let is_known = authority.der == leaf.der || above.iter().any(|known| known.der == authority.der);
            if !is_known && above.len() < MAX_AUTHORITIES {
                above.push(authority);
            }
        }
        below = above.get(next).copied();
        next += 1;
    }
    above
}

/// What programs have to pass over for a file to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leniency {
    None,
    /// Critical extensions that are not known.
    Extensions,
}

impl FileOrder {
    fn of(leaf: &Certificate, path: &[&Certificate], certificates: &[&Certificate]) -> Self {
        let is_leaf_behind = certificates.first().is_some_and(|first| first.is_ca && first.der != leaf.der);
        let mut places = Vec::new();
        for one in path {
            places.extend(certificates.iter().position(|other| other.der == one.der));
        }
        Self { is_leaf_behind, is_path_mixed: !places.is_sorted() }
    }
}

/// Compares the chains. APNs knows Apple's intermediates by itself, and who issues itself needs none.
pub(super) fn compare_chains(
    pair: &Pair<'_>,
    chains: [&FileChain<'_>; 2],
    new: &Certificate,
    now: OffsetDateTime,
    differences: &mut Vec<Finding>,
) {
    let [was, is] = chains;
    compare_order(was.order, is.order, differences);
    if new.kind.is_push() || new.is_self_issued() || pair.is_same {
        return;
    }
    compare_verdicts(was, is, new, now, webpki_root_certs::TLS_SERVER_ROOT_CERTS, differences);
    for issuer in &is.path {
        if let Some(text) = weakness_of(issuer) {
            let name = printable_name(issuer.title());
            let message = format!("{name} in the new file, which leads to the certificate, {text}");
            // What is as bad as before works where that did.
            let level = if was.has(issuer) { Level::Ok } else { Level::Failure };
            differences.push(Finding::new(level, FindingCode::ChainInvalid, message));
        }
        differences.extend(compare_issuer_uses(pair, was, issuer));
    }
    differences.extend(find_early_end(is, new, now));
}

/// Compares what OpenSSL makes of the new file, for programs that take the old one: by a root of either file, or a public
/// one, that the old one leads to, or else by what stands highest in each.
fn compare_verdicts(
    was: &FileChain<'_>,
    is: &FileChain<'_>,
    new: &Certificate,
    now: OffsetDateTime,
    public_roots: &[impl AsRef<[u8]>],
    differences: &mut Vec<Finding>,
) {
    let mut refused = None;
    let public = was.named_of(public_roots);
    let roots = was.roots_of(was, now).into_iter().chain(is.roots_of(was, now)).chain(&public);
    for root in roots.take(MAX_ROOTS) {
        let Some(leniency) = was.leniency(root) else { continue };
        match is.refusal(root, Some(now), leniency != Leniency::None) {
            None => return accept(leniency, differences),
            Some(refusal) => refused = refused.or(Some((refusal, root))),
        }
    }
    if public.iter().any(|root| was.leniency(root).is_some()) {
        // Programs that trust the public roots trust all of them.
        for root in is.named_of(public_roots) {
            if is.refusal(&root, Some(now), true).is_none() {
                return;
            }
        }
    }
    if let Some((refusal, root)) = refused {
        let lost = if refusal.lacks_issuer() { find_lost(was, is, new, now) } else { None };
        return tell(lost.unwrap_or_else(|| refusal.describe(root)), &refusal, differences);
    }
    if let Some(lost) = find_lost(was, is, new, now).or_else(|| find_namesake(was, is)) {
        return differences.push(lost);
    }
    let (Some(old_top), Some(new_top)) = (was.top(), is.top()) else { return };
    let leniency = was.leniency(old_top);
    match is.refusal(new_top, Some(now), leniency != Some(Leniency::None)) {
        None => accept(leniency.unwrap_or(Leniency::Extensions), differences),
        // What programs did not take before says nothing, but for its time.
        Some(refusal) if leniency.is_some() || refusal.is_of_time() => {
            tell(refusal.describe(new_top), &refusal, differences);
        }
        Some(_) => {}
    }
}

/// Takes back what OpenSSL knows better: it understands critical extensions that are not read here.
fn accept(leniency: Leniency, differences: &mut Vec<Finding>) {
    if leniency == Leniency::None {
        differences.retain(|finding| finding.code != FindingCode::UnknownCritical);
    }
}

fn tell(finding: Finding, refusal: &Refusal, differences: &mut Vec<Finding>) {
    let is_told = differences.iter().any(|finding| finding.code == FindingCode::UnknownCritical);
    if !is_told || !refusal.is_of_leaf_extension() {
        differences.push(finding);
    }
}

/// Finds that the new file leads to another authority of the same name, by its key identifier.
fn find_namesake(was: &FileChain<'_>, is: &FileChain<'_>) -> Option<Finding> {
    let (old, new) = (was.top()?, is.top()?);
    let (Some(old_id), Some(new_id)) = (&old.authority_key_id, &new.authority_key_id) else { return None };
    if old.is_self_issued() || old_id == new_id || !name::is_same(&old.raw_issuer, &new.raw_issuer) {
        return None;
    }
    let message = format!(
        "the new file leads to another authority of the name {} than the old one, by its key identifier: programs that \
         trust that alone refuse it",
        printable_name(&new.issuer)
    );
    Some(Finding::failure(FindingCode::WrongChain, message))
}

fn compare_order(was: FileOrder, is: FileOrder, differences: &mut Vec<Finding>) {
    if is.is_leaf_behind {
        let message = "an authority stands before the certificate in the new file: programs take the first one for the \
                       certificate, and say that the key does not match";
        let level = if was.is_leaf_behind { Level::Ok } else { Level::Failure };
        differences.push(Finding::new(level, FindingCode::LeafNotFirst, message));
    } else if is.is_path_mixed && !was.is_path_mixed {
        let message = "the intermediates in the new file do not follow one another: each should stand before its issuer, \
                       and some programs refuse any other order";
        differences.push(Finding::warning(FindingCode::ChainOrder, message));
    }
}

/// Finds what the new file lacks to lead to a root.
fn find_lost(was: &FileChain<'_>, is: &FileChain<'_>, new: &Certificate, now: OffsetDateTime) -> Option<Finding> {
    let Some(top) = is.path.last() else {
        return find_lost_path(was, is, new, now);
    };
    let lost = if top.is_self_issued() { None } else { was.authorities.issuer_of(top, now) }?;
    if lost.is_self_issued() || lost.is_expired(now) {
        return None;
    }
    let message = format!(
        "the new file lacks the intermediate {}, which the old one has: programs that know the root alone refuse it",
        printable_name(lost.title())
    );
    Some(Finding::failure(FindingCode::ChainLost, message))
}

/// Finds what a file lacks in which no authority issued the certificate.
fn find_lost_path(was: &FileChain<'_>, is: &FileChain<'_>, new: &Certificate, now: OffsetDateTime) -> Option<Finding> {
    let is_as_before = was.path.is_empty() && was.has_intermediates;
    if is.has_intermediates && !is_as_before {
        let message = format!(
            "no authority in the new file has issued the certificate, which names {} as its issuer: programs that do not \
             know that one refuse it",
            printable_name(&new.issuer)
        );
        return Some(Finding::failure(FindingCode::WrongChain, message));
    }
    let lost = was.first_intermediate()?;
    // A root may have issued it.
    if was.authorities.issuer_of(new, now).is_some_and(Certificate::is_self_issued) {
        return None;
    }
    let message = format!(
        "the new file has no intermediate, the old one has {}: programs that know the root alone refuse it",
        printable_name(lost.title())
    );
    Some(Finding::failure(FindingCode::ChainLost, message))
}

/// Finds what is too weak in an issuer for programs, where OpenSSL by itself takes it.
fn weakness_of(issuer: &Certificate) -> Option<String> {
    let is_weak_key = issuer.public_key.algorithm == "RSA" && issuer.public_key.bits < LEAST_RSA_BITS;
    if issuer.has_weak_signature && !issuer.is_self_issued() {
        Some(format!("is signed with {}, which programs refuse", printable_name(&issuer.signature)))
    } else if is_weak_key {
        Some(format!("has an RSA key of {} bits; programs expect {LEAST_RSA_BITS} or more", issuer.public_key.bits))
    } else if KeyType::of(&issuer.public_key).reach == Reach::Nowhere {
        Some("has a key of a kind that programs refuse".to_owned())
    } else {
        None
    }
}

/// Compares what an issuer allows below it, which OpenSSL, Go and Windows hold certificates to.
fn compare_issuer_uses(pair: &Pair<'_>, was: &FileChain<'_>, issuer: &Certificate) -> Option<Finding> {
    let mut lost = made_for(&pair.old);
    lost.retain(|usage| !allows_below(issuer, usage) && is_allowed_by_itself(&pair.new, usage));
    // What was not taken before is not lost.
    lost.retain(|usage| was.path.iter().all(|one| one.is_self_issued() || allows_below(one, usage)));
    if lost.is_empty() || was.has(issuer) || issuer.is_self_issued() {
        return None;
    }
    let message = format!(
        "{} in the new file, which leads to the certificate, allows no {} below it",
        printable_name(issuer.title()),
        printable(&text_list(lost.iter().copied()))
    );
    // Public authorities have intermediates for servers alone.
    let is_enough = lost == [CLIENT] && pair.new.traits.is_public && !pair.new.hosts.is_empty();
    let level = if is_enough { Level::Ok } else { Level::Failure };
    Some(Finding::new(level, FindingCode::UsageLost, message))
}

fn allows_below(issuer: &Certificate, usage: &str) -> bool {
    // OpenSSL does not take any use for that of TLS.
    let is_any_enough = !matches!(usage, SERVER | CLIENT);
    issuer.usages.is_empty() || issuer.usages.iter().any(|one| one == usage || (is_any_enough && one == ANY_USE))
}

fn is_allowed_by_itself(one: &Comparable<'_>, usage: &str) -> bool {
    one.traits.usages.is_empty() || one.traits.has_usage(usage)
}

/// Finds an intermediate that ends before the certificate does.
fn find_early_end(is: &FileChain<'_>, new: &Certificate, now: OffsetDateTime) -> Option<Finding> {
    for issuer in &is.path {
        if issuer.not_after < new.not_after && !issuer.is_expired(now) {
            let message = format!(
                "{} in the new file ends on {}, before the certificate that it leads to ({})",
                printable_name(issuer.title()),
                issuer.not_after.date(),
                new.not_after.date()
            );
            return Some(Finding::warning(FindingCode::IntermediateExpired, message));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use openssl::asn1::Asn1Time;
    use openssl::bn::BigNum;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::pkey::{PKey, Private};
    use openssl::x509::extension::BasicConstraints;
    use openssl::x509::{X509, X509Name};
    use time::macros::datetime;

    use super::*;
    use crate::public_key::PublicKey;
    use crate::test_support::certificate;

    /// What is changed of an intermediate, and what is told of it.
    struct IssuerCase {
        change: fn(&mut Certificate),
        told: &'static str,
    }

    fn use_curve_of_bitcoin(issuer: &mut Certificate) {
        let group = EcGroup::from_curve_name(Nid::SECP256K1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        issuer.public_key = PublicKey::parse(key.public_key_to_der().unwrap()).unwrap();
    }

    static ISSUER_CASES: [IssuerCase; 3] = [
        IssuerCase {
            change: |issuer| {
                issuer.has_weak_signature = true;
                issuer.signature = "SHA-1 with RSA".to_owned();
            },
            told: "is signed with SHA-1 with RSA, which programs refuse",
        },
        IssuerCase {
            change: |issuer| issuer.public_key.bits = 1024,
            told: "has an RSA key of 1024 bits; programs expect 2048 or more",
        },
        IssuerCase { change: use_curve_of_bitcoin, told: "has a key of a kind that programs refuse" },
    ];

    #[test]
    fn public_roots_are_known_by_their_names() {
        let root = Certificate::parse(&webpki_root_certs::TLS_SERVER_ROOT_CERTS[0]).unwrap();
        let leaf = certificate("der/not-push.cer");
        let by_it = Certificate { raw_issuer: root.raw_subject.clone(), ..leaf.clone() };
        let of = |leaf| {
            let chain = FileChain::of(leaf, &[leaf], true, OffsetDateTime::UNIX_EPOCH);
            chain.named_of(webpki_root_certs::TLS_SERVER_ROOT_CERTS)
        };
        assert!(of(&by_it).iter().any(|found| found.der == root.der));
        assert!(of(&leaf).is_empty());
    }

    const NOW: OffsetDateTime = datetime!(2026-11-24 0:00 UTC);

    /// A certificate and its key.
    struct Issued {
        x509: X509,
        key: PKey<Private>,
    }

    impl Issued {
        fn by(issuer: Option<&Self>, name: &str, is_ca: bool) -> Self {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
            let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
            let mut subject = X509Name::builder().unwrap();
            subject.append_entry_by_nid(Nid::COMMONNAME, name).unwrap();
            let subject = subject.build();
            let mut builder = X509::builder().unwrap();
            builder.set_version(2).unwrap();
            builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
            builder.set_subject_name(&subject).unwrap();
            builder.set_issuer_name(issuer.map_or(&subject, |issuer| issuer.x509.subject_name())).unwrap();
            builder.set_not_before(&Asn1Time::from_str("20260101000000Z").unwrap()).unwrap();
            builder.set_not_after(&Asn1Time::from_str("20271231000000Z").unwrap()).unwrap();
            builder.set_pubkey(&key).unwrap();
            if is_ca {
                builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
            }
            builder.sign(issuer.map_or(&key, |issuer| &issuer.key), MessageDigest::sha256()).unwrap();
            Self { x509: builder.build(), key }
        }

        fn der(&self) -> Vec<u8> {
            self.x509.to_der().unwrap()
        }

        fn certificate(&self) -> Certificate {
            Certificate::parse(&self.der()).unwrap()
        }
    }

    #[test]
    fn one_public_root_is_as_good_as_another() {
        let [old_root, new_root] = ["Root A", "Root B"].map(|name| Issued::by(None, name, true));
        let [old_ca, new_ca] =
            [(&old_root, "CA A"), (&new_root, "CA B")].map(|(root, name)| Issued::by(Some(root), name, true));
        let [old, new] = [&old_ca, &new_ca].map(|ca| Issued::by(Some(ca), "www.example.com", false).certificate());
        let (old_ca, new_ca) = (old_ca.certificate(), new_ca.certificate());
        let (was, is) =
            (FileChain::of(&old, &[&old, &old_ca], true, NOW), FileChain::of(&new, &[&new, &new_ca], true, NOW));
        let codes = |roots: &[Vec<u8>]| {
            let mut differences = Vec::new();
            compare_verdicts(&was, &is, &new, NOW, roots, &mut differences);
            differences.iter().map(|finding| (finding.level, finding.code)).collect::<Vec<_>>()
        };
        assert_eq!(codes(&[old_root.der(), new_root.der()]), []);
        // The new one leads to no public root, or to another one of its name.
        let broken = [(Level::Failure, FindingCode::WrongChain)];
        assert_eq!(codes(&[old_root.der()]), broken);
        assert_eq!(codes(&[old_root.der(), Issued::by(None, "Root B", true).der()]), broken);
    }

    #[test]
    fn what_is_weak_in_an_issuer_is_told() {
        let good = certificate("ca/intermediate.pem");
        assert_eq!(weakness_of(&good), None);
        for case in &ISSUER_CASES {
            let mut issuer = good.clone();
            (case.change)(&mut issuer);
            assert_eq!(weakness_of(&issuer).as_deref(), Some(case.told));
        }
        // Nobody verifies the signature on a root.
        let root = Certificate { has_weak_signature: true, ..certificate("ca/root.pem") };
        assert_eq!(weakness_of(&root), None);
    }
}
