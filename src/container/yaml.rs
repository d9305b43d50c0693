//! Turns YAML into JSON: mappings, sequences and texts, as `kubectl get … -o yaml` prints them.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::Value;
use zeroize::Zeroizing;

/// The deepest nesting of a document; objects of Kubernetes nest less than 20 deep.
const MAX_DEPTH: usize = 64;

/// The most values of a text, keys among them. What is read of it keeps them all in memory.
const MAX_VALUES: usize = 2_000_000;

/// What was read of a text.
pub(super) struct Documents {
    /// As JSON. What was read of the last one before the problem is there too.
    pub(super) list: Vec<Zeroizing<String>>,
    pub(super) problem: Option<YamlProblem>,
}

/// The reason why a text was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum YamlProblem {
    /// It is no YAML from this line on.
    Syntax { line: usize },
    /// It has aliases or merge keys, which could make it endless, or keys that are no texts.
    NotRead,
    /// It is deeper or longer than is read.
    TooLarge,
}

/// Reads the documents of a text.
pub(super) fn to_json(text: &str) -> Documents {
    let mut list = Vec::new();
    let mut writer = Writer::new(text.len());
    for event in Parser::new_from_str(text) {
        let added = match event {
            Ok((event, _)) => writer.add(&event),
            Err(error) => Err(YamlProblem::Syntax { line: error.marker().line() }),
        };
        if let Err(problem) = added {
            list.extend(writer.finish());
            return Documents { list, problem: Some(problem) };
        }
        if writer.open.is_empty() && !writer.json.is_empty() {
            list.extend(writer.finish());
            writer = Writer { values: writer.values, ..Writer::new(0) };
        }
    }
    Documents { list, problem: None }
}

/// Returns the JSON of a scalar. Numbers and truth values stay texts: the values of entries are texts.
fn scalar(text: &str, style: ScalarStyle) -> String {
    match text {
        "" | "~" | "null" if style == ScalarStyle::Plain => NULL.to_owned(),
        text => Value::from(text).to_string(),
    }
}

const NULL: &str = "null";

/// The key under which the entries of another mapping stand.
const MERGE_KEY: &str = "<<";

/// A mapping or sequence that is not complete.
enum Node {
    List { is_empty: bool },
    Map { is_empty: bool, has_key: bool },
}

/// Writes a document from the events of the parser.
struct Writer {
    json: Zeroizing<String>,
    /// The outermost first.
    open: Vec<Node>,
    values: usize,
}

impl Writer {
    fn new(size: usize) -> Self {
        // A text that does not grow leaves no copies behind.
        Self { json: Zeroizing::new(String::with_capacity(2 * size)), open: Vec::new(), values: 0 }
    }

    fn add(&mut self, event: &Event<'_>) -> Result<(), YamlProblem> {
        match event {
            Event::Alias(_) => Err(YamlProblem::NotRead),
            Event::SequenceStart(..) => self.begin("[", Node::List { is_empty: true }),
            Event::MappingStart(..) => self.begin("{", Node::Map { is_empty: true, has_key: false }),
            Event::Scalar(text, ScalarStyle::Plain, ..) if text == MERGE_KEY && self.is_key_next() => {
                Err(YamlProblem::NotRead)
            }
            Event::Scalar(text, style, ..) => self.add_scalar(&Zeroizing::new(scalar(text, *style))),
            Event::SequenceEnd | Event::MappingEnd => {
                self.close();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, sign: &str, node: Node) -> Result<(), YamlProblem> {
        if self.open.len() == MAX_DEPTH {
            return Err(YamlProblem::TooLarge);
        }
        if self.is_key_next() {
            return Err(YamlProblem::NotRead);
        }
        self.begin_value()?;
        self.json.push_str(sign);
        self.open.push(node);
        Ok(())
    }

    fn is_key_next(&self) -> bool {
        matches!(self.open.last(), Some(Node::Map { has_key: false, .. }))
    }

    fn add_scalar(&mut self, json: &str) -> Result<(), YamlProblem> {
        let is_key = self.is_key_next();
        self.begin_value()?;
        match json {
            NULL if is_key => self.json.push_str("\"\""),
            // An empty document holds nothing.
            NULL if self.open.is_empty() => {}
            json => self.json.push_str(json),
        }
        if is_key {
            self.json.push(':');
        }
        Ok(())
    }

    /// Writes what stands between a value and the one before it.
    fn begin_value(&mut self) -> Result<(), YamlProblem> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(YamlProblem::TooLarge);
        }
        let is_first = match self.open.last_mut() {
            None => true,
            Some(Node::List { is_empty }) => std::mem::replace(is_empty, false),
            Some(Node::Map { has_key: has_key @ true, .. }) => {
                *has_key = false;
                true
            }
            Some(Node::Map { is_empty, has_key }) => {
                *has_key = true;
                std::mem::replace(is_empty, false)
            }
        };
        if !is_first {
            self.json.push(',');
        }
        Ok(())
    }

