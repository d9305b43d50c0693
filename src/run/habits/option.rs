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
    /// The gateway's name, and its port apart.
    Host,
    Port,
    /// The proxy, which openssl takes without a scheme.
    Proxy,
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
    /// A key that is to be made.
    NewKey,
    /// An option of its algorithm.
    KeyOption,
    /// The encryption of a .p12.
    Pbe,
    /// The digest of its MAC.
    Mac,
    /// PEM, or DER, which pushcert does not write.
    OutputForm,
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
    pub(super) meaning: Meaning,
    /// Without dashes, with blanks between them.
    options: &'static str,
}

impl Habit {
    /// Finds an option without its dashes.
    pub(super) fn find(option: &str) -> Option<&'static Self> {
        HABITS.iter().find(|known| known.options.split_whitespace().any(|name| name == option))
    }
}

const fn habit(meaning: Meaning, options: &'static str) -> Habit {
    Habit { meaning, options }
}

const HABITS: [Habit; 33] = [
    habit(Meaning::Input, "in input infile cert i"),
    habit(Meaning::Output, "out outfile output-file"),
    habit(Meaning::Key, "inkey key k"),
    habit(Meaning::KeyOutput, "keyout"),
    habit(Meaning::InputPassword, "passin"),
    habit(Meaning::OutputPassword, "passout"),
    habit(Meaning::Password, "password pass passphrase pwd p P passwd pw"),
    habit(Meaning::Name, "name"),
    habit(Meaning::Subject, "subj"),
    habit(Meaning::Gateway, "connect"),
    habit(Meaning::Host, "host"),
    habit(Meaning::Port, "port"),
    habit(Meaning::Proxy, "proxy"),
    habit(Meaning::OutputForm, "outform"),
    habit(Meaning::Flag(&["--no-key"]), "nokeys"),
    habit(Meaning::Flag(&["--certs", "none"]), "nocerts"),
    habit(Meaning::Flag(&["--certs", "ca"]), "cacerts"),
    habit(Meaning::Flag(&["--chain"]), "chain"),
    habit(Meaning::Flag(&["--force"]), "f"),
    habit(Meaning::Subcommand("pack"), "export"),
    habit(
        Meaning::Subcommand("inspect"),
        "noout text subject issuer serial dates enddate fingerprint info startdate purpose hash email check verify \
         modulus",
    ),
    habit(
        Meaning::Nothing,
        "nodes noenc clcerts legacy nomac nomacver new sha1 sha256 nocrypt topk8 showcerts quiet brief tls1_2 tls1_3 batch \
         utf8 keysig keyex traditional prexit verify_return_error state descert print_certs",
    ),
    habit(
        Meaning::NothingWithValue,
        "inform servername alpn nameopt iter certform keyform CApath caname provider provider-path v2 v2prf \
         untrusted trusted",
    ),
    habit(Meaning::NewKey, "newkey"),
    habit(Meaning::KeyOption, "pkeyopt"),
    habit(Meaning::Pbe, "keypbe certpbe"),
    habit(Meaning::Mac, "macalg"),
    habit(Meaning::Encrypt, "des3 des aes128 aes192 aes256 aes-128-cbc aes-256-cbc"),
    habit(Meaning::Days, "days"),
    habit(Meaning::Seconds, "checkend"),
    habit(Meaning::Authorities, "CAfile"),
    habit(Meaning::Intermediate, "certfile"),
    habit(Meaning::Algorithm, "algorithm"),
];
