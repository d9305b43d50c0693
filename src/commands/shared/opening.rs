//! Reading and opening an input, with the passwords that the arguments name.

use std::io;
use std::path::Path;

use crate::apns::provider_token::key_id_in;
use crate::certificate::Certificate;
use crate::cli::OpeningArgs;
use crate::cli::password::PasswordSource;
use crate::commands::shared::{advice, unread, writing};
use crate::container::lookalike::Lookalike;
use crate::container::{self, Contents, Entry, OpenError, PasswordTarget, Passwords, Unread};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::key::PrivateKey;
use crate::limits::DEFAULT_MAX_ITERATIONS;
use crate::pkcs12::Holds;
use crate::report::shell::{shell_location, shell_os_word};
use crate::secret::Password;
use crate::world::context::Context;
use crate::world::files::{self, Location};
use crate::world::place::WriteError;
use crate::world::terminal::Terminal;
use zeroize::Zeroizing;

/// Refuses two readers of standard input.
///
/// # Errors
/// When there are.
pub(crate) fn check_stdin(inputs: &[&Location], passwords: &[Option<&PasswordSource>]) -> Result<(), Error> {
    let files = inputs.iter().filter(|input| ***input == Location::Standard).count();
    let passwords = passwords.iter().flatten().filter(|source| source.takes_stdin()).count();
    if files + passwords > 1 {
        return Err(Error::new(ExitKind::Usage, "standard input can be read only once")
            .hint("name a file, or give the password with env:, file: or fd:"));
    }
    Ok(())
}

/// Opens files with the passwords that the arguments name: read once, used for every file of a command.
pub(crate) struct Opener {
    given: Option<Password>,
    asks: bool,
    /// The input must have a private key, for none is given apart.
    needs_key: bool,
    typed: Option<TypedCommand>,
    max_iterations: u64,
}

/// An input that was opened.
pub(crate) struct OpenedFile {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    pub(crate) contents: Contents,
    /// The password without which less of it is read.
    pub(crate) lock: Option<Password>,
}

/// A command that takes a certificate and its key.
pub(crate) struct TypedCommand {
    /// Its name and what else of it is to be typed.
    pub(crate) name: &'static str,
    pub(crate) outputs: Vec<(&'static str, Location)>,
}

impl TypedCommand {
    /// Returns the command line with these two files.
    fn with_files(&self, certificate: &Location, key: &Location) -> String {
        let mut line = format!("pushcert {} {} --key {}", self.name, shell_location(certificate), shell_location(key));
        for (option, file) in &self.outputs {
            line.push_str(&format!(" {option} {}", shell_location(file)));
        }
        line
    }
}

impl Opener {
    /// Reads the password, where it is given; `inputs` are those that will be read.
    pub(crate) fn new(arguments: &OpeningArgs, inputs: &[&Location], context: &mut Context<'_>) -> Result<Self, Error> {
        check_stdin(inputs, &[arguments.passin.as_ref()])?;
        let given = match &arguments.passin {
            Some(source) => source.read(context, "--passin")?,
            None => None,
        };
        let asks = given.is_none() && (arguments.passin.is_some() || context.asks_for_passwords);
        Ok(Self { given, asks, needs_key: false, typed: None, max_iterations: arguments.max_iterations })
    }

    /// Says before it asks for a password that a file has no private key to be seen.
    pub(crate) fn needing_key(self) -> Self {
        Self { needs_key: true, ..self }
    }

    /// Names the command, for a hint that prints it.
    pub(crate) fn typed(self, command: TypedCommand) -> Self {
        Self { typed: Some(command), ..self }
    }

    /// Opens files that need no password.
    pub(crate) fn without_password() -> Self {
        Self { given: None, asks: false, needs_key: false, typed: None, max_iterations: DEFAULT_MAX_ITERATIONS }
    }

    /// One like it, with another password.
    pub(crate) fn with_source(
        &self,
        option: &str,
        source: &PasswordSource,
        context: &mut Context<'_>,
    ) -> Result<Self, Error> {
        let given = source.read(context, option)?;
        let asks = given.is_none();
        Ok(Self { given, asks, needs_key: false, typed: None, max_iterations: self.max_iterations })
    }

