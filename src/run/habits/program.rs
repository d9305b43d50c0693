//! The subcommands of openssl, and what is nearest to them.

use std::ffi::OsString;

/// What a subcommand of openssl is to pushcert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nearest {
    Subcommand(&'static str),
    /// It makes a key, which `csr` does, with its request.
    NewKey,
    /// It reads and writes keys without their certificates, which convert does in PEM alone.
    KeysAlone,
    /// Nothing does the same: what to do instead.
    Advice(&'static str),
}

pub(super) struct Foreign {
    pub(super) name: &'static str,
    pub(super) nearest: Nearest,
}

const fn foreign(name: &'static str, nearest: Nearest) -> Foreign {
    Foreign { name, nearest }
}

/// Subcommands of openssl, and what is nearest to them.
static FOREIGN: [Foreign; 26] = [
    foreign("pkcs12", Nearest::Subcommand("convert")),
    foreign("x509", Nearest::Subcommand("inspect")),
    foreign("req", Nearest::Subcommand("csr")),
    foreign("s_client", Nearest::Subcommand("check")),
    foreign("pkcs7", Nearest::Subcommand("inspect")),
    foreign("asn1parse", Nearest::Subcommand("inspect")),
    foreign(
        "crl2pkcs7",
        Nearest::Advice("pushcert reads .p7b files and writes none: pushcert convert writes PEM, and pack .p12"),
    ),
    foreign("smime", Nearest::Advice(P7B)),
    foreign("cms", Nearest::Advice(P7B)),
    foreign("base64", Nearest::Advice(BASE64)),
    foreign("enc", Nearest::Advice(BASE64)),
    foreign(
        "dgst",
        Nearest::Advice("pushcert inspect FILE shows the SHA-256 of a certificate, and no digest of a file"),
    ),
    foreign("ocsp", Nearest::Advice("pushcert check FILE --revocation asks whether a certificate was revoked")),
    foreign(
        "crl",
        Nearest::Advice(
            "pushcert reads no revocation lists: pushcert check FILE --revocation asks whether one was revoked",
        ),
    ),
    foreign("ca", Nearest::Advice("Apple signs the request that pushcert csr makes, in its developer portal")),
    foreign("s_server", Nearest::Advice("pushcert gateway is an APNs for tests: pushcert gateway --help")),
    foreign("errstr", Nearest::Advice("pushcert explain 'TEXT' says what a message of openssl means")),
    foreign("storeutl", Nearest::Subcommand("convert")),
    foreign("verify", Nearest::Subcommand("inspect")),
    foreign("genrsa", Nearest::NewKey),
    foreign("genpkey", Nearest::NewKey),
    foreign("ecparam", Nearest::NewKey),
    foreign("pkcs8", Nearest::KeysAlone),
    foreign("rsa", Nearest::KeysAlone),
    foreign("pkey", Nearest::KeysAlone),
    foreign("ec", Nearest::KeysAlone),
];

/// What pushcert does otherwise than openssl's verify.
pub(super) const VERDICT: &str =
    "it judges against Apple's root, not against that of -CAfile, and its exit code is no verdict";

const BASE64: &str = "every command of pushcert reads Base64 as it stands, and none what openssl enc has encrypted: pushcert inspect FILE";

const P7B: &str = "pushcert makes and checks no signatures; pushcert inspect FILE shows what a .p7b holds, and pushcert convert \
     FILE --no-key --certs all writes its certificates as PEM";

/// The options with which openssl writes a key in a way that pushcert does not.
const PUBLIC: [&str; 4] = ["-pubout", "-pubin", "-outform", "-RSAPublicKey_out"];

impl Foreign {
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        FOREIGN.iter().find(|known| known.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn problem(&self) -> String {
        format!("{} is a command of openssl, not of pushcert", self.name)
    }

    /// Returns whether it takes a file with certificates and keys apart.
    pub(super) fn opens_containers(&self) -> bool {
        matches!(self.name, "pkcs12" | "storeutl")
    }

    /// Returns whether it may write a certificate or a request, and not a key alone.
    pub(super) fn writes_certificates(&self) -> bool {
        matches!(self.nearest, Nearest::Subcommand(_))
    }

    /// Returns the subcommand of pushcert.
    pub(super) const fn subcommand(&self) -> Option<&'static str> {
        match self.nearest {
            Nearest::Subcommand(name) => Some(name),
            Nearest::NewKey => Some("csr"),
            Nearest::KeysAlone => Some("inspect"),
            Nearest::Advice(_) => None,
        }
    }

    /// Says what does the like, where the rest of the line was not understood or has no equal.
    pub(super) fn hint(&self, arguments: &[OsString]) -> String {
        let Self { name, nearest } = self;
        match nearest {
            Nearest::Advice(advice) => (*advice).to_owned(),
            Nearest::KeysAlone if arguments.iter().any(|argument| PUBLIC.iter().any(|flag| argument == flag)) => {
                format!("openssl {name} does it: pushcert writes no public key, and no key in DER")
            }
            Nearest::KeysAlone => format!(
                "openssl {name} does it: pushcert convert KEY --certs none -o FILE writes a private key in PEM (with --encrypt \
                 encrypted), and pushcert inspect shows what a key is"
            ),
            Nearest::NewKey | Nearest::Subcommand(_) => {
                let exports = arguments.iter().any(|argument| argument == "-export");
                let subcommand = if exports { "pack" } else { self.subcommand().unwrap_or_default() };
                let remark = if *name == "verify" { format!(" ({VERDICT})") } else { String::new() };
                format!("pushcert {subcommand} is the nearest to it: pushcert {subcommand} --help{remark}")
            }
        }
    }
}
