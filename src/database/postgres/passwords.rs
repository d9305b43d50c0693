//! PostgreSQL's file of passwords: a line `host:port:database:user:password` for each, read byte by byte as libpq reads
//! it (PostgreSQL, "The Password File").

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use tokio_postgres::Config;
use tokio_postgres::config::Host;
use zeroize::Zeroizing;

use crate::database::address::Variables;
use crate::database::postgres::server::{port_of, text_of, value_of};
use crate::world::files;

/// A password, which need not be UTF-8.
pub(super) type Password = Zeroizing<Vec<u8>>;

/// The folders of sockets that libpq was built with, in which a server is called localhost: PostgreSQL's own, and that
/// of the distributions.
const DEFAULT_SOCKET_FOLDERS: [&str; 2] = ["/tmp", "/var/run/postgresql"];

/// A server, as a line names it.
struct Wanted {
    /// The names of the host.
    hosts: Vec<String>,
    port: String,
    database: String,
    user: String,
}

/// Finds the password of a server: in the file of PGPASSFILE, or in ~/.pgpass.
///
/// # Errors
/// When the file of PGPASSFILE cannot be used, and when several hosts have not one password: that of one is no other's.
pub(super) fn find(config: &Config, variables: Variables<'_>) -> Result<Option<Password>, String> {
    let Some(file) = find_file(variables)? else { return Ok(None) };
    let user = match config.get_user() {
        Some(user) => user.to_owned(),
        None => text_of(variables, "USER")?.unwrap_or_default(),
    };
    let mut found: Vec<Option<Password>> = Vec::new();
    for (index, host) in config.get_hosts().iter().enumerate() {
        let wanted = Wanted {
            hosts: names_of(host),
            port: port_of(config, index).to_string(),
            database: config.get_dbname().unwrap_or(&user).to_owned(),
            user: user.clone(),
        };
        found.push(find_in(&file, &wanted));
    }
    let Some(first) = found.pop() else { return Ok(None) };
    if found.iter().any(|other| *other != first) {
        return Err("the file of passwords has not one password for all hosts of the URL: name one host".to_owned());
    }
    Ok(first)
}

/// Returns the names of a host in the file. Which folder of sockets is the default one was decided when libpq was built.
fn names_of(host: &Host) -> Vec<String> {
    let name = match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    };
    if DEFAULT_SOCKET_FOLDERS.contains(&name.as_str()) { vec!["localhost".to_owned(), name] } else { vec![name] }
}

/// Reads the file. A file that nobody has named may be missing or unfit.
fn find_file(variables: Variables<'_>) -> Result<Option<Password>, String> {
    let given = value_of(variables, "PGPASSFILE").map(PathBuf::from);
    let path = match (&given, value_of(variables, "HOME")) {
        (Some(path), _) => path.clone(),
        (None, Some(home)) => Path::new(&home).join(".pgpass"),
        (None, None) => return Ok(None),
    };
    match read(&path) {
        Ok(file) => Ok(Some(file)),
        Err(problem) if given.is_some() => Err(format!("PGPASSFILE: {}: {problem}", path.display())),
        Err(_) => Ok(None),
    }
}

fn read(path: &Path) -> Result<Password, String> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && is_open_to_others(&metadata) => {
            return Err("others can read it, and it has passwords: chmod 600".to_owned());
        }
        Ok(_) => {}
        Err(error) => return Err(error.to_string()),
    }
    match files::read_plain(path) {
        Ok(bytes) => Ok(bytes),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(unix)]
fn is_open_to_others(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Metadata) -> bool {
    false
}

/// Returns the password of the first line that fits; an empty one is none.
fn find_in(file: &[u8], wanted: &Wanted) -> Option<Password> {
    for line in file.split(|byte| *byte == b'\n') {
        if line.starts_with(b"#") {
            continue;
        }
        for host in &wanted.hosts {
            if let Some(field) = password_field(line, host, wanted) {
                let password = unescape(field);
                return if password.is_empty() { None } else { Some(password) };
            }
        }
    }
    None
}

/// Returns the last field of a line that fits.
fn password_field<'a>(line: &'a [u8], host: &str, wanted: &Wanted) -> Option<&'a [u8]> {
    let mut rest = line.strip_suffix(b"\r").unwrap_or(line);
    for text in [host, &wanted.port, &wanted.database, &wanted.user] {
        rest = after_field(rest, text)?;
    }
    Some(rest)
}

