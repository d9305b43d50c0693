//! The report of `expiry`, as data; every format is made of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::apple::{CertificateKind, Environment};
use crate::certificate::chain::{APPLE, AppleChain, claims_apple};
use crate::certificate::policy::{CertificateRole, ExpiryPolicy, Facts, Validity, judge, judge_run, judge_validity};
use crate::certificate::time_left::TimeLeft;
use crate::certificate::warning::{self, KeyState, MAX_ASKED};
use crate::container::profile::ProvisioningProfile;
use crate::container::{Container, Contents};
use crate::error::Error;
use crate::expiry::relations::{self, Identifiers, Turn};
use crate::finding::{Ending, Finding, FindingCode, Level};
use crate::identity::Collection;
use crate::schema::SCHEMA_VERSION;
use crate::text::{name_unless_key, printable_name};
use crate::world::files::input_name;

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
    /// What was passed over by its name; with [`PolicyReport::list_skipped`] all that was not judged.
    pub(crate) skipped: Vec<SkippedFile>,
    /// The files of the certificates of authorities that were left out, each once.
    #[serde(skip)]
    pub(crate) left_out: Vec<String>,
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
    /// A certificate whose renewal is there does not fail before it has expired.
    pub(crate) renewals: bool,
    /// All files that were not judged are listed.
    #[serde(skip)]
    pub(crate) list_skipped: bool,
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
    /// Of these, files that were passed over by their names or by what they are, and Kubernetes' objects of other kinds.
    pub(crate) passed_over: u64,
    /// The same by what they are.
    pub(crate) passed_over_kinds: BTreeMap<String, u64>,
    /// Certificates of authorities that were left out, where only leaves are judged.
    pub(crate) authorities: u64,
    /// Certificates held to the policy.
    pub(crate) certificates: u64,
    /// Of these, with nothing to say.
    pub(crate) ok: u64,
    /// Of those that are ok, certificates that end soon and whose renewal is there.
    pub(crate) renewed: u64,
    /// Of these, with a warning.
    pub(crate) warnings: u64,
    /// Of these, with a failure.
    pub(crate) failures: u64,
}

/// The counts that the lists of a report do not tell.
#[derive(Debug, Default)]
pub(crate) struct FileCounts {
    /// Files looked at.
    pub(crate) files: u64,
    /// Of these, files that hold no certificate.
    pub(crate) without_certificates: u64,
    /// Of these, what was passed over, by what it is.
    pub(crate) passed_over: BTreeMap<String, u64>,
    /// Certificates of authorities that were left out.
    pub(crate) authorities: u64,
}

/// The dump that an entry of a Secret is in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DumpName {
    /// Its file.
    name: Option<String>,
    /// It is named beside the entry.
    is_shown: bool,
}

impl DumpName {
    pub(crate) fn new(file: Option<&str>) -> Self {
        Self { name: file.map(str::to_owned), is_shown: false }
    }

    /// Shows the names of dumps, unless there is one alone that was given itself, as the only path or on standard input.
    pub(crate) fn show_unless_given(dumps: Vec<&mut Self>, roots: &[PathBuf]) {
        let names: HashSet<&str> = dumps.iter().filter_map(|dump| dump.name.as_deref()).collect();
        let is_given = |name: &&str| *name == "-" || matches!(roots, [root] if root.display().to_string() == *name);
        if names.len() > 1 || !names.iter().all(is_given) {
            for dump in dumps {
                dump.is_shown = true;
            }
        }
    }

    /// Returns the file of the dump; `None` for standard input.
    pub(crate) fn file(&self) -> Option<&str> {
        self.name.as_deref().filter(|name| *name != "-")
    }

    /// Returns an entry as reports name it: "all.json: namespace/name/key". An entry of an object without a name tells
    /// nothing alone.
    pub(crate) fn place<'a>(&self, entry: &'a str) -> Cow<'a, str> {
        let is_whole = entry.contains('/');
        match &self.name {
            Some(name) if self.is_shown || (!is_whole && name != "-") => Cow::Owned(format!("{name}: {entry}")),
            Some(_) | None => Cow::Borrowed(entry),
        }
    }

    fn is_none(&self) -> bool {
        self.name.is_none()
    }
}

