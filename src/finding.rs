//! Findings: what a capability reports about a certificate, a file, a server or a whole run, and what exit
//! codes and CI formats make of it.

use std::fmt::Display;
use std::time::Duration;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::exit::{ExitKind, NagiosState};
use crate::text::{Printable, printable_name};

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

/// The code of a finding, for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingCode {
    /// The validity has ended.
    Expired,
    /// The validity ends soon.
    ExpiresSoon,
    /// The validity ends soon, and a renewal is there.
    Renewed,
    /// The validity has not begun.
    NotYetValid,
    /// There is no key beside the certificate.
    KeyMissing,
    /// The key beside the certificate belongs to another certificate.
    KeyMismatch,
    /// The key of the certificate is in another file.
    KeyElsewhere,
    /// It cannot be used in production.
    SandboxOnly,
    /// The signature uses SHA-1 or older.
    Sha1Signature,
    /// RSA below 2048 bits.
    WeakKey,
    /// An authority that leads to the certificate has expired, or does so before it.
    IntermediateExpired,
    /// Apple did not issue it, or its chain does not lead to Apple's root.
    NotApple,
    /// It names an authority of Apple's as its issuer, which did not sign it.
    Forged,
    /// Its issuer is not known here.
    ChainIncomplete,
    /// Its chain breaks a rule.
    ChainInvalid,
    /// It is not for push notifications.
    NotPush,
    /// The list of topics does not decode.
    TopicsUnreadable,
    /// OpenSSL does not read it.
    RefusedByOpenssl,
    /// One of its extensions stands there twice, or does not decode.
    DamagedExtension,
    /// It is in a Secret with PEM where Base64 belongs.
    MisplacedEntry,
    /// It is not written, for its key is not there.
    LeftOut,
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
    /// The UID of another certificate has changed.
    OtherUid,
    /// The name of the subject has changed.
    OtherName,
    /// The new certificate is not for a host that the old one is for.
    HostLost,
    /// The new certificate is for one more host.
    HostGained,
    /// The new certificate lacks another name, such as a mail address.
    NameLost,
    /// The new certificate has one more such name.
    NameGained,
    /// The new certificate may not be used for something that the old one may be used for.
    UsageLost,
    /// The new certificate may be used for one more thing.
    UsageGained,
    /// The new certificate is one of an authority.
    BecameAuthority,
    /// The new certificate is none of an authority, as the old one is.
    AuthorityLost,
    /// The new certificate is an authority's with another key.
    OtherAuthorityKey,
    /// The new certificate has a critical extension that is not known.
    UnknownCritical,
    /// The new certificate has another issuer.
    OtherIssuer,
    /// The key of the new certificate is encrypted, that of the old one is not; or it was not read.
    KeyLocked,
    /// The key is of a kind that programs refuse in TLS.
    UnusableKey,
    /// The key of the new certificate is of another kind.
    OtherKeyType,
    /// An authority stands before the certificate in its file.
    LeafNotFirst,
    /// Another key stands before that of the certificate in its file.
    KeyNotFirst,
    /// The new file lacks an intermediate that the old one has.
    ChainLost,
    /// No authority in the new file has issued the certificate.
    WrongChain,
    /// The intermediates in the new file do not follow one another.
    ChainOrder,
    /// The new certificate asks its server to staple an answer of OCSP.
    MustStaple,
    /// The new certificate is valid for longer than programs take from a server.
    LongValidity,
    /// No name tells what the old and the new certificate are for.
    Nameless,
    /// The new certificate lacks a topic.
    TopicLost,
    /// The new certificate has one more topic.
    TopicGained,
    /// The new certificate lacks an environment.
    EnvironmentLost,
    /// The new certificate has one more environment.
    EnvironmentGained,
    /// The new certificate has several topics, the old one has one: the header apns-topic is mandatory now.
    TopicHeader,
    /// Programs read the old file as it stands, but not the new one.
    NotPlain,
    /// The new file is of another format.
    OtherContainer,
    /// The new file has another password.
    OtherPassword,
    /// The identity in the new file has another name.
    OtherAlias,
    /// Between the old and the new certificate there is a time when neither is valid.
    Gap,
    /// A file cannot be read, or is of no use.
    FileUnreadable,
    /// A file needs a password, or another one.
    FileLocked,
    /// Reading a file crashed pushcert.
    ReaderCrashed,
    /// The gateway accepts the certificate.
    Accepted,
    /// The gateway accepts the certificate, in a run that does not end with 0.
    Passed,
    /// The gateway accepts the certificate, but not the topic or the device token.
    Refused,
    /// The gateway rejects the certificate.
    Rejected,
    /// The gateway was reached, but gave no proof either way.
    Unproven,
    /// The gateway was not reached.
    Unreachable,
    /// The gateway's answer proves something else than what was expected.
    Unexpected,
}

