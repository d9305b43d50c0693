//! From a certificate, and its key, to a file for its user.

use std::path::{Path, PathBuf};

use crate::certificate::Certificate;
use crate::certificate::chain::{APPLE, FileCas};
use crate::certificate::warning::{self, concerns_conversion, refutes_apple};
use crate::cli::csr::DEFAULT_KEY;
use crate::cli::{Command, OpeningArgs};
use crate::commands::shared::judging::refuse_request;
use crate::commands::shared::key_search::KeySearch;
use crate::commands::shared::opening::Opener;
use crate::commands::shared::unread;
use crate::commands::wizard::line::{CommandLine, unexpected_command};
use crate::commands::wizard::path::{ask_input, ask_output, offered, typed_path};
use crate::commands::wizard::{End, Progress, Talk, request, walk};
use crate::commands::{check, convert, inspect, pack};
use crate::container::{Contents, Entry};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::finding::{Finding, FindingCode};
use crate::identity::Collection;
use crate::limits::DEFAULT_MAX_ITERATIONS;
use crate::report::human;
use crate::report::human::renewal::way_to_next;
use crate::report::style::Paint;
use crate::text::{printable, printable_name};
use crate::world::files::Location;
use crate::world::place;
use crate::world::terminal::question::Reply;
use crate::world::terminal::word;

/// A result that the wizard can make.
struct Goal {
    choice: &'static str,
    /// The command with its options.
    command: &'static [&'static str],
    /// The default name of the output.
    file: &'static str,
}

const GOALS: [Goal; 4] = [
    Goal {
        choice: "A PEM file for a push server: the certificate, then its key",
        command: &["convert"],
        file: "push.pem",
    },
    Goal { choice: "A .p12 that a Mac imports", command: &["pack", "--for", "keychain"], file: "push.p12" },
    Goal { choice: "A .p12 for OpenSSL 3 and its like", command: &["pack", "--for", "modern"], file: "push.p12" },
    Goal { choice: "A .p12 for Java", command: &["pack", "--for", "java"], file: "push.p12" },
];

/// The answer of those who do not have the key.
const NO_KEY: &str = "?";

const KEY_IS_ELSEWHERE: &str =
    "Its private key is elsewhere: give the file, or a folder, where all keys are tried; or ? if you don't have it.";

/// What to do without the key.
const WITHOUT_KEY: &str = "\
A certificate works only with the key that its request was made with. Apple never has that key. It is
  - in Keychain Access on the Mac where the request was made: under My Certificates, select the certificate together with its key, \
     and export both as a .p12
  - in the file that pushcert csr or openssl wrote beside the request: a folder is an answer too, and all its keys are tried
  - with whoever made the request: ask for the .p12
If it is lost, the certificate is of no use: make a new key and request, and a new certificate with that.";

/// The same for device management: Keychain Access made no such request, and another certificate is none.
const WITHOUT_KEY_OF_MDM: &str = "\
A certificate works only with the key that its request was made with. Apple never has that key. For device management it is
  - in the MDM server, which made the request: it takes the certificate as Apple gives it, and needs no file from here
  - beside the request that the MDM's vendor signed: a folder is an answer too, and all its keys are tried
If it is lost, a new key and request help only with Renew at identity.apple.com/pushcert, on the line of this certificate: Create a \
Certificate gives another UID, and every enrolled device falls silent.";

/// The answers so far.
#[derive(Default)]
struct Answers {
    /// The name that is offered.
    default: Option<&'static str>,
    input: Option<Input>,
    select: Option<String>,
    goal: usize,
    output: Option<PathBuf>,
    /// The file that csr writes was tried, and has another key.
    is_default_refused: bool,
    /// The exit code of the last step.
    code: u8,
}

/// The certificate that the wizard was given, with its key.
struct Input {
    contents: Contents,
    file: Location,
    key_file: Option<Location>,
}

type Step = fn(&mut Answers, &mut Talk<'_, '_>) -> Result<Progress, Error>;

