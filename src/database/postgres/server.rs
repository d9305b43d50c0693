//! The URL of a PostgreSQL server, read as PostgreSQL's own tools read it.

use std::ffi::OsString;
use std::fmt;
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
use crate::world::files;

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
    /// False if TLS takes any certificate: on this machine alone.
    pub(super) is_proved: bool,
    is_local: bool,
    has_password_in_url: bool,
}

/// What a URL, or PGSSLMODE, asks of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TlsMode {
    /// Nothing was said, or that TLS is taken where there is some.
    Default,
    Off,
    /// TLS is asked for, and no proof.
    Required,
    Verified,
}

/// The parameters of a URL that the driver does not know.
struct Parameters {
    tls: Option<TlsMode>,
    roots_file: Option<OsString>,
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
        let is_local = is_local(&config);
        let asked = match (tls, asked_by_variable(variables)?) {
            // The variable cannot turn TLS off.
            (None, TlsMode::Off) => TlsMode::Default,
            (None, asked) => asked,
            (Some(asked), _) => asked,
        };
        let wants_proof = !is_local || asked == TlsMode::Verified || roots_file.is_some();
        let has_tls = !is_socket(&config)
            && match asked {
                TlsMode::Off => false,
                TlsMode::Required | TlsMode::Verified => true,
                TlsMode::Default => wants_proof,
            };
        config.ssl_mode(if has_tls { SslMode::Require } else { SslMode::Disable });
        let roots_file = match roots_file {
            Some(file) => Some(file),
            None => value_of(variables, "PGSSLROOTCERT"),
        };
        let is_proved = wants_proof || roots_file.is_some();
        let roots = match roots_file {
            Some(file) if has_tls && file != "system" => Some(read_roots(Path::new(&file))?),
            _ => None,
        };
        Ok(Self { config, roots, has_tls, is_proved, is_local, has_password_in_url })
    }

    /// Returns whether the password stands in the URL.
    pub(in crate::database) fn has_password_in_url(&self) -> bool {
        self.has_password_in_url
    }

    /// Returns whether others in the network can read what goes to the server.
    pub(in crate::database) fn is_exposed(&self) -> bool {
        !self.has_tls && !self.is_local
    }

    /// Returns the port, if only its name says that the server is on this machine: the name may lead elsewhere.
    pub(super) fn port_of_local_name(&self) -> Option<u16> {
        let is_named = self.config.get_hostaddrs().is_empty() && self.config.get_hosts().iter().any(is_localhost);
        if self.is_local && is_named { Some(port_of(&self.config, 0)) } else { None }
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
        write!(f, "/{}", text::printable(self.config.get_dbname().unwrap_or_default()))?;
        for (index, address) in self.config.get_hostaddrs().iter().enumerate() {
            write!(f, "{}{address}", if index > 0 { "," } else { "?hostaddr=" })?;
        }
        Ok(())
    }
}

pub(super) fn port_of(config: &Config, index: usize) -> u16 {
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
    // OpenSSL takes any certificate for a host without a name, and that of any subdomain for one that begins with a dot.
    let is_unfit = |host: &Host| matches!(host, Host::Tcp(name) if name.is_empty() || name.starts_with('.'));
    if config.get_hosts().is_empty() || config.get_hosts().iter().any(is_unfit) {
        return Err("a host is expected, such as postgres://localhost/push".to_owned());
    }
    let addresses = config.get_hostaddrs().len();
    if addresses > 0 && addresses != config.get_hosts().len() {
        return Err("hostaddr has one address for each host".to_owned());
    }
    if addresses > 0 && has_socket(config) {
        return Err("hostaddr is for hosts, and not for the folder of a socket".to_owned());
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
        && let Some(user) = text_of(variables, "PGUSER")?
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
    if let Some(password) = value_of(variables, "PGPASSWORD") {
        config.password(passwords::bytes_of(&password).as_slice());
    } else if let Some(password) = passwords::find(config, variables)? {
        config.password(password.as_slice());
    }
    Ok(())
}

/// Returns the value of a variable; an empty one counts as none.
pub(super) fn value_of(variables: Variables<'_>, name: &str) -> Option<OsString> {
    let value = variables(name)?;
    if value.is_empty() { None } else { Some(value) }
}

/// Returns the value of a variable that is text.
pub(super) fn text_of(variables: Variables<'_>, name: &str) -> Result<Option<String>, String> {
    let Some(value) = value_of(variables, name) else { return Ok(None) };
    match value.into_string() {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(format!("{name} is not UTF-8")),
    }
}

/// Returns what PGSSLMODE asks for.
fn asked_by_variable(variables: Variables<'_>) -> Result<TlsMode, String> {
    match text_of(variables, "PGSSLMODE")?.as_deref() {
        None => Ok(TlsMode::Default),
        Some(mode) => match parse_mode(mode) {
            Ok(mode) => Ok(mode),
            Err(_) => Err("PGSSLMODE is verify-full, or another mode of libpq".to_owned()),
        },
    }
}

/// Returns whether every way to the server stays on this machine. Where there are several hosts, each is an address or a
/// socket: a name may lead elsewhere, and only one alone is looked at when the connection is made.
fn is_local(config: &Config) -> bool {
    let (hosts, addresses) = (config.get_hosts(), config.get_hostaddrs());
    let has_name = addresses.is_empty() && hosts.iter().any(is_localhost);
    hosts.iter().all(is_local_host) && addresses.iter().all(IpAddr::is_loopback) && (hosts.len() == 1 || !has_name)
}

fn is_localhost(host: &Host) -> bool {
    matches!(host, Host::Tcp(name) if name == "localhost")
}

fn is_local_host(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => match name.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => is_localhost(host),
        },
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// Returns whether all hosts are sockets, over which PostgreSQL has no TLS.
#[cfg(unix)]
fn is_socket(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)))
}

