//! Other names that people type for pushcert's own options.

use std::fmt;

use clap::Command;

/// What stands behind an option.
pub(super) enum AliasValue {
    None,
    Known(&'static str),
    Typed,
    /// A time before which it warns, or fails with another option.
    Threshold,
    /// What was typed behind it is not what stands behind the option: how that is written.
    Shown(&'static str),
}

pub(super) struct Alias {
    pub(super) option: &'static str,
    pub(super) value: AliasValue,
    /// Without dashes, with blanks between them.
    names: &'static str,
}

const fn alias(option: &'static str, value: AliasValue, names: &'static str) -> Alias {
    Alias { option, value, names }
}

static ALIASES: [Alias; 13] = [
    alias("--environment", AliasValue::Known("sandbox"), "sandbox dev development debug"),
    alias("--environment", AliasValue::Known("production"), "production prod"),
    alias("--alert", AliasValue::Typed, "body message msg"),
    alias("--token", AliasValue::Typed, "device device-token t"),
    alias("--name", AliasValue::Typed, "cn common-name"),
    alias("--warn", AliasValue::Threshold, "days"),
    alias("--cert-out", AliasValue::Typed, "out-cert outcert certout cert-output output-cert"),
    alias("--key-out", AliasValue::Typed, "out-key outkey key-output output-key"),
    alias("--force", AliasValue::None, "overwrite"),
    alias("--topic", AliasValue::Typed, "bundle-id bundleid bundle"),
    alias("--push-type", AliasValue::Known("voip"), "voip"),
    alias("--include", AliasValue::Shown("'*.pem'"), "ext extension extensions pattern glob"),
    alias("--listen", AliasValue::Shown("127.0.0.1:PORT"), "port bind address"),
];

impl Alias {
    /// Finds a name without its dashes, where the subcommand has the option.
    pub(super) fn find(command: &Command, name: &str) -> Option<&'static Self> {
        ALIASES.iter().find(|alias| alias.is_called(name) && alias.is_of(command))
    }

    fn is_called(&self, name: &str) -> bool {
        self.names.split(' ').any(|known| known == name)
    }

    fn is_of(&self, command: &Command) -> bool {
        let long = self.option.strip_prefix("--");
        command.get_arguments().any(|argument| argument.get_long() == long)
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.option)?;
        match self.value {
            AliasValue::Known(value) | AliasValue::Shown(value) => write!(f, " {value}"),
            AliasValue::Threshold => f.write_str(", such as --warn 30d; --fail 30d fails the run too"),
            AliasValue::None | AliasValue::Typed => Ok(()),
        }
    }
}