    /// Reads and opens one input.
    pub(crate) fn open(&self, location: &Location, context: &mut Context<'_>) -> Result<Contents, Error> {
        let bytes = read(location, context)?;
        self.open_bytes(location, &bytes, context)
    }

    /// Opens what was read from an input.
    pub(crate) fn open_bytes(
        &self,
        location: &Location,
        bytes: &[u8],
        context: &mut Context<'_>,
    ) -> Result<Contents, Error> {
        match self.try_open(location, bytes, context) {
            Ok(contents) => Ok(contents),
            Err(error) => Err(advice::explain(&location.to_string(), &error)),
        }
    }

    pub(crate) fn try_open(
        &self,
        location: &Location,
        bytes: &[u8],
        context: &mut Context<'_>,
    ) -> Result<Contents, OpenError> {
        self.open_noting(location, bytes, &mut None, context)
    }

    /// Opens an input, and notes the password that was typed for it.
    fn open_noting(
        &self,
        location: &Location,
        bytes: &[u8],
        typed: &mut Option<Password>,
        context: &mut Context<'_>,
    ) -> Result<Contents, OpenError> {
        let name = location.to_string();
        let terminal = &mut *context.terminal;
        let mut ask = |protected, attempt| {
            if attempt == 1 && self.needs_key && container::shows_no_key(bytes) {
                let name = crate::text::printable_name(files::input_name(&name));
                terminal
                    .tell(&format!("{name}: no private key is to be seen in it, which its password may not change"))?;
            }
            let password = ask_password(terminal, &name, protected, attempt)?;
            *typed = Some(password.clone());
            Ok(password)
        };
        let mut passwords = match &self.given {
            Some(password) => Passwords::Given(password.clone()),
            None if self.asks => Passwords::Ask(&mut ask),
            None => Passwords::None,
        };
        container::open(bytes, &mut passwords, self.max_iterations)
    }

    /// Reads and opens an input, and tells its password.
    pub(crate) fn open_locked(&self, location: &Location, context: &mut Context<'_>) -> Result<OpenedFile, Error> {
        let bytes = read(location, context)?;
        let mut typed = None;
        let contents = match self.open_noting(location, &bytes, &mut typed, context) {
            Ok(contents) => contents,
            Err(error) => return Err(advice::explain(&location.to_string(), &error)),
        };
        let password = self.given.clone().or(typed);
        let needs_it = password.is_some() && self.needs_password(&bytes, &contents);
        Ok(OpenedFile { contents, lock: if needs_it { password } else { None }, bytes })
    }

    /// Returns whether less is read of an input without a password.
    fn needs_password(&self, bytes: &[u8], contents: &Contents) -> bool {
        match container::open(bytes, &mut Passwords::None, self.max_iterations) {
            Ok(without) => without.unread.len() > contents.unread.len(),
            Err(_) => true,
        }
    }

    /// Reads and opens an input of which only a private key is wanted; `hint` says which.
    pub(crate) fn open_key(
        &self,
        location: &Location,
        hint: &'static str,
        context: &mut Context<'_>,
    ) -> Result<Contents, Error> {
        let bytes = read(location, context)?;
        let problem = match self.try_open(location, &bytes, context) {
            Ok(contents) => return Ok(contents),
            Err(OpenError::OnlyOthers { list, .. }) => format!("there is no private key in it, only {list}"),
            Err(OpenError::Lookalike(other)) => {
                // A key in another form can be made one that is read.
                let hint = if other.holds() == Holds::Key { other.hint().unwrap_or(hint) } else { hint };
                let message = format!("{}: {}", location.input_name(), no_key(other));
                return Err(Error::new(ExitKind::Input, message).hint(hint));
            }
            Err(OpenError::Unrecognized) => "this is not a private key".to_owned(),
            Err(error) => return Err(advice::explain(&location.to_string(), &error)),
        };
        Err(Error::new(ExitKind::Input, format!("{}: {problem}", location.input_name())).hint(hint))
    }

