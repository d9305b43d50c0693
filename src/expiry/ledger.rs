//! The certificates of a run, however many: beyond some thousands they go to a temporary file, and only
//! where they are and when they end stays in memory.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use serde::ser::{Error as _, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::expiry::policy::CertificateRole;
use crate::expiry::report::CheckedCertificate;
use crate::finding::Level;

/// So many are kept in memory, about 2 MiB.
const KEPT: usize = 2048;

/// Takes certificates in any order.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    kept: Vec<CheckedCertificate>,
    spilled: Option<Spill>,
    counts: Counts,
}

/// What is counted on the way.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    /// Certificates.
    pub(crate) certificates: u64,
    /// Of these, leaves.
    pub(crate) leaves: u64,
    /// Of all, with nothing to say.
    pub(crate) ok: u64,
    /// Of all, with a warning.
    pub(crate) warnings: u64,
    /// Of all, with a failure.
    pub(crate) failures: u64,
    /// The fewest and the most days left.
    pub(crate) days_left: Option<(i64, i64)>,
}

#[derive(Debug)]
struct Spill {
    file: BufWriter<File>,
    length: u64,
    index: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    /// UNIX time: a run may have very many places.
    not_after: i64,
    offset: u64,
    length: u32,
}

impl Ledger {
    /// Takes a certificate.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub(crate) fn add(&mut self, certificate: CheckedCertificate) -> io::Result<()> {
        self.counts.add(&certificate);
        self.kept.push(certificate);
        if self.kept.len() < KEPT { Ok(()) } else { self.spill() }
    }

    fn spill(&mut self) -> io::Result<()> {
        sort(&mut self.kept);
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            none => none.insert(Spill { file: BufWriter::new(tempfile::tempfile()?), length: 0, index: vec![] }),
        };
        for certificate in self.kept.drain(..) {
            let record = serde_json::to_vec(&certificate)?;
            spilled.file.write_all(&record)?;
            let length = u32::try_from(record.len()).map_err(io::Error::other)?;
            let not_after = certificate.not_after.unix_timestamp();
            spilled.index.push(Place { not_after, offset: spilled.length, length });
            spilled.length += u64::from(length);
        }
        Ok(())
    }

    /// All are there: puts them in order, the first to expire first.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub(crate) fn close(mut self) -> io::Result<Certificates> {
        if self.spilled.is_some() {
            self.spill()?;
        }
        sort(&mut self.kept);
        let Self { kept, spilled, counts } = self;
        let spilled = match spilled {
            Some(Spill { file, mut index, .. }) => {
                index.sort_by_key(|place| place.not_after);
                Some((file.into_inner().map_err(io::IntoInnerError::into_error)?, index))
            }
            None => None,
        };
        Ok(Certificates { kept, spilled, counts })
    }
}

fn sort(certificates: &mut [CheckedCertificate]) {
    certificates.sort_by(|a, b| (a.not_after, &a.file, &a.sha256).cmp(&(b.not_after, &b.file, &b.sha256)));
}

impl Counts {
    fn add(&mut self, certificate: &CheckedCertificate) {
        self.certificates += 1;
        self.leaves += u64::from(certificate.role == CertificateRole::Leaf);
        match certificate.verdict {
            Level::Ok => self.ok += 1,
            Level::Warning => self.warnings += 1,
            Level::Failure => self.failures += 1,
        }
        let days = certificate.days_left;
        let (least, most) = self.days_left.unwrap_or((days, days));
        self.days_left = Some((least.min(days), most.max(days)));
    }
}

/// All certificates of a run, in order.
#[derive(Debug)]
pub(crate) struct Certificates {
    kept: Vec<CheckedCertificate>,
    spilled: Option<(File, Vec<Place>)>,
    counts: Counts,
}

impl Certificates {
    /// The counts.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Shows one after the other to `visit`.
    ///
    /// # Errors
    /// Those of `visit`, and those of reading the temporary file.
    pub(crate) fn each(&self, mut visit: impl FnMut(&CheckedCertificate) -> io::Result<()>) -> io::Result<()> {
        if let Some((file, index)) = &self.spilled {
            let (mut file, mut record) = (file, Vec::new());
            for place in index {
                record.resize(usize::try_from(place.length).map_err(io::Error::other)?, 0);
                file.seek(SeekFrom::Start(place.offset))?;
                file.read_exact(&mut record)?;
                visit(&serde_json::from_slice(&record)?)?;
            }
        }
        self.kept.iter().try_for_each(visit)
    }
}

impl Serialize for Certificates {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(usize::try_from(self.counts.certificates).ok())?;
        let mut failed = None;
        let each = self.each(|one| {
            list.serialize_element(one).map_err(|error| {
                failed = Some(error);
                io::Error::other("not serialised")
            })
        });
        match (each, failed) {
            (_, Some(error)) => Err(error),
            (Err(error), None) => Err(S::Error::custom(error)),
            (Ok(()), None) => list.end(),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::*;
    use crate::certificate::apple::CertificateKind;
    use crate::expiry::report::Source;
    use crate::finding::{Finding, FindingCode};

    fn certificate(index: usize) -> CheckedCertificate {
        // Every day once, but in no order: 7919 is prime.
        let days_left = i64::try_from(index * 7919 % 9000).unwrap() - 10;
        CheckedCertificate {
            file: format!("{index}.pem"),
            source: Source::Secret,
            role: CertificateRole::Leaf,
            kind: CertificateKind::Apns,
            name: "a\n\"b\"".to_owned(),
            topics: vec!["com.example.a".to_owned()],
            environments: vec![],
            team_id: None,
            serial: "01".to_owned(),
            sha256: "00".to_owned(),
            not_before: datetime!(2026-01-01 0:00 UTC),
            not_after: datetime!(2026-01-01 0:00 UTC) + Duration::days(days_left),
            days_left,
            lifetime_left_percent: 1,
            key_matches: Some(true),
            verdict: if days_left < 0 { Level::Failure } else { Level::Ok },
            findings: vec![Finding::failure(FindingCode::Expired, "expired")],
        }
    }

    #[test]
    fn what_is_spilled_comes_back_in_order() {
        for count in [0, 10, KEPT, 2 * KEPT + 10] {
            let mut ledger = Ledger::default();
            (0..count).try_for_each(|index| ledger.add(certificate(index))).unwrap();
            let certificates = ledger.close().unwrap();
            assert_eq!((certificates.spilled.is_some(), certificates.kept.len() < KEPT), (count >= KEPT, true));
            let mut expected: Vec<CheckedCertificate> = (0..count).map(certificate).collect();
            sort(&mut expected);
            let mut seen = Vec::new();
            certificates
                .each(|one| {
                    seen.push(serde_json::to_string(one)?);
                    Ok(())
                })
                .unwrap();
            let text = |one: &CheckedCertificate| serde_json::to_string(one).unwrap();
            assert_eq!(seen, expected.iter().map(text).collect::<Vec<_>>());
            assert_eq!(serde_json::to_string(&certificates).unwrap(), format!("[{}]", seen.join(",")));
            let counts = certificates.counts();
            assert_eq!((counts.certificates, counts.ok + counts.failures), (count as u64, count as u64));
            let days = |one: &CheckedCertificate| one.days_left;
            assert_eq!(counts.days_left, expected.first().map(days).zip(expected.last().map(days)));
        }
    }
}