const STEPS: [Step; 8] = [
    Answers::ask_file,
    Answers::ask_key,
    Answers::ask_identity,
    Answers::ask_wanted,
    Answers::ask_goal,
    Answers::ask_output,
    Answers::carry_out,
    Answers::ask_apns,
];

const FILE_STEP: usize = 0;
const KEY_STEP: usize = 1;
const OUTPUT_STEP: usize = 5;
const APNS_STEP: usize = 7;

/// Prepares a file from a certificate that is there.
pub(super) fn prepare(default: Option<&'static str>, talk: &mut Talk<'_, '_>) -> Result<Reply<u8>, Error> {
    let mut answers = Answers { default, ..Answers::default() };
    let end = walk(STEPS.len(), talk, &mut |number, talk| {
        let so_far = answers.unfinished_line(number).map(|line| line.text());
        talk.note(so_far);
        STEPS[number](&mut answers, talk)
    })?;
    match end {
        End::All => Ok(Reply::Given(answers.code)),
        End::Back => Ok(Reply::Back),
    }
}

/// The reasons why the wizard cannot go on with a file.
enum Refusal {
    /// The file does not serve; another may.
    File(Error),
    /// Nobody answers.
    End(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::End(error)
    }
}

impl Answers {
    /// Asks where the file is, and shows what it holds.
    fn ask_file(&mut self, talk: &mut Talk<'_, '_>) -> Result<Progress, Error> {
        let default = match &self.input {
            Some(Input { file: Location::Path(path), .. }) => Some(word::typed(path)),
            _ => self.default.map(str::to_owned),
        };
        let default = default.as_deref().filter(|name| typed_path(name, None).is_ok_and(|path| path.is_file()));
        let Reply::Given(path) = ask_input("Where is it?", default, false, None, talk)? else {
            return Ok(Progress::Back);
        };
        match open_shown(Location::Path(path), talk) {
            Ok(input) => {
                (self.input, self.select) = (Some(input), None);
                Ok(Progress::Answered)
            }
            Err(Refusal::File(error)) => {
                talk.complain(&error)?;
                Ok(Progress::To(FILE_STEP))
            }
            Err(Refusal::End(error)) => Err(error),
        }
    }

    fn input(&mut self) -> Result<&mut Input, Error> {
        self.input.as_mut().ok_or_else(|| Error::new(ExitKind::Bug, "the wizard has no certificate"))
    }

    /// Asks where the key is, unless it is beside the certificate, or in the file that `csr` writes.
    fn ask_key(&mut self, talk: &mut Talk<'_, '_>) -> Result<Progress, Error> {
        let input = self.input()?;
        if input.key_file.is_none() && (!input.contents.keys.is_empty() || input.contents.may_have_unread_key()) {
            return match identities(&input.file, &input.contents, true) {
                Ok(_) => Ok(Progress::Passed),
                Err(error) => retry(&error, FILE_STEP, talk),
            };
        }
        if let Some(found) = find_default_key(input, talk) {
            let text = format!("Its private key is in {}. Use that?", printable_name(&found.to_string()));
            match talk.confirm(&text, true)? {
                Reply::Given(true) => return self.take_key(&found, talk),
                Reply::Given(false) => {}
                Reply::Back => return Ok(Progress::Back),
            }
        }
        let may_fit = !self.is_default_refused && may_be_key(Path::new(DEFAULT_KEY), talk);
        let default = Some(DEFAULT_KEY).filter(|_| may_fit);
        talk.tell(KEY_IS_ELSEWHERE)?;
        match ask_input("Where is the private key?", default, true, Some(NO_KEY), talk)? {
            Reply::Given(path) if path == Path::new(NO_KEY) => self.explain_missing_key(talk),
            Reply::Given(path) => self.take_key(&Location::Path(path), talk),
            Reply::Back => Ok(Progress::Back),
        }
    }

