//! PostgreSQL's file of passwords: a line `host:port:database:user:password` for each.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use tokio_postgres::Config;
use tokio_postgres::config::Host;
use zeroize::Zeroizing;

use crate::database::address::Variables;
use crate::database::postgres::server::text_of;

/// Finds the password of a server: in the file of PGPASSFILE, or in ~/.pgpass.
///
/// # Errors
/// When the file of PGPASSFILE cannot be used.
pub(super) fn find(config: &Config, port: u16, variables: Variables<'_>) -> Result<Option<Zeroizing<String>>, String> {
    let given = text_of(variables, "PGPASSFILE").map(PathBuf::from);
    let path = match (&given, text_of(variables, "HOME")) {
        (Some(path), _) => path.clone(),
        (None, Some(home)) => Path::new(&home).join(".pgpass"),
        (None, None) => return Ok(None),
    };
    let file = match read(&path) {
        Ok(file) => file,
        Err(problem) if given.is_some() => return Err(format!("PGPASSFILE: {}: {problem}", path.display())),
        Err(_) => return Ok(None),
    };
    let user = match config.get_user() {
        Some(user) => user.to_owned(),
        None => text_of(variables, "USER").unwrap_or_default(),
    };
    let wanted = [host_name(config), port.to_string(), config.get_dbname().unwrap_or(&user).to_owned(), user.clone()];
    Ok(find_in(&file, &wanted))
}

/// Returns the name of the first host; a socket of this machine is called localhost there.
fn host_name(config: &Config) -> String {
    match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        _ => "localhost".to_owned(),
    }
}

fn read(path: &Path) -> Result<Zeroizing<String>, String> {
    match fs::metadata(path) {
        Ok(metadata) if is_open_to_others(&metadata) => {
            return Err("others can read it, and it has passwords: chmod 600".to_owned());
        }
        Ok(_) => {}
        Err(error) => return Err(error.to_string()),
    }
    match fs::read_to_string(path) {
        Ok(text) => Ok(Zeroizing::new(text)),
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

/// Returns the password of the first line that fits.
fn find_in(file: &str, wanted: &[String; 4]) -> Option<Zeroizing<String>> {
    for line in file.lines() {
        if line.starts_with('#') {
            continue;
        }
        let mut fields = split(line);
        if fields.len() == wanted.len() + 1
            && let Some(password) = fields.pop()
            && fields.iter().zip(wanted).all(|(field, text)| **field == *"*" || **field == *text)
        {
            return Some(password);
        }
    }
    None
}

/// Splits a line at its colons; a backslash takes its meaning from what follows. The fifth field is the rest.
fn split(line: &str) -> Vec<Zeroizing<String>> {
    let mut fields = vec![Zeroizing::new(String::with_capacity(line.len()))];
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        let is_last = fields.len() == 5;
        let Some(field) = fields.last_mut() else { break };
        match c {
            '\\' => field.extend(characters.next()),
            ':' if !is_last => fields.push(Zeroizing::new(String::with_capacity(line.len()))),
            _ => field.push(c),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(file: &str) -> Option<String> {
        let wanted = ["db.example.com", "5432", "push", "jo"].map(str::to_owned);
        find_in(file, &wanted).map(|password| password.to_string())
    }

    #[test]
    fn the_first_line_that_fits_counts() {
        let file = "# a comment\ndb.example.com:5432:other:jo:no\n*:*:push:jo:gehe\\:im:x\n*:*:*:*:late\n";
        assert_eq!(password(file).as_deref(), Some("gehe:im:x"));
        assert_eq!(password("db.example.com:5432:push:jo:a\\\\b").as_deref(), Some("a\\b"));
        assert_eq!(password("db.example.com:5433:push:jo:a\nshort:line\n"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        fs::write(&path, "*:*:*:*:geheim\n").unwrap();
        let config: Config = "postgres://jo@localhost/push".parse().unwrap();
        let set_mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let found = || find(&config, 5432, &|name| if name == "PGPASSFILE" { Some(path.clone().into()) } else { None });
        set_mode(0o644);
        let refusal = found().unwrap_err();
        assert!(refusal.contains("chmod 600") && !refusal.contains("geheim"), "{refusal}");
        set_mode(0o600);
        assert_eq!(found().unwrap().unwrap().as_str(), "geheim");
    }
}
