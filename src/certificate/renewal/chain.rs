//! Compares the chains in the files: what stands beside the certificates.

use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::chain::FileCas;
use crate::certificate::renewal::keys::{KeyType, Reach};
use crate::certificate::renewal::traits::LEAST_RSA_BITS;
use crate::certificate::renewal::uses::{ANY_USE, CLIENT, made_for};
use crate::certificate::renewal::{Comparable, Pair};
use crate::finding::{Finding, FindingCode, Level};
use crate::text::{printable, printable_name, text_list};

/// The authorities in the file of a certificate.
#[derive(Debug)]
pub(crate) struct FileChain<'a> {
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
        Self { authorities, path: vec![], has_intermediates: false, order: FileOrder::default() }
    }
}

impl<'a> FileChain<'a> {
    /// Takes the certificates of a file in their order. `is_ordered` says that programs go by it.
    pub(crate) fn of(
        leaf: &Certificate,
        certificates: &[&'a Certificate],
        is_ordered: bool,
        now: OffsetDateTime,
    ) -> Self {
        let authorities = FileCas::new(certificates.iter().copied());
        let path = authorities.path_of(leaf, now);
        let mut has_intermediates = false;
        for one in certificates {
            has_intermediates |= one.is_ca && !one.is_self_issued() && one.der != leaf.der;
        }
        let order = if is_ordered { FileOrder::of(leaf, &path, certificates) } else { FileOrder::default() };
        Self { authorities, path, has_intermediates, order }
    }

    fn first_intermediate(&self) -> Option<&'a Certificate> {
        self.path.iter().copied().find(|one| !one.is_self_issued())
    }