    /// Takes the key from a file, or finds it in a folder.
    fn take_key(&mut self, place: &Location, talk: &mut Talk<'_, '_>) -> Result<Progress, Error> {
        let input = self.input()?;
        let key_opener = opener(place, talk)?;
        let search = KeySearch::read(std::slice::from_ref(place), &key_opener, talk.context);
        for entry in &input.contents.certificates {
            if let Some(found) = search.key_of(&entry.item.public_key) {
                input.contents.keys = search.keys_in(&found.file);
                input.key_file = Some(found.file.clone());
                return Ok(Progress::Answered);
            }
        }
        let error = search.explain_none(&input.file);
        self.is_default_refused |= place.is_same_output(&Location::Path(DEFAULT_KEY.into()));
        retry(&error, KEY_STEP, talk)
    }

    /// Says what to do without the key, and makes a new one where that is wanted.
    fn explain_missing_key(&mut self, talk: &mut Talk<'_, '_>) -> Result<Progress, Error> {
        let is_for_mdm = unread::is_for_mdm(&self.input()?.contents);
        talk.tell(if is_for_mdm { WITHOUT_KEY_OF_MDM } else { WITHOUT_KEY })?;
        if !matches!(talk.confirm("Make a new key and request now?", false)?, Reply::Given(true)) {
            return Ok(Progress::To(KEY_STEP));
        }
        match request::make(talk)? {
            Reply::Given(code) => {
                self.code = code;
                Ok(Progress::End)
            }
            Reply::Back => Ok(Progress::To(KEY_STEP)),
        }
    }

    /// Asks for one of several identities.
    fn ask_identity(&mut self, talk: &mut Talk<'_, '_>) -> Result<Progress, Error> {
        let input = self.input()?;
        let found = match identities(&input.file, &input.contents, true) {
            Ok(found) => found,
            Err(error) => return retry(&error, FILE_STEP, talk),
        };
        if found.len() == 1 {
            return Ok(Progress::Passed);
        }
        let mut titles = Vec::new();
        for entry in &found {
            titles.push(printable(&format!("{}, until {}", entry.item.title(), entry.item.not_after.date())));
        }
        let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
        let Reply::Given(chosen) = talk.select("There are several. Which one?", &titles, 0)? else {
            return Ok(Progress::Back);
        };
        // As many digits as the hints of the subcommands show.
        self.select = Some(found[chosen].item.sha256()[..16].to_owned());
        Ok(Progress::Answered)
    }

    /// Asks whether it is the right certificate. Who only presses Enter at one that will not work says no.
    fn ask_wanted(&mut self, talk: &mut Talk<'_, '_>) -> Result<Progress, Error> {
        let select = self.select.clone();
        let input = self.input()?;
        let collection = Collection::new(&input.contents.certificates, &input.contents.keys);
        let reason = match collection.select(select.as_deref(), true) {
            Ok(leaf) => doubt(&leaf.item, talk),
            Err(_) => None,
        };
        let (text, is_usable) = match &reason {
            Some(reason) => (format!("It {}. Is this what you wanted?", reason.message), weight(reason.code) >= USABLE),
            None => ("Is this what you wanted?".to_owned(), true),
        };
        let is_expired = matches!(&reason, Some(reason) if reason.code == FindingCode::Expired);
        let way = match collection.select(select.as_deref(), true) {
            Ok(leaf) if is_expired => way_to_next(leaf.item.kind),
            _ => None,
        };
        match talk.confirm(&text, is_usable)? {
            Reply::Given(true) => Ok(Progress::Answered),
            Reply::Given(false) => {
                self.input = None;
                if let Some(way) = way {
                    talk.tell(&way)?;
                }
                Ok(Progress::To(FILE_STEP))
            }
            Reply::Back => Ok(Progress::Back),
        }
    }

    fn ask_goal(&mut self, talk: &mut Talk<'_, '_>) -> Result<Progress, Error> {
        let choices = GOALS.map(|goal| goal.choice);
        match talk.select("What is it to become?", &choices, self.goal)? {
            Reply::Given(goal) => {
                if goal != self.goal {
                    self.output = None;
                }
                self.goal = goal;
            }
            Reply::Back => return Ok(Progress::Back),
        }
        Ok(Progress::Answered)
    }

