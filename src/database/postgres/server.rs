//! The URL of a PostgreSQL server, read as PostgreSQL's own tools read it.

use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use openssl::x509::X509;
use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::database::address::Variables;
use crate::database::postgres::passwords;
use crate::text;

/// The limit of a connection, where the URL has none.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The port where the URL has none.
const DEFAULT_PORT: u16 = 5432;

/// A server, and the database on it.
#[derive(Clone)]
pub(crate) struct PostgresServer {
    pub(super) config: Config,
    /// The CA certificates (DER) that are trusted alone, if there are any.
    pub(super) roots: Option<Vec<Vec<u8>>>,
    pub(super) has_tls: bool,
    is_local: bool,
    has_password_in_url: bool,
}

/// What TLS must prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TlsMode {
    /// Nothing was said.
    Default,
    Off,
    Verified,
}

/// The parameters of a URL that the driver does not know.
struct Parameters {
    tls: TlsMode,
    roots_file: Option<String>,
    /// The URL without them.
    url: String,
}

impl PostgresServer {
    /// Parses a URL.
    ///
    /// # Errors
    /// A sentence for the user, which does not repeat the URL.
    pub(in crate::database) fn parse(text: &str, variables: Variables<'_>) -> Result<Self, String> {
        let Parameters { tls, roots_file, url } = Parameters::take(text)?;
        let mut config = match url.parse::<Config>() {
            Ok(config) => config,
            Err(error) => return Err(format!("the URL is not understood: {}", cause(&error))),
        };
        check_hosts(&config)?;
        let has_password_in_url = config.get_password().is_some();
        complete(&mut config, variables)?;
        let is_local = config.get_hosts().iter().all(is_local_host);
        let has_tls = match tls {
            TlsMode::Verified => true,
            TlsMode::Off => false,
            TlsMode::Default => !is_local || roots_file.is_some(),
        };
        config.ssl_mode(if has_tls { SslMode::Require } else { SslMode::Disable });
        let roots_file = match roots_file {
            Some(file) => Some(file),
            None => text_of(variables, "PGSSLROOTCERT"),
        };
        let roots = match roots_file {
            Some(file) if has_tls && file != "system" => Some(read_roots(Path::new(&file))?),
            _ => None,
        };
        Ok(Self { config, roots, has_tls, is_local, has_password_in_url })
    }

    /// Returns whether the password stands in the URL.
    pub(in crate::database) fn has_password_in_url(&self) -> bool {
        self.has_password_in_url
    }

    /// Returns whether others in the network can read what goes to the server.
    pub(in crate::database) fn is_exposed(&self) -> bool {
        !self.has_tls && !self.is_local
    }
}

impl fmt::Display for PostgresServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        for (index, host) in self.config.get_hosts().iter().enumerate() {
            let separator = if index > 0 { "," } else { "" };
            let port = port_of(&self.config, index);
            match host {
                Host::Tcp(name) if name.contains(':') => write!(f, "{separator}[{}]:{port}", text::printable(name))?,
                Host::Tcp(name) => write!(f, "{separator}{}:{port}", text::printable(name))?,
                #[cfg(unix)]
                Host::Unix(path) => {
                    write!(f, "{separator}{}:{port}", text::printable(&path.display().to_string()))?;
                }
            }
        }
        write!(f, "/{}", text::printable(self.config.get_dbname().unwrap_or_default()))
    }
}

fn port_of(config: &Config, index: usize) -> u16 {
    let ports = config.get_ports();
    *ports.get(index).or(ports.first()).unwrap_or(&DEFAULT_PORT)
}

/// Returns the innermost cause of an error, which names the parameter and not its value.
pub(super) fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn check_hosts(config: &Config) -> Result<(), String> {
    if config.get_hosts().is_empty() {
        return Err("a host is expected, such as postgres://localhost/push".to_owned());
    }
    // The rest of a password is no host, and no database.
    let mut has_at = config.get_dbname().is_some_and(|name| name.contains('@'));
    for host in config.get_hosts() {
        has_at |= matches!(host, Host::Tcp(name) if name.contains('@'));
    }
    if has_at { Err("an @ in the password is written as %40, and a / as %2F".to_owned()) } else { Ok(()) }
}

