//! The report of `expiry`, as data; every format is made of it.

use serde::Serialize;
use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::apple::{CertificateKind, Environment};
use crate::certificate::chain::APPLE;
use crate::certificate::policy::{CertificateRole, ExpiryPolicy, Facts, judge, judge_run};
use crate::certificate::warning::KeyState;
use crate::container::Contents;
use crate::error::Error;
use crate::finding::{Ending, Finding, FindingCode, Level};
use crate::identity::Collection;
use crate::schema::SCHEMA_VERSION;

/// The report on a run.
#[derive(Debug, Serialize)]
pub(crate) struct ExpiryReport {
    /// [`SCHEMA_VERSION`].
    pub(crate) schema_version: u32,
    /// The time at which validity is judged.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    /// The worst of all.
    #[serde(rename = "verdict")]
    pub(crate) level: Level,
    /// The exit code by the table.
    pub(crate) exit_code: u8,
    /// The level and the exit code of the run.
    #[serde(skip)]
    pub(crate) ending: Ending,
    pub(crate) policy: PolicyReport,
    pub(crate) summary: Summary,
    /// The findings about the run as a whole.
    pub(crate) findings: Vec<Finding>,
    /// The certificates, the first to expire first.
    pub(crate) certificates: Vec<CheckedCertificate>,
    /// The files that could not be opened, by name.
    pub(crate) unreadable: Vec<UnreadableFile>,
}

/// The policy of a run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PolicyReport {
    /// Thresholds and expectations.
    #[serde(flatten)]
    pub(crate) policy: ExpiryPolicy,
    /// Intermediates and roots are skipped.
    pub(crate) leaf_only: bool,
    /// The least number of certificates.
    pub(crate) min_certificates: u64,
}

/// The counts of a run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Summary {
    /// Files looked at.
    pub(crate) files: u64,
    /// Of these, files that hold no certificate.
    pub(crate) without_certificates: u64,
    /// Of these, files that could not be opened.
    pub(crate) unreadable: u64,
    /// Of these, files in folders that were not read, and by their names are rather not for certificates.
    pub(crate) passed_over: u64,
    /// Certificates held to the policy.
    pub(crate) certificates: u64,
    /// Of these, with nothing to say.
    pub(crate) ok: u64,
    /// Of these, with a warning.
    pub(crate) warnings: u64,
    /// Of these, with a failure.
    pub(crate) failures: u64,
}

/// The counts that the lists of a report do not tell.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct FileCounts {
    /// Files looked at.
    pub(crate) files: u64,
    /// Of these, files that hold no certificate.
    pub(crate) without_certificates: u64,
    /// Of these, files that were passed over.
    pub(crate) passed_over: u64,
}

/// The place of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    /// A file.
    File,
    /// Standard input.
    Stdin,
    /// An entry of a Kubernetes secret.
    Secret,
}

/// One certificate. A run may have very many: it is kept small.
#[derive(Debug, Serialize)]
pub(crate) struct CheckedCertificate {
    /// The file, or the name of the entry in a Kubernetes secret.
    pub(crate) file: String,
    pub(crate) source: Source,
    pub(crate) role: CertificateRole,
    pub(crate) kind: CertificateKind,
    /// [`Certificate::title`].
    pub(crate) name: String,
    /// The topics that it may send to.
    pub(crate) topics: Vec<String>,
    pub(crate) environments: Vec<Environment>,
    pub(crate) team_id: Option<String>,
    /// [`Certificate::serial`].
    pub(crate) serial: String,
    /// SHA-256, lower-case hex.
    pub(crate) sha256: String,
    /// The beginning of its validity.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) not_before: OffsetDateTime,
    /// The end of its validity.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) not_after: OffsetDateTime,
    /// The days left, rounded down: negative once it has expired.
    pub(crate) days_left: i64,
    /// The seconds left, likewise.
    pub(crate) seconds_left: i64,
    /// The share of its lifetime that is left, in percent, rounded up.
    pub(crate) lifetime_left_percent: u8,
    /// The key beside it matches; null without a key, or if it is not a leaf.
    pub(crate) key_matches: Option<bool>,
    /// The worst of the findings.
    #[serde(rename = "verdict")]
    pub(crate) level: Level,
    pub(crate) findings: Vec<Finding>,
}