    fn ask_output(&mut self, talk: &mut Talk<'_, '_>) -> Result<Progress, Error> {
        let default = offered(self.output.as_deref(), GOALS[self.goal].file);
        match ask_output("Where to write it?", &default, None, talk)? {
            Reply::Given(path) => self.output = Some(path),
            Reply::Back => return Ok(Progress::Back),
        }
        Ok(Progress::Answered)
    }

    fn carry_out(&mut self, talk: &mut Talk<'_, '_>) -> Result<Progress, Error> {
        let line = self.line();
        let command = line.show(talk)?;
        let contents = &self.input()?.contents;
        let result = match &command {
            Command::Convert(arguments) => {
                talk.run(|context| convert::convert(arguments, contents, arguments.key.first(), context))
            }
            Command::Pack(arguments) => talk.run(|context| pack::pack(arguments, contents, context)),
            _ => Err(unexpected_command()),
        };
        match result {
            Ok(()) => {
                talk.done.push(line.text());
                Ok(Progress::Passed)
            }
            Err(error) if matches!(error.kind, ExitKind::Usage | ExitKind::Bug) => Err(error),
            Err(error) => retry(&error, OUTPUT_STEP, talk),
        }
    }

    fn ask_apns(&mut self, talk: &mut Talk<'_, '_>) -> Result<Progress, Error> {
        match talk.confirm("Ask APNs now whether it accepts the certificate?", false)? {
            Reply::Given(true) => {}
            Reply::Given(false) => return Ok(Progress::Answered),
            Reply::Back => return Ok(Progress::Back),
        }
        let mut line = CommandLine::new(&["check"]);
        match &self.output {
            Some(output) if GOALS[self.goal].command == ["convert"] => line.file(output),
            // The input needs no new password, and holds the same certificate and key.
            _ => self.add_input(&mut line),
        }
        let Command::Check(arguments) = line.show(talk)? else { return Err(unexpected_command()) };
        match talk.run(|context| check::run(&arguments, context)) {
            Ok(code) => self.code = code,
            Err(error) if error.kind == ExitKind::Password => return retry(&error, APNS_STEP, talk),
            Err(error) => return Err(error),
        }
        talk.done.push(line.text());
        Ok(Progress::Answered)
    }

    /// Returns the command that is carried out.
    fn line(&self) -> CommandLine {
        let mut line = CommandLine::new(GOALS[self.goal].command);
        self.add_input(&mut line);
        if let Some(output) = &self.output {
            line.option("-o", output);
        }
        line
    }

    /// Returns the command as far as there are answers before a step; `None` before there is a file, and after it was
    /// carried out.
    fn unfinished_line(&self, step: usize) -> Option<CommandLine> {
        self.input.as_ref()?;
        match step {
            FILE_STEP => None,
            KEY_STEP..OUTPUT_STEP => {
                let mut line = CommandLine::new(&["inspect"]);
                self.add_input(&mut line);
                Some(line)
            }
            OUTPUT_STEP => {
                let mut line = CommandLine::new(GOALS[self.goal].command);
                self.add_input(&mut line);
                Some(line)
            }
            step if step == OUTPUT_STEP + 1 => Some(self.line()),
            _ => None,
        }
    }

    /// Adds the certificate and its key to a command line.
    fn add_input(&self, line: &mut CommandLine) {
        let Some(input) = &self.input else { return };
        if let Location::Path(file) = &input.file {
            line.file(file);
        }
        if let Some(Location::Path(key)) = &input.key_file {
            line.option("--key", key);
        }
        if let Some(select) = &self.select {
            line.option("--select", select);
        }
    }
}

/// Prints an error, and goes to the step whose answer did not serve.
fn retry(error: &Error, step: usize, talk: &mut Talk<'_, '_>) -> Result<Progress, Error> {
    talk.complain(error)?;
    Ok(Progress::To(step))
}

