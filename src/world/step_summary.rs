//! The summary of a step of a GitHub workflow: Markdown in a file that a variable names.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
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
        // A line end may be needed before.
        LIMIT.saturating_sub(usize::try_from(size).unwrap_or(LIMIT)).saturating_sub(usize::from(size > 0))
    }

    /// Appends to the file, on a line of its own.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn append(&self, text: &[u8]) -> io::Result<()> {
        let is_line_open = self.is_line_open();
        let mut file = File::options().append(true).create(true).open(&self.path)?;
        if is_line_open {
            file.write_all(b"\n")?;
        }
        file.write_all(text)
    }

    /// Returns whether what is there ends without a line end.
    fn is_line_open(&self) -> bool {
        let mut last = [0];
        match File::open(&self.path) {
            Ok(mut file) => {
                file.seek(SeekFrom::End(-1)).is_ok() && file.read_exact(&mut last).is_ok() && last != *b"\n"
            }
            Err(_) => false,
        }
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
        assert_eq!(summary.room(), (1 << 20) - 5);
        std::fs::write(&path, "text").unwrap();
        summary.append(b"a\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"text\na\n");
        std::fs::write(&path, vec![b'x'; 2 << 20]).unwrap();
        assert_eq!(summary.room(), 0);
        assert!(StepSummary::find(&|_| None).is_none() && StepSummary::find(&|_| Some("".into())).is_none());
    }
}
