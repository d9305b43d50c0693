//! Keeps the secrets in memory to this process: what is freed is wiped, and no other process may look at the rest.

use std::alloc::System;

use zeroizing_alloc::ZeroAlloc;

/// Wipes every block when it is freed or outgrown, those of libraries included. Not in its reach are OpenSSL's
/// blocks, of which it wipes those with keys itself, and the stack.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

/// Forbids core dumps, and on Linux other processes of the same user too, to read the memory of this one.
/// Where the system refuses, pushcert is of more use than none, and the user could do nothing about it.
pub(crate) fn hide() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    #[cfg(unix)]
    let _ = rustix::process::setrlimit(
        rustix::process::Resource::Core,
        rustix::process::Rlimit { current: Some(0), maximum: Some(0) },
    );
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::fs::{self, File};
    use std::io::{BufRead, BufReader, Read, Write};
    use std::os::unix::fs::FileExt;
    use std::path::Path;
    use std::process::{Child, Command, Stdio};

    use clap::Parser;
    use openssl::pkey::{PKey, Private};

    use crate::cli::Cli;
    use crate::commands;
    use crate::test_support::{TestWorld, fixture};

    const PASSWORD: &str = "correct horse battery staple, and many more words";

    /// A stretch of this many bytes is recognised.
    const WINDOW: usize = 16;

    /// The variable with the arguments of the child's runs, a run a line.
    const RUNS: &str = "PUSHCERT_TEST_RUNS";

    /// The variable with the file that the child keeps in memory.
    const KEPT: &str = "PUSHCERT_TEST_KEPT";

    /// Runs commands in this process and waits, so that its parent can search what is left in memory.
    #[test]
    #[ignore = "the other tests start it"]
    fn child() {
        let Ok(runs) = std::env::var(RUNS) else { return };
        for run in runs.lines() {
            let cli = Cli::try_parse_from(run.split('\t')).unwrap();
            let mut world = TestWorld::new();
            world.run(|context| commands::run(&cli, context)).unwrap();
        }
        let kept = match std::env::var(KEPT) {
            Ok(path) => fs::read(path).unwrap(),
            Err(_) => vec![],
        };
        std::io::stdout().write_all(b"\nready\n").unwrap();
        std::io::stdin().read_exact(&mut [0]).unwrap_err();
        drop(kept);
    }

    /// Stretches of secrets, and what each belongs to.
    #[derive(Default)]
    struct Needles {
        windows: HashMap<[u8; WINDOW], &'static str>,
        /// The first two bytes of the windows.
        beginnings: Vec<bool>,
    }

    impl Needles {
        fn add(&mut self, name: &'static str, secret: &[u8]) {
            self.beginnings.resize(1 << 16, false);
            for window in secret.windows(WINDOW) {
                self.windows.insert(window.try_into().unwrap(), name);
                self.beginnings[usize::from(u16::from_be_bytes([window[0], window[1]]))] = true;
            }
        }

        /// Adds a number: as bytes, as OpenSSL keeps it, in hexadecimal digits.
        fn add_number(&mut self, name: &'static str, bytes: &[u8]) {
            self.add(name, bytes);
            let mut reversed = bytes.to_vec();
            reversed.reverse();
            self.add(name, &reversed);
            self.add(name, data_encoding::HEXLOWER.encode(bytes).as_bytes());
            self.add(name, data_encoding::HEXUPPER.encode(bytes).as_bytes());
        }

        /// Adds the lines of a key's PEM that have only private parts.
        fn add_pem(&mut self, name: &'static str, pem: &[u8], first_private_line: usize) {
            for line in pem.split(|byte| *byte == b'\n').skip(first_private_line) {
                if !line.starts_with(b"-----") {
                    self.add(name, line);
                }
            }
        }

        fn add_password(&mut self, password: &str) {
            self.add("password", password.as_bytes());
            let wide: Vec<u8> = password.encode_utf16().flat_map(u16::to_be_bytes).collect();
            self.add("password (BMPString)", &wide);
        }

        fn add_key(&mut self, key: &PKey<Private>) {
            let rsa = key.rsa().unwrap();
            self.add_number("d", &rsa.d().to_vec());
            for (name, number) in
                [("p", rsa.p()), ("q", rsa.q()), ("dmp1", rsa.dmp1()), ("dmq1", rsa.dmq1()), ("iqmp", rsa.iqmp())]
            {
                self.add_number(name, &number.unwrap().to_vec());
            }
            // The modulus takes the first 256 bytes and some, at 48 bytes a line.
            self.add_pem("PKCS#8 PEM", &key.private_key_to_pem_pkcs8().unwrap(), 8);
            self.add_pem("PKCS#1 PEM", &rsa.private_key_to_pem().unwrap(), 8);
        }

        fn search(&self, bytes: &[u8], found: &mut Vec<String>, place: &str) {
            for (offset, window) in bytes.windows(WINDOW).enumerate() {
                if !self.beginnings[usize::from(u16::from_be_bytes([window[0], window[1]]))] {
                    continue;
                }
                if let Some(name) = self.windows.get(window) {
                    found.push(format!("{name} at {offset:#x} of {place}"));
                }
            }
        }
    }

    /// Starts the child, and waits until its runs are over.
    fn start(runs: &[String], kept: Option<&Path>) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "world::memory::tests::child", "--ignored", "--nocapture"]);
        command.env(RUNS, runs.join("\n")).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(path) = kept {
            command.env(KEPT, path);
        }
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while line != "ready\n" {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "the child failed");
        }
        child
    }

    /// Searches all that a process may write to.
    fn search(process: &Child, needles: &Needles) -> Vec<String> {
        let maps = fs::read_to_string(format!("/proc/{}/maps", process.id())).unwrap();
        let memory = File::open(format!("/proc/{}/mem", process.id())).unwrap();
        let mut found = Vec::new();
        for line in maps.lines() {
            let (range, rest) = line.split_once(' ').unwrap();
            let (start, end) = range.split_once('-').unwrap();
            let start = u64::from_str_radix(start, 16).unwrap();
            let end = u64::from_str_radix(end, 16).unwrap();
            if rest.starts_with("rw") && !rest.ends_with("[vvar]") {
                let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
                memory.read_exact_at(&mut bytes, start).unwrap();
                needles.search(&bytes, &mut found, line);
            }
        }
        found
    }

    fn left_in_memory(runs: &[String], kept: Option<&Path>, needles: &Needles) -> Vec<String> {
        let mut child = start(runs, kept);
        let found = search(&child, needles);
        child.kill().unwrap();
        child.wait().unwrap();
        found
    }

    /// A folder with a key, its certificate and a password.
    struct Secrets {
        folder: tempfile::TempDir,
        needles: Needles,
        key: PKey<Private>,
    }

    impl Secrets {
        fn new() -> Self {
            let key = PKey::private_key_from_pem(&fixture("key/push.pem")).unwrap();
            let mut needles = Needles::default();
            needles.add_key(&key);
            needles.add_password(PASSWORD);
            let folder = tempfile::tempdir().unwrap();
            let secrets = Self { folder, needles, key };
            secrets.write("password", PASSWORD);
            secrets.write("cer", fixture("der/universal.cer"));
            secrets.write_keys();
            secrets
        }

        fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
            fs::write(self.path(name), bytes).unwrap();
        }

        /// Writes the key in the forms that pushcert reads and does not write.
        fn write_keys(&self) {
            let pem = fixture("key/push.pem");
            let rsa = self.key.rsa().unwrap();
            let certificate = openssl::x509::X509::from_der(&fixture("der/universal.cer")).unwrap().to_pem().unwrap();
            self.write("key", &pem);
            self.write("pkcs8.der", self.key.private_key_to_pkcs8().unwrap());
            self.write("pkcs1.der", rsa.private_key_to_der().unwrap());
            let both = [&certificate[..], &pem].concat();
            let wide: Vec<u8> =
                String::from_utf8(both.clone()).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect();
            self.write("utf-16.pem", [&[0xff, 0xfe][..], &wide].concat());
            let base64 = |bytes: &[u8]| data_encoding::BASE64.encode(bytes);
            let secrets = format!(
                r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"push"}},"data":{{"tls.crt":"{}","tls.key":"{}"}}}}"#,
                base64(&certificate),
                base64(&pem)
            );
            self.write("secrets.json", secrets);
        }

        fn path(&self, name: &str) -> String {
            self.folder.path().join(name).to_str().unwrap().to_owned()
        }

        /// Returns a run of a command, with @ before the names of files in the folder.
        fn run(&self, words: &str) -> String {
            let mut run = vec!["pushcert".to_owned()];
            for word in words.split(' ') {
                run.push(
                    word.replace('@', &format!("{}/", self.folder.path().display()))
                        .replace('%', "@")
                        .replace('\u{a0}', " "),
                );
            }
            run.join("\t")
        }
    }

    #[test]
    fn the_search_finds_what_is_kept() {
        let secrets = Secrets::new();
        let kept: [(&str, Vec<u8>); 4] = [
            ("d", secrets.key.private_key_to_pkcs8().unwrap()),
            ("PKCS#8 PEM", secrets.key.private_key_to_pem_pkcs8().unwrap()),
            ("PKCS#1 PEM", secrets.key.rsa().unwrap().private_key_to_pem().unwrap()),
            ("password", PASSWORD.as_bytes().to_vec()),
        ];
        for (name, bytes) in kept {
            let path = secrets.folder.path().join("kept");
            fs::write(&path, bytes).unwrap();
            let found = left_in_memory(&[], Some(&path), &secrets.needles);
            assert!(found.iter().any(|found| found.starts_with(name)), "{name}: {found:?}");
        }
    }

    /// Runs of commands over secrets in every coat. Each reads what an earlier one wrote. EC keys and OpenSSL's encrypted
    /// PEM are not here: OpenSSL decodes them, and frees buffers of its own without wiping them.
    const RUNS_OVER_SECRETS: [&str; 20] = [
        "pack @cer --key @key --passout file:@password -o @keychain.p12",
        "pack @cer --key @key --for modern --passout file:@password -o @modern.p12",
        "pack @cer --key @key --for java --passout file:@password -o @java.p12",
        "convert @keychain.p12 --passin file:@password -o @a.pem",
        "convert @keychain.p12 --passin cmd:cat\u{a0}@password -o @b.pem",
        "convert @modern.p12 --passin file:@password -o @c.pem",
        "convert @java.p12 --passin file:@password --bag-attributes -o @d.pem",
        "convert @a.pem --key-format traditional -o @traditional.pem",
        "convert @traditional.pem --encrypt --passout file:@password -o @encrypted.pem",
        "convert @encrypted.pem --passin file:@password --cert-out @e.crt --key-out @e.key",
        "convert @utf-16.pem -o @g.pem",
        "convert @base64.p12 --passin file:@password -o @h.pem",
        "convert @cer --key @pkcs8.der -o @i.pem",
        "convert @cer --key @pkcs1.der -o @j.pem",
        "pack @encrypted.pem --passin file:@password --passout file:@password -o @k.p12",
        "inspect @encrypted.pem @keychain.p12 @a.pem --passin file:@password --json",
        "compare @encrypted.pem @keychain.p12 --passin file:@password --at 2027-01-01",
        "expiry @keychain.p12 @secrets.json @a.pem --passwords @password",
        "expiry @keychain.p12 --passin file:@password --expect-key @a.pem",
        "csr --email jo%example.com --name Jo --country DE --key @encrypted.pem --passin file:@password -o @csr",
    ];

    #[test]
    fn nothing_is_left_of_keys_and_passwords() {
        let secrets = Secrets::new();
        for words in RUNS_OVER_SECRETS {
            let found = left_in_memory(&[secrets.run(words)], None, &secrets.needles);
            assert!(found.is_empty(), "{words}: {} stretches, such as {}", found.len(), found[0]);
            if words.starts_with("pack @cer --key @key --passout") {
                let p12 = fs::read(secrets.path("keychain.p12")).unwrap();
                fs::write(secrets.path("base64.p12"), data_encoding::BASE64_MIME.encode(&p12)).unwrap();
            }
        }
    }
}
