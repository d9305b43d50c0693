//! Tells what the words in the names of files and folders mean: versions and dates, contents, or services and hosts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

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
            "rpmnew",
            "neu",
            "neue",
            "nouveau",
            "nouvelle",
            "nuevo",
            "nueva",
            "новый",
            "новая",
            "новые",
            "新",
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
            "deprecated",
            "save",
            "rpmsave",
            "rpmorig",
            "alt",
            "alte",
            "ancien",
            "ancienne",
            "viejo",
            "vieja",
            "старый",
            "старая",
            "старые",
            "旧",
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
            "rotated",
            "dpkg",
            "dist",
            "build",
            "fy",
            "week",
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
            "zertifikat",
            "zertifikate",
            "证书",
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

/// Words for hosts, and for the parts of a cluster: a number behind one counts them.
static HOSTS: [&str; 25] = [
    "node", "web", "host", "server", "srv", "pod", "instance", "shard", "region", "zone", "rack", "cluster", "replica",
    "worker", "master", "cp", "svc", "service", "ip", "vm", "dc", "site", "device", "tenant", "customer",
];

/// The letters that say new or old within a word: such languages have no blanks between words.
const MARKS: [char; 2] = ['新', '旧'];

/// The least digits of a number that counts nothing: of an account, a customer or a tenant.
const MIN_DIGITS_OF_ID: usize = 6;

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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// The names of services, hosts and whatever else is no version.
    pub(super) names: Vec<String>,
    /// The numbers and lone letters that count such: 2 in `web2`, a in the folder `node-a`.
    pub(super) counts: Vec<String>,
    /// Those of them that count hosts for sure: behind a word for one, or glued to any.
    pub(super) host_counts: Vec<String>,
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
        let mut name = name.to_lowercase();
        if is_address_or_uuid(&name) {
            self.names.push(address_in(&name).unwrap_or(name));
            return;
        }
        self.names.extend(address_in(&name));
        for mark in MARKS {
            name = name.replace(mark, &format!(" {mark} "));
        }
        let mut reader = NameReader {
            words: self,
            part,
            numbers: Vec::new(),
            leading: Vec::new(),
            stores: Vec::new(),
            last: None,
            has_date: false,
        };
        for chunk in name.split(|letter: char| !letter.is_alphanumeric()) {
            reader.add_chunk(chunk);
        }
        reader.finish();
    }

    /// Takes the numbers and letters for those of hosts, if they are all that there is: 1 in `servers/1`.
    pub(super) fn count_hosts(&mut self) {
        if self.names.is_empty() && !self.tells_version() {
            self.host_counts.clone_from(&self.versions);
            self.counts.append(&mut self.versions);
        }
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

/// Returns whether the name of a folder says that there are several hosts in it: `servers`.
pub(super) fn is_of_hosts(folder: &str) -> bool {
    let folder = folder.to_lowercase();
    let last = folder.rsplit(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
    last.strip_suffix('s').is_some_and(|word| HOSTS.contains(&word))
}

/// Returns whether a name is an address of a host, with its port or without, or a UUID, with or without an extension.
fn is_address_or_uuid(name: &str) -> bool {
    for text in [name, name.rsplit_once('.').unwrap_or((name, "")).0] {
        // What stands in the place of colons in the names of files.
        let spelled = text.replace(['-', '_'], ":");
        let is_long = spelled.matches(':').count() > 2;
        let is_address = [text, text.trim_matches(['[', ']'])].iter().any(|text| text.parse::<IpAddr>().is_ok());
        if is_address || text.parse::<SocketAddr>().is_ok() || is_uuid(text) {
            return true;
        }
        if is_long && spelled.parse::<IpAddr>().is_ok() {
            return true;
        }
    }
    false
}

/// Returns the address (IPv4) that a part of a name is, with what may be its port: `web-10-0-0-1`, `10.0.0.1_8443`.
fn address_in(name: &str) -> Option<String> {
    let chunks: Vec<&str> = name.split(|letter: char| !letter.is_alphanumeric()).collect();
    let is_number = |chunk: &str| !chunk.is_empty() && chunk.bytes().all(|byte| byte.is_ascii_digit());
    for start in 0..chunks.len() {
        if start > 0 && is_number(chunks[start - 1]) {
            continue;
        }
        let four = chunks.get(start..start + 4)?;
        let text = four.join(".");
        if text.parse::<Ipv4Addr>().is_ok() {
            let port = chunks.get(start + 4).filter(|chunk| is_number(chunk) && chunk.len() > 2 && !is_date(chunk));
            return Some(port.map_or(text.clone(), |port| format!("{text}:{port}")));
        }
    }
    None
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|letter| letter == '-' || letter.is_ascii_hexdigit())
}

/// A word before a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastWord {
    Name,
    Host,
    Version,
    Other,
}

/// A number or a lone letter behind a name.
struct Number {
    text: String,
    /// Nothing stands between: `web2`.
    is_glued: bool,
    /// The name is a word for a host.
    is_of_host: bool,
}