#[cfg(not(unix))]
fn is_socket(_: &Config) -> bool {
    false
}

/// Returns whether a host is a socket.
#[cfg(unix)]
pub(super) fn has_socket(config: &Config) -> bool {
    config.get_hosts().iter().any(|host| matches!(host, Host::Unix(_)))
}

#[cfg(not(unix))]
pub(super) fn has_socket(_: &Config) -> bool {
    false
}

fn read_roots(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let name = path.display();
    let pem = match files::read_plain(path) {
        Ok(pem) => pem,
        Err(error) => return Err(format!("sslrootcert: {name}: {error}")),
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
            return Ok(Self { tls: None, roots_file: None, url: text.to_owned() });
        };
        let (address, query) = text.split_at(start + mark);
        let mut taken = Self { tls: None, roots_file: None, url: address.to_owned() };
        let mut separator = '?';
        for part in query[1..].split('&') {
            match part.split_once('=') {
                Some(("sslmode", mode)) => taken.tls = Some(parse_mode(mode)?),
                Some(("sslrootcert", file)) => {
                    let file = percent_decode_str(file).decode_utf8_lossy();
                    taken.roots_file = Some(OsString::from(file.into_owned()));
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

/// Parses the mode of TLS. Modes that ask for less than a verified server get one, unless it is this machine.
fn parse_mode(mode: &str) -> Result<TlsMode, String> {
    match mode {
        "disable" => Ok(TlsMode::Off),
        "allow" | "prefer" => Ok(TlsMode::Default),
        "require" => Ok(TlsMode::Required),
        "verify-ca" | "verify-full" => Ok(TlsMode::Verified),
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
        // Without TLS the server is on this machine, or the URL says `disable` and is warned of.
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
            ("postgres://db.example.com/push?sslmode=allow", true),
            ("postgres://db.example.com/push?sslmode=prefer", true),
            ("postgres://db.example.com/push?sslmode=verify-ca", true),
            ("postgres://db.example.com/push?sslmode=verify-full&sslmode=disable", false),
            ("postgres://db.example.com/push?ssl%6Dode=disable", true),
            ("postgres://localhost/push?hostaddr=192.0.2.2", true),
            ("postgres://localhost/push?host%61ddr=192.0.2.2", true),
            ("postgres://127.0.0.1/push?hostaddr=192.0.2.2", true),
            ("postgres://localhost/push?hostaddr=127.0.0.1", false),
            ("postgres://localhost/push?hostaddr=::1", false),
            ("postgres://localhost/push?hostaddr=::ffff:127.0.0.1", true),
            ("postgres://localhost,127.0.0.1/push?hostaddr=127.0.0.1,192.0.2.2", true),
            ("postgres://db.example.com/push?hostaddr=127.0.0.1", true),
            ("postgres://localhost/push?host=db.example.com", true),
            ("postgres://db.example.com,localhost/push", true),
            ("postgres:///push?host=localhost,db.example.com", true),
            // A folder with a comma in its name.
            ("postgres:///push?host=/tmp,db.example.com", false),
            ("postgres://%2Ftmp,db.example.com/push", true),
            // Only one name is looked at when the connection is made.
            ("postgres://localhost,127.0.0.1/push", true),
            ("postgres://127.0.0.1,127.0.0.2/push", false),
            ("postgres://%2Ftmp,127.0.0.1/push", false),
            ("postgres:///push?host=/tmp&sslmode=verify-full", false),
            ("postgres://localhost.example.com/push", true),
            ("postgres://LOCALHOST/push", true),
            ("postgres://0.0.0.0/push", true),
            ("postgres://jo@localhost/push?application_name=a@b&sslmode=verify-full", true),
        ] {
            let server = parse(text).unwrap();
            assert_eq!(server.has_tls, has_tls, "{text}");
            assert_eq!(server.config.get_ssl_mode(), if has_tls { SslMode::Require } else { SslMode::Disable });
            assert_eq!(server.is_exposed(), text.contains("sslmode=disable"), "{text}");
        }
    }

    #[test]
    fn pgsslmode_asks_for_tls_and_does_not_turn_it_off() {
        for (mode, host, has_tls) in [
            ("verify-full", "localhost", true),
            ("verify-ca", "127.0.0.1", true),
            ("require", "localhost", true),
            ("prefer", "localhost", false),
            ("disable", "localhost", false),
            ("verify-full", "%2Ftmp", false),
            ("allow", "db.example.com", true),
            ("prefer", "db.example.com", true),
            ("disable", "db.example.com", true),
        ] {
            let server = parse_with(&format!("postgres://{host}/push"), &[("PGSSLMODE", mode)]).unwrap();
            assert_eq!((server.has_tls, server.is_exposed()), (has_tls, false), "{mode} {host}");
        }
        let url = "postgres://localhost/push?sslmode=disable";
        assert!(!parse_with(url, &[("PGSSLMODE", "verify-full")]).unwrap().has_tls, "the URL goes first");
        let refusal = parse_with("postgres://localhost/push", &[("PGSSLMODE", "geheim")]).err().unwrap();
        assert!(refusal.starts_with("PGSSLMODE is verify-full") && !refusal.contains("geheim"), "{refusal}");
    }

    // PGSSLMODE=prefer was taken, and the same in the URL was refused for want of a certificate.
    #[test]
    fn this_machine_is_proved_where_that_is_asked_for() {
        for (mode, has_tls, is_proved) in [
            ("disable", false, false),
            ("allow", false, false),
            ("prefer", false, false),
            ("require", true, false),
            ("verify-ca", true, true),
            ("verify-full", true, true),
        ] {
            for host in ["localhost", "127.0.0.1", "[::1]"] {
                let by_url = parse(&format!("postgres://{host}/push?sslmode={mode}")).unwrap();
                let by_variable = parse_with(&format!("postgres://{host}/push"), &[("PGSSLMODE", mode)]).unwrap();
                for server in [by_url, by_variable] {
                    assert_eq!((server.has_tls, server.is_proved), (has_tls, is_proved), "{mode} {host}");
                }
            }
            for host in ["db.example.com", "localhost,db.example.com", "localhost,127.0.0.1", "192.0.2.2"] {
                let server = parse(&format!("postgres://{host}/push?sslmode={mode}")).unwrap();
                assert_eq!((server.has_tls, server.is_proved), (mode != "disable", true), "{mode} {host}");
            }
            let server = parse(&format!("postgres://localhost/push?hostaddr=192.0.2.2&sslmode={mode}")).unwrap();
            assert!(server.is_proved, "{mode}");
        }
        for url in [
            "postgres://localhost/push?sslmode=require&sslrootcert=system",
            "postgres://localhost/push?sslrootcert=system",
        ] {
            let server = parse(url).unwrap();
            assert!(server.has_tls && server.is_proved, "{url}");
        }
    }

    #[test]
    fn a_name_of_this_machine_is_looked_at() {
        for (text, port) in [
            ("postgres://localhost:5433/push", Some(5433)),
            ("postgres://localhost/push?sslmode=disable", Some(5432)),
            ("postgres://127.0.0.1/push", None),
            ("postgres://localhost/push?hostaddr=127.0.0.1", None),
            ("postgres://db.example.com/push?sslmode=disable", None),
        ] {
            assert_eq!(parse(text).unwrap().port_of_local_name(), port, "{text}");
        }
    }

    #[test]
    fn the_address_is_shown_and_fits_the_hosts() {
        let shown = |text: &str| parse(text).unwrap().to_string();
        assert_eq!(
            shown("postgres://jo:geheim@localhost/push?hostaddr=192.0.2.2"),
            "postgres://localhost:5432/push?hostaddr=192.0.2.2"
        );
        assert_eq!(
            shown("postgres://a,b:5433/push?hostaddr=192.0.2.2,::1"),
            "postgres://a:5432,b:5433/push?hostaddr=192.0.2.2,::1"
        );
        for (wrong, words) in [
            ("postgres://a,b/push?hostaddr=192.0.2.2", "hostaddr has one"),
            ("postgres:///push?host=/tmp&hostaddr=192.0.2.2", "hostaddr is for hosts"),
            ("postgres:///push?hostaddr=192.0.2.2", "a host is expected"),
            ("postgres:///push?host=&hostaddr=192.0.2.2", "a host is expected"),
            ("postgres:///push?host=.example.com&hostaddr=192.0.2.2", "a host is expected"),
        ] {
            match parse(wrong) {
                Ok(server) => panic!("{wrong}: {server}"),
                Err(refusal) => assert!(refusal.starts_with(words), "{refusal}"),
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn bytes_of_variables_are_not_lost() {
        use std::os::unix::ffi::OsStringExt;
        let parse_bytes = |name: &'static str| {
            PostgresServer::parse("postgres://localhost/push", &move |known| {
                if known == name { Some(OsString::from_vec(b"caf\xe9".to_vec())) } else { None }
            })
        };
        assert_eq!(parse_bytes("PGPASSWORD").unwrap().config.get_password(), Some(&b"caf\xe9"[..]));
        for name in ["PGUSER", "PGSSLMODE"] {
            assert_eq!(parse_bytes(name).err(), Some(format!("{name} is not UTF-8")));
        }
        for device in ["/dev/zero", "/tmp"] {
            let url = format!("postgres://db.example.com/push?sslrootcert={device}");
            assert_eq!(parse(&url).err(), Some(format!("sslrootcert: {device}: is not a plain file")));
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
