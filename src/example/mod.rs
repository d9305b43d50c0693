//! Programs that send one notification, and the app's side of it, with the user's own values in them.
//!
//! A template has placeholders such as `{{topic}}`. A line whose value was not given is left out. [`server`] says which URL
//! may stand in an app.

pub(crate) mod server;

/// A language, or a part of the road, that has an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Php,
    Python,
    Node,
    Curl,
    Swift,
    ObjectiveC,
}

/// One row of the table of examples.
struct Example {
    name: &'static str,
    template: &'static str,
    /// What stands around a text, and what its special characters become.
    quote: fn(&str) -> String,
    side: Side,
}

/// Who runs a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// It sends, and has the certificate.
    Provider,
    /// It registers with APNs, and hands its token to the provider.
    App,
}

static EXAMPLES: [Example; 6] = [
    Example {
        name: "php",
        template: include_str!("templates/push.php"),
        quote: in_single_quotes,
        side: Side::Provider,
    },
    Example {
        name: "python",
        template: include_str!("templates/push.py"),
        quote: in_double_quotes,
        side: Side::Provider,
    },
    Example {
        name: "node",
        template: include_str!("templates/push.mjs"),
        quote: in_double_quotes,
        side: Side::Provider,
    },
    Example { name: "curl", template: include_str!("templates/push.sh"), quote: for_shell, side: Side::Provider },
    Example {
        name: "swift",
        template: include_str!("templates/AppDelegate.swift"),
        quote: in_double_quotes,
        side: Side::App,
    },
    Example {
        name: "objective-c",
        template: include_str!("templates/AppDelegate.m"),
        quote: in_double_quotes,
        side: Side::App,
    },
];

/// The user's values.
#[derive(Debug, Clone)]
pub(crate) struct ExampleValues {
    /// Of the form that [`is_topic`](crate::apns::notification::is_topic) tells: it needs no quoting.
    pub(crate) topic: String,
    /// The value of apns-push-type.
    pub(crate) push_type: &'static str,
    /// The PEM file with certificate and key.
    pub(crate) certificate: String,
    /// HOST or HOST:PORT.
    pub(crate) gateway: String,
    pub(crate) ca_file: Option<String>,
    /// The provider's URL for device tokens.
    pub(crate) server: String,
}

impl Language {
    pub(crate) const ALL: [Self; 6] = [Self::Php, Self::Python, Self::Node, Self::Curl, Self::Swift, Self::ObjectiveC];

    fn example(self) -> &'static Example {
        match self {
            Self::Php => &EXAMPLES[0],
            Self::Python => &EXAMPLES[1],
            Self::Node => &EXAMPLES[2],
            Self::Curl => &EXAMPLES[3],
            Self::Swift => &EXAMPLES[4],
            Self::ObjectiveC => &EXAMPLES[5],
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.example().name
    }

    pub(crate) fn side(self) -> Side {
        self.example().side
    }
}

/// Returns the program, with these values in it.
pub(crate) fn render(language: Language, values: &ExampleValues) -> String {
    let template = language.example().template;
    let mut program = String::new();
    for line in template.split_inclusive('\n') {
        if values.ca_file.is_some() || !line.contains("{{ca_file}}") {
            fill(line, language, values, &mut program);
        }
    }
    program
}

/// Writes a line with the values in it. What a value holds is not searched for placeholders.
fn fill(line: &str, language: Language, values: &ExampleValues, program: &mut String) {
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("{{")
        && let Some((name, after)) = after.split_once("}}")
    {
        program.push_str(before);
        program.push_str(&value_of(name, language, values));
        rest = after;
    }
    program.push_str(rest);
}

/// Returns what takes the place of a placeholder, quoted where the user may write what he likes.
fn value_of(name: &str, language: Language, values: &ExampleValues) -> String {
    let quote = language.example().quote;
    match name {
        "topic" => values.topic.clone(),
        "push_type" => values.push_type.to_owned(),
        "gateway" => values.gateway.clone(),
        "cert" if language == Language::Curl => quote(&for_curl(&values.certificate)),
        "cert" => quote(&values.certificate),
        "ca_file" => quote(values.ca_file.as_deref().unwrap_or_default()),
        "server" => quote(&values.server),
        _ => unreachable!("a placeholder of the templates"),
    }
}

