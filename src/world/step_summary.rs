//! The summary of a step of a GitHub workflow: Markdown in a file that a variable names.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

/// The variable that names the file.
const VARIABLE: &str = "GITHUB_STEP_SUMMARY";

/// The most bytes of a summary: GitHub drops a larger one whole.
const LIMIT: usize = 1 << 20;

/// The file of a summary. Other commands of the step may have written to it.
#[derive(Debug)]
pub(crate) struct StepSummary {
    pub(crate) path: PathBuf,
}

impl StepSummary {
    /// Finds the file; `None` outside of a workflow.
    pub(crate) fn find(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<Self> {
        let path = variable(VARIABLE).filter(|path| !path.is_empty())?;
        Some(Self { path: path.into() })
    }

    /// Returns how many bytes there is room for.
    pub(crate) fn room(&self) -> usize {
        let size = self.path.metadata().map_or(0, |metadata| metadata.len());
        LIMIT.saturating_sub(usize::try_from(size).unwrap_or(LIMIT))
    }

    /// Appends to the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn append(&self, text: &[u8]) -> io::Result<()> {
        File::options().append(true).create(true).open(&self.path)?.write_all(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_added_to_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.md");
        let summary = StepSummary::find(&|_| Some(path.clone().into())).unwrap();
        assert_eq!(summary.room(), 1 << 20);
        summary.append(b"a\n").unwrap();
        summary.append(b"b\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"a\nb\n");
        assert_eq!(summary.room(), (1 << 20) - 4);
        std::fs::write(&path, vec![b'x'; 2 << 20]).unwrap();
        assert_eq!(summary.room(), 0);
        assert!(StepSummary::find(&|_| None).is_none() && StepSummary::find(&|_| Some("".into())).is_none());
    }
}