    /// Opens what was read from a file in a folder; nobody is asked for its password.
    pub(crate) fn open_unasked(&self, bytes: &[u8]) -> Result<Contents, OpenError> {
        let mut passwords = match &self.given {
            Some(password) => Passwords::Given(password.clone()),
            None => Passwords::None,
        };
        container::open(bytes, &mut passwords, self.max_iterations)
    }

    /// Opens an input, with the keys of `key` in the place of its own where that is given.
    pub(crate) fn open_with_key(
        &self,
        location: &Location,
        key: Option<&Location>,
        context: &mut Context<'_>,
    ) -> Result<Contents, Error> {
        let contents = self.open(location, context)?;
        self.take_key(contents, location, key, context)
    }

    /// Takes the keys of `key`, where that is given, in the place of those in the contents of an input.
    pub(crate) fn take_key(
        &self,
        contents: Contents,
        location: &Location,
        key: Option<&Location>,
        context: &mut Context<'_>,
    ) -> Result<Contents, Error> {
        let Some(key) = key else { return Ok(contents) };
        let opened = self.open_key(key, KEY_OF_REQUEST, context)?;
        let Contents { keys, certificates, unread: unread_keys, may_hide_key, has_encrypted_key, .. } = opened;
        if let ([], Some(unread)) = (&keys[..], unread_keys.iter().find(|unread| unread.may_be_key())) {
            return Err(unread::explain(&key.to_string(), unread));
        }
        if keys.is_empty() {
            let message = format!("{}: there is no private key in it", key.input_name());
            let error = Error::new(ExitKind::Input, message);
            return Err(match has_certificate_of(&contents, &certificates) {
                true => error.hint(self.swapped(key, location)),
                false => error.hint(KEY_OF_REQUEST),
            });
        }
        let key_file_unread = may_hide_key || unread_keys.iter().any(Unread::may_be_key);
        let has_token_key = is_named_as_token_key(key) && keys.iter().all(|entry| entry.item.may_sign_tokens());
        Ok(Contents { key_file_unread, has_token_key, has_encrypted_key, ..contents.with_keys(keys) })
    }

    /// Says that the files of a certificate and its key were given in each other's place.
    fn swapped(&self, certificate: &Location, key: &Location) -> String {
        let found = "the certificate and its key stand in each other's place";
        match &self.typed {
            Some(command) => format!("{found}: {}", command.with_files(certificate, key)),
            None => format!("{found}: --key takes the key, and the certificate stands without an option"),
        }
    }
}

/// Returns whether a file without certificates has the key of one of these.
fn has_certificate_of(contents: &Contents, certificates: &[Entry<Certificate>]) -> bool {
    let [key, ..] = &contents.keys[..] else { return false };
    contents.certificates.is_empty()
        && certificates.iter().any(|entry| key.item.public().is_same_key(&entry.item.public_key))
}

/// Returns whether a file is called as Apple calls a token signing key.
fn is_named_as_token_key(file: &Location) -> bool {
    let Location::Path(path) = file else { return false };
    path.file_name().is_some_and(|name| key_id_in(&name.to_string_lossy()).is_some())
}

const KEY_OF_REQUEST: &str = "--key takes the private key that the certificate's request was made with";

/// Says of a file from which a private key was wanted what it is instead.
pub(crate) fn no_key(kind: Lookalike) -> String {
    match kind.holds() {
        Holds::Key => format!("this is {}, which is not read here", kind.name()),
        Holds::Certificate | Holds::Anything | Holds::Mac | Holds::Other => {
            format!("this is {}, not a private key", kind.name())
        }
    }
}

const KEY_IS_LOST: &str = "a private key in it would be lost, for the output does not have it: choose another name";

const SECRET_IS_LOST: &str =
    "a secret of another application in it would be lost, for the output does not have it: choose another name";

const KEY_MAY_BE_LOST: &str = "what was not read of it may be a private key, and would be lost: choose another name";

/// The files of a conversion, and the keys that its outputs have.
pub(crate) struct Conversion<'a> {
    pub(crate) input: &'a Location,
    pub(crate) key: Option<&'a Location>,
    pub(crate) outputs: Vec<&'a Location>,
    /// The keys that an output file has; what goes to a device or to standard output is not kept there.
    pub(crate) written_keys: Vec<&'a PrivateKey>,
}

