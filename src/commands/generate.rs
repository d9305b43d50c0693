//! `pushcert generate`.

use clap::Command;

use crate::cli::completions::CompletionsArgs;
use crate::cli::generate::{GenerateArgs, Generated, ManArgs};
use crate::cli::help;
use crate::commands::shared::writing;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::text::{printable_name, text_list};
use crate::world::context::Context;
use crate::world::outputs::Output;

pub(super) fn run(arguments: &GenerateArgs, context: &mut Context<'_>) -> Result<(), Error> {
    match &arguments.what {
        Generated::Man(arguments) => print_man(arguments, context),
        Generated::Completions(arguments) => print_completions(arguments, context),
    }
}

/// Prints a script that completes what each option takes.
fn print_completions(arguments: &CompletionsArgs, context: &mut Context<'_>) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut help::completed_command(), "pushcert", &mut script);
    Ok(context.stdout.write_all(&script)?)
}

/// A manual page.
struct Page {
    /// "pushcert", or "pushcert-convert".
    name: String,
    text: String,
}

fn print_man(arguments: &ManArgs, context: &mut Context<'_>) -> Result<(), Error> {
    let pages = pages()?;
    let Some(folder) = &arguments.folder else {
        let name = match &arguments.subcommand {
            Some(subcommand) => format!("pushcert-{subcommand}"),
            None => "pushcert".to_owned(),
        };
        let Some(page) = pages.iter().find(|page| page.name == name) else { return Err(no_such_page(&name, &pages)) };
        return Ok(context.stdout.write_all(page.text.as_bytes())?);
    };
    let mut paths = Vec::new();
    for page in &pages {
        paths.push(folder.join(format!("{}.1", page.name)));
    }
    let mut outputs = Vec::new();
    for (path, page) in paths.iter().zip(&pages) {
        outputs.push(Output { path, bytes: page.text.as_bytes(), is_private: false, force: arguments.force });
    }
    writing::write_all(&outputs, context)?;
    let folder = printable_name(&folder.display().to_string());
    Ok(writeln!(context.stderr, "wrote {} manual pages to {folder}", pages.len())?)
}

fn no_such_page(name: &str, pages: &[Page]) -> Error {
    let subcommand = printable_name(name.trim_start_matches("pushcert-"));
    let known = pages.iter().filter_map(|page| page.name.strip_prefix("pushcert-"));
    Error::new(ExitKind::Usage, format!("there is no subcommand {subcommand}"))
        .hint(format!("there are {}", text_list(known)))
}

/// Makes all pages, that of pushcert as a whole first.
fn pages() -> Result<Vec<Page>, Error> {
    let root = help::documented_command();
    let mut pages = vec![page(root.clone())?];
    for command in root.get_subcommands() {
        if command.get_name() != "help" && !command.is_hide_set() {
            pages.push(page(command.clone())?);
        }
    }
    Ok(pages)
}

fn page(command: Command) -> Result<Page, Error> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut text = Vec::new();
    clap_mangen::Man::new(command.disable_help_subcommand(true)).render(&mut text)?;
    Ok(Page { name, text: help::printed(&String::from_utf8_lossy(&text)) })
}
