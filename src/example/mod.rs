//! Programs that send one notification, and the app's side of it, with the user's own values in them.
//!
//! A template has placeholders such as `{{topic}}`. A line whose value was not given is left out.

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
    pub(crate) topic: String,
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
    let example = language.example();
    let quote = example.quote;
    let mut program = String::new();
    for line in example.template.split_inclusive('\n') {
        if line.contains("{{ca_file}}") && values.ca_file.is_none() {
            continue;
        }
        let ca_file = values.ca_file.as_deref().unwrap_or_default();
        let line = line.replace("{{topic}}", &values.topic).replace("{{gateway}}", &values.gateway);
        // What the user typed comes last: it is not searched for placeholders.
        let line = match line.split_once("{{cert}}") {
            Some((before, after)) if language == Language::Curl => {
                format!("{before}{}{after}", quote(&for_curl(&values.certificate)))
            }
            Some((before, after)) => format!("{before}{}{after}", quote(&values.certificate)),
            None => line,
        };
        let line = match line.split_once("{{ca_file}}") {
            Some((before, after)) => format!("{before}{}{after}", quote(ca_file)),
            None => line,
        };
        program.push_str(&line.replace("{{server}}", &quote(&values.server)));
    }
    program
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

/// A file for curl's --cert, which takes what follows a colon for a password.
fn for_curl(file: &str) -> String {
    file.replace('\\', "\\\\").replace(':', "\\:")
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
