//! Names of files with blanks, which were typed without quotes.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::report::shell::shell_os_word;

/// The most words of a name.
const MAX_WORDS: usize = 16;

/// A command line whose words are put together to names.
pub(super) struct Joined {
    pub(super) arguments: Vec<OsString>,
    pub(super) problem: String,
}

/// Joins the words that are the name of a file together; `None` where there is no such file. The first word is the
/// subcommand.
pub(super) fn find(arguments: &[OsString]) -> Option<Joined> {
    let (first, mut rest) = arguments.split_first()?;
    let mut joined = vec![first.clone()];
    let mut problem = None;
    while let Some((word, others)) = rest.split_first() {
        match longest_name(rest) {
            Some((name, behind)) => {
                problem.get_or_insert_with(|| {
                    format!("{} is one file: a name with blanks stands in quotes", shell_os_word(&name))
                });
                joined.push(name);
                rest = behind;
            }
            None => {
                joined.push(word.clone());
                rest = others;
            }
        }
    }
    Some(Joined { arguments: joined, problem: problem? })
}

/// Returns the name of a file that the first words are together, and what follows it.
fn longest_name(words: &[OsString]) -> Option<(OsString, &[OsString])> {
    if words.first()?.as_encoded_bytes().starts_with(b"-") {
        return None;
    }
    for count in (2..=words.len().min(MAX_WORDS)).rev() {
        let (name, behind) = words.split_at(count);
        let name = name.join(OsStr::new(" "));
        if Path::new(&name).is_file() {
            return Some((name, behind));
        }
    }
    None
}