impl Serialize for DumpName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.name.serialize(serializer)
    }
}

/// What was found of the files of a run, beside their certificates.
#[derive(Debug, Default)]
pub(crate) struct RunFiles {
    pub(crate) unreadable: Vec<UnreadableFile>,
    pub(crate) skipped: Vec<SkippedFile>,
    pub(crate) counts: FileCounts,
}

/// A file, an entry, an object or a part that was not judged, which is no failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SkippedFile {
    pub(crate) file: String,
    pub(crate) source: Source,
    /// The dump that the entry is in.
    #[serde(skip_serializing_if = "DumpName::is_none")]
    pub(crate) dump: DumpName,
    pub(crate) reason: SkipReason,
    /// For people: "a certificate revocation list (CRL)", "Pod".
    pub(crate) what: String,
}

/// The reason why something was not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SkipReason {
    /// It is known what it is, and no certificate in it can be judged.
    KnownOther,
    /// An entry of a Secret or a ConfigMap that is empty.
    Empty,
    /// An object of Kubernetes that is neither a Secret nor a ConfigMap.
    OtherObject,
    /// A part of a file that is neither a certificate nor a key.
    Part,
    /// The certificate of an authority, where only leaves are judged.
    Authority,
    /// It is not for certificates.
    NoCertificate,
}

impl SkipReason {
    /// Returns whether it is named in every report; the rest is counted, and named where that is asked for.
    pub(crate) const fn is_always_named(self) -> bool {
        matches!(self, Self::KnownOther)
    }
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
    /// The dump that the entry is in.
    #[serde(skip_serializing_if = "DumpName::is_none")]
    pub(crate) dump: DumpName,
    pub(crate) role: CertificateRole,
    pub(crate) kind: CertificateKind,
    /// [`Certificate::title`](crate::certificate::Certificate::title).
    pub(crate) name: String,
    /// The name that the file gives to it: the friendlyName of a PKCS#12 file, the alias of a Java keystore.
    pub(crate) friendly_name: Option<String>,
    /// The names of hosts that it is for; Apple's certificates have topics instead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) dns_names: Vec<String>,
    /// The topics that it may send to.
    pub(crate) topics: Vec<String>,
    pub(crate) environments: Vec<Environment>,
    pub(crate) team_id: Option<String>,
    /// [`Certificate::serial`](crate::certificate::Certificate::serial), or the UUID of a profile.
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
    /// The entry of the Secret whose password opened the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) opened_by: Option<String>,
    /// Its renewal, where that keeps it from failing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) renewed_by: Option<Renewal>,
    #[serde(skip)]
    pub(crate) identifiers: Identifiers,
    /// The same certificate judged as a leaf: an authority whose key is in another file is one.
    #[serde(skip)]
    pub(crate) as_leaf: Option<Box<CheckedCertificate>>,
}

/// The certificate that takes the place of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Renewal {
    /// Its file.
    pub(crate) file: String,
    /// SHA-256, lower-case hex.
    pub(crate) sha256: String,
    /// The end of its validity.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) not_after: OffsetDateTime,
    /// What has changed although it is a renewal: a use that hardly matters, the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

/// The origin of contents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    /// The file, or the name of the entry in a Kubernetes secret.
    pub(crate) file: &'a str,
    pub(crate) source: Source,
    /// The dump with the Secret.
    pub(crate) dump: Option<&'a str>,
    /// The entry of the Secret whose password opened it.
    pub(crate) opened_by: Option<&'a str>,
}

/// A file that could not be opened, or a part of one that could not be read.
#[derive(Debug, Serialize)]
pub(crate) struct UnreadableFile {
    pub(crate) file: String,
    pub(crate) source: Source,
    /// The dump that the entry is in.
    #[serde(skip_serializing_if = "DumpName::is_none")]
    pub(crate) dump: DumpName,
    /// A failure, a warning if unreadable files are to be skipped, or a note where nothing is missed.
    #[serde(rename = "verdict")]
    pub(crate) level: Level,
    #[serde(skip)]
    pub(crate) code: FindingCode,
    pub(crate) error: Error,
}