    fn has(&self, certificate: &Certificate) -> bool {
        self.path.iter().any(|one| one.der == certificate.der)
    }
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
    differences.extend(find_lost(was, is, new, now));
    for (below, issuer) in is.path.iter().enumerate() {
        if let Some(problem) = problem_of(issuer, below, now) {
            // What is as bad as before works where that did, but for its time.
            let is_as_before = !problem.is_of_time && was.has(issuer);
            let level = if is_as_before { Level::Ok } else { Level::Failure };
            differences.push(Finding::new(level, problem.code, problem.message));
        }
        differences.extend(compare_issuer_uses(pair, was, issuer));
    }
    differences.extend(find_early_end(is, new, now));
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

/// The reason why programs refuse an issuer.
struct IssuerProblem {
    code: FindingCode,
    message: String,
    is_of_time: bool,
}

/// Finds what is wrong with an issuer that has so many below it (RFC 5280 section 6.1).
fn problem_of(issuer: &Certificate, below: usize, now: OffsetDateTime) -> Option<IssuerProblem> {
    let (name, end) = (printable_name(issuer.title()), issuer.not_after.date());
    if issuer.is_expired(now) {
        let message = format!("{name} in the new file, which leads to the certificate, expired on {end}");
        return Some(IssuerProblem { code: FindingCode::IntermediateExpired, message, is_of_time: true });
    }
    let is_weak_key = issuer.public_key.algorithm == "RSA" && issuer.public_key.bits < LEAST_RSA_BITS;
    let text = if issuer.is_not_yet_valid(now) {
        format!("is not valid before {}", issuer.not_before.date())
    } else if !issuer.may_sign_certificates {
        "may not sign certificates (its key usage lacks keyCertSign)".to_owned()
    } else if issuer.path_length.is_some_and(|most| (most as usize) < below) {
        "does not allow so many authorities below it (pathlen)".to_owned()
    } else if issuer.has_weak_signature && !issuer.is_self_issued() {
        format!("is signed with {}, which programs refuse", printable_name(&issuer.signature))
    } else if is_weak_key {
        format!("has an RSA key of {} bits; programs expect {LEAST_RSA_BITS} or more", issuer.public_key.bits)
    } else if KeyType::of(&issuer.public_key).reach == Reach::Nowhere {
        "has a key of a kind that programs refuse".to_owned()
    } else {
        return None;
    };
    let message = format!("{name} in the new file, which leads to the certificate, {text}");
    Some(IssuerProblem { code: FindingCode::ChainInvalid, message, is_of_time: issuer.is_not_yet_valid(now) })
}

/// Compares what an issuer allows below it, which OpenSSL, Go and Windows hold certificates to.
fn compare_issuer_uses(pair: &Pair<'_>, was: &FileChain<'_>, issuer: &Certificate) -> Option<Finding> {
    let mut lost = made_for(&pair.old);
    lost.retain(|usage| !allows_below(issuer, usage) && is_allowed_by_itself(&pair.new, usage));
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
    issuer.usages.is_empty() || issuer.usages.iter().any(|one| one == usage || one == ANY_USE)
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
    use openssl::ec::{EcGroup, EcKey};
    use openssl::nid::Nid;
    use openssl::pkey::PKey;
    use time::macros::datetime;

    use super::*;
    use crate::public_key::PublicKey;
    use crate::test_support::certificate;

    const NOW: OffsetDateTime = datetime!(2026-11-24 0:00 UTC);

    /// What is changed of an intermediate that has one authority below it, and what is told of it.
    struct IssuerCase {
        change: fn(&mut Certificate),
        code: FindingCode,
        told: &'static str,
    }

    fn use_curve_of_bitcoin(issuer: &mut Certificate) {
        let group = EcGroup::from_curve_name(Nid::SECP256K1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        issuer.public_key = PublicKey::parse(key.public_key_to_der().unwrap()).unwrap();
    }

    static ISSUER_CASES: [IssuerCase; 7] = [
        IssuerCase {
            change: |issuer| issuer.not_after = datetime!(2026-11-01 0:00 UTC),
            code: FindingCode::IntermediateExpired,
            told: "expired on 2026-11-01",
        },
        IssuerCase {
            change: |issuer| issuer.not_before = datetime!(2026-12-01 0:00 UTC),
            code: FindingCode::ChainInvalid,
            told: "is not valid before 2026-12-01",
        },
        IssuerCase {
            change: |issuer| issuer.may_sign_certificates = false,
            code: FindingCode::ChainInvalid,
            told: "may not sign certificates (its key usage lacks keyCertSign)",
        },
        IssuerCase {
            change: |issuer| issuer.path_length = Some(0),
            code: FindingCode::ChainInvalid,
            told: "does not allow so many authorities below it (pathlen)",
        },
        IssuerCase {
            change: |issuer| {
                issuer.has_weak_signature = true;
                issuer.signature = "SHA-1 with RSA".to_owned();
            },
            code: FindingCode::ChainInvalid,
            told: "is signed with SHA-1 with RSA, which programs refuse",
        },
        IssuerCase {
            change: |issuer| issuer.public_key.bits = 1024,
            code: FindingCode::ChainInvalid,
            told: "has an RSA key of 1024 bits; programs expect 2048 or more",
        },
        IssuerCase {
            change: use_curve_of_bitcoin,
            code: FindingCode::ChainInvalid,
            told: "has a key of a kind that programs refuse",
        },
    ];

    #[test]
    fn what_is_wrong_with_an_issuer_is_told() {
        let good = Certificate { path_length: Some(1), ..certificate("ca/intermediate.pem") };
        assert!(problem_of(&good, 1, NOW).is_none());
        let title = good.title().to_owned();
        for case in &ISSUER_CASES {
            let mut issuer = good.clone();
            (case.change)(&mut issuer);
            let problem = problem_of(&issuer, 1, NOW).unwrap();
            let message = format!("{title} in the new file, which leads to the certificate, {}", case.told);
            assert_eq!((problem.code, problem.message), (case.code, message));
        }
        // Nobody verifies the signature on a root.
        let root = Certificate { has_weak_signature: true, ..certificate("ca/root.pem") };
        assert!(problem_of(&root, 1, NOW).is_none());
    }
}