/// Returns what follows a field that fits. `*` stands for anything; a backslash takes its meaning from what follows.
fn after_field<'a>(line: &'a [u8], text: &str) -> Option<&'a [u8]> {
    if let Some(rest) = line.strip_prefix(b"*:") {
        return Some(rest);
    }
    let mut rest = line;
    for byte in text.bytes() {
        rest = rest.strip_prefix(b"\\").unwrap_or(rest);
        rest = rest.strip_prefix(&[byte])?;
    }
    rest.strip_prefix(b":")
}

/// Takes the backslashes away. A colon without one ends a password.
fn unescape(field: &[u8]) -> Password {
    let mut password = Zeroizing::new(Vec::with_capacity(field.len()));
    let mut bytes = field.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b':' => break,
            b'\\' => password.push(*bytes.next().unwrap_or(byte)),
            _ => password.push(*byte),
        }
    }
    password
}

/// Converts the value of a variable, which need not be UTF-8.
pub(super) fn bytes_of(value: &OsStr) -> Password {
    Zeroizing::new(value.as_encoded_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(hosts: &[&str]) -> Wanted {
        Wanted {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            port: "5432".to_owned(),
            database: "push".to_owned(),
            user: "jo".to_owned(),
        }
    }

    fn password(file: &[u8]) -> Option<Vec<u8>> {
        find_in(file, &wanted(&["db.example.com"])).map(|password| password.to_vec())
    }

    /// `tests/interop/database.py` lets psql judge the same lines.
    #[test]
    fn lines_are_read_as_libpq_reads_them() {
        for (file, expected) in [
            (
                &b"# a comment\ndb.example.com:5432:other:jo:no\n*:*:push:jo:gehe\\:im:x\n*:*:*:*:late\n"[..],
                Some("gehe:im"),
            ),
            (b"db.example.com:5432:push:jo:a\\\\b", Some("a\\b")),
            (b"db.example.com:5432:push:jo:a\\", Some("a\\")),
            (b"db.example.com:5432:push:jo:a\r\n", Some("a")),
            (b"db.example.com:5433:push:jo:a\nshort:line\n", None),
            (b"\\*:5432:push:jo:a\n", None),
            (b"d\\b.example.com:5432:push:jo:a\n", Some("a")),
            (b"db.example.com:5432:push:jo:\n*:*:*:*:late\n", None),
            (b"caf\xe9:5432:push:jo:no\n*:*:*:*:late\n", Some("late")),
        ] {
            assert_eq!(password(file).as_deref(), expected.map(str::as_bytes), "{}", String::from_utf8_lossy(file));
        }
        assert_eq!(password(b"*:*:*:*:caf\xe9\n").as_deref(), Some(&b"caf\xe9"[..]));
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_is_named_by_its_folder_and_the_default_one_is_localhost_too() {
        let file = b"/run/other:5432:push:jo:other\nlocalhost:5432:push:jo:local\n/tmp:5432:push:jo:folder\n";
        for (folder, expected) in [
            ("/run/other", Some("other")),
            ("/srv", None),
            ("/tmp", Some("local")),
            ("/var/run/postgresql", Some("local")),
        ] {
            let found = find_in(file, &Wanted { hosts: names_of(&Host::Unix(folder.into())), ..wanted(&[]) });
            assert_eq!(found.map(|password| password.to_vec()).as_deref(), expected.map(str::as_bytes), "{folder}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn several_hosts_have_one_password_or_none() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        fs::write(&path, "a:*:*:*:geheim\nb:1:*:*:geheim\nb:2:*:*:other\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        for (hosts, is_one) in [("a:1,b:1", true), ("a:1,b:2", false), ("a:1,c:1", false), ("c,d", true)] {
            let config: Config = format!("postgres://jo@{hosts}/push").parse().unwrap();
            let variables = |name: &str| if name == "PGPASSFILE" { Some(path.clone().into()) } else { None };
            assert_eq!(find(&config, &variables).is_ok(), is_one, "{hosts}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        fs::write(&path, b"caf\xe9\n*:*:*:*:geheim\n").unwrap();
        let config: Config = "postgres://jo@localhost/push".parse().unwrap();
        let set_mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let found = || find(&config, &|name| if name == "PGPASSFILE" { Some(path.clone().into()) } else { None });
        set_mode(0o644);
        let refusal = found().unwrap_err();
        assert!(refusal.contains("chmod 600") && !refusal.contains("geheim"), "{refusal}");
        set_mode(0o600);
        assert_eq!(found().unwrap().unwrap().as_slice(), b"geheim");
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_end_is_not_read() {
        let config: Config = "postgres://jo@localhost/push".parse().unwrap();
        let refusal = find(&config, &|name| if name == "PGPASSFILE" { Some("/dev/zero".into()) } else { None });
        assert_eq!(refusal.unwrap_err(), "PGPASSFILE: /dev/zero: is not a plain file");
    }
}