impl CheckedCertificate {
    /// Checks a certificate against the policy.
    fn of(origin: Origin<'_>, facts: &Facts<'_>, policy: &ExpiryPolicy, now: OffsetDateTime) -> Self {
        let certificate = facts.certificate;
        let findings = judge(facts, policy, now);
        let left = certificate.time_left(now);
        Self {
            file: origin.file.to_owned(),
            source: origin.source,
            dump: DumpName::new(origin.dump),
            role: facts.role,
            kind: certificate.kind,
            name: certificate.title().to_owned(),
            friendly_name: None,
            dns_names: hosts_of(certificate),
            topics: certificate.topics.iter().map(|topic| topic.topic.clone()).collect(),
            environments: certificate.environments.clone(),
            team_id: certificate.team_id.clone(),
            serial: certificate.serial.clone(),
            sha256: certificate.sha256(),
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            days_left: left.days(),
            seconds_left: left.seconds(),
            lifetime_left_percent: percent_left(
                Validity { not_before: certificate.not_before, not_after: certificate.not_after },
                now,
            ),
            key_matches: match facts.key {
                _ if facts.role != CertificateRole::Leaf => None,
                KeyState::Missing | KeyState::Unread => None,
                key => Some(key == KeyState::Matches),
            },
            level: Level::worst(&findings),
            findings,
            opened_by: origin.opened_by.map(str::to_owned),
            renewed_by: None,
            identifiers: Identifiers::of(certificate, origin.dump),
            as_leaf: None,
        }
    }
}

impl CheckedCertificate {
    /// Adds a finding, whatever its role.
    pub(crate) fn add(&mut self, finding: &Finding) {
        if let Some(leaf) = &mut self.as_leaf {
            leaf.add(finding);
        }
        self.level = self.level.max(finding.level);
        self.findings.push(finding.clone());
    }

    /// Returns its file or entry as reports name it.
    pub(crate) fn place(&self) -> Cow<'_, str> {
        self.dump.place(&self.file)
    }

    /// Returns the same for people.
    pub(crate) fn shown_place(&self) -> Cow<'_, str> {
        shown(self.source, self.place())
    }

    /// Returns the name that the file gives to it, where that tells more than its own name. The names of authorities are
    /// made by programs.
    pub(crate) fn alias(&self) -> Option<&str> {
        let alias = self.friendly_name.as_deref().filter(|_| self.role == CertificateRole::Leaf)?;
        if alias.trim().is_empty() || alias.eq_ignore_ascii_case(&self.name) { None } else { Some(alias) }
    }

    /// Returns all names, as in `Apple Push Services: com.example.MyApp "push of 2026"`.
    pub(crate) fn label(&self) -> String {
        match self.alias() {
            Some(alias) => format!("{} \"{alias}\"", self.name),
            None => self.name.clone(),
        }
    }
}

impl UnreadableFile {
    /// Returns the file or entry as reports name it.
    pub(crate) fn place(&self) -> Cow<'_, str> {
        self.dump.place(&self.file)
    }

    /// Returns the same for people.
    pub(crate) fn shown_place(&self) -> Cow<'_, str> {
        shown(self.source, self.place())
    }
}