/// Reads the words of one name.
struct NameReader<'a> {
    words: &'a mut Words,
    part: PathPart,
    numbers: Vec<Number>,
    /// The numbers before the first word, in the name of a folder: 01 in `01-web`.
    leading: Vec<Number>,
    /// The words for where certificates are kept: beside a name they are a part of it, as in `public-api`.
    stores: Vec<String>,
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
        // `1web`: the number counts what follows.
        if let [number, word] = runs[..]
            && number.starts_with(|digit: char| digit.is_ascii_digit())
            && word.len() > 1
            && meaning_of(word, self.part).is_none()
        {
            self.add_name(word);
            self.add_run(number, true);
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
        if is_number && !is_number_of_lineage(run) && !self.is_id(run) {
            self.add_number(run, is_glued);
            return is_glued;
        }
        self.add_name(run);
        true
    }

    /// Returns whether a number names an account, a customer or the like, in the name of a folder.
    fn is_id(&self, number: &str) -> bool {
        self.part == PathPart::Folder && number.len() >= MIN_DIGITS_OF_ID && self.last != Some(LastWord::Version)
    }

    fn add_number(&mut self, number: &str, is_glued: bool) {
        if let Some(LastWord::Name | LastWord::Host) = self.last {
            let is_of_host = self.last == Some(LastWord::Host);
            self.numbers.push(Number { text: number.to_owned(), is_glued, is_of_host });
            return;
        }
        if self.last.is_none() && self.part == PathPart::Folder {
            self.leading.push(Number { text: number.to_owned(), is_glued: false, is_of_host: false });
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
        if meaning == Meaning::Store {
            self.stores.push(word.to_owned());
        }
        self.has_date |= meaning == Meaning::Date;
        self.last = Some(if meaning == Meaning::Version { LastWord::Version } else { LastWord::Other });
    }

    fn add_name(&mut self, name: &str) {
        self.words.names.push(name.to_owned());
        let is_of_host = HOSTS.contains(&name);
        for number in self.leading.drain(..) {
            self.numbers.push(Number { is_of_host, ..number });
        }
        self.last = Some(if is_of_host { LastWord::Host } else { LastWord::Name });
    }

    /// Takes the numbers that count. In the name of a file only one that is glued does: `web-2.crt` may be a version.
    /// Beside a date the others are its day and time.
    fn finish(self) {
        self.words.has_date |= self.has_date;
        if !self.words.names.is_empty() {
            self.words.names.extend(self.stores);
        }
        for number in self.leading {
            self.words.versions.push(number.text);
        }
        let takes_all = self.part == PathPart::Folder && !self.has_date;
        for Number { text, is_glued, is_of_host } in self.numbers {
            if !is_glued && !takes_all {
                self.words.versions.push(text);
                continue;
            }
            if is_glued || is_of_host {
                self.words.host_counts.push(text.clone());
            }
            self.words.counts.push(text);
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

/// Returns whether digits are a year, a month of a year, a day, a time, or the seconds of one: 2026, 202611, 20261124,
/// 24112026, 20261124100000, 1795514400.
fn is_date(run: &str) -> bool {
    if !run.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    match run.len() {
        4 => run.starts_with("199") || run.starts_with("20"),
        6 => is_month_of_year(run),
        8 => is_day(run) || is_day(&format!("{}{}{}", &run[4..], &run[2..4], &run[..2])),
        10 => run.starts_with('1') || is_time(run),
        12 | 14 => is_time(run),
        _ => false,
    }
}

/// Returns whether digits begin with a year and a month.
fn is_month_of_year(run: &str) -> bool {
    (run.starts_with("19") || run.starts_with("20")) && matches!(number(&run[4..6]), 1..=12)
}

/// Returns whether digits begin with a year, a month and a day.
fn is_day(run: &str) -> bool {
    is_month_of_year(run) && matches!(number(&run[6..8]), 1..=31)
}

/// Returns whether digits are a day and the hours, minutes and seconds of a time.
fn is_time(run: &str) -> bool {
    let mut is_time = is_day(run) && number(&run[8..10]) < 24;
    for start in (10..run.len()).step_by(2) {
        is_time &= number(&run[start..start + 2]) < 60;
    }
    is_time
}

/// Returns the number that two digits are.
fn number(digits: &str) -> u32 {
    digits.parse().unwrap_or(u32::MAX)
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
            ("10.0.0.1.crt", "10.0.0.1"),
            ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
            ("etc", "etc"),
            ("服务器新", "服务器"),
            ("旧证书", ""),
        ] {
            assert_eq!(words(name, PathPart::File).names.join(" "), expected, "{name}");
        }
        assert_eq!(words("etc", PathPart::Folder), Words::default());
    }

    #[test]
    fn dates_have_months_and_days() {
        for date in ["1999", "2026", "202611", "20261124", "24112026", "1795514400", "2026112410", "202611241000"] {
            assert!(is_date(date), "{date}");
        }
        for other in ["100234", "100777", "202613", "20261324", "123456789012", "210987654321", "20261124250000"] {
            assert!(!is_date(other), "{other}");
        }
        for (name, names) in
            [("customer-100234", "customer 100234"), ("123456789012", "123456789012"), ("build-100234", "")]
        {
            assert_eq!(words(name, PathPart::Folder).names.join(" "), names);
        }
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
