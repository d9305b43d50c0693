//! The certificates of an input that a conversion does not write.

use std::collections::HashSet;

use crate::certificate::Certificate;
use crate::commands::shared::opening::takes_place;
use crate::commands::shared::writing::{kept_file, warn};
use crate::container::Contents;
use crate::error::Error;
use crate::finding::{Finding, FindingCode};
use crate::identity::Collection;
use crate::text::printable_name;
use crate::world::context::Context;
use crate::world::files::Location;

/// The most certificates that are warned of one by one.
const MAX_WARNINGS: usize = 10;

/// Returns a warning for each leaf that is neither the one that is taken nor written beside it, since its key is not here.
/// One whose own key was replaced by that of another file is left out on purpose.
pub(crate) fn judge(contents: &Contents, taken: &Certificate, written: &[&Certificate]) -> Vec<Finding> {
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let replaced = Collection::new(&contents.certificates, &contents.replaced_keys);
    let written: HashSet<&[u8]> = written.iter().map(|certificate| certificate.der.as_slice()).collect();
    let mut left_out = Vec::new();
    for entry in collection.leaves() {
        let leaf = &entry.item;
        if leaf.der != taken.der && !written.contains(leaf.der.as_slice()) && replaced.key_of(leaf).is_none() {
            left_out.push(leaf);
        }
    }
    let problem = match contents.may_have_unread_key() {
        true => "whose private key is not among those that were read",
        false => "whose private key is not here",
    };
    let mut warnings = Vec::new();
    for leaf in left_out.iter().take(MAX_WARNINGS) {
        let warning = Finding::warning(FindingCode::LeftOut, format!("left out {}, {problem}", name(leaf)));
        let hint = is_older(taken, leaf).then(|| NEWER.into());
        warnings.push(Finding { hint, ..warning });
    }
    if let Some(more @ 1..) = left_out.len().checked_sub(MAX_WARNINGS) {
        warnings.push(Finding::warning(FindingCode::LeftOut, format!("left out {more} more, {problem}")));
    }
    warnings
}

const NEWER: &str = "it is newer than the one that is taken: give its private key with --key FILE";

/// Returns a certificate's name, and the end of its validity: a renewal has the same name.
fn name(certificate: &Certificate) -> String {
    format!("\"{}\" (until {})", printable_name(certificate.title()), certificate.not_after.date())
}

/// Returns whether a certificate ends before another for the same.
fn is_older(certificate: &Certificate, other: &Certificate) -> bool {
    let is_same = match (certificate.main_topic(), other.main_topic()) {
        (None, None) => certificate.title() == other.title(),
        (own, other) => own == other,
    };
    is_same && certificate.not_after < other.not_after
}

/// The certificates of an input that is replaced, and that no output has.
pub(crate) struct LostCertificates {
    file: String,
    /// The names of those that are no authorities'.
    leaves: Vec<String>,
    authorities: usize,
}

impl LostCertificates {
    /// Looks for them before the outputs are written.
    pub(crate) fn find<'a>(
        outputs: &[&Location],
        input: &Location,
        contents: &Contents,
        written: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        let mut lost = Self { file: input.input_name(), leaves: Vec::new(), authorities: 0 };
        if !outputs.iter().any(|output| kept_file(output).is_some() && takes_place(output, input)) {
            return lost;
        }
        let written: HashSet<&[u8]> = written.into_iter().collect();
        let collection = Collection::new(&contents.certificates, &contents.keys);
        for entry in &contents.certificates {
            match collection.is_leaf(&entry.item) {
                _ if written.contains(entry.item.der.as_slice()) => {}
                true => lost.leaves.push(name(&entry.item)),
                false => lost.authorities += 1,
            }
        }
        lost
    }

    /// Warns, after they were replaced.
    pub(crate) fn warn(&self, context: &mut Context<'_>) -> Result<(), Error> {
        let file = &self.file;
        for leaf in self.leaves.iter().take(MAX_WARNINGS) {
            warn(&format!("{file} has lost the certificate {leaf}"), context)?;
        }
        if let Some(more @ 1..) = self.leaves.len().checked_sub(MAX_WARNINGS) {
            warn(&format!("{file} has lost {more} more certificates"), context)?;
        }
        match self.authorities {
            0 => Ok(()),
            1 => warn(&format!("{file} has lost one certificate of authorities: --certs all writes them too"), context),
            n => {
                warn(&format!("{file} has lost {n} certificates of authorities: --certs all writes them too"), context)
            }
        }
    }
}
