//! Compares who issued certificates.

use crate::certificate::name;
use crate::certificate::renewal::{Pair, Rules};
use crate::finding::{Finding, FindingCode, Level};
use crate::text::printable_name;

/// Compares who issued them. Apple issues push certificates with one intermediate after the other.
pub(super) fn compare_issuers(pair: &Pair<'_>, rules: Rules, differences: &mut Vec<Finding>) {
    let (old, new) = (&pair.old, &pair.new);
    let (was, is) = (&old.texts, &new.texts);
    if new.traits.is_self_issued() && !old.traits.is_self_issued() {
        let is_allowed = rules.allows_self_issued && !old.kind.is_push();
        let message = format!("the new one is issued by itself, the old one by {}", printable_name(was.issuer));
        let level = if is_allowed { Level::Ok } else { Level::Failure };
        differences.push(Finding::new(level, FindingCode::OtherIssuer, message));
    } else if old.kind.is_push() && old.is_apples && !new.is_apples {
        let message = "the chain of the new one does not lead to Apple's root, that of the old one does";
        differences.push(Finding::failure(FindingCode::OtherIssuer, message));
    } else if new.traits.is_self_issued() && !pair.has_same_key && !old.kind.is_push() && !old.is_authority() {
        let message = "the new one is issued by itself, with a new key: whoever trusts the old one must be given it";
        differences.push(Finding::new(Level::Ok, FindingCode::OtherIssuer, message));
    } else if !old.kind.is_push() && !name::is_same(&old.traits.issuer, &new.traits.issuer) {
        let (was, is) = (printable_name(was.issuer), printable_name(is.issuer));
        let message = format!("the issuer has changed from {was} to {is}");
        differences.push(Finding::new(Level::Ok, FindingCode::OtherIssuer, message));
    }
}