/// Adds what the URL leaves open.
fn complete(config: &mut Config, variables: Variables<'_>) -> Result<(), String> {
    if config.get_user().is_none()
        && let Some(user) = text_of(variables, "PGUSER")
    {
        config.user(user);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_application_name().is_none() {
        config.application_name("pushcert");
    }
    if config.get_password().is_some() {
        return Ok(());
    }
    if let Some(password) = text_of(variables, "PGPASSWORD") {
        config.password(password);
    } else if let Some(password) = passwords::find(config, port_of(config, 0), variables)? {
        config.password(password.as_bytes());
    }
    Ok(())
}

/// Returns the value of a variable; an empty one counts as none.
pub(super) fn text_of(variables: Variables<'_>, name: &str) -> Option<String> {
    let value = variables(name)?.into_string().ok()?;
    if value.is_empty() { None } else { Some(value) }
}

fn is_local_host(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => match name.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => name == "localhost",
        },
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn read_roots(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let name = path.display();
    let pem = match fs::read(path) {
        Ok(pem) => pem,
        Err(error) => return Err(format!("sslrootcert: {name}: cannot read it: {error}")),
    };
    let mut roots = Vec::new();
    for certificate in X509::stack_from_pem(&pem).unwrap_or_default() {
        roots.extend(certificate.to_der());
    }
    if roots.is_empty() { Err(format!("sslrootcert: {name}: there is no certificate in PEM in it")) } else { Ok(roots) }
}

impl Parameters {
    /// Takes the parameters of TLS out of a URL.
    fn take(text: &str) -> Result<Self, String> {
        // A password may have a question mark.
        let start = text.find('@').unwrap_or_default();
        let Some(mark) = text[start..].find('?') else {
            return Ok(Self { tls: TlsMode::Default, roots_file: None, url: text.to_owned() });
        };
        let (address, query) = text.split_at(start + mark);
        let mut taken = Self { tls: TlsMode::Default, roots_file: None, url: address.to_owned() };
        let mut separator = '?';
        for part in query[1..].split('&') {
            match part.split_once('=') {
                Some(("sslmode", mode)) => taken.tls = parse_mode(mode)?,
                Some(("sslrootcert", file)) => {
                    taken.roots_file = Some(percent_decode_str(file).decode_utf8_lossy().into_owned());
                }
                _ => {
                    taken.url.push(separator);
                    taken.url.push_str(part);
                    separator = '&';
                }
            }
        }
        Ok(taken)
    }
}

/// Parses the mode of TLS. Modes that ask for less than a verified server get one.
fn parse_mode(mode: &str) -> Result<TlsMode, String> {
    match mode {
        "disable" => Ok(TlsMode::Off),
        "allow" | "prefer" | "require" | "verify-ca" | "verify-full" => Ok(TlsMode::Verified),
        _ => Err("sslmode is verify-full or disable".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn parse(text: &str) -> Result<PostgresServer, String> {
        parse_with(text, &[])
    }

    fn parse_with(text: &str, variables: &[(&str, &str)]) -> Result<PostgresServer, String> {
        PostgresServer::parse(text, &|name| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some(OsString::from(value))
        })
    }

    #[test]
    fn tls_is_left_out_on_this_machine_alone() {
        for (text, has_tls) in [
            ("postgres://db.example.com/push", true),
            ("postgresql://jo@db.example.com:5433/push?sslmode=require", true),
            ("postgres://db.example.com/push?sslmode=prefer&application_name=x", true),
            ("postgres://localhost/push", false),
            ("postgres://127.0.0.1/push", false),
            ("postgres://[::1]/push", false),
            ("postgres://%2Frun%2Fpostgresql/push", false),
            ("postgres://localhost,db.example.com/push", true),
            ("postgres://localhost/push?sslmode=verify-full", true),
            ("postgres://db.example.com/push?sslmode=disable", false),
        ] {
            let server = parse(text).unwrap();
            assert_eq!(server.has_tls, has_tls, "{text}");
            assert_eq!(server.is_exposed(), text.contains("disable"), "{text}");
        }
    }

    #[test]
    fn nothing_shows_a_password() {
        let server = parse("postgres://jo:gehe?im%40@db.example.com/push?sslmode=require").unwrap();
        assert!(server.has_password_in_url());
        assert_eq!(server.to_string(), "postgres://db.example.com:5432/push");
        assert_eq!(server.config.get_password(), Some(&b"gehe?im@"[..]));
        for wrong in [
            "postgres://jo:gehe@im@db.example.com/push",
            "postgres://jo:gehe@im/geheim@db.example.com/push",
            "postgres://jo:geheim@db.example.com:x/push",
            "postgres://jo:geheim@/push",
            "postgres://jo:geheim@h/push?sslcert=geheim",
            "postgres://jo:geheim@h/push?sslmode=geheim",
            "postgres://jo:geheim",
            "postgres://jo:geheim@h/push?sslrootcert=/dev/null",
        ] {
            let Err(refusal) = parse(wrong) else { panic!("{wrong}") };
            assert!(!refusal.contains("geheim") && !refusal.contains("im@"), "{wrong}: {refusal}");
        }
    }

    #[test]
    fn variables_say_what_the_url_leaves_open() {
        let variables = [("PGPASSWORD", "geheim"), ("PGUSER", "jo"), ("PGSSLROOTCERT", "/no/such/file")];
        let server = parse_with("postgres://localhost/push", &variables).unwrap();
        assert_eq!((server.config.get_user(), server.config.get_password()), (Some("jo"), Some(&b"geheim"[..])));
        let server = parse_with("postgres://al:own@localhost/push", &variables).unwrap();
        assert_eq!((server.config.get_user(), server.config.get_password()), (Some("al"), Some(&b"own"[..])));
        let refusal = parse_with("postgres://db.example.com/push", &variables).err().unwrap();
        assert!(refusal.contains("/no/such/file: cannot read it"), "{refusal}");
        assert!(parse_with("postgres://db.example.com/push?sslrootcert=system", &variables).is_ok());
    }
}