/// A file that could not be opened, or a part of one that could not be read.
#[derive(Debug, Serialize)]
pub(crate) struct UnreadableFile {
    pub(crate) file: String,
    pub(crate) source: Source,
    /// A failure, a warning if unreadable files are to be skipped, or a note where nothing is missed.
    #[serde(rename = "verdict")]
    pub(crate) level: Level,
    #[serde(skip)]
    pub(crate) code: FindingCode,
    pub(crate) error: Error,
}

impl CheckedCertificate {
    /// Checks a certificate against the policy.
    fn of(file: &str, source: Source, facts: &Facts<'_>, policy: &ExpiryPolicy, now: OffsetDateTime) -> Self {
        let certificate = facts.certificate;
        let findings = judge(facts, policy, now);
        let left = certificate.time_left(now);
        Self {
            file: file.to_owned(),
            source,
            role: facts.role,
            kind: certificate.kind,
            name: certificate.title().to_owned(),
            topics: certificate.topics.iter().map(|topic| topic.topic.clone()).collect(),
            environments: certificate.environments.clone(),
            team_id: certificate.team_id.clone(),
            serial: certificate.serial.clone(),
            sha256: certificate.sha256(),
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            days_left: left.days(),
            seconds_left: left.seconds(),
            lifetime_left_percent: percent_left(certificate, now),
            key_matches: match facts.key {
                _ if facts.role != CertificateRole::Leaf => None,
                KeyState::Missing | KeyState::Unread => None,
                key => Some(key == KeyState::Matches),
            },
            level: Level::worst(&findings),
            findings,
        }
    }
}

fn percent_left(certificate: &Certificate, now: OffsetDateTime) -> u8 {
    let lifetime = (certificate.not_after - certificate.not_before).whole_seconds().max(1);
    let left = (certificate.not_after - now).whole_seconds().clamp(0, lifetime);
    // Both are below 2^39 seconds.
    u8::try_from((left * 100 + lifetime - 1) / lifetime).unwrap_or(100)
}

/// Checks all certificates of a file against the policy.
pub(crate) fn check(
    file: &str,
    source: Source,
    contents: &Contents,
    policy: &PolicyReport,
    now: OffsetDateTime,
) -> Vec<CheckedCertificate> {
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let cas = contents.authorities();
    let PolicyReport { policy, leaf_only, .. } = policy;
    let mut checked = Vec::with_capacity(contents.certificates.len());
    for entry in &contents.certificates {
        let certificate = &entry.item;
        let is_leaf = collection.is_leaf(certificate);
        if *leaf_only && !is_leaf {
            continue;
        }
        let chain = if is_leaf && policy.expect.apple { Some(APPLE.judge(certificate, &cas, now)) } else { None };
        let facts = Facts {
            certificate,
            role: CertificateRole::of(certificate, is_leaf),
            key: contents.key_state(&collection, certificate),
            chain: chain.as_ref(),
        };
        checked.push(CheckedCertificate::of(file, source, &facts, policy, now));
    }
    checked
}

