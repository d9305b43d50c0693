//! What the tests share: fixtures, folders, and the one way to run the binary.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The longest that any run may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The variables that would send a run through somebody's proxy.
const PROXY_VARIABLES: [&str; 8] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"];

/// The variables that would make a run a part of the workflow that the tests run in.
const WORKFLOW_VARIABLES: [&str; 2] = ["GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY"];

/// Returns the root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the path of a file under fixtures/.
pub fn fixture(path: &str) -> PathBuf {
    root().join("fixtures").join(path)
}

/// Returns the names in a folder, sorted.
pub fn entries(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        names.push(entry.unwrap().file_name().into_string().unwrap());
    }
    names.sort();
    names
}

/// A run of the binary, and what is expected of it: success, unless another status is named.
#[must_use = "a test that does not run proves nothing"]
pub struct Test {
    command: Command,
    folder: Option<PathBuf>,
    stdin: Vec<u8>,
    is_stdout_closed: bool,
    status: Option<i32>,
    stdout: Option<String>,
    stderr: Option<String>,
    in_stdout: Vec<String>,
    in_stderr: Vec<String>,
    nowhere: Vec<String>,
}

/// How a run ended.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
    pub took: Duration,
}

impl Test {
    /// Runs the binary, in a temporary folder, without proxies, and in a locale with UTF-8.
    pub fn new() -> Self {
        Self::of(Command::new(env!("CARGO_BIN_EXE_pushcert")))
    }

    /// Runs a script of the shell, in which `$0` is the binary.
    pub fn shell(script: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", script, env!("CARGO_BIN_EXE_pushcert")]);
        Self::of(command)
    }

    /// Runs the binary, which heeds signals whatever the tests are started by: under nohup, or in the background of a
    /// script, some are ignored.
    #[cfg(unix)]
    pub fn heeding_signals() -> Self {
        Self::shell(r#"exec perl -e '$SIG{$_} = "DEFAULT" for qw(HUP INT QUIT TERM); exec @ARGV' "$0" "$@""#)
    }

    fn of(mut command: Command) -> Self {
        for name in PROXY_VARIABLES {
            command.env_remove(name);
        }
        for name in WORKFLOW_VARIABLES {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        Self {
            command,
            folder: None,
            stdin: vec![],
            is_stdout_closed: false,
            status: Some(0),
            stdout: None,
            stderr: None,
            in_stdout: vec![],
            in_stderr: vec![],
            nowhere: vec![],
        }
    }

    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs in this folder instead of a temporary one.
    pub fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Closes the pipe that it prints to before anything is read.
    pub fn closed_stdout(mut self) -> Self {
        self.is_stdout_closed = true;
        self
    }

    pub fn status(mut self, code: i32) -> Self {
        self.status = Some(code);
        self
    }

    /// Leaves the status to the caller.
    pub fn any_status(mut self) -> Self {
        self.status = None;
        self
    }

    /// All of standard output.
    pub fn stdout(mut self, text: &str) -> Self {
        self.stdout = Some(text.to_owned());
        self
    }

    /// All of standard error.
    pub fn stderr(mut self, text: &str) -> Self {
        self.stderr = Some(text.to_owned());
        self
    }

    pub fn stdout_contains(mut self, text: &str) -> Self {
        self.in_stdout.push(text.to_owned());
        self
    }

    pub fn stderr_contains(mut self, text: &str) -> Self {
        self.in_stderr.push(text.to_owned());
        self
    }

    /// Neither stream may contain this.
    pub fn hides(mut self, secret: &str) -> Self {
        self.nowhere.push(secret.to_owned());
        self
    }

    /// Returns the command for those who kill it, or close its pipes: nothing is expected of it then.
    pub fn into_command(mut self) -> Command {
        if let Some(folder) = &self.folder {
            self.command.current_dir(folder);
        }
        self.command
    }

    /// Runs it to its end, within bounds.
    ///
    /// # Panics
    /// With the command and all that it printed, where anything is not as expected.
    #[track_caller]
    pub fn run(mut self) -> Run {
        let temporary = TempDir::new().unwrap();
        self.command.current_dir(self.folder.as_deref().unwrap_or(temporary.path()));
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if !self.stdin.is_empty() {
            self.command.stdin(Stdio::piped());
        }
        let start = Instant::now();
        let mut child = self.command.spawn().unwrap();
        if self.is_stdout_closed {
            drop(child.stdout.take());
        }
        let Some(output) = output_of(child, std::mem::take(&mut self.stdin)) else {
            panic!("{:?} has not ended within {PATIENCE:?}", self.command);
        };
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let run = Run { code: output.status.code(), stdout: output.stdout, stderr, took: start.elapsed() };
        let objections = self.objections(&run);
        let (stdout, stderr) = (String::from_utf8_lossy(&run.stdout), &run.stderr);
        assert!(
            objections.is_empty(),
            "{:?}\n{}\nstatus: {:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}",
            self.command,
            objections.join("\n"),
            run.code
        );
        run
    }

    fn objections(&self, run: &Run) -> Vec<String> {
        let stdout = String::from_utf8_lossy(&run.stdout);
        let mut objections = Vec::new();
        if self.status.is_some() && self.status != run.code {
            objections.push(format!("expected the status {:?}", self.status));
        }
        for (name, all, expected) in [("stdout", &*stdout, &self.stdout), ("stderr", &run.stderr, &self.stderr)] {
            if expected.as_deref().is_some_and(|expected| expected != all) {
                objections.push(format!("expected of {name}: {expected:?}"));
            }
        }
        for (name, all, parts) in [("stdout", &*stdout, &self.in_stdout), ("stderr", &run.stderr, &self.in_stderr)] {
            for part in parts {
                if !all.contains(part) {
                    objections.push(format!("expected in {name}: {part:?}"));
                }
            }
        }
        for secret in &self.nowhere {
            if stdout.contains(secret) || run.stderr.contains(secret) {
                objections.push(format!("expected nowhere: {secret:?}"));
            }
        }
        if run.stderr.contains("panicked at") {
            objections.push("it panicked".to_owned());
        }
        objections
    }
}

/// Waits for the end; `None` where that takes too long: the process is killed then.
fn output_of(mut child: Child, stdin: Vec<u8>) -> Option<Output> {
    if let Some(mut pipe) = child.stdin.take() {
        // The reader may end before it has read all of it.
        thread::spawn(move || drop(pipe.write_all(&stdin)));
    }
    let id = child.id();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    match receiver.recv_timeout(PATIENCE) {
        Ok(output) => Some(output.unwrap()),
        Err(_) => {
            let _ = Command::new("kill").args(["-KILL", &id.to_string()]).status();
            None
        }
    }
}

impl Run {
    /// Returns standard output, which must be UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// Returns standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        match serde_json::from_slice(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {} {}", String::from_utf8_lossy(&self.stdout), self.stderr),
        }
    }
}

/// Runs the work on a few threads: most of it is waiting.
pub(crate) fn in_parallel<T: Send>(work: impl IntoIterator<Item = T>, act: impl Fn(T) + Sync) {
    let queue = Mutex::new(work.into_iter().collect::<Vec<_>>());
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let next = || queue.lock().unwrap().pop();
                while let Some(item) = next() {
                    act(item);
                }
            });
        }
    });
}