fn shown(source: Source, place: Cow<'_, str>) -> Cow<'_, str> {
    if source == Source::Stdin { Cow::Borrowed(input_name("-")) } else { place }
}

/// Returns the names of hosts of what is not Apple's.
fn hosts_of(certificate: &Certificate) -> Vec<String> {
    if certificate.kind.is_push() { vec![] } else { certificate.dns_names.clone() }
}

fn percent_left(validity: Validity, now: OffsetDateTime) -> u8 {
    let lifetime = (validity.not_after - validity.not_before).whole_seconds().max(1);
    let left = (validity.not_after - now).whole_seconds().clamp(0, lifetime);
    // Both are below 2^39 seconds.
    u8::try_from((left * 100 + lifetime - 1) / lifetime).unwrap_or(100)
}

/// Checks all certificates of a file against the policy. Other files of the run may yet change what is said of keys.
pub(crate) fn check(
    origin: Origin<'_>,
    contents: &Contents,
    policy: &ExpiryPolicy,
    now: OffsetDateTime,
) -> Vec<CheckedCertificate> {
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let cas = contents.authorities();
    let turns = turns_of(contents);
    let mut checked = Vec::with_capacity(contents.certificates.len());
    for (index, (entry, turn)) in contents.certificates.iter().zip(turns).enumerate() {
        let certificate = &entry.item;
        let is_leaf = collection.is_leaf(certificate);
        let may_be_apples = certificate.kind.is_push() && claims_apple(certificate);
        let chain = if policy.expect.apple || may_be_apples { Some(APPLE.judge(certificate, &cas, now)) } else { None };
        let is_apples = chain.as_ref().is_some_and(AppleChain::leads_to_apple);
        let role = CertificateRole::of(certificate, is_leaf);
        let key = contents.key_state(&collection, certificate);
        let facts = Facts { certificate, role, key, chain: chain.as_ref().filter(|_| policy.expect.apple) };
        let friendly_name = entry.friendly_name.as_deref().map(|name| name_unless_key(name).to_owned());
        let mut judged = CheckedCertificate::of(origin, &facts, policy, now);
        if !is_leaf {
            let facts = Facts { role: CertificateRole::Leaf, key: KeyState::Matches, ..facts };
            let mut leaf = CheckedCertificate::of(origin, &facts, policy, now);
            leaf.friendly_name.clone_from(&friendly_name);
            leaf.identifiers.is_apples = is_apples;
            leaf.identifiers.turn = turn;
            judged.as_leaf = Some(Box::new(leaf));
        }
        for fault in faults_of(certificate, index) {
            judged.add(&fault);
        }
        judged.identifiers.is_apples = is_apples;
        judged.identifiers.turn = turn;
        judged.friendly_name = friendly_name;
        checked.push(judged);
    }
    checked
}

/// Returns what programs find fault with in a certificate of a file, in which it is at this place: no server starts with one
/// that OpenSSL does not read.
fn faults_of(certificate: &Certificate, index: usize) -> Vec<Finding> {
    let mut faults = Vec::new();
    if index < MAX_ASKED {
        faults.extend(warning::judge_encoding(certificate, Level::Failure));
    }
    faults.extend(warning::judge_extensions(certificate));
    faults
}

/// Returns the places of the certificates in the order in which programs take them: of a PKCS#12 file they take the first
/// key, and the first certificate that it belongs to.
fn turns_of(contents: &Contents) -> Vec<Turn> {
    let count = contents.certificates.len();
    let mut keys = HashMap::new();
    if contents.container == Container::Pkcs12 && count > 1 {
        for (place, key) in contents.keys.iter().enumerate() {
            keys.entry(key.item.public().identity()).or_insert(place);
        }
    }
    let (group, mut turns) = (relations::next_group(), Vec::with_capacity(count));
    for (place, entry) in contents.certificates.iter().enumerate() {
        let key = keys.get(&entry.item.public_key.identity()).copied().unwrap_or(keys.len());
        turns.push(Turn { group, place: key * count + place });
    }
    turns
}

/// Checks a provisioning profile and the certificates of developers in it. It has no key, and no topic to expect.
pub(crate) fn check_profile(
    origin: Origin<'_>,
    profile: &ProvisioningProfile,
    policy: &ExpiryPolicy,
    now: OffsetDateTime,
) -> Vec<CheckedCertificate> {
    let mut checked = vec![CheckedCertificate::of_profile(origin, profile, policy, now)];
    for certificate in &profile.certificates {
        let role = CertificateRole::Developer;
        let facts = Facts { certificate, role, key: KeyState::Missing, chain: None };
        checked.push(CheckedCertificate::of(origin, &facts, policy, now));
    }
    checked
}

impl CheckedCertificate {
    fn of_profile(
        origin: Origin<'_>,
        profile: &ProvisioningProfile,
        policy: &ExpiryPolicy,
        now: OffsetDateTime,
    ) -> Self {
        let validity = Validity { not_before: profile.not_before, not_after: profile.not_after };
        let findings = judge_validity(validity, policy, now);
        let left = TimeLeft::until(profile.not_after, now);
        Self {
            file: origin.file.to_owned(),
            source: origin.source,
            dump: DumpName::new(origin.dump),
            role: CertificateRole::Profile,
            kind: CertificateKind::AppleOther,
            name: profile.name.clone(),
            friendly_name: None,
            dns_names: vec![],
            topics: vec![],
            environments: profile.environment.into_iter().collect(),
            team_id: profile.team_id.clone(),
            serial: profile.uuid.clone(),
            sha256: profile.sha256.clone(),
            not_before: profile.not_before,
            not_after: profile.not_after,
            days_left: left.days(),
            seconds_left: left.seconds(),
            lifetime_left_percent: percent_left(validity, now),
            key_matches: None,
            level: Level::worst(&findings),
            findings,
            opened_by: origin.opened_by.map(str::to_owned),
            renewed_by: None,
            identifiers: Identifiers::of_text(&profile.sha256),
            as_leaf: None,
        }
    }
}

impl ExpiryReport {
    /// Sums up a run.
    pub(crate) fn new(
        at: OffsetDateTime,
        policy: PolicyReport,
        mut certificates: Vec<CheckedCertificate>,
        files: RunFiles,
    ) -> Self {
        let RunFiles { mut unreadable, mut skipped, counts } = files;
        unreadable.sort_by(|a, b| (&a.file, &a.dump.name).cmp(&(&b.file, &b.dump.name)));
        skipped.sort_by(|a, b| {
            (&a.file, a.reason, &a.what, &a.dump.name).cmp(&(&b.file, b.reason, &b.what, &b.dump.name))
        });
        let left_out = files_of_authorities(&skipped);
        if !policy.list_skipped {
            skipped.retain(|skipped| skipped.reason != SkipReason::Authority);
        }
        certificates.sort_unstable_by(|a, b| (a.not_after, &a.file, &a.sha256).cmp(&(b.not_after, &b.file, &b.sha256)));
        let mut summary = Summary {
            files: counts.files,
            without_certificates: counts.without_certificates,
            unreadable: count_files(&unreadable),
            passed_over: counts.passed_over.values().sum(),
            passed_over_kinds: counts.passed_over,
            authorities: counts.authorities,
            certificates: certificates.len() as u64,
            ..Summary::default()
        };
        let mut leaves = 0;
        for certificate in &certificates {
            leaves += u64::from(certificate.role == CertificateRole::Leaf);
            summary.renewed += u64::from(certificate.renewed_by.is_some());
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
        let ending = ending_of(&certificates, &unreadable, &findings);
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
            skipped,
            left_out,
        }
    }

    /// Returns "5 certificates in 4 files: 1 failure, 1 warning, 3 ok; 1 file cannot be opened".
    pub(crate) fn summary_line(&self) -> String {
        let summary = &self.summary;
        let mut line = format!(
            "{} in {}: {}, {}, {} ok",
            count(summary.certificates, "certificate"),
            count(summary.files, "file"),
            count(summary.failures, "failure"),
            count(summary.warnings, "warning"),
            summary.ok
        );
        if summary.renewed > 0 {
            line.push_str(&format!(" ({} renewed)", summary.renewed));
        }
        if summary.without_certificates > 0 {
            line.push_str(&format!("; {} without certificates", count(summary.without_certificates, "file")));
        }
        if summary.unreadable > 0 {
            line.push_str(&format!("; {} not readable", count(summary.unreadable, "file")));
        }
        if summary.passed_over > 0 {
            line.push_str(&format!(
                "; {} passed over ({})",
                count(summary.passed_over, "file"),
                self.passed_over_kinds()
            ));
        }
        match summary.authorities {
            0 => return line,
            1 => line.push_str("; 1 certificate of an authority left out"),
            n => line.push_str(&format!("; {n} certificates of authorities left out")),
        }
        line.push_str(&format!(" ({})", self.left_out_files()));
        line
    }

    /// Returns a line for each thing that was passed over, and with [`PolicyReport::list_skipped`] for all that was not
    /// judged. Without that there are few.
    pub(crate) fn skipped_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let most = if self.policy.list_skipped { usize::MAX } else { MAX_NAMED };
        for skipped in self.skipped.iter().take(most) {
            let place = shown(skipped.source, skipped.dump.place(&skipped.file));
            let (file, what) = (printable_name(&place), printable_name(&skipped.what));
            lines.push(format!("{file}: passed over: {what}"));
        }
        if let Some(more @ 1..) = self.skipped.len().checked_sub(most) {
            lines.push(format!("{more} more passed over"));
        }
        lines
    }

    /// Returns a line for each file that the password in an entry beside it opened, of the first few.
    pub(crate) fn opened_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for certificate in &self.certificates {
            let Some(entry) = &certificate.opened_by else { continue };
            let line = format!("{}: opened with {}", printable_name(&certificate.shown_place()), printable_name(entry));
            if lines.contains(&line) {
                continue;
            }
            if lines.len() == MAX_NAMED {
                lines.push("more files were opened with the password in an entry beside them".to_owned());
                break;
            }
            lines.push(line);
        }
        lines
    }

    /// Returns "ca.pem, chain.pem and 3 more files".
    fn left_out_files(&self) -> String {
        let shown = self.left_out.len().min(MAX_LEFT_OUT);
        let mut files = self.left_out[..shown].join(", ");
        if let more @ 1.. = self.left_out.len() - shown {
            files.push_str(&format!(" and {}", count(more as u64, "more file")));
        }
        files
    }

    /// Returns "a ZIP archive: 1, Pod: 3".
    fn passed_over_kinds(&self) -> String {
        let mut kinds = Vec::new();
        for (kind, number) in self.summary.passed_over_kinds.iter().take(MAX_KINDS) {
            kinds.push(format!("{}: {number}", printable_name(kind)));
        }
        if let Some(more @ 1..) = self.summary.passed_over_kinds.len().checked_sub(MAX_KINDS) {
            kinds.push(format!("{more} more kinds"));
        }
        kinds.join(", ")
    }
}

