//! The subcommands of openssl, and what is nearest to them.

/// What a subcommand of openssl is to pushcert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nearest {
    Subcommand(&'static str),
    /// It makes a key, which `csr` does, with its request.
    NewKey,
    /// It reads and writes keys without their certificates, which pushcert does not.
    KeysAlone,
}

pub(super) struct Foreign {
    name: &'static str,
    pub(super) nearest: Nearest,
}

const fn foreign(name: &'static str, nearest: Nearest) -> Foreign {
    Foreign { name, nearest }
}

/// Subcommands of openssl, and what is nearest to them.
const FOREIGN: [Foreign; 11] = [
    foreign("pkcs12", Nearest::Subcommand("convert")),
    foreign("x509", Nearest::Subcommand("inspect")),
    foreign("req", Nearest::Subcommand("csr")),
    foreign("s_client", Nearest::Subcommand("check")),
    foreign("verify", Nearest::Subcommand("inspect")),
    foreign("genrsa", Nearest::NewKey),
    foreign("genpkey", Nearest::NewKey),
    foreign("pkcs8", Nearest::KeysAlone),
    foreign("rsa", Nearest::KeysAlone),
    foreign("pkey", Nearest::KeysAlone),
    foreign("ec", Nearest::KeysAlone),
];

impl Foreign {
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        FOREIGN.iter().find(|known| known.name == name)
    }

    pub(super) fn problem(&self) -> String {
        format!("{} is a command of openssl, not of pushcert", self.name)
    }

    /// Returns the subcommand of pushcert.
    pub(super) const fn subcommand(&self) -> &'static str {
        match self.nearest {
            Nearest::Subcommand(name) => name,
            Nearest::NewKey => "csr",
            Nearest::KeysAlone => "inspect",
        }
    }

    /// Says what does the like, where the rest of the line was not understood or has no equal.
    pub(super) fn hint(&self) -> String {
        let Self { name, nearest } = self;
        match nearest {
            Nearest::KeysAlone => format!(
                "openssl {name} does it: pushcert writes no key without its certificate; pushcert inspect shows what a key is"
            ),
            Nearest::NewKey | Nearest::Subcommand(_) => {
                let subcommand = self.subcommand();
                format!("pushcert {subcommand} is the nearest to it: pushcert {subcommand} --help")
            }
        }
    }
}
