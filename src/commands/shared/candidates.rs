//! Reads the passwords for many files: the one that is given, and those in the file of --passwords.

use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::cli::OpeningArgs;
use crate::cli::password::{PasswordSource, may_be_named};
use crate::commands::shared::advice;
use crate::container;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::expiry::passwords::{PasswordCandidates, PasswordRule, SourceProblem};
use crate::expiry::sniff::has_certificate_extension;
use crate::report::style::Paint;
use crate::secret::Password;
use crate::text::printable_name;
use crate::world::context::Context;
use crate::world::files::{self, Location};
use crate::world::walk::Globs;

/// Reads all passwords once.
pub(crate) fn read(
    opening: &OpeningArgs,
    file: Option<&Path>,
    context: &mut Context<'_>,
) -> Result<PasswordCandidates, Error> {
    let mut candidates = PasswordCandidates::default();
    if let Some(source) = &opening.passin {
        candidates.common.push(read_given(source, context)?);
        candidates.is_given = file.is_none();
    }
    if let Some(file) = file {
        read_file(file, &mut candidates, context)?;
    }
    Ok(candidates)
}

fn read_given(source: &PasswordSource, context: &mut Context<'_>) -> Result<Password, Error> {
    if let Some(password) = source.read(context, "--passin")? {
        return Ok(password);
    }
    match context.terminal.secret("Password for the files: ") {
        Ok(secret) => Ok(Password::new(secret.to_vec())),
        Err(error) => Err(Error::new(ExitKind::Password, format!("no password was entered: {error}"))
            .hint("give it with --passin env:VARIABLE, file:PATH, fd:NUMBER or cmd:COMMAND")),
    }
}

fn read_file(file: &Path, candidates: &mut PasswordCandidates, context: &mut Context<'_>) -> Result<(), Error> {
    let name = format!("--passwords {}", file.display());
    let bytes = match files::read(&Location::Path(file.to_owned()), &mut io::empty()) {
        Ok(bytes) => bytes,
        Err(_) if !may_be_named(file) => {
            // The word itself may be the password.
            return Err(Error::new(ExitKind::Password, "--passwords: there is no such file").hint(
                "it takes a file with passwords, one a line; one password for all files: --passin env:VARIABLE",
            ));
        }
        Err(error) => {
            let described = Error::new(ExitKind::Password, format!("{name}: {error}"));
            return Err(match advice::read_advice(&error) {
                Some(hint) => described.hint(hint),
                None => described,
            });
        }
    };
    let decoded = container::as_utf8(&bytes);
    let text = decoded.as_deref().map_or(&bytes[..], Vec::as_slice);
    let mut problems = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let (line, number) = (line.strip_suffix(b"\r").unwrap_or(line), index + 1);
        match Line::of(line) {
            Line::Nothing => {}
            Line::Password => candidates.common.push(Password::new(line.to_vec())),
            Line::Rule { globs, source } => {
                if has_late_comment(line) {
                    let problem = "a comment needs a line of its own: what follows \"#\" is a part of the source";
                    problems.push(LineProblem { number, problem: problem.to_owned() });
                }
                let password = read_source(&source, context);
                if let Err(problem) = password {
                    problems.push(LineProblem { number, problem: format!("its files have no password: {problem}") });
                }
                candidates.rules.push(PasswordRule { globs, line: number, password, is_used: AtomicBool::new(false) });
            }
            Line::Command => return Err(refused_command(&name, number)),
            Line::Doubtful(problem) => {
                problems.push(LineProblem { number, problem: format!("{problem}: it is tried as a password") });
                candidates.common.push(Password::new(line.to_vec()));
            }
        }
    }
    warn(file, &problems, context)
}

fn refused_command(file: &str, line: usize) -> Error {
    let file = printable_name(file);
    Error::new(ExitKind::Usage, format!("{file}, line {line}: cmd: is taken only on the command line"))
        .hint("give the command with --passin, or write GLOB = env:VARIABLE, file:PATH, fd:NUMBER or pass:SECRET there")
}

