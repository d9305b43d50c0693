//! Findings: what a capability reports about a certificate, a file, a server or a whole run.

use serde::{Serialize, Serializer};

/// The level of a finding, or the worst level of several; the worse is the greater.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Nothing is wrong. A finding of this level is a note.
    #[default]
    Ok,
    /// Something soon will be wrong, or is worth knowing.
    Warning,
    /// Something is wrong.
    Failure,
}

impl Level {
    /// Returns the worst level of the findings.
    pub(crate) fn worst(findings: &[Finding]) -> Self {
        let mut worst = Self::Ok;
        for finding in findings {
            worst = worst.max(finding.level);
        }
        worst
    }
}

/// What was found, for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingCode {
    /// The validity has ended.
    Expired,
    /// The validity ends soon.
    ExpiresSoon,
    /// The validity has not begun.
    NotYetValid,
    /// There is no key beside the certificate.
    KeyMissing,
    /// The key beside the certificate belongs to another certificate.
    KeyMismatch,
    /// It cannot be used in production.
    SandboxOnly,
    /// The signature uses SHA-1 or older.
    Sha1Signature,
    /// RSA below 2048 bits.
    WeakKey,
    /// An authority on the way to Apple's root has expired.
    IntermediateExpired,
    /// Apple did not issue it, or its chain does not lead to Apple's root.
    NotApple,
    /// It names an authority of Apple's as its issuer, which did not sign it.
    Forged,
    /// Its issuer is not known here.
    ChainIncomplete,
    /// It is not for push notifications.
    NotPush,
    /// The list of topics does not decode.
    TopicsUnreadable,
    /// It may not send to an expected topic.
    TopicMissing,
    /// It may not be used in an expected environment.
    EnvironmentMissing,
    /// It belongs to another team, or to none.
    OtherTeam,
    /// There are fewer certificates than expected.
    TooFewCertificates,
    /// There is no leaf that could meet the expectations.
    NoLeaf,
    /// The new certificate ends no later than the old one.
    NotRenewed,
    /// The new certificate is of another kind.
    OtherKind,
    /// The UID of an MDM certificate has changed.
    OtherMdmUid,
    /// The new certificate lacks a topic.
    TopicLost,
    /// The new certificate has one more topic.
    TopicGained,
    /// The new certificate lacks an environment.
    EnvironmentLost,
    /// The new certificate has one more environment.
    EnvironmentGained,
    /// Between the old and the new certificate there is a time when neither is valid.
    Gap,
}

/// One finding. The capability that makes it decides its level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// How bad it is.
    #[serde(rename = "verdict")]
    pub(crate) level: Level,
    /// For machines.
    pub(crate) code: FindingCode,
    /// What it is about, where the report does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    /// The file it is about, where the report does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// For people.
    pub(crate) message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

impl Finding {
    /// Returns a finding without subject, file and hint.
    pub(crate) fn new(level: Level, code: FindingCode, message: impl Into<String>) -> Self {
        Self { level, code, subject: None, file: None, message: message.into(), hint: None }
    }

    pub(crate) fn warning(code: FindingCode, message: impl Into<String>) -> Self {
        Self::new(Level::Warning, code, message)
    }

    pub(crate) fn failure(code: FindingCode, message: impl Into<String>) -> Self {
        Self::new(Level::Failure, code, message)
    }
}

/// Writes findings as the warnings of a report: without the level, which all of them share.
pub(crate) fn serialize_warnings<S: Serializer>(findings: &[Finding], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Warning<'a> {
        code: FindingCode,
        message: &'a str,
    }
    serializer.collect_seq(findings.iter().map(|finding| Warning { code: finding.code, message: &finding.message }))
}
