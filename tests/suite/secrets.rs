//! No secret leaves a file, however damaged, in anything but the output that was asked for: all keys of the fixtures
//! and a long password are marked, the files that hold them are damaged, given to every command, and nothing that is
//! printed or left behind may hold 16 characters of one.

mod damage;
mod runs;
mod search;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::symm::Cipher;
use openssl::x509::X509;

use crate::common::{self, Test, fixture};
use damage::Damaged;
use runs::Run;
use search::Secrets;

const PASSWORD: &str = "Kestrel-7431-marzipan-Quagga-2096-ultramarine";

/// So many runs in parallel.
const THREADS: usize = 2;

/// The environment variable that asks for all runs, which take an hour, instead of a sample.
const ALL: &str = "PUSHCERT_TEST_ALL_DAMAGE";

/// So many runs are a part of every test run.
const SAMPLE: usize = 3_000;

/// Fixtures whose key derivation takes longer than all the rest.
const COSTLY: [&str; 5] = ["gnutls.p12", "huge-iterations.p12", "huge-scrypt.p12", "java-legacy.p12", "nss.p12"];

/// Fixtures whose key is not encrypted: what is damaged in them is a secret, and not its ciphertext.
const CLEAR: [&str; 10] = [
    "key/ec.pem",
    "key/pkcs1.der",
    "key/pkcs8.der",
    "key/push.pem",
    "key/sec1.der",
    "p12/key-bag.p12",
    "pem/bag-attributes.pem",
    "pem/identity.pem",
    "pem/key-first.pem",
    "pem/pkcs1-key.pem",
];

/// A file that holds a secret, as it should be.
struct Source {
    name: String,
    bytes: Vec<u8>,
    password: &'static str,
}

fn push_key() -> PKey<Private> {
    PKey::private_key_from_pem(&fs::read(fixture("key/push.pem")).unwrap()).unwrap()
}

/// Returns all that may not be printed.
fn known_secrets() -> Secrets {
    let mut secrets = Secrets::default();
    for file in ["push", "other", "weak", "root", "intermediate", "application-integration", "ec"] {
        let pem = fs::read(fixture(&format!("key/{file}.pem"))).unwrap();
        secrets.add_key(file, &PKey::private_key_from_pem(&pem).unwrap());
    }
    let pem = fs::read(fixture("pem/AuthKey_ABC123DEFG.p8")).unwrap();
    secrets.add_key("AuthKey", &PKey::private_key_from_pem(&pem).unwrap());
    secrets.add("the password", PASSWORD.as_bytes());
    secrets
}

/// Returns the fixtures that hold a key, and files with the long password.
fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    for folder in ["key", "pem", "p12"] {
        for name in common::entries(&fixture(folder)) {
            let bytes = fs::read(fixture(&format!("{folder}/{name}"))).unwrap();
            if bytes.len() > 64 && !COSTLY.contains(&&*name) {
                let password = if name.starts_with("java") { "pushpush" } else { "push" };
                sources.push(Source { name: format!("{folder}/{name}"), bytes, password });
            }
        }
    }
    assert!(sources.len() > 80, "only {} files", sources.len());
    let key = push_key();
    let certificate = X509::from_der(&fs::read(fixture("der/universal.cer")).unwrap()).unwrap();
    let pkcs12 = Pkcs12::builder().name("push").pkey(&key).cert(&certificate).build2(PASSWORD).unwrap();
    let encrypted = key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), PASSWORD.as_bytes()).unwrap();
    for (name, bytes) in [
        ("long.p12", pkcs12.to_der().unwrap()),
        ("long.pem", [certificate.to_pem().unwrap(), encrypted].concat()),
        ("password", format!("{PASSWORD}\n").into_bytes()),
    ] {
        sources.push(Source { name: name.to_owned(), bytes, password: PASSWORD });
    }
    sources
}

/// A file to be read.
struct File {
    name: String,
    /// What was done to it, wherever that was.
    kind: String,
    bytes: Vec<u8>,
    password: &'static str,
    is_clear: bool,
}

impl File {
    fn new(source: &str, damaged: Damaged, password: &'static str, is_clear: bool) -> Self {
        let Damaged { how, bytes } = damaged;
        let kind = match how.split_once(" at ") {
            Some((kind, _)) => kind.to_owned(),
            None => how.replace(|c: char| c.is_ascii_digit(), ""),
        };
        Self { name: format!("{source}: {how}"), kind, bytes, password, is_clear }
    }

    fn identity() -> Self {
        let bytes = fs::read(fixture("pem/identity.pem")).unwrap();
        Self::new("identity.pem", Damaged::new("nothing", bytes), "push", true)
    }
}

fn files() -> Vec<File> {
    let mut files = Vec::new();
    for source in sources() {
        let is_clear = CLEAR.contains(&&*source.name);
        for damaged in damage::all(&source.bytes) {
            files.push(File::new(&source.name, damaged, source.password, is_clear));
        }
    }
    for damaged in damage::crafted(&push_key()) {
        files.push(File::new("crafted", damaged, "push", true));
    }
    files
}