/// Warns of the rules that fitted no file.
pub(crate) fn warn_of_unused(
    file: &Path,
    candidates: &PasswordCandidates,
    context: &mut Context<'_>,
) -> Result<(), Error> {
    let mut problems = Vec::new();
    for number in candidates.unused_lines() {
        problems.push(LineProblem { number, problem: "no file fits the rule".to_owned() });
    }
    warn(file, &problems, context)
}

/// What is wrong with a line of the file of passwords. The line itself is not shown: it may be a password.
struct LineProblem {
    /// From 1.
    number: usize,
    problem: String,
}

/// The most lines that are warned of one by one.
const MAX_WARNINGS: usize = 10;

fn warn(file: &Path, problems: &[LineProblem], context: &mut Context<'_>) -> Result<(), Error> {
    let (paint, file) = (Paint::new(context.stderr_has_color), printable_name(&file.display().to_string()));
    let warning = paint.warning("warning:");
    for LineProblem { number, problem } in problems.iter().take(MAX_WARNINGS) {
        writeln!(context.stderr, "{warning} --passwords {file}, line {number}: {problem}")?;
    }
    if let Some(more @ 1..) = problems.len().checked_sub(MAX_WARNINGS) {
        writeln!(context.stderr, "{warning} --passwords {file}: {more} more lines of this kind")?;
    }
    Ok(())
}

