//! `pushcert generate`.

use clap::Command;
use clap_complete::Shell;
use time::OffsetDateTime;

use crate::cli::completions::CompletionsArgs;
use crate::cli::generate::{GenerateArgs, Generated, ManArgs};
use crate::cli::{help, script};
use crate::commands::shared::{advice, writing};
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
    let mut command = help::completed_command(arguments.shell);
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "pushcert", &mut text);
    let mut text = String::from_utf8_lossy(&text).into_owned();
    match arguments.shell {
        Shell::Bash => text += &script::bash_words(&command),
        Shell::Fish => text = script::mend_fish(&text, &command) + &help::fish_words(&command),
        Shell::Zsh => text = script::mend_zsh(&text),
        _ => {}
    }
    Ok(context.stdout.write_all(text.as_bytes())?)
}

/// A manual page.
struct Page {
    /// "pushcert", or "pushcert-convert".
    name: String,
    text: String,
}

fn print_man(arguments: &ManArgs, context: &mut Context<'_>) -> Result<(), Error> {
    let all = pages(&date(context)?)?;
    let Some(folder) = &arguments.folder else {
        let mut name = "pushcert".to_owned();
        for word in arguments.subcommand.iter().flat_map(|words| words.split(' ')) {
            name.push('-');
            name.push_str(word);
        }
        let Some(page) = all.iter().find(|page| page.name == name) else { return Err(no_such_page(&all)) };
        return Ok(context.stdout.write_all(page.text.as_bytes())?);
    };
    if let Err(error) = std::fs::create_dir_all(folder) {
        return Err(advice::unwritable(&folder.display().to_string(), "cannot make the folder", &error));
    }
    let mut paths = Vec::new();
    for page in &all {
        paths.push(folder.join(format!("{}.1", page.name)));
    }
    let mut outputs = Vec::new();
    for (path, page) in paths.iter().zip(&all) {
        outputs.push(Output { path, bytes: page.text.as_bytes(), is_private: false, force: arguments.force });
    }
    writing::write_all(&outputs, context)?;
    let folder = printable_name(&folder.display().to_string());
    Ok(writeln!(context.stderr, "wrote {} manual pages to {folder}", all.len())?)
}

/// Says which pages there are. The word itself is not repeated: it may be anything.
fn no_such_page(pages: &[Page]) -> Error {
    let known = pages.iter().filter_map(|page| page.name.strip_prefix("pushcert-"));
    Error::new(ExitKind::Usage, "there is no manual page of this name")
        .hint(format!("there are pages of {}", text_list(known)))
}

/// Returns the date of the pages: today, or that of SOURCE_DATE_EPOCH, by which packages are built the same again.
fn date(context: &Context<'_>) -> Result<String, Error> {
    let Some(seconds) = (context.variable)("SOURCE_DATE_EPOCH") else { return Ok(context.now.date().to_string()) };
    let time = seconds.to_str().and_then(|seconds| seconds.parse().ok());
    match time.map(OffsetDateTime::from_unix_timestamp) {
        Some(Ok(time)) => Ok(time.date().to_string()),
        Some(Err(_)) | None => Err(Error::new(ExitKind::Usage, "SOURCE_DATE_EPOCH is not a number of UNIX seconds")),
    }
}

/// Makes all pages, each before those of its subcommands.
fn pages(date: &str) -> Result<Vec<Page>, Error> {
    let mut made = Vec::new();
    add_pages(&help::manual_command(), date, &mut made)?;
    Ok(made)
}

fn add_pages(command: &Command, date: &str, pages: &mut Vec<Page>) -> Result<(), Error> {
    pages.push(page(command.clone(), date)?);
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        add_pages(inner, date, pages)?;
    }
    Ok(())
}

fn page(command: Command, date: &str) -> Result<Page, Error> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let version = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
    let man = clap_mangen::Man::new(command).title(name.to_uppercase()).date(date).source(version).manual("pushcert");
    let mut bytes = Vec::new();
    man.render(&mut bytes)?;
    // An empty line between two breaks is a space.
    let text = String::from_utf8_lossy(&bytes).replace("\n.br\n\n.br\n", "\n.sp\n");
    Ok(Page { name, text: with_recipes(&help::printed(&text)) })
}

/// The title of what follows the options, as the generator has it.
const NOTES: &str = ".SH EXTRA";

/// Keeps the lines of recipes, which are indented, as they are: a page is filled and hyphenated elsewhere.
fn with_recipes(page: &str) -> String {
    let Some((options, notes)) = page.split_once(NOTES) else { return page.to_owned() };
    let mut text = format!("{options}.SH NOTES\n.nh");
    let mut is_recipe = false;
    for line in notes.trim_start_matches('\n').lines() {
        let is_indented = line.starts_with("  ");
        if is_indented != is_recipe {
            text.push_str(if is_indented { "\n.nf" } else { "\n.fi" });
            is_recipe = is_indented;
        }
        text.push('\n');
        text.push_str(line);
    }
    text.push_str(if is_recipe { "\n.fi\n" } else { "\n" });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_refer_to_pages_alone_and_have_a_date_and_a_version() {
        let pages = pages("2026-11-28").unwrap();
        assert!(pages.iter().any(|page| page.name == "pushcert-database-add"));
        for Page { name, text } in &pages {
            let title = format!(".TH {} 1 2026-11-28 \"pushcert {}\"", name.to_uppercase(), env!("CARGO_PKG_VERSION"));
            assert!(text.lines().any(|line| line.starts_with(&title)), "{name}: {text}");
            for reference in text.lines().filter(|line| line.starts_with("pushcert") && line.ends_with("(1)")) {
                let target = reference.trim_end_matches("(1)").replace('\\', "");
                assert!(pages.iter().any(|page| page.name == target), "{name}: {reference}");
            }
            assert!(!text.contains(".br\n\n.br"), "{name}");
        }
    }

    #[test]
    fn no_line_of_a_recipe_is_filled() {
        let mut recipes = 0;
        for Page { name, text } in pages("2026-11-28").unwrap() {
            let mut is_filled = true;
            for line in text.lines() {
                match line {
                    ".nf" => is_filled = false,
                    ".fi" => is_filled = true,
                    _ => {
                        assert!(!line.starts_with("  ") || !is_filled, "{name}: {line}");
                        recipes += usize::from(!is_filled);
                    }
                }
            }
            assert!(is_filled, "{name}");
        }
        assert!(recipes > 100, "{recipes}");
    }
}
