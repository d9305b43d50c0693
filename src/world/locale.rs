//! The character set of the locale (POSIX.1, Base Definitions, 8.2).

use std::ffi::OsString;

/// The variables, of which the first that is not empty decides.
const VARIABLES: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];

/// Returns whether people can be shown characters beyond ASCII. The console of Windows shows them in any locale.
pub(crate) fn is_utf8(variable: &dyn Fn(&str) -> Option<OsString>) -> bool {
    for name in VARIABLES {
        if let Some(locale) = variable(name).filter(|locale| !locale.is_empty()) {
            return locale.to_string_lossy().to_ascii_lowercase().replace('-', "").contains("utf8");
        }
    }
    cfg!(windows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let cases: [(&[(&str, &str)], bool); 7] = [
            (&[("LANG", "de_DE.UTF-8")], true),
            (&[("LC_CTYPE", "UTF-8")], true),
            (&[("LC_ALL", "en_US.utf8"), ("LANG", "C")], true),
            (&[("LC_ALL", ""), ("LC_CTYPE", "C"), ("LANG", "de_DE.UTF-8")], false),
            (&[("LANG", "de_DE.ISO-8859-1")], false),
            (&[("LANG", "POSIX")], false),
            (&[], cfg!(windows)),
        ];
        for (variables, expected) in cases {
            let find = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| OsString::from(value))
            };
            assert_eq!(is_utf8(&find), expected, "{variables:?}");
        }
    }
}