/// A line of the file of passwords.
enum Line {
    /// It is blank, or a comment.
    Nothing,
    /// It is a password for all files.
    Password,
    /// It is `GLOB = SOURCE`, with blanks around the sign or without.
    Rule { globs: Globs, source: PasswordSource },
    /// It is a rule with a command: who may write the file may not for that run commands.
    Command,
    /// It looks like a rule, and is none.
    Doubtful(&'static str),
}

impl Line {
    fn of(line: &[u8]) -> Self {
        let start = line.trim_ascii_start();
        if start.is_empty() || start.starts_with(b"#") {
            return Self::Nothing;
        }
        let Ok(text) = std::str::from_utf8(line) else { return Self::Password };
        for (position, _) in text.match_indices('=') {
            let (glob, source) = (text[..position].trim(), text[position + 1..].trim());
            let Ok(source) = source.parse::<PasswordSource>();
            return match (source, Globs::new(&[glob])) {
                (PasswordSource::Unknown | PasswordSource::NotUtf8(_), _) => continue,
                (PasswordSource::Stdin | PasswordSource::Prompt, _) => {
                    Self::Doubtful("it looks like a rule, but stdin and prompt cannot be used here")
                }
                (PasswordSource::Command(_), _) => Self::Command,
                (source, Ok(globs)) if !glob.is_empty() => Self::Rule { globs, source },
                (_, Ok(_) | Err(_)) => Self::Doubtful("it looks like a rule, but there is no glob before \"=\""),
            };
        }
        if is_source_alone(text) {
            return Self::Doubtful(
                "it looks like a source, but there is no glob and \"=\" before it (* = for all files)",
            );
        }
        if lacks_sign(text) {
            return Self::Doubtful("it looks like a rule, but there is no \"=\" between the glob and the source");
        }
        if looks_like_rule(text) {
            return Self::Doubtful(
                "it looks like a rule, but there is no source (env:, file:, fd: or pass:) after \"=\"",
            );
        }
        if is_glob_alone(text) {
            return Self::Doubtful("it looks like a rule, but there is no \"=\" and no source after the glob");
        }
        Self::Password
    }
}

/// Returns whether a line without a source looks like a rule all the same.
fn looks_like_rule(line: &str) -> bool {
    match line.split_once('=') {
        Some((glob, _)) => line.contains(" = ") || glob.contains('*') || has_certificate_extension(glob.trim()),
        None => false,
    }
}

/// Returns whether a line is the source of a password and nothing else.
fn is_source_alone(line: &str) -> bool {
    let Ok(source) = line.trim().parse::<PasswordSource>();
    !matches!(source, PasswordSource::Unknown | PasswordSource::Stdin | PasswordSource::Prompt)
}

/// Returns whether a line begins with the name of a file, or a glob for such, and no source follows.
fn is_glob_alone(line: &str) -> bool {
    let Some(first) = line.split_whitespace().next() else { return false };
    has_certificate_extension(first) && !has_source(line)
}

/// Returns whether a comment seems to stand behind the source of a rule.
fn has_late_comment(line: &[u8]) -> bool {
    [&b" #"[..], b"\t#"].iter().any(|sign| memchr::memmem::find(line, sign).is_some())
}

const SOURCES: [&str; 4] = ["env:", "file:", "fd:", "pass:"];

fn has_source(line: &str) -> bool {
    SOURCES.iter().any(|source| line.contains(source))
}

/// Returns whether a line has a glob and a source, with something else than "=" between them.
fn lacks_sign(line: &str) -> bool {
    for source in SOURCES {
        let Some((glob, _)) = line.split_once(source) else { continue };
        let name =
            glob.trim_end_matches(|sign: char| sign.is_whitespace() || matches!(sign, ':' | '-' | '>' | '=' | '＝'));
        if name.len() < glob.len() && (name.contains('*') || has_certificate_extension(name)) {
            return true;
        }
    }
    false
}

/// Reads the source of a rule. The error says nothing of its text, which may be a password too.
fn read_source(source: &PasswordSource, context: &mut Context<'_>) -> Result<Password, SourceProblem> {
    let password = match source {
        // In a file it is no more secret than the other lines, and may be empty on purpose.
        PasswordSource::Pass(password) => return Ok(password.clone()),
        source => source.read(context, "--passwords"),
    };
    match (password, source) {
        (Ok(Some(password)), _) if !password.is_empty() => Ok(password),
        (Ok(_), _) => Err(SourceProblem::Empty),
        (Err(_), PasswordSource::Env(_)) => Err(SourceProblem::NotSet),
        (Err(_), _) => Err(SourceProblem::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::Passwords;
    use crate::test_support::TestWorld;

    fn read(passin: Option<&str>, lines: Option<&[u8]>) -> (PasswordCandidates, String) {
        let (candidates, warnings) = try_read(passin, lines);
        (candidates.unwrap(), warnings)
    }

    fn try_read(passin: Option<&str>, lines: Option<&[u8]>) -> (Result<PasswordCandidates, Error>, String) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("passwords");
        std::fs::write(&file, lines.unwrap_or_default()).unwrap();
        let passin = passin.map(|source| source.parse().unwrap());
        let opening = OpeningArgs { passin, max_iterations: 1 };
        let mut world = TestWorld::interactive(&["asked"]);
        world.variable = |name| match name {
            "SET" => Some("from env".into()),
            "EMPTY" => Some("".into()),
            _ => None,
        };
        let candidates = world.run(|context| super::read(&opening, lines.map(|_| file.as_path()), context));
        let warnings = String::from_utf8(world.stderr).unwrap();
        (candidates, warnings.replace(&file.display().to_string(), "FILE"))
    }

    fn shown(candidates: &PasswordCandidates, path: &str) -> String {
        let text = |password: &Password| String::from_utf8_lossy(password.as_bytes()).into_owned();
        match candidates.as_passwords(&candidates.matching(Path::new(path), &[]).passwords) {
            Passwords::None => "none".to_owned(),
            Passwords::GivenOrNone(password) => format!("given {}", text(&password)),
            Passwords::AnyOf(all) => all.iter().map(text).collect::<Vec<_>>().join("|"),
            Passwords::Given(_) | Passwords::Ask(_) => "ask".to_owned(),
        }
    }

    #[test]
    fn a_person_is_asked_once_for_all_files() {
        let (candidates, _) = read(Some("prompt"), None);
        assert_eq!(shown(&candidates, "a.p12"), "given asked");
        assert_eq!(shown(&candidates, "b.p12"), "given asked");
        // Nobody is asked unless that is wanted, even at a terminal.
        assert_eq!(shown(&read(None, None).0, "a.p12"), "none");
    }

    #[test]
    fn lines_are_passwords_or_rules_or_comments() {
        let lines =
            "first\r\n\n  \n # second =x \n#\nold/*.p12 = env:SET\n*.pfx=pass:a = b\nse=cret\n x=y.p8=env:SET\n";
        let utf16: Vec<u8> = format!("\u{feff}{lines}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [lines.as_bytes(), format!("\u{feff}{lines}").as_bytes(), &utf16] {
            let (candidates, warnings) = read(Some("pass:given"), Some(bytes));
            assert_eq!(shown(&candidates, "a.p12"), "given|first|se=cret");
            assert_eq!(shown(&candidates, "old/a.p12"), "from env|given|first|se=cret");
            assert_eq!(shown(&candidates, "x/y.pfx"), "a = b|given|first|se=cret");
            assert_eq!(shown(&candidates, "x=y.p8"), "from env|given|first|se=cret");
            assert_eq!(warnings.lines().count(), 1, "{warnings}");
            assert!(candidates.unused_lines().is_empty());
        }
        assert_eq!(read(None, Some(b"a\n*.x = pass:y\n")).0.unused_lines(), [2]);
        let (candidates, _) = read(None, Some(b"p\xe4ss\n"));
        assert_eq!(candidates.common[0].as_bytes(), b"p\xe4ss");
    }

    #[test]
    fn a_rule_with_a_command_is_refused() {
        for line in ["* = cmd:echo hunter2", "*.p12=cmd:echo hunter2", "= cmd:echo hunter2"] {
            let (candidates, _) = try_read(None, Some(format!("a\n{line}\n").as_bytes()));
            let error = candidates.unwrap_err();
            assert_eq!(error.kind, ExitKind::Usage);
            assert!(error.message.ends_with("line 2: cmd: is taken only on the command line"), "{}", error.message);
        }
    }

    #[test]
    fn a_line_that_is_wrong_is_named_and_not_shown() {
        let warning = |lines: &str| {
            let (candidates, warnings) = read(None, Some(lines.as_bytes()));
            assert!(!warnings.contains("hunter2"), "{warnings}");
            let number = candidates.rules.len();
            (number, warnings.strip_prefix("warning: --passwords FILE, ").unwrap_or_default().trim().to_owned())
        };
        for (lines, number, problem) in [
            ("a\n*.p12 = hunter2", 2, "there is no source (env:, file:, fd: or pass:) after \"=\""),
            ("push.p12=hunter2", 1, "there is no source (env:, file:, fd: or pass:) after \"=\""),
            ("[hunter2 = pass:x", 1, "there is no glob before \"=\""),
            ("= pass:hunter2", 1, "there is no glob before \"=\""),
            ("* = prompt", 1, "stdin and prompt cannot be used here"),
            ("*.p12: env:hunter2", 1, "there is no \"=\" between the glob and the source"),
            ("push.p12 pass:hunter2", 1, "there is no \"=\" between the glob and the source"),
            ("*.p12 -> file:hunter2", 1, "there is no \"=\" between the glob and the source"),
            ("*.p12", 1, "there is no \"=\" and no source after the glob"),
            ("certs/push.pfx", 1, "there is no \"=\" and no source after the glob"),
            ("*.p12 hunter2", 1, "there is no \"=\" and no source after the glob"),
        ] {
            let expected = format!("line {number}: it looks like a rule, but {problem}: it is tried as a password");
            assert_eq!(warning(lines), (0, expected), "{lines}");
        }
        for line in ["env:hunter2", "pass:hunter2", " file:/hunter2", "fd:7", "cmd:echo hunter2"] {
            let problem = "it looks like a source, but there is no glob and \"=\" before it (* = for all files)";
            assert_eq!(warning(line), (0, format!("line 1: {problem}: it is tried as a password")), "{line}");
        }
        for source in ["pass:hunter2 # mine", "env:SET\t# hunter2"] {
            let problem = "a comment needs a line of its own: what follows \"#\" is a part of the source";
            let (number, warning) = warning(&format!("a.p12 = {source}"));
            assert!(number == 1 && warning.starts_with(&format!("line 1: {problem}")), "{warning}");
        }
        for (source, problem) in [
            ("env:hunter2", "the variable is not set"),
            ("env:EMPTY", "the variable, or the file, is empty"),
            ("file:/hunter2/x", "the file cannot be read"),
            ("fd:987654", "the file cannot be read"),
        ] {
            let expected = format!("line 1: its files have no password: {problem}");
            assert_eq!(warning(&format!("* = {source}")), (1, expected));
        }
        assert_eq!(
            warning("se=cret\na=b=c\n=x\nmy pass:word\n*env:x\npa*ss word\nmy.word#1"),
            (0, String::new()),
            "these are passwords"
        );
    }
}
