//! From nothing to a key and a request.

use std::path::{Path, PathBuf};

use crate::cli::Command;
use crate::cli::csr::{DEFAULT_KEY, DEFAULT_REQUEST};
use crate::commands::csr;
use crate::commands::wizard::line::{CommandLine, unexpected_command};
use crate::commands::wizard::path::{ask_output, offered};
use crate::commands::wizard::{End, Progress, Talk, walk};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::request;
use crate::world::terminal::question::{Question, Reply};
use crate::world::terminal::{Completion, InputCheck};

/// The key of the request.
enum Key {
    New(PathBuf),
    Existing(PathBuf),
}

/// The answers so far.
#[derive(Default)]
struct Answers {
    email: Option<String>,
    name: Option<String>,
    country: Option<String>,
    key: Option<Key>,
    request: Option<PathBuf>,
    encrypts: bool,
}

type Step = fn(&mut Answers, &mut Talk<'_, '_>) -> Result<Progress, Error>;

const STEPS: [Step; 7] = [
    Answers::ask_email,
    Answers::ask_name,
    Answers::ask_country,
    Answers::ask_key,
    Answers::ask_request,
    Answers::ask_encryption,
    Answers::carry_out,
];

/// The step that asks for the key.
const KEY_STEP: usize = 3;

/// Makes a key, unless there is one, and a request.
pub(super) fn make(talk: &mut Talk<'_, '_>) -> Result<Reply<u8>, Error> {
    let mut answers = Answers::default();
    let end = walk(STEPS.len(), talk, &mut |number, talk| {
        let so_far = answers.email.as_ref().map(|_| answers.line().text());
        talk.note(so_far);
        STEPS[number](&mut answers, talk)
    })?;
    match end {
        End::All => Ok(Reply::Given(0)),
        End::Back => Ok(Reply::Back),
    }
}

impl Answers {
    fn ask_email(&mut self, talk: &mut Talk<'_, '_>) -> Result<Progress, Error> {
        ask_text("E-mail address", &mut self.email, request::check_email, talk)
    }

    fn ask_name(&mut self, talk: &mut Talk<'_, '_>) -> Result<Progress, Error> {
        ask_text("Name (yours, or the company's)", &mut self.name, request::check_name, talk)
    }

    fn ask_country(&mut self, talk: &mut Talk<'_, '_>) -> Result<Progress, Error> {
        let progress = ask_text(csr::COUNTRY, &mut self.country, request::check_country, talk)?;
        if let Some(country) = &mut self.country {
            country.make_ascii_uppercase();
        }
        Ok(progress)
    }

    fn ask_key(&mut self, talk: &mut Talk<'_, '_>) -> Result<Progress, Error> {
        if Path::new(DEFAULT_KEY).is_file() && csr::may_be_key(Path::new(DEFAULT_KEY)) {
            let text = format!("{DEFAULT_KEY} is there already. Make the request for that key?");
            match talk.confirm(&text, true)? {
                Reply::Given(true) => {
                    self.key = Some(Key::Existing(DEFAULT_KEY.into()));
                    return Ok(Progress::Answered);
                }
                Reply::Given(false) => {}
                Reply::Back => return Ok(Progress::Back),
            }
        }
        let before = match &self.key {
            Some(Key::New(path)) => Some(path.as_path()),
            Some(Key::Existing(_)) | None => None,
        };
        match ask_output("Where to write the private key?", &offered(before, DEFAULT_KEY), None, talk)? {
            Reply::Given(path) => self.key = Some(Key::New(path)),
            Reply::Back => return Ok(Progress::Back),
        }
        Ok(Progress::Answered)
    }

    fn ask_request(&mut self, talk: &mut Talk<'_, '_>) -> Result<Progress, Error> {
        let taken = match &self.key {
            Some(Key::New(path) | Key::Existing(path)) => Some(path.as_path()),
            None => None,
        };
        let default = offered(self.request.as_deref(), DEFAULT_REQUEST);
        match ask_output("Where to write the request?", &default, taken, talk)? {
            Reply::Given(path) => self.request = Some(path),
            Reply::Back => return Ok(Progress::Back),
        }
        Ok(Progress::Answered)
    }

    fn ask_encryption(&mut self, talk: &mut Talk<'_, '_>) -> Result<Progress, Error> {
        if matches!(self.key, Some(Key::Existing(_))) {
            return Ok(Progress::Passed);
        }
        match talk.confirm("Protect the key with a password?", false)? {
            Reply::Given(encrypts) => self.encrypts = encrypts,
            Reply::Back => return Ok(Progress::Back),
        }
        Ok(Progress::Answered)
    }

    fn carry_out(&mut self, talk: &mut Talk<'_, '_>) -> Result<Progress, Error> {
        let line = self.line();
        let Command::Csr(arguments) = line.show(talk)? else { return Err(unexpected_command()) };
        match talk.run(|context| csr::run(&arguments, context)) {
            Ok(()) => {
                talk.done.push(line.text());
                Ok(Progress::Passed)
            }
            Err(error) if matches!(error.kind, ExitKind::Usage | ExitKind::Bug) => Err(error),
            Err(error) => {
                talk.complain(&error)?;
                Ok(Progress::To(KEY_STEP))
            }
        }
    }

    /// Returns the command, as far as there are answers.
    fn line(&self) -> CommandLine {
        let mut line = CommandLine::new(&["csr"]);
        for (option, answer) in [("--email", &self.email), ("--name", &self.name), ("--country", &self.country)] {
            if let Some(answer) = answer {
                line.option(option, answer);
            }
        }
        match &self.key {
            Some(Key::Existing(path)) => line.option("--key", path),
            Some(Key::New(path)) if path != Path::new(DEFAULT_KEY) => line.option("--key-out", path),
            Some(Key::New(_)) | None => {}
        }
        if let Some(path) = &self.request
            && path != Path::new(DEFAULT_REQUEST)
        {
            line.option("-o", path);
        }
        if self.encrypts && matches!(self.key, Some(Key::New(_))) {
            line.flag("--encrypt");
        }
        line
    }
}

/// Asks for a text; an answer that was given before is the default.
fn ask_text(
    text: &str,
    answer: &mut Option<String>,
    check: fn(&str) -> InputCheck,
    talk: &mut Talk<'_, '_>,
) -> Result<Progress, Error> {
    let default = answer.clone();
    let question = Question { text, default: default.as_deref(), completion: Completion::Nothing, has_way_back: true };
    match talk.ask(&question, &check)? {
        Reply::Given(given) => *answer = Some(given),
        Reply::Back => return Ok(Progress::Back),
    }
    Ok(Progress::Answered)
}
