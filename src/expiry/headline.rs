//! The headline of a report: what is wrong, in a few words.

use crate::expiry::report::{CheckedCertificate, ExpiryReport};
use crate::finding::{FindingCode, Level};

/// The certificates by what is most urgent about them.
#[derive(Debug, Default)]
struct Urgency {
    expired: u64,
    fails_soon: u64,
    fails_otherwise: u64,
    expires_soon: u64,
    warns_otherwise: u64,
}

impl Urgency {
    fn add(&mut self, certificate: &CheckedCertificate) {
        let has = |level, code| certificate.findings.iter().any(|one| one.level == level && one.code == code);
        let count = match certificate.level {
            Level::Failure if has(Level::Failure, FindingCode::Expired) => &mut self.expired,
            Level::Failure if has(Level::Failure, FindingCode::ExpiresSoon) => &mut self.fails_soon,
            Level::Failure => &mut self.fails_otherwise,
            Level::Warning if has(Level::Warning, FindingCode::ExpiresSoon) => &mut self.expires_soon,
            Level::Warning => &mut self.warns_otherwise,
            Level::Ok => return,
        };
        *count += 1;
    }
}

impl ExpiryReport {
    /// Returns "1 expired, 2 within 30 days, 1 file not readable", or that nothing is wrong.
    pub(crate) fn headline(&self) -> String {
        let mut urgency = Urgency::default();
        for certificate in &self.certificates {
            urgency.add(certificate);
        }
        let policy = &self.policy.policy;
        let mut parts = Vec::new();
        for (count, what) in [
            (urgency.expired, "expired"),
            (urgency.fails_soon, &policy.fail.period()),
            (urgency.fails_otherwise, "not as expected"),
            (urgency.expires_soon, &policy.warn.period()),
            (urgency.warns_otherwise, "with warnings"),
            (
                self.summary.unreadable,
                if self.summary.unreadable == 1 { "file not readable" } else { "files not readable" },
            ),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        for finding in &self.findings {
            parts.push(finding.message.to_string());
        }
        match (parts.is_empty(), self.summary.certificates) {
            (false, _) => parts.join(", "),
            (true, 0) => "there is no certificate".to_owned(),
            (true, 1) => "the certificate is good".to_owned(),
            (true, n) => format!("all {n} certificates are good"),
        }
    }
}