/// The effect of a failure on a run.
struct FailureEffect {
    exit: ExitKind,
    nagios: NagiosState,
}

impl FindingCode {
    /// Returns what a failure with this code does to a run. Most failures answer "no"; a few mean that there is no
    /// answer.
    const fn effect(self) -> FailureEffect {
        match self {
            Self::Unproven => FailureEffect { exit: ExitKind::CheckFailed, nagios: NagiosState::Warning },
            Self::Unreachable => FailureEffect { exit: ExitKind::Network, nagios: NagiosState::Unknown },
            Self::FileUnreadable => FailureEffect { exit: ExitKind::Input, nagios: NagiosState::Unknown },
            Self::FileLocked => FailureEffect { exit: ExitKind::Password, nagios: NagiosState::Unknown },
            Self::ReaderCrashed => FailureEffect { exit: ExitKind::Bug, nagios: NagiosState::Unknown },
            Self::Expired
            | Self::ExpiresSoon
            | Self::Renewed
            | Self::NotYetValid
            | Self::KeyMissing
            | Self::KeyMismatch
            | Self::KeyElsewhere
            | Self::SandboxOnly
            | Self::Sha1Signature
            | Self::WeakKey
            | Self::IntermediateExpired
            | Self::NotApple
            | Self::Forged
            | Self::ChainIncomplete
            | Self::ChainInvalid
            | Self::NotPush
            | Self::TopicsUnreadable
            | Self::RefusedByOpenssl
            | Self::DamagedExtension
            | Self::MisplacedEntry
            | Self::LeftOut
            | Self::TopicMissing
            | Self::EnvironmentMissing
            | Self::OtherTeam
            | Self::TooFewCertificates
            | Self::NoLeaf
            | Self::NotRenewed
            | Self::OtherKind
            | Self::OtherMdmUid
            | Self::OtherUid
            | Self::OtherName
            | Self::HostLost
            | Self::HostGained
            | Self::NameLost
            | Self::NameGained
            | Self::UsageLost
            | Self::UsageGained
            | Self::BecameAuthority
            | Self::AuthorityLost
            | Self::OtherAuthorityKey
            | Self::UnknownCritical
            | Self::OtherIssuer
            | Self::KeyLocked
            | Self::UnusableKey
            | Self::OtherKeyType
            | Self::LeafNotFirst
            | Self::KeyNotFirst
            | Self::ChainLost
            | Self::WrongChain
            | Self::ChainOrder
            | Self::MustStaple
            | Self::LongValidity
            | Self::Nameless
            | Self::TopicLost
            | Self::TopicGained
            | Self::EnvironmentLost
            | Self::EnvironmentGained
            | Self::TopicHeader
            | Self::NotPlain
            | Self::OtherContainer
            | Self::OtherPassword
            | Self::OtherAlias
            | Self::Gap
            | Self::Accepted
            | Self::Passed
            | Self::Refused
            | Self::Rejected
            | Self::Unexpected => FailureEffect { exit: ExitKind::CheckFailed, nagios: NagiosState::Critical },
        }
    }

    /// Returns the kind of exit that a failure with this code causes.
    pub(crate) const fn exit_kind(self) -> ExitKind {
        self.effect().exit
    }

    /// Returns whether the finding is about the end of the validity, which a table shows in a column of its own.
    pub(crate) const fn is_about_the_end(self) -> bool {
        matches!(self, Self::Expired | Self::ExpiresSoon)
    }

    /// Returns whether a failure with this code answers the question; otherwise it could not be answered.
    pub(crate) const fn is_answer(self) -> bool {
        matches!(self.effect().nagios, NagiosState::Critical)
    }
}

/// One finding. The capability that makes it decides its level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    #[serde(rename = "verdict")]
    pub(crate) level: Level,
    /// For machines.
    pub(crate) code: FindingCode,
    /// The certificate or gateway it is about, where the report does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    /// The file it is about, where the report does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// The word of the server, the network or the system for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// For people. It goes on where `subject` ends.
    pub(crate) message: Printable,
    /// The next step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<Printable>,
}

impl Finding {
    /// Returns a finding without subject, file, reason and hint.
    pub(crate) fn new(level: Level, code: FindingCode, message: impl Into<Printable>) -> Self {
        Self { level, code, subject: None, file: None, reason: None, message: message.into(), hint: None }
    }

    pub(crate) fn warning(code: FindingCode, message: impl Into<Printable>) -> Self {
        Self::new(Level::Warning, code, message)
    }

    pub(crate) fn failure(code: FindingCode, message: impl Into<Printable>) -> Self {
        Self::new(Level::Failure, code, message)
    }

