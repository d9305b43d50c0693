//! Tells what the words in the names of files and folders mean: versions and dates, contents, or services and hosts.

use std::net::IpAddr;

/// The meaning of a word that names no service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// It takes the place of another.
    Fresh,
    /// Another has taken its place.
    Retired,
    /// It is one of several versions.
    Version,
    /// It is a month.
    Date,
    /// It is what a file holds.
    Content,
    /// It is where programs and people keep certificates; in the names of folders.
    Store,
}

/// Words of one meaning.
struct Group {
    meaning: Meaning,
    words: &'static [&'static str],
}

static GROUPS: [Group; 6] = [
    Group {
        meaning: Meaning::Fresh,
        words: &[
            "new",
            "newer",
            "newest",
            "renewed",
            "renewal",
            "renewals",
            "renew",
            "next",
            "updated",
            "update",
            "latest",
            "replacement",
            "replaced",
            "incoming",
            "pending",
            "upcoming",
            "fresh",
            "reissued",
        ],
    },
    Group {
        meaning: Meaning::Retired,
        words: &[
            "old",
            "older",
            "previous",
            "prev",
            "last",
            "before",
            "backup",
            "backups",
            "bak",
            "bkp",
            "orig",
            "original",
            "archive",
            "archives",
            "archived",
            "expired",
            "expiring",
            "retired",
            "legacy",
            "history",
            "obsolete",
            "superseded",
        ],
    },
    Group {
        meaning: Meaning::Version,
        words: &[
            "v",
            "ver",
            "version",
            "versions",
            "rev",
            "revision",
            "release",
            "releases",
            "gen",
            "generation",
            "current",
            "live",
            "active",
            "copy",
            "final",
            "first",
            "second",
            "third",
            "one",
            "two",
            "three",
        ],
    },
    Group {
        meaning: Meaning::Date,
        words: &[
            "jan",
            "january",
            "feb",
            "february",
            "mar",
            "march",
            "apr",
            "april",
            "may",
            "jun",
            "june",
            "jul",
            "july",
            "aug",
            "august",
            "sep",
            "sept",
            "september",
            "oct",
            "october",
            "nov",
            "november",
            "dec",
            "december",
        ],
    },
    Group {
        meaning: Meaning::Content,
        words: &[
            "pem",
            "crt",
            "cer",
            "cert",
            "certs",
            "certificate",
            "certificates",
            "fullchain",
            "full",
            "chain",
            "chained",
            "bundle",
            "combined",
            "leaf",
            "der",
            "p12",
            "pfx",
            "pkcs12",
            "p7b",
            "p7c",
            "pkcs7",
            "jks",
            "keystore",
            "key",
            "keys",
            "tls",
            "ssl",
            "x509",
            "txt",
            "push",
            "aps",
            "apns",
            "apn",
        ],
    },
    Group {
        meaning: Meaning::Store,
        words: &[
            "etc",
            "usr",
            "var",
            "lib",
            "share",
            "local",
            "opt",
            "srv",
            "mnt",
            "home",
            "root",
            "tmp",
            "data",
            "private",
            "public",
            "secrets",
            "pki",
            "config",
            "conf",
            "letsencrypt",
            "le",
            "certbot",
            "acme",
            "lego",
            "desktop",
            "documents",
            "downloads",
            "dir",
            "folder",
        ],
    },
];

fn meaning_of(word: &str, part: PathPart) -> Option<Meaning> {
    for group in &GROUPS {
        let is_of_paths = part == PathPart::Folder || group.meaning != Meaning::Store;
        if is_of_paths && group.words.contains(&word) {
            return Some(group.meaning);
        }
    }
    None
}

/// The part of a path that a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathPart {
    Folder,
    File,
}

/// The words of names, by what they tell.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// The names of services, hosts and whatever else is no version.
    pub(super) names: Vec<String>,
    /// The numbers and lone letters that count such: 2 in `web2`, a in the folder `node-a`.
    pub(super) counts: Vec<String>,
    /// The words and numbers that tell versions apart.
    pub(super) versions: Vec<String>,
    pub(super) is_fresh: bool,
    pub(super) is_retired: bool,
    pub(super) has_date: bool,
    /// `v2`, `release-3`.
    has_number_of_version: bool,
}

impl Words {
    /// Returns whether more than a number tells that it is one of several versions.
    pub(super) fn tells_version(&self) -> bool {
        self.is_fresh || self.is_retired || self.has_date || self.has_number_of_version
    }

    /// Adds those of a name.
    pub(super) fn add(&mut self, name: &str, part: PathPart) {
        let name = name.to_lowercase();
        if is_address_or_uuid(&name) {
            self.names.push(name);
            return;
        }
        let mut reader = NameReader { words: self, part, numbers: Vec::new(), last: None, has_date: false };
        for chunk in name.split(|letter: char| !letter.is_alphanumeric()) {
            reader.add_chunk(chunk);
        }
        reader.finish();
    }

    fn take(&mut self, word: &str, meaning: Meaning) {
        match meaning {
            Meaning::Fresh => self.is_fresh = true,
            Meaning::Retired => self.is_retired = true,
            Meaning::Date | Meaning::Version => {}
            Meaning::Content | Meaning::Store => return,
        }
        self.versions.push(word.to_owned());
    }
}

/// Returns whether a name is an address of a host or a UUID, with or without an extension.
fn is_address_or_uuid(name: &str) -> bool {
    for text in [name, name.rsplit_once('.').unwrap_or((name, "")).0] {
        if text.parse::<IpAddr>().is_ok() || is_uuid(text) {
            return true;
        }
    }
    false
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|letter| letter == '-' || letter.is_ascii_hexdigit())
}

/// A word before a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastWord {
    Name,
    Version,
    Other,
}