/// One run with one file.
#[derive(Clone, Copy)]
struct Job {
    file: usize,
    run: usize,
}

/// What was seen.
#[derive(Default)]
struct Seen {
    leaks: Vec<String>,
    /// How often each exit code was reached.
    codes: BTreeMap<Option<i32>, usize>,
}

/// The file that each run reads.
const INPUT: &str = "input.pem";

/// Files that hold the password, and are there before each run.
fn write_password_files(folder: &Path) {
    for (name, text) in [
        ("long", format!("{PASSWORD}\n")),
        ("two-lines", format!("wrong\n{PASSWORD}\n{PASSWORD}\n")),
        ("wrong-source", format!("* = {PASSWORD}\n")),
        ("wrong-variable", format!("* = env:{PASSWORD}\n")),
        ("wrong-glob", format!("[{PASSWORD} = pass:{PASSWORD}\n")),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
    fs::create_dir(folder.join("temporary")).unwrap();
}

/// The files that are no leak: those above, and the key that was asked for.
const ASKED_FOR: [&str; 9] =
    [INPUT, "long", "two-lines", "wrong-source", "wrong-variable", "wrong-glob", "out.pem", "out.key", "push.key"];

/// Runs the binary; returns its exit code and what leaked.
fn attempt(run: &Run, file: &File, secrets: &Secrets) -> (Option<i32>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    write_password_files(folder.path());
    fs::write(folder.path().join(INPUT), &file.bytes).unwrap();
    let (arguments, takes_stdin) = run.arguments(INPUT);
    let mut test = Test::new().args(arguments).folder(folder.path()).any_status();
    for (name, value) in [("PASSWORD", file.password), ("LONG_PASSWORD", PASSWORD), ("RUST_BACKTRACE", "1")] {
        test = test.env(name, value);
    }
    test = test.env("INPUT", String::from_utf8_lossy(&file.bytes).replace('\0', ""));
    test = test.env("TMPDIR", folder.path().join("temporary"));
    test = test.env("HTTPS_PROXY", format!("http://jo:{PASSWORD}@127.0.0.1:1"));
    if takes_stdin {
        test = test.stdin(&*file.bytes);
    }
    let ended = test.run();
    let mut leaks = Vec::new();
    let mut look = |place: &str, bytes: &[u8]| {
        if let Some(found) = secrets.find(bytes) {
            leaks.push(format!("{place} of {} ({}): {found}", run.line, file.name));
        }
    };
    look("standard error", ended.stderr.as_bytes());
    if !run.prints_key {
        look("standard output", &ended.stdout);
    }
    for (name, bytes) in left_behind(folder.path()) {
        look(&name, &bytes);
    }
    (ended.code, leaks)
}

/// Returns all files in a folder and below it, but for those that were asked for.
fn left_behind(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            files.extend(left_behind(&entry.path()));
        } else if !ASKED_FOR.contains(&&*name) {
            files.push((name, fs::read(entry.path()).unwrap()));
        }
    }
    files
}

fn work(jobs: &[Job], runs: &[Run], files: &[File]) -> Seen {
    let secrets = known_secrets();
    let next = AtomicUsize::new(0);
    let seen = Mutex::new(Seen::default());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (code, leaks) = attempt(&runs[job.run], &files[job.file], &secrets);
                    let mut seen = seen.lock().unwrap();
                    *seen.codes.entry(code).or_default() += 1;
                    seen.leaks.extend(leaks);
                }
            });
        }
    });
    seen.into_inner().unwrap()
}

impl Seen {
    /// Checks that nothing leaked, and that the runs meant something.
    fn check(&self) {
        let count = |code| self.codes.get(&Some(code)).copied().unwrap_or_default();
        let all: usize = self.codes.values().sum();
        assert!(self.leaks.is_empty(), "{} leaks:\n{}", self.leaks.len(), self.leaks.join("\n"));
        let (opened, refused) = (count(0) + count(1) + count(5), count(3) + count(4));
        assert!(opened * 8 > all, "only {opened} of {all} files were opened");
        assert!(refused * 4 > all, "only {refused} of {all} files were refused for what they hold");
        assert!(opened + refused > all * 8 / 10, "{:?}", self.codes);
        assert_eq!((count(70), self.codes.get(&None)), (0, None), "crashed");
    }
}

/// Returns a number that looks random: the same one for the same seed (xorshift).
fn next_random(seed: &mut u64) -> usize {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    usize::try_from(*seed >> 33).unwrap()
}

/// Returns jobs in which each kind of damage meets each run, with a key in the clear, and each file is read.
fn all_jobs(runs: &[Run], files: &[File]) -> Vec<Job> {
    let mut jobs = Vec::new();
    for (kind, members) in kinds(files).into_values().enumerate() {
        let (clear, others): (Vec<usize>, Vec<usize>) = members.iter().partition(|file| files[**file].is_clear);
        for index in 0..runs.len().max(clear.len()) {
            if !clear.is_empty() {
                jobs.push(Job { file: clear[index % clear.len()], run: (kind + index) % runs.len() });
            }
        }
        for (index, file) in others.into_iter().enumerate() {
            jobs.push(Job { file, run: (kind + index) % runs.len() });
        }
    }
    jobs
}