impl Conversion<'_> {
    /// Refuses an output that takes the place of an input and leaves out a key of it. Where an input is a pipe, which keeps
    /// nothing, that is a file with a key of it.
    ///
    /// # Errors
    /// Names the output.
    pub(crate) fn check_keys_stay(&self, contents: &Contents) -> Result<(), Error> {
        let (own_keys, has_unread) = match self.key {
            Some(_) => (&contents.replaced_keys, contents.replaced_unread_key),
            None => (&contents.keys, contents.may_have_unread_key()),
        };
        for output in &self.outputs {
            let takes_own = takes_place(output, self.input);
            let takes_other = self.key.is_some_and(|key| takes_place(output, key));
            let hint = if (takes_own && (has_unread || !self.writes_all(own_keys)))
                || (takes_other && !self.writes_all(&contents.keys))
                || self.drops_copy(output, self.input, own_keys)
                || self.key.is_some_and(|key| self.drops_copy(output, key, &contents.keys))
            {
                KEY_IS_LOST
            } else if takes_own && contents.secrets().next().is_some() {
                SECRET_IS_LOST
            } else if (takes_own && contents.may_hide_key) || (takes_other && contents.key_file_unread) {
                KEY_MAY_BE_LOST
            } else {
                continue;
            };
            return Err(advice::explain(&output.to_string(), &WriteError::Exists).hint(hint));
        }
        Ok(())
    }

    fn writes_all(&self, keys: &[Entry<PrivateKey>]) -> bool {
        keys.iter().all(|entry| self.writes(entry))
    }

    fn writes(&self, entry: &Entry<PrivateKey>) -> bool {
        self.written_keys.iter().any(|key| key.is_same_key(&entry.item))
    }

    /// Returns whether an output replaces a file with one of the keys that came through a pipe, and does not have it.
    fn drops_copy(&self, output: &Location, input: &Location, keys: &[Entry<PrivateKey>]) -> bool {
        let Location::Path(path) = output else { return false };
        if is_kept(input) {
            return false;
        }
        let old = writing::keys_of(path);
        let is_old = |entry: &Entry<PrivateKey>| old.iter().any(|old| old.item.is_same_key(&entry.item));
        keys.iter().any(|entry| !self.writes(entry) && is_old(entry))
    }
}

/// Returns whether an input is still there when it was read: a file, or standard input from a file.
fn is_kept(input: &Location) -> bool {
    match input {
        Location::Path(path) => path.is_file(),
        Location::Standard => Path::new("/dev/stdin").is_file(),
    }
}

/// Returns whether an output takes the place of an input.
pub(crate) fn takes_place(output: &Location, input: &Location) -> bool {
    let Location::Path(path) = output else { return false };
    let stdin = Location::Path("/dev/stdin".into());
    let input = if *input == Location::Standard { &stdin } else { input };
    path.is_file() && output.is_same_output(input)
}

/// Reads an input.
pub(crate) fn read(location: &Location, context: &mut Context<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
    match files::read(location, context.stdin) {
        Ok(bytes) => Ok(bytes),
        Err(error) => Err(advice::explain(&location.to_string(), &error)),
    }
}

/// Returns the option with the source of a password that was given, which the command of a hint needs too.
pub(crate) fn passin_option(source: Option<&PasswordSource>) -> String {
    source.map(|source| format!(" --passin {}", shell_os_word(&source.shown()))).unwrap_or_default()
}

fn ask_password(
    terminal: &mut dyn Terminal,
    file: &str,
    protected: PasswordTarget,
    attempt: u32,
) -> io::Result<Password> {
    let file = crate::text::printable_name(files::input_name(file));
    let again = if attempt > 1 { "wrong password. " } else { "" };
    let secret = terminal.secret(&format!("{again}Password for {file} ({protected}): "))?;
    Ok(Password::new(secret.to_vec()))
}