impl ExpiryReport {
    /// Sums up a run.
    pub(crate) fn new(
        at: OffsetDateTime,
        policy: PolicyReport,
        mut certificates: Vec<CheckedCertificate>,
        mut unreadable: Vec<UnreadableFile>,
        files: FileCounts,
    ) -> Self {
        unreadable.sort_by(|a, b| a.file.cmp(&b.file));
        certificates.sort_unstable_by(|a, b| (a.not_after, &a.file, &a.sha256).cmp(&(b.not_after, &b.file, &b.sha256)));
        let mut summary = Summary {
            files: files.files,
            without_certificates: files.without_certificates,
            unreadable: count_files(&unreadable),
            passed_over: files.passed_over,
            certificates: certificates.len() as u64,
            ..Summary::default()
        };
        let mut leaves = 0;
        for certificate in &certificates {
            leaves += u64::from(certificate.role == CertificateRole::Leaf);
            match certificate.level {
                Level::Ok => summary.ok += 1,
                Level::Warning => summary.warnings += 1,
                Level::Failure => summary.failures += 1,
            }
        }
        // Files that fail the run may hold what seems to be missing: only without them is it known.
        let is_complete = unreadable.iter().all(|one| one.level != Level::Failure);
        let findings = if is_complete {
            judge_run(summary.certificates, leaves, policy.min_certificates, &policy.policy.expect)
        } else {
            vec![]
        };
        let mut ending = Ending::default();
        for certificate in &certificates {
            for finding in &certificate.findings {
                ending.add(finding.level, finding.code);
            }
        }
        for file in &unreadable {
            ending.add(file.level, file.code);
        }
        for finding in &findings {
            ending.add(finding.level, finding.code);
        }
        Self {
            schema_version: SCHEMA_VERSION,
            at,
            level: ending.level,
            exit_code: ending.exit_code(),
            ending,
            policy,
            summary,
            findings,
            certificates,
            unreadable,
        }
    }

    /// Returns "5 certificates in 4 files: 1 failure, 1 warning, 3 ok; 1 file cannot be opened".
    pub(crate) fn summary_line(&self) -> String {
        let Summary { files, without_certificates, unreadable, passed_over, certificates, ok, warnings, failures } =
            self.summary;
        let mut line = format!(
            "{} in {}: {}, {}, {ok} ok",
            count(certificates, "certificate"),
            count(files, "file"),
            count(failures, "failure"),
            count(warnings, "warning")
        );
        if without_certificates > 0 {
            line.push_str(&format!("; {} without certificates", count(without_certificates, "file")));
        }
        if unreadable > 0 {
            line.push_str(&format!("; {} not readable", count(unreadable, "file")));
        }
        if passed_over > 0 {
            line.push_str(&format!("; {} passed over", count(passed_over, "file")));
        }
        line
    }
}

/// Counts the files that could not be read. They are in order.
fn count_files(unreadable: &[UnreadableFile]) -> u64 {
    let mut files = 0;
    let mut last = None;
    for one in unreadable {
        if one.level != Level::Ok && last != Some(&one.file) {
            files += 1;
            last = Some(&one.file);
        }
    }
    files
}

fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::certificate::policy::Expectations;
    use crate::container::{Passwords, open};
    use crate::limits::DEFAULT_MAX_ITERATIONS;
    use crate::test_support::fixture;

    const NOW: OffsetDateTime = datetime!(2026-11-24 0:00 UTC);

    fn policy() -> PolicyReport {
        let (warn, fail) = ("30d".parse().unwrap(), "7d".parse().unwrap());
        let policy = ExpiryPolicy { warn, fail, expect: Expectations::default() };
        PolicyReport { policy, leaf_only: false, min_certificates: 1 }
    }

    /// A certificate with so many days left.
    fn certificate(file: &str, days_left: i64) -> CheckedCertificate {
        let bytes = fixture("der/universal.cer");
        let mut contents = open(&bytes, &mut Passwords::None, DEFAULT_MAX_ITERATIONS).unwrap();
        contents.certificates[0].item.not_after = NOW + time::Duration::days(days_left);
        check(file, Source::File, &contents, &policy(), NOW).remove(0)
    }

    #[test]
    fn the_first_to_expire_comes_first_and_all_are_counted() {
        let certificates =
            [("d", 100), ("b", 100), ("c", -1), ("a", 20), ("e", 3)].map(|(file, days)| certificate(file, days));
        let report = ExpiryReport::new(
            NOW,
            policy(),
            certificates.into(),
            vec![],
            FileCounts { files: 7, without_certificates: 2, passed_over: 0 },
        );
        let files: Vec<&str> = report.certificates.iter().map(|certificate| certificate.file.as_str()).collect();
        assert_eq!(files, ["c", "e", "a", "b", "d"]);
        assert_eq!(
            report.summary_line(),
            "5 certificates in 7 files: 2 failures, 1 warning, 2 ok; 2 files without certificates"
        );
        assert_eq!((report.level, report.exit_code), (Level::Failure, 1));
    }
}
