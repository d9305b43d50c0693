//! `pushcert database`.

use std::io::{self, Write};

use time::OffsetDateTime;

use crate::cli::database::{
    AddArgs, DatabaseArgs, DatabaseCommand, GroupArgs, ImportArgs, ListArgs, ListForm, RemoveArgs,
};
use crate::cli::values::DatabaseUrl;
use crate::commands::shared::database;
use crate::commands::shared::token_list::{TokenList, joined_warning};
use crate::database::problem::DatabaseError;
use crate::database::{
    Access, Database, FIRST_MILLISECOND, KeptToken, Mark, Registration, RegistrationTime, Removed, Selection,
    TokenGroup,
};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::push::recipient::InvalidToken;
use crate::push::source::{Entry, Input, UnregisteredSince};
use crate::report::human::database::{self as human_database, Change, ChangeReport};
use crate::report::json;
use crate::report::style::Paint;
use crate::schema::rfc3339_of_milliseconds;
use crate::text::printable;
use crate::world::context::Context;
use crate::world::files::Location;

/// The number of tokens that are written together.
const BATCH: usize = 5000;
/// The number of tokens that are read together.
const PAGE: usize = 1000;
/// The most texts that are named because they are no tokens.
const MAX_NAMED: u64 = 10;
/// The most tokens that are named because they stay.
const MAX_SHOWN: usize = 10;
/// What the argument is called.
const ARGUMENT: &str = "DATABASE";

pub(super) fn run(arguments: &DatabaseArgs, context: &mut Context<'_>) -> Result<Option<ExitKind>, Error> {
    match &arguments.command {
        DatabaseCommand::Add(arguments) => add(arguments, context),
        DatabaseCommand::Import(arguments) => import(arguments, context),
        DatabaseCommand::List(arguments) => list(arguments, context),
        DatabaseCommand::Remove(arguments) => remove(arguments, context),
    }
}

fn add(arguments: &AddArgs, context: &mut Context<'_>) -> Result<Option<ExitKind>, Error> {
    let given = GivenTokens::Arguments(arguments.tokens.clone());
    let time = RegistrationTime::Now(milliseconds(context.now)?);
    register(&arguments.database, &arguments.group, &given, time, arguments.json, context)
}

fn import(arguments: &ImportArgs, context: &mut Context<'_>) -> Result<Option<ExitKind>, Error> {
    let given = GivenTokens::new(&arguments.list, &arguments.form)?;
    let time = match arguments.registered {
        Some(time) if time > context.now => {
            return Err(Error::new(ExitKind::Usage, "--registered: this time is in the future")
                .hint("a token with it would never become unregistered; without --registered it is now"));
        }
        Some(time) => RegistrationTime::Past(milliseconds(time)?),
        None => RegistrationTime::Now(milliseconds(context.now)?),
    };
    register(&arguments.database, &arguments.group, &given, time, arguments.json, context)
}

fn milliseconds(time: OffsetDateTime) -> Result<u64, Error> {
    match u64::try_from(time.unix_timestamp_nanos() / 1_000_000) {
        Ok(milliseconds) if milliseconds >= FIRST_MILLISECOND => Ok(milliseconds),
        _ => Err(Error::new(ExitKind::Usage, "no device had registered by that time")),
    }
}

fn register(
    url: &DatabaseUrl,
    group: &GroupArgs,
    given: &GivenTokens,
    time: RegistrationTime,
    wants_json: bool,
    context: &mut Context<'_>,
) -> Result<Option<ExitKind>, Error> {
    let address = database::find(url, ARGUMENT, context)?;
    let group = group.group();
    let mut open = OpenOnDemand { access: Access::Create, address: &address, database: None };
    let mut total = Registration::default();
    let invalid = given.read(context, false, &mut |given| {
        // A list of tokens that are unregistered is one of tokens here.
        let Given::Tokens(tokens) = given else { return Ok(()) };
        total.add(open.get()?.register(&group, tokens, time).map_err(|error| database::explain(&error))?);
        Ok(())
    })?;
    let report = ChangeReport::new(&address, &group, total.into(), invalid);
    finish(&report, wants_json, context)
}

fn remove(arguments: &RemoveArgs, context: &mut Context<'_>) -> Result<Option<ExitKind>, Error> {
    let given = match &arguments.list {
        Some(location) => GivenTokens::new(location, &arguments.form)?,
        None => GivenTokens::Arguments(arguments.tokens.clone()),
    };
    let address = database::find(&arguments.database, ARGUMENT, context)?;
    let group = arguments.group.group();
    let mut database = database::open(&address, Access::Write)?;
    let mut removal = Removal::default();
    let invalid = given.read(context, true, &mut |given| match removal.remove(&mut database, &group, given) {
        Ok(()) => Ok(()),
        Err(error) => Err(database::explain(&error)),
    })?;
    removal.write_kept(context.stderr)?;
    let Removal { removed, missing, kept, .. } = removal;
    let report = ChangeReport::new(&address, &group, Change::Removed { removed, missing, kept }, invalid);
    finish(&report, arguments.json, context)
}

