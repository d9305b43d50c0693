//! Words that people type in the place of a subcommand.

/// What words mean to pushcert.
pub(super) enum Meant {
    Subcommand(&'static str),
    /// No subcommand does it alone: what to do then.
    Advice(&'static str),
}

pub(super) struct Synonyms {
    words: &'static [&'static str],
    pub(super) meant: Meant,
}

const fn command(name: &'static str, words: &'static [&'static str]) -> Synonyms {
    Synonyms { words, meant: Meant::Subcommand(name) }
}

const fn advice(words: &'static [&'static str], advice: &'static str) -> Synonyms {
    Synonyms { words, meant: Meant::Advice(advice) }
}

/// The words for the completions of a shell.
pub(super) const COMPLETIONS: &[&str] = &["completion", "autocomplete", "autocompletion", "complete"];

const SYNONYMS: [Synonyms; 24] = [
    command(
        "inspect",
        &[
            "info", "view", "show", "print", "read", "dump", "list", "ls", "cat", "describe", "display", "details",
            "decode", "parse", "open", "topic", "topics", "subject",
        ],
    ),
    command(
        "convert",
        &[
            "pem",
            "to-pem",
            "topem",
            "p12-to-pem",
            "p12topem",
            "extract",
            "decrypt",
            "unpack",
            "transform",
            "join",
            "merge",
        ],
    ),
    command(
        "pack",
        &["export", "p12", "pfx", "to-p12", "pem-to-p12", "create-p12", "generate-p12", "bundle", "package"],
    ),
    command(
        "csr",
        &[
            "generate-csr",
            "create-csr",
            "make-csr",
            "new-csr",
            "gen-csr",
            "gencsr",
            "request",
            "generate-request",
            "create-request",
            "certificate-request",
            "new",
            "create",
            "keygen",
            "genkey",
            "generate-key",
            "create-key",
            "gen-key",
            "new-key",
            "key",
        ],
    ),
    command(
        "check",
        &["test", "ping", "connect", "connection", "test-connection", "validate", "status", "probe", "try"],
    ),
    command("push", &["send", "notify", "notification", "message", "deliver", "publish"]),
    command(
        "expiry",
        &["expire", "expires", "expired", "expiration", "dates", "days", "enddate", "validity", "monitor", "watch"],
    ),
    command("compare", &["diff", "cmp"]),
    command("gateway", &["server", "serve", "mock", "fake", "listen", "simulator"]),
    command("device", &["phone", "app", "simulate", "receive"]),
    command("rehearse", &["demo", "rehearsal", "tutorial", "walkthrough"]),
    command("wizard", &["setup", "start", "init", "interactive", "assistant", "guide"]),
    command("example", &["examples", "sample", "samples", "snippet", "code", "template"]),
    command("explain", &["error", "errors", "why", "diagnose", "doctor", "debug"]),
    command("database", &["db", "tokens", "token", "devices"]),
    advice(
        &["renew", "renewal", "replace", "rotate"],
        "pushcert csr makes the request for a new certificate, and pushcert compare OLD NEW says whether it can take the place of \
         the old one",
    ),
    advice(
        &["sign", "issue"],
        "Apple signs the request that pushcert csr makes, in its developer portal: pushcert csr --help",
    ),
    advice(
        &["import", "install"],
        "pushcert pack writes the .p12 that a Mac imports, and pushcert database import takes a list of device tokens",
    ),
    advice(
        &["revoke"],
        "a certificate is revoked in Apple's developer portal; pushcert check FILE --revocation asks whether it was",
    ),
    advice(
        &["keytool", "certutil", "security", "certtool"],
        "pushcert inspect shows what a file holds, and pushcert pack writes a .p12 for Java, a Mac or OpenSSL (--for)",
    ),
    advice(
        &["curl", "apn", "apns"],
        "pushcert push sends a notification, and pushcert example curl prints the command line for curl",
    ),
    advice(&["version"], "pushcert --version"),
    advice(&["man", "manpage", "manual"], "pushcert generate man"),
    advice(COMPLETIONS, "pushcert generate completions bash (or zsh, fish)"),
];

impl Synonyms {
    pub(super) fn find(word: &str) -> Option<&'static Self> {
        SYNONYMS.iter().find(|known| known.words.contains(&word))
    }

    /// Says what to type, where the rest of the line was not understood or has no equal.
    pub(super) fn hint(&self) -> String {
        match self.meant {
            Meant::Subcommand(name) => format!("pushcert {name} is the command for it: pushcert {name} --help"),
            Meant::Advice(advice) => advice.to_owned(),
        }
    }
}

/// Says that a word, which is one of these, is no subcommand.
pub(super) fn problem(word: &str) -> String {
    format!("{word} is not a command of pushcert")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{Meant, SYNONYMS};
    use crate::cli::Cli;

    #[test]
    fn no_word_is_a_subcommand_and_each_stands_once() {
        let root = Cli::command();
        let mut seen = Vec::new();
        for synonyms in SYNONYMS {
            if let Meant::Subcommand(name) = synonyms.meant {
                assert!(root.find_subcommand(name).is_some(), "{name}");
            }
            for word in synonyms.words {
                assert!(root.find_subcommand(word).is_none() && !seen.contains(word), "{word}");
                seen.push(word);
            }
        }
    }
}