/// A number or a lone letter behind a name.
struct Number {
    text: String,
    /// Nothing stands between: `web2`.
    is_glued: bool,
}

/// Reads the words of one name.
struct NameReader<'a> {
    words: &'a mut Words,
    part: PathPart,
    numbers: Vec<Number>,
    /// The meaning of the last word that is no number, or that it names something.
    last: Option<LastWord>,
    has_date: bool,
}

impl NameReader<'_> {
    /// Adds what stands between two separators.
    fn add_chunk(&mut self, chunk: &str) {
        if chunk.is_empty() {
            return;
        }
        if let Some(meaning) = meaning_of(chunk, self.part) {
            self.add_known(chunk, meaning);
            return;
        }
        let runs = runs_of(chunk);
        if is_date(runs[0]) {
            self.add_date(chunk);
            return;
        }
        // `k8s`, and the hash behind the name of a Secret.
        if runs.len() > 2 && meaning_of(runs[0], self.part).is_none() {
            self.add_name(chunk);
            return;
        }
        let mut is_glued = false;
        for run in runs {
            is_glued = self.add_run(run, is_glued);
        }
    }

    /// Adds letters or digits, and returns whether what follows directly is glued to a name.
    fn add_run(&mut self, run: &str, is_glued: bool) -> bool {
        if let Some(meaning) = meaning_of(run, self.part) {
            self.add_known(run, meaning);
            return false;
        }
        if is_date(run) {
            self.add_date(run);
            return is_glued;
        }
        let is_number = run.len() == 1 || run.starts_with(|digit: char| digit.is_ascii_digit());
        if is_number && !is_number_of_lineage(run) {
            self.add_number(run, is_glued);
            return is_glued;
        }
        self.add_name(run);
        true
    }

    fn add_number(&mut self, number: &str, is_glued: bool) {
        if self.last == Some(LastWord::Name) {
            self.numbers.push(Number { text: number.to_owned(), is_glued });
            return;
        }
        self.words.has_number_of_version |= self.last == Some(LastWord::Version);
        self.words.versions.push(number.to_owned());
    }

    fn add_date(&mut self, date: &str) {
        self.words.versions.push(date.to_owned());
        self.has_date = true;
    }

    fn add_known(&mut self, word: &str, meaning: Meaning) {
        self.words.take(word, meaning);
        self.has_date |= meaning == Meaning::Date;
        self.last = Some(if meaning == Meaning::Version { LastWord::Version } else { LastWord::Other });
    }

    fn add_name(&mut self, name: &str) {
        self.words.names.push(name.to_owned());
        self.last = Some(LastWord::Name);
    }

    /// Takes the numbers that count. In the name of a file only one that is glued does: `web-2.crt` may be a version.
    /// Beside a date the others are its day and time.
    fn finish(self) {
        self.words.has_date |= self.has_date;
        let takes_all = self.part == PathPart::Folder && !self.has_date;
        for Number { text, is_glued } in self.numbers {
            if is_glued || takes_all {
                self.words.counts.push(text);
            } else {
                self.words.versions.push(text);
            }
        }
    }
}

/// Splits a text into letters and digits.
fn runs_of(chunk: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    let mut start = 0;
    let mut last = None;
    for (index, letter) in chunk.char_indices() {
        let is_digit = letter.is_ascii_digit();
        if last.is_some_and(|was_digit| was_digit != is_digit) {
            runs.push(&chunk[start..index]);
            start = index;
        }
        last = Some(is_digit);
    }
    runs.push(&chunk[start..]);
    runs
}

/// Returns whether digits are a year, a month of a year, a day or a time: 2026, 202611, 20261124, 20261124100000.
fn is_date(run: &str) -> bool {
    let is_all_digits = run.bytes().all(|byte| byte.is_ascii_digit());
    let is_year = run.len() == 4 && (run.starts_with("199") || run.starts_with("20"));
    is_all_digits && (is_year || matches!(run.len(), 6 | 8 | 10 | 12 | 14))
}

/// Returns whether digits tell a second lineage of certbot from the first: `ex.example-0001`.
fn is_number_of_lineage(run: &str) -> bool {
    run.len() == 4 && run.starts_with("00")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(name: &str, part: PathPart) -> Words {
        let mut words = Words::default();
        words.add(name, part);
        words
    }

    #[test]
    fn names_are_what_is_no_version_date_or_content() {
        for (name, expected) in [
            ("ex.example-2026-11-24.crt", "ex example"),
            ("ex.example-0001", "ex example 0001"),
            ("server_new1.crt", "server"),
            ("server (1).crt", "server"),
            ("kubelet-client-2026-11-24-10-00-00.pem", "kubelet client"),
            ("fullchain12.pem", ""),
            ("k8s-20261124T100000Z.p12", "k8s"),
            ("10.0.0.1.crt", "10.0.0.1.crt"),
            ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
            ("etc", "etc"),
        ] {
            assert_eq!(words(name, PathPart::File).names.join(" "), expected, "{name}");
        }
        assert_eq!(words("etc", PathPart::Folder), Words::default());
    }

    #[test]
    fn numbers_count_what_they_are_glued_to_and_in_folders_what_they_follow() {
        for (name, in_file, in_folder) in [
            ("web2", "2", "2"),
            ("web-2", "", "2"),
            ("node-a", "", "a"),
            ("cert2", "", ""),
            ("2", "", ""),
            ("web-v2", "", ""),
            ("web1-24-11-2026", "1", "1"),
            ("ip-10-0-0-7", "", "10 0 0 7"),
        ] {
            assert_eq!(words(name, PathPart::File).counts.join(" "), in_file, "{name}");
            assert_eq!(words(name, PathPart::Folder).counts.join(" "), in_folder, "{name}");
        }
    }
}