/// Opens a file, and shows what it holds.
fn open_shown(file: Location, talk: &mut Talk<'_, '_>) -> Result<Input, Refusal> {
    let mut line = CommandLine::new(&["inspect"]);
    if let Location::Path(path) = &file {
        line.file(path);
    }
    line.show(talk)?;
    let contents = match opener(&file, talk)?.open(&file, talk.context) {
        Ok(contents) => contents,
        Err(error) => return Err(Refusal::File(error)),
    };
    if let Err(error) = refuse_request(&file, &contents, false) {
        return Err(Refusal::File(error));
    }
    show(&file, &contents, talk)?;
    // Without a certificate no key is of use.
    if let Err(error) = identities(&file, &contents, false) {
        return Err(Refusal::File(error));
    }
    Ok(Input { contents, file, key_file: None })
}

fn show(file: &Location, contents: &Contents, talk: &mut Talk<'_, '_>) -> Result<(), Error> {
    let report = inspect::report(file, contents, talk.context.now);
    let mut text = Vec::new();
    human::inspect::write_brief(&mut text, &report, Paint::new(talk.context.stderr_has_color))?;
    talk.write(&text)
}

fn opener(location: &Location, talk: &mut Talk<'_, '_>) -> Result<Opener, Error> {
    let opening = OpeningArgs { passin: None, max_iterations: DEFAULT_MAX_ITERATIONS };
    Opener::new(&opening, &[location], talk.context)
}

fn identities<'a>(
    file: &Location,
    contents: &'a Contents,
    needs_key: bool,
) -> Result<Vec<&'a Entry<Certificate>>, Error> {
    match Collection::new(&contents.certificates, &contents.keys).identities(None, needs_key) {
        Ok(identities) => Ok(identities),
        Err(error) => Err(unread::explain_selection(file, contents, &error)),
    }
}

/// Returns the file that `csr` writes, here or beside the certificate, where it has the key of the certificate and needs
/// no password.
fn find_default_key(input: &Input, talk: &mut Talk<'_, '_>) -> Option<Location> {
    let Location::Path(file) = &input.file else { return None };
    for path in [PathBuf::from(DEFAULT_KEY), place::folder(file).join(DEFAULT_KEY)] {
        if !path.is_file() {
            continue;
        }
        let place = Location::Path(path);
        let search = KeySearch::read(std::slice::from_ref(&place), &Opener::without_password(), talk.context);
        if input.contents.certificates.iter().any(|entry| search.key_of(&entry.item.public_key).is_some()) {
            return Some(place);
        }
    }
    None
}

/// Returns whether a file may be a key that fits: one that needs a password. Another was tried already.
fn may_be_key(path: &Path, talk: &mut Talk<'_, '_>) -> bool {
    let place = Location::Path(path.to_owned());
    path.is_file() && KeySearch::read(&[place], &Opener::without_password(), talk.context).count() == 0
}

/// Certificates with warnings from this weight on are of use.
const USABLE: u8 = 2;

/// Returns how much less a warning weighs than the worst.
fn weight(code: FindingCode) -> u8 {
    match code {
        code if concerns_conversion(code) => 0,
        code if refutes_apple(code) => 1,
        FindingCode::SandboxOnly => USABLE,
        FindingCode::ExpiresSoon => USABLE + 1,
        _ => u8::MAX,
    }
}

/// Returns the weightiest reason why a certificate may not be what is wanted.
fn doubt(leaf: &Certificate, talk: &Talk<'_, '_>) -> Option<Finding> {
    let chain = APPLE.judge(leaf, &FileCas::new([]), talk.context.now);
    let mut warnings = warning::judge_leaf(leaf, &chain, None, talk.context.now);
    warnings.retain(|warning| weight(warning.code) < u8::MAX);
    warnings.sort_by_key(|warning| weight(warning.code));
    warnings.into_iter().next()
}