/// What a command has removed.
#[derive(Default)]
struct Removal {
    removed: u64,
    missing: u64,
    /// The tokens that stay: they are registered since a time after APNs called them unregistered, or none says when.
    kept: u64,
    /// The first of them.
    shown: Vec<KeptToken>,
}

impl Removal {
    fn remove(&mut self, database: &mut Database, group: &TokenGroup, given: Given<'_>) -> Result<(), DatabaseError> {
        match given {
            Given::Tokens(tokens) => {
                let count = database.remove(group, tokens)?;
                self.removed += count;
                self.missing += tokens.len() as u64 - count;
            }
            Given::Unregistered(marks) => {
                let Removed { removed, kept } = database.remove_unregistered(group, marks)?;
                self.removed += removed;
                self.kept += kept.len() as u64;
                self.missing += marks.len() as u64 - removed - kept.len() as u64;
                let room = MAX_SHOWN - self.shown.len();
                self.shown.extend(kept.into_iter().take(room));
            }
        }
        Ok(())
    }

    /// Lists the tokens that stay.
    fn write_kept(&self, out: &mut dyn Write) -> io::Result<()> {
        for KeptToken { token, since, registered } in &self.shown {
            let registered = rfc3339_of_milliseconds(*registered);
            match since {
                0 => writeln!(out, "{token} stays: no time that can be read says since when it is unregistered")?,
                since => writeln!(
                    out,
                    "{token} stays: it is registered in the database since {registered}, and APNs called it unregistered before ({})",
                    rfc3339_of_milliseconds(*since)
                )?,
            }
        }
        if let more @ 1.. = self.kept - self.shown.len() as u64 {
            writeln!(out, "and {more} more")?;
        }
        match self.kept {
            0 => Ok(()),
            _ => writeln!(out, "what stays is removed by a list of the tokens alone, without their times"),
        }
    }
}

fn finish(report: &ChangeReport<'_>, wants_json: bool, context: &mut Context<'_>) -> Result<Option<ExitKind>, Error> {
    if wants_json {
        json::write(context.stdout, report)?;
    } else {
        human_database::write_change(context.stdout, report)?;
    }
    Ok(if report.invalid > 0 { Some(ExitKind::CheckFailed) } else { None })
}

impl GroupArgs {
    fn group(&self) -> TokenGroup {
        TokenGroup { app: self.app.clone(), environment: self.environment }
    }
}

fn list(arguments: &ListArgs, context: &mut Context<'_>) -> Result<Option<ExitKind>, Error> {
    let address = database::find(&arguments.database, ARGUMENT, context)?;
    let mut database = database::open(&address, Access::Read)?;
    let selection =
        Selection { app: arguments.app.clone(), environment: arguments.environment, state: arguments.state() };
    let count = match print_tokens(&mut database, &selection, arguments.json, context) {
        Ok(count) => count,
        Err(ListError::Database(error)) => return Err(database::explain(&error)),
        Err(ListError::Output(error)) => return Err(error.into()),
    };
    if !arguments.json {
        writeln!(context.stdout, "{}", human_database::tokens(count))?;
    }
    Ok(None)
}

/// The reason why a list is not complete.
#[derive(Debug, thiserror::Error)]
enum ListError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Output(#[from] std::io::Error),
}

/// Prints tokens, a page at a time; returns their number.
fn print_tokens(
    database: &mut Database,
    selection: &Selection,
    wants_json: bool,
    context: &mut Context<'_>,
) -> Result<u64, ListError> {
    let paint = Paint::new(context.stdout_has_color);
    let (mut count, mut last) = (0, 0);
    loop {
        let page = database.read_page(selection, last, PAGE)?;
        if page.is_empty() {
            return Ok(count);
        }
        for stored in &page {
            last = stored.id;
            count += 1;
            if wants_json {
                human_database::write_token_line(context.stdout, stored)?;
            } else {
                human_database::write_token(context.stdout, stored, paint)?;
            }
        }
    }
}

/// A database that is created when there is something to write.
struct OpenOnDemand<'a> {
    address: &'a crate::database::address::DatabaseAddress,
    access: Access,
    database: Option<Database>,
}

impl OpenOnDemand<'_> {
    fn get(&mut self) -> Result<&mut Database, Error> {
        match &mut self.database {
            Some(database) => Ok(database),
            empty => Ok(empty.insert(database::open(self.address, self.access)?)),
        }
    }
}

/// The device tokens of the command line.
enum GivenTokens {
    Arguments(Vec<String>),
    List(TokenList),
}