/// Groups files by what was done to them.
fn kinds(files: &[File]) -> BTreeMap<&str, Vec<usize>> {
    let mut kinds: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, file) in files.iter().enumerate() {
        kinds.entry(&file.kind).or_default().push(index);
    }
    kinds
}

/// Chooses from all jobs.
fn sample(mut jobs: Vec<Job>) -> Vec<Job> {
    let mut seed = 0x7075_7368_6365_7274;
    let mut chosen = Vec::new();
    while chosen.len() < SAMPLE {
        chosen.push(jobs.swap_remove(next_random(&mut seed) % jobs.len()));
    }
    chosen
}

#[test]
fn every_run_does_what_it_should_with_a_good_file() {
    let file = File::identity();
    let secrets = known_secrets();
    let mut wrong = Vec::new();
    for run in runs::all() {
        let (code, leaks) = attempt(&run, &file, &secrets);
        if code != Some(run.code) || !leaks.is_empty() {
            wrong.push(format!("{}: {code:?} for {}: {}", run.line, run.code, leaks.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_key_that_is_printed_is_found() {
    let file = File::identity();
    for line in ["convert FILE -o -", "convert FILE --cert-out out.crt --key-out leftover"] {
        let run = Run { line: line.to_owned(), prints_key: false, code: 0 };
        let (code, leaks) = attempt(&run, &file, &known_secrets());
        assert_eq!((code, leaks.len()), (Some(0), 1), "{line}: {leaks:?}");
    }
}

/// The runs that print names.
const NAMING_RUNS: [&str; 9] = [
    "inspect FILE PASS",
    "inspect FILE PASS --json",
    "inspect FILE PASS --field friendly_name",
    "convert FILE PASS --json -o out.pem",
    "pack FILE PASS TO --json -o out.p12",
    "pack FILE PASS TO -o out.p12",
    "expiry FILE PASS",
    "expiry FILE PASS --json",
    "expiry . PASS --format html",
];

#[test]
fn a_name_that_is_a_key_is_not_printed() {
    let secrets = known_secrets();
    let mut leaked = Vec::new();
    for file in files() {
        let is_named = file.kind.starts_with("named by ") || file.kind.starts_with("secret, ");
        if !is_named || !(file.name.starts_with("crafted") || file.name.starts_with("key/push.pem")) {
            continue;
        }
        for line in NAMING_RUNS {
            let run = Run { line: line.to_owned(), prints_key: false, code: 0 };
            leaked.extend(attempt(&run, &file, &secrets).1);
        }
    }
    assert!(leaked.is_empty(), "{} leaks:\n{}", leaked.len(), leaked.join("\n"));
}

#[test]
fn the_password_of_a_proxy_is_not_printed() {
    let secrets = known_secrets();
    let check = ["check", "--timeout", "1s", "--gateway", "203.0.113.1:1"];
    for url in [
        "http://jo:SECRET@127.0.0.1:1",
        "socks5://jo:SECRET@127.0.0.1:1",
        "jo:SECRET@127.0.0.1:1",
        "https://jo:SECRET@127.0.0.1:1",
        "ftp://jo:SECRET@127.0.0.1:1",
        "http://jo:SECRET@127.0.0.1:99999",
        "http://jo:SECRET/x@127.0.0.1:1",
        "http://jo:SECRET#x@127.0.0.1:1",
        "http://jo:%ffSECRET@127.0.0.1:1",
        "http://jo:SECRET",
        "http://jo:SECRET@",
        "http:/jo:SECRET@127.0.0.1",
        "http://jo:SECRET@no such host",
    ] {
        let url = url.replace("SECRET", PASSWORD);
        for format in ["human", "json"] {
            let test =
                || Test::new().args(check).args(["--format", format]).arg(fixture("pem/identity.pem")).any_status();
            for run in [test().env("HTTPS_PROXY", &url).run(), test().args(["--proxy", &url]).run()] {
                let printed = [&run.stdout, run.stderr.as_bytes()].concat();
                assert_eq!(secrets.find(&printed), None, "{url}: {}", String::from_utf8_lossy(&printed));
                assert!(matches!(run.code, Some(2 | 5)), "{url}: {:?}", run.code);
            }
        }
    }
}

#[test]
fn no_secret_leaves_a_damaged_file() {
    let (runs, files) = (runs::all(), files());
    let all = all_jobs(&runs, &files);
    if std::env::var_os(ALL).is_some() {
        let seen = work(&all, &runs, &files);
        writeln!(std::io::stdout(), "{} files, {} runs ended with {:?}", files.len(), all.len(), seen.codes).unwrap();
        return seen.check();
    }
    let jobs = sample(all);
    for (index, run) in runs.iter().enumerate() {
        assert!(jobs.iter().any(|job| job.run == index), "{} is not in the sample", run.line);
    }
    work(&jobs, &runs, &files).check();
}
