//! The options of other programs, and what they mean to pushcert.

/// The place of an option of another program in pushcert's command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Input,
    Output,
    Key,
    KeyOutput,
    /// The password of the input, or, where a file is made, of that.
    Password,
    InputPassword,
    OutputPassword,
    Name,
    Subject,
    Gateway,
    /// The file with the authorities that are trusted.
    Authorities,
    /// A file with the intermediate, which pushcert has itself.
    Intermediate,
    /// The cipher of a key that is written.
    Encrypt,
    /// The days that are left, where a certificate is checked; no part of a request.
    Days,
    /// The seconds that are left.
    Seconds,
    /// The algorithm of a new key.
    Algorithm,
    /// A flag that stands for one of pushcert's.
    Flag(&'static [&'static str]),
    /// A flag that stands for another subcommand.
    Subcommand(&'static str),
    /// A flag that is not needed.
    Nothing,
    /// An option with a value that is not needed.
    NothingWithValue,
}

impl Meaning {
    pub(super) const fn takes_value(self) -> bool {
        !matches!(self, Self::Encrypt | Self::Flag(_) | Self::Subcommand(_) | Self::Nothing)
    }
}

pub(super) struct Habit {
    /// Without dashes.
    option: &'static str,
    pub(super) meaning: Meaning,
}

impl Habit {
    /// Finds an option without its dashes.
    pub(super) fn find(option: &str) -> Option<&'static Self> {
        HABITS.iter().find(|known| known.option == option)
    }
}

const fn habit(option: &'static str, meaning: Meaning) -> Habit {
    Habit { option, meaning }
}

const HABITS: [Habit; 92] = [
    habit("in", Meaning::Input),
    habit("input", Meaning::Input),
    habit("infile", Meaning::Input),
    habit("cert", Meaning::Input),
    habit("out", Meaning::Output),
    habit("outfile", Meaning::Output),
    habit("output-file", Meaning::Output),
    habit("inkey", Meaning::Key),
    habit("key", Meaning::Key),
    habit("keyout", Meaning::KeyOutput),
    habit("passin", Meaning::InputPassword),
    habit("passout", Meaning::OutputPassword),
    habit("password", Meaning::Password),
    habit("pass", Meaning::Password),
    habit("passphrase", Meaning::Password),
    habit("pwd", Meaning::Password),
    habit("p", Meaning::Password),
    habit("P", Meaning::Password),
    habit("name", Meaning::Name),
    habit("subj", Meaning::Subject),
    habit("connect", Meaning::Gateway),
    habit("nokeys", Meaning::Flag(&["--no-key"])),
    habit("nocerts", Meaning::Flag(&["--certs", "none"])),
    habit("cacerts", Meaning::Flag(&["--certs", "ca"])),
    habit("chain", Meaning::Flag(&["--chain"])),
    habit("export", Meaning::Subcommand("pack")),
    habit("noout", Meaning::Subcommand("inspect")),
    habit("text", Meaning::Subcommand("inspect")),
    habit("subject", Meaning::Subcommand("inspect")),
    habit("issuer", Meaning::Subcommand("inspect")),
    habit("serial", Meaning::Subcommand("inspect")),
    habit("dates", Meaning::Subcommand("inspect")),
    habit("enddate", Meaning::Subcommand("inspect")),
    habit("fingerprint", Meaning::Subcommand("inspect")),
    habit("info", Meaning::Subcommand("inspect")),
    habit("nodes", Meaning::Nothing),
    habit("noenc", Meaning::Nothing),
    habit("clcerts", Meaning::Nothing),
    habit("legacy", Meaning::Nothing),
    habit("nomac", Meaning::Nothing),
    habit("nomacver", Meaning::Nothing),
    habit("new", Meaning::Nothing),
    habit("sha256", Meaning::Nothing),
    habit("f", Meaning::Flag(&["--force"])),
    habit("newkey", Meaning::NothingWithValue),
    habit("inform", Meaning::NothingWithValue),
    habit("outform", Meaning::NothingWithValue),
    habit("macalg", Meaning::NothingWithValue),
    habit("keypbe", Meaning::NothingWithValue),
    habit("certpbe", Meaning::NothingWithValue),
    habit("des3", Meaning::Encrypt),
    habit("des", Meaning::Encrypt),
    habit("aes128", Meaning::Encrypt),
    habit("aes192", Meaning::Encrypt),
    habit("aes256", Meaning::Encrypt),
    habit("aes-128-cbc", Meaning::Encrypt),
    habit("aes-256-cbc", Meaning::Encrypt),
    habit("days", Meaning::Days),
    habit("checkend", Meaning::Seconds),
    habit("CAfile", Meaning::Authorities),
    habit("certfile", Meaning::Intermediate),
    habit("algorithm", Meaning::Algorithm),
    habit("i", Meaning::Input),
    habit("k", Meaning::Key),
    habit("passwd", Meaning::Password),
    habit("pw", Meaning::Password),
    habit("startdate", Meaning::Subcommand("inspect")),
    habit("purpose", Meaning::Subcommand("inspect")),
    habit("hash", Meaning::Subcommand("inspect")),
    habit("email", Meaning::Subcommand("inspect")),
    habit("check", Meaning::Subcommand("inspect")),
    habit("verify", Meaning::Subcommand("inspect")),
    habit("modulus", Meaning::Subcommand("inspect")),
    habit("nocrypt", Meaning::Nothing),
    habit("topk8", Meaning::Nothing),
    habit("showcerts", Meaning::Nothing),
    habit("quiet", Meaning::Nothing),
    habit("brief", Meaning::Nothing),
    habit("tls1_2", Meaning::Nothing),
    habit("tls1_3", Meaning::Nothing),
    habit("batch", Meaning::Nothing),
    habit("utf8", Meaning::Nothing),
    habit("keysig", Meaning::Nothing),
    habit("keyex", Meaning::Nothing),
    habit("traditional", Meaning::Nothing),
    habit("prexit", Meaning::Nothing),
    habit("servername", Meaning::NothingWithValue),
    habit("alpn", Meaning::NothingWithValue),
    habit("pkeyopt", Meaning::NothingWithValue),
    habit("nameopt", Meaning::NothingWithValue),
    habit("iter", Meaning::NothingWithValue),
    habit("verify_return_error", Meaning::Nothing),
];