    /// Closes the innermost.
    fn close(&mut self) {
        match self.open.pop() {
            None => {}
            Some(Node::List { .. }) => self.json.push(']'),
            Some(Node::Map { has_key, .. }) => {
                if has_key {
                    self.json.push_str(NULL);
                }
                self.json.push('}');
            }
        }
    }

    /// Closes all, and takes the document, if there is one.
    fn finish(&mut self) -> Option<Zeroizing<String>> {
        while !self.open.is_empty() {
            self.close();
        }
        let json = std::mem::take(&mut self.json);
        if json.is_empty() { None } else { Some(json) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> (String, Option<YamlProblem>) {
        let Documents { list, problem } = to_json(text);
        (list.iter().map(|document| document.as_str().to_owned()).collect::<Vec<_>>().join(" "), problem)
    }

    #[test]
    fn documents_become_json() {
        for (text, expected) in [
            ("a: 1\nb:\n- x\n- ~\n- '~'\n", r#"{"a":"1","b":["x",null,"~"]}"#),
            ("'<<': a\nb: <<", r#"{"<<":"a","b":"<<"}"#),
            ("---\na: {}\n---\n# nothing\n---\n[]", r#"{"a":{}} []"#),
            (
                "a: |\n  \"x\"\n  y\n~: b\nc:\n- - d\n- e: f\n  g:\n",
                r#"{"a":"\"x\"\ny\n","":"b","c":[["d"],{"e":"f","g":null}]}"#,
            ),
        ] {
            assert_eq!(json(text), (expected.to_owned(), None), "{text}");
        }
    }

    #[test]
    fn what_was_read_before_a_problem_is_there() {
        for (text, expected, problem) in [
            ("a: x\nb", r#"{"a":"x"}"#, YamlProblem::Syntax { line: 2 }),
            ("a:\n- b: [x, {y: ", r#"{"a":[{"b":["x",{"y":null}]}]}"#, YamlProblem::Syntax { line: 2 }),
            ("a: &x 1\nb: *x", r#"{"a":"1","b":null}"#, YamlProblem::NotRead),
            ("{[a]: b}", "{}", YamlProblem::NotRead),
            ("a: x\n<<: {b: y}", r#"{"a":"x"}"#, YamlProblem::NotRead),
        ] {
            let (read, found) = json(text);
            assert_eq!(read, expected, "{text}");
            match (problem, found) {
                (YamlProblem::Syntax { .. }, Some(YamlProblem::Syntax { .. })) => {}
                (problem, found) => assert_eq!(found, Some(problem), "{text}"),
            }
        }
        let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
        assert_eq!(json(&deep).1, Some(YamlProblem::TooLarge));
        // The parser has a limit of its own.
        assert!(json(&"[".repeat(100_000)).1.is_some());
    }
}
