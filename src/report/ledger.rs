//! The certificates of a run, however many: beyond some thousands they go to a temporary file, and only
//! where they are and when they end stays in memory.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use serde::ser::{Error as _, SerializeSeq};
use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use super::expiry::CheckedCertificate;
use crate::certificate::expiry::{Role, Verdict};

/// So many are kept in memory, about 3 MiB.
const KEPT: usize = 4096;

/// Takes certificates in any order.
#[derive(Debug, Default)]
pub struct Ledger {
    kept: Vec<CheckedCertificate>,
    spilled: Option<Spill>,
    counts: Counts,
}

/// What is counted on the way.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    /// Certificates.
    pub certificates: u64,
    /// Of these, leaves.
    pub leaves: u64,
    /// Of all, with nothing to say.
    pub ok: u64,
    /// Of all, with a warning.
    pub warnings: u64,
    /// Of all, with a failure.
    pub failures: u64,
    /// The fewest and the most days left.
    pub days_left: Option<(i64, i64)>,
}

#[derive(Debug)]
struct Spill {
    file: BufWriter<File>,
    length: u64,
    index: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    not_after: OffsetDateTime,
    offset: u64,
    length: usize,
}

impl Ledger {
    /// Takes a certificate.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn add(&mut self, certificate: CheckedCertificate) -> io::Result<()> {
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
            let place = Place { not_after: certificate.not_after, offset: spilled.length, length: record.len() };
            spilled.length += record.len() as u64;
            spilled.index.push(place);
        }
        Ok(())
    }

    /// All are there: puts them in order, the first to expire first.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn close(mut self) -> io::Result<Certificates> {
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
        self.leaves += u64::from(certificate.role == Role::Leaf);
        match certificate.verdict {
            Verdict::Ok => self.ok += 1,
            Verdict::Warning => self.warnings += 1,
            Verdict::Failure => self.failures += 1,
        }
        let days = certificate.days_left;
        let (least, most) = self.days_left.unwrap_or((days, days));
        self.days_left = Some((least.min(days), most.max(days)));
    }
}

/// All certificates of a run, in order.
#[derive(Debug)]
pub struct Certificates {
    kept: Vec<CheckedCertificate>,
    spilled: Option<(File, Vec<Place>)>,
    counts: Counts,
}

impl Certificates {
    /// The counts.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Shows one after the other to `visit`.
    ///
    /// # Errors
    /// Those of `visit`, and those of reading the temporary file.
    pub fn each(&self, mut visit: impl FnMut(&CheckedCertificate) -> io::Result<()>) -> io::Result<()> {
        if let Some((file, index)) = &self.spilled {
            let (mut file, mut record) = (file, Vec::new());
            for place in index {
                record.resize(place.length, 0);
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