    /// Returns the finding as a sentence that stands alone: "FILE: SUBJECT MESSAGE".
    pub(crate) fn sentence(&self) -> Printable {
        let mut sentence = String::new();
        if let Some(file) = &self.file {
            sentence.push_str(&printable_name(file));
            sentence.push_str(": ");
        }
        if let Some(subject) = &self.subject {
            sentence.push_str(&printable_name(subject));
            sentence.push(' ');
        }
        sentence.push_str(&self.message);
        sentence.into()
    }

    /// Returns what a table shows of it that has a column for the end of the validity.
    pub(crate) fn beside_the_end(&self) -> Option<String> {
        match &self.hint {
            hint if self.code.is_about_the_end() => hint.as_ref().map(ToString::to_string),
            _ => Some(self.with_hint(&self.message)),
        }
    }

    /// Appends the hint to a text.
    pub(crate) fn with_hint(&self, text: &str) -> String {
        match &self.hint {
            Some(hint) => format!("{text}; {hint}"),
            None => text.to_owned(),
        }
    }
}

/// Writes findings as the warnings of a report: without the level, which all of them share.
pub(crate) fn serialize_warnings<S: Serializer>(findings: &[Finding], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Warning<'a> {
        code: FindingCode,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<&'a str>,
    }
    let mut warnings = Vec::new();
    for Finding { code, message, hint, .. } in findings {
        warnings.push(Warning { code: *code, message, hint: hint.as_deref() });
    }
    serializer.collect_seq(warnings)
}

/// The end of a run; it follows from all its findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ending {
    /// The worst level.
    pub(crate) level: Level,
    /// The kind of exit; `None` where nothing failed.
    pub(crate) exit: Option<ExitKind>,
    /// The state of a Nagios plugin.
    pub(crate) nagios: NagiosState,
}

impl Ending {
    /// Takes a finding into account.
    pub(crate) fn add(&mut self, level: Level, code: FindingCode) {
        self.level = self.level.max(level);
        match level {
            Level::Ok => {}
            Level::Warning => self.nagios = self.nagios.max(NagiosState::Warning),
            Level::Failure => {
                let effect = code.effect();
                self.nagios = self.nagios.max(effect.nagios);
                self.exit = Some(self.prevailing(effect.exit));
            }
        }
    }

    fn prevailing(self, other: ExitKind) -> ExitKind {
        match self.exit {
            Some(kind) if kind.precedence() > other.precedence() => kind,
            _ => other,
        }
    }

    /// Returns the exit code by the table.
    pub(crate) fn exit_code(self) -> u8 {
        match self.exit {
            Some(kind) => kind.code(),
            None => 0,
        }
    }
}

/// The findings of a run, as github, junit and nagios render them.
#[derive(Debug)]
pub(crate) struct FindingsReport {
    /// The command.
    pub(crate) title: &'static str,
    /// The first word of a Nagios plugin's line.
    pub(crate) service: &'static str,
    /// The time it is judged for.
    pub(crate) at: OffsetDateTime,
    /// What is wrong, in a few words.
    pub(crate) headline: String,
    /// The counts, in a line.
    pub(crate) summary: String,
    /// What was not judged, and is no finding.
    pub(crate) notes: Vec<String>,
    pub(crate) ending: Ending,
    /// The counts and times, for graphs.
    pub(crate) measures: Vec<Measure>,
    pub(crate) cases: Vec<Case>,
}

/// A certificate, a file, a gateway or the run as a whole, with the findings about it.
#[derive(Debug)]
pub(crate) struct Case {
    /// Its name, which does not change from run to run: CI systems follow a test case by it.
    pub(crate) name: String,
    /// The heading of its findings.
    pub(crate) title: String,
    /// The group of test cases that it belongs to.
    pub(crate) group: Option<String>,
    /// The file, where there is one on disk.
    pub(crate) path: Option<String>,
    pub(crate) duration: Duration,
    pub(crate) findings: Vec<Finding>,
}

/// A number for graphs.
#[derive(Debug)]
pub(crate) struct Measure {
    pub(crate) name: String,
    /// The number, with its unit.
    pub(crate) value: String,
    /// A lower number is a warning.
    pub(crate) warn_below: Option<String>,
    /// A lower number is a failure.
    pub(crate) fail_below: Option<String>,
    pub(crate) min: Option<usize>,
    pub(crate) max: Option<usize>,
}

impl Measure {
    /// Returns a measure without thresholds and limits.
    pub(crate) fn new(name: impl Into<String>, value: impl Display) -> Self {
        Self { name: name.into(), value: value.to_string(), warn_below: None, fail_below: None, min: None, max: None }
    }
}