/// A string of PHP in which only two characters mean something.
fn in_single_quotes(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A string of Python, JavaScript, Swift and C.
fn in_double_quotes(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\r', "\\r");
    format!("\"{escaped}\"")
}

/// A file for curl's --cert, which takes what follows a colon for a password, and `pkcs11:` for a token.
fn for_curl(file: &str) -> String {
    let escaped = file.replace('\\', "\\\\").replace(':', "\\:");
    match file.get(..7) {
        Some(start) if start.eq_ignore_ascii_case("pkcs11:") => format!("./{escaped}"),
        _ => escaped,
    }
}

/// A word of a shell.
fn for_shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_keep_their_meaning() {
        let odd = ExampleValues { certificate: "a:b\\c\nd.pem".to_owned(), ..values() };
        assert!(render(Language::Curl, &odd).contains("'a\\:b\\\\c\nd.pem'"));
        for language in [Language::Python, Language::Node] {
            assert!(render(language, &odd).contains(r#""a:b\\c\nd.pem""#));
        }
    }

    fn values() -> ExampleValues {
        ExampleValues {
            topic: "com.example.MyApp".to_owned(),
            push_type: "alert",
            certificate: "it's \"my\" \\push.pem".to_owned(),
            gateway: "localhost:2197".to_owned(),
            ca_file: Some("ca.pem".to_owned()),
            server: "https://example.com/tokens".to_owned(),
        }
    }

    #[test]
    fn each_language_has_its_row() {
        assert_eq!(Language::ALL.map(Language::name), ["php", "python", "node", "curl", "swift", "objective-c"]);
    }

    #[test]
    fn every_placeholder_is_filled() {
        for language in Language::ALL {
            let program = render(language, &values());
            assert!(!program.contains("{{"), "{program}");
            assert!(program.contains("com.example.MyApp"), "{program}");
            assert_eq!(program.contains("localhost:2197"), language.side() == Side::Provider, "{program}");
            assert_eq!(program.contains("example.com/tokens"), language.side() == Side::App, "{program}");
            assert!(program.lines().all(|line| line.len() <= 120), "{program}");
        }
    }

    #[test]
    fn what_stands_for_a_placeholder_is_not_one() {
        for name in ["{{server}}", "{{ca_file}}", "{{cert}}", "{{", "{{x}}"] {
            for language in Language::ALL {
                let (file, server) = (Some(name.to_owned()), format!("https://example.com/?{name}"));
                let odd = ExampleValues { certificate: name.to_owned(), ca_file: file, server, ..values() };
                let written = match language.side() {
                    Side::Provider => 2,
                    Side::App => 1,
                };
                assert_eq!(render(language, &odd).matches(name).count(), written, "{language:?}");
            }
        }
    }

    #[test]
    fn no_file_is_a_token_for_curl() {
        let odd = ExampleValues { certificate: "PKCS11:push.pem".to_owned(), ..values() };
        assert!(render(Language::Curl, &odd).contains("--cert './PKCS11\\:push.pem'"));
    }

    #[test]
    fn a_name_stays_one_string() {
        for (language, expected) in [
            (Language::Php, r#"'it\'s "my" \\push.pem'"#),
            (Language::Python, r#""it's \"my\" \\push.pem""#),
            (Language::Node, r#""it's \"my\" \\push.pem""#),
            (Language::Curl, r#"'it'\''s "my" \\push.pem'"#),
        ] {
            assert!(render(language, &values()).contains(expected), "{language:?}");
        }
    }

    #[test]
    fn a_value_that_was_not_given_leaves_its_line_out() {
        for language in Language::ALL {
            let whole = render(language, &values());
            let without = render(language, &ExampleValues { ca_file: None, ..values() });
            let lines = |program: &str| program.lines().count();
            let expected = if language.side() == Side::Provider { 1 } else { 0 };
            assert_eq!(lines(&whole) - lines(&without), expected, "{language:?}");
        }
    }
}