/// Returns the files with certificates of authorities, each once. They are in order.
fn files_of_authorities(skipped: &[SkippedFile]) -> Vec<String> {
    let mut files = Vec::new();
    for one in skipped.iter().filter(|one| one.reason == SkipReason::Authority) {
        let file = printable_name(&shown(one.source, one.dump.place(&one.file)));
        if files.last() != Some(&file) {
            files.push(file);
        }
    }
    files
}

/// Returns the end of a run with all these findings.
fn ending_of(certificates: &[CheckedCertificate], unreadable: &[UnreadableFile], findings: &[Finding]) -> Ending {
    let mut ending = Ending::default();
    for certificate in certificates {
        for finding in &certificate.findings {
            ending.add(finding.level, finding.code);
        }
    }
    for file in unreadable {
        ending.add(file.level, file.code);
    }
    for finding in findings {
        ending.add(finding.level, finding.code);
    }
    ending
}

/// The most files that were passed over that a report names unless all are asked for.
const MAX_NAMED: usize = 10;

/// The most files with certificates of authorities that a line names.
const MAX_LEFT_OUT: usize = 5;

/// The most kinds of what was passed over that a line names.
const MAX_KINDS: usize = 8;

/// Counts the files that could not be read. They are in order.
fn count_files(unreadable: &[UnreadableFile]) -> u64 {
    let mut files = 0;
    let mut last = None;
    for one in unreadable {
        if one.level != Level::Ok && last != Some((&one.file, &one.dump)) {
            files += 1;
            last = Some((&one.file, &one.dump));
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
        PolicyReport { policy, leaf_only: false, min_certificates: 1, renewals: true, list_skipped: false }
    }

    /// A certificate with so many days left.
    fn certificate(file: &str, days_left: i64) -> CheckedCertificate {
        let bytes = fixture("der/universal.cer");
        let mut contents = open(&bytes, &mut Passwords::None, DEFAULT_MAX_ITERATIONS).unwrap();
        contents.certificates[0].item.not_after = NOW + time::Duration::days(days_left);
        let origin = Origin { file, source: Source::File, dump: None, opened_by: None };
        check(origin, &contents, &policy().policy, NOW).remove(0)
    }

    #[test]
    fn the_first_to_expire_comes_first_and_all_are_counted() {
        let certificates =
            [("d", 100), ("b", 100), ("c", -1), ("a", 20), ("e", 3)].map(|(file, days)| certificate(file, days));
        let report = ExpiryReport::new(
            NOW,
            policy(),
            certificates.into(),
            RunFiles {
                counts: FileCounts { files: 7, without_certificates: 2, ..FileCounts::default() },
                ..RunFiles::default()
            },
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
