//! The policy that the certificate is held to, beside the gateways' judgement: the options are those of `expiry`.

use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::policy::{self, CertificateRole, Expectations, ExpiryPolicy, Facts};
use crate::certificate::threshold::Threshold;
use crate::certificate::warning::KeyState;
use crate::cli::check::CheckArgs;
use crate::finding::Finding;

/// A threshold that only an expired certificate misses.
const NONE: Threshold = Threshold::Days(0);

/// Returns whether the command line gives a policy.
pub(super) fn is_given(arguments: &CheckArgs) -> bool {
    arguments.warn.is_some() || arguments.fail.is_some() || expectations(arguments) != Expectations::default()
}

fn expectations(arguments: &CheckArgs) -> Expectations {
    Expectations {
        topics: arguments.expect_topic.clone(),
        environments: arguments.expect_environment.clone(),
        team_id: arguments.expect_team.clone(),
        ..Expectations::default()
    }
}

/// Holds the certificate to the policy, if there is one. What has expired fails any.
pub(super) fn judge(arguments: &CheckArgs, leaf: &Certificate, now: OffsetDateTime) -> Vec<Finding> {
    if !is_given(arguments) {
        return Vec::new();
    }
    let facts = Facts { certificate: leaf, role: CertificateRole::Leaf, key: KeyState::Matches, chain: None };
    let (warn, fail) = (arguments.warn.unwrap_or(NONE), arguments.fail.unwrap_or(NONE));
    policy::judge(&facts, &ExpiryPolicy { warn, fail, expect: expectations(arguments) }, now)
}