/// Tokens in lower case.
enum Given<'a> {
    /// Each once.
    Tokens(&'a [String]),
    Unregistered(&'a [Mark]),
}

type Taker<'a> = &'a mut dyn FnMut(Given<'_>) -> Result<(), Error>;

impl GivenTokens {
    fn new(location: &Location, form: &ListForm) -> Result<Self, Error> {
        Ok(Self::List(TokenList::new(location, form.format, form.column.as_deref())?))
    }

    /// Hands on all tokens in batches; names texts that are none, and returns their number. `heeds_since` is true if the
    /// times in a list of tokens that are unregistered count.
    fn read(&self, context: &mut Context<'_>, heeds_since: bool, take: Taker<'_>) -> Result<u64, Error> {
        let (input, name) = match self {
            Self::Arguments(texts) => (Input::Options(texts.clone()), "TOKEN".to_owned()),
            Self::List(list) => (list.open()?, list.location.input_name()),
        };
        let mut sorter = Sorter {
            name: &name,
            heeds_since,
            tokens: Vec::new(),
            marks: Vec::new(),
            count: 0,
            invalid: 0,
            failure: None,
            take,
        };
        let end = input.read(None, &mut |entries| sorter.sort(entries, context));
        sorter.finish();
        let Sorter { count, invalid, failure, .. } = sorter;
        if let Some(failure) = failure {
            return Err(failure);
        }
        if let Some(error) = end.error {
            return Err(match self {
                Self::Arguments(_) => Error::new(error.exit_kind(), format!("{name}: {error}")),
                Self::List(list) => list.explain(&error),
            });
        }
        // A day without a 410 leaves a list that has its first line alone.
        let may_be_empty = heeds_since && end.counts.is_unregistered_list && invalid == 0;
        if count == 0 && !may_be_empty {
            return Err(self.no_token(&name));
        }
        if let (Self::List(list), Some(joined)) = (self, end.counts.joined) {
            let warning = joined_warning(&name, list.place(), joined);
            writeln!(context.stderr, "warning: {}", printable(&warning))?;
        }
        Ok(invalid)
    }

    fn no_token(&self, name: &str) -> Error {
        let failure = Error::new(ExitKind::Input, format!("{name}: there is no device token in it"));
        match self {
            Self::Arguments(_) => failure.hint("a device token has hexadecimal digits, 64 as a rule"),
            Self::List(list) => list.hint_at_form(failure),
        }
    }
}

/// Tells tokens from what is none.
struct Sorter<'a> {
    name: &'a str,
    heeds_since: bool,
    tokens: Vec<String>,
    marks: Vec<Mark>,
    /// The number of tokens.
    count: u64,
    invalid: u64,
    failure: Option<Error>,
    take: Taker<'a>,
}

impl Sorter<'_> {
    /// Sorts entries; returns false if no more are wanted.
    fn sort(&mut self, entries: Vec<Entry>, context: &mut Context<'_>) -> bool {
        for Entry { position, token, since, .. } in entries {
            match token {
                Ok(token) => {
                    self.count += 1;
                    let token = token.digits().to_owned();
                    match since {
                        UnregisteredSince::Time(since) if self.heeds_since => self.marks.push(Mark { token, since }),
                        // It is before every registration.
                        UnregisteredSince::NotKnown if self.heeds_since => self.marks.push(Mark { token, since: 0 }),
                        _ => self.tokens.push(token),
                    }
                }
                Err(invalid) => self.name_invalid(position, &invalid, context),
            }
        }
        if self.tokens.len() + self.marks.len() >= BATCH {
            self.finish();
        }
        self.failure.is_none()
    }

    fn name_invalid(&mut self, position: u64, invalid: &InvalidToken, context: &mut Context<'_>) {
        self.invalid += 1;
        let InvalidToken { text, problem } = invalid;
        let name = printable(self.name);
        // The count is a part of the result: whether people see the names decides nothing.
        let _ = match self.invalid {
            1..=MAX_NAMED => writeln!(context.stderr, "{name}: {position}: {text:?}: {problem}"),
            number if number == MAX_NAMED + 1 => writeln!(context.stderr, "{name}: further texts are no tokens"),
            _ => Ok(()),
        };
    }

    /// Hands on what is there. In one order, so that no two processes wait for each other.
    fn finish(&mut self) {
        if self.failure.is_some() {
            return;
        }
        if !self.tokens.is_empty() {
            self.tokens.sort_unstable();
            self.tokens.dedup();
            self.failure = (self.take)(Given::Tokens(&self.tokens)).err();
            self.tokens.clear();
        }
        if !self.marks.is_empty() && self.failure.is_none() {
            // The last 410 of a token counts.
            self.marks.sort_unstable_by(|one, other| (&one.token, other.since).cmp(&(&other.token, one.since)));
            self.marks.dedup_by(|next, first| next.token == first.token);
            self.failure = (self.take)(Given::Unregistered(&self.marks)).err();
            self.marks.clear();
        }
    }
}
