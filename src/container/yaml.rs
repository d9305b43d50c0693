//! Turns YAML into JSON: mappings, sequences and texts, as `kubectl get … -o yaml` prints them.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// The deepest nesting of a document; objects of Kubernetes nest less than 20 deep.
const MAX_DEPTH: usize = 64;

/// The most values of a text.
const MAX_VALUES: usize = 1_000_000;

/// Returns the documents of a text as JSON; `None` where it is no YAML, or has aliases, which could make it endless.
pub(super) fn to_json(text: &str) -> Option<Vec<Zeroizing<String>>> {
    let mut documents = Vec::new();
    let mut builder = Builder { open: Vec::new(), values: 0 };
    for event in Parser::new_from_str(text) {
        let (event, _) = event.ok()?;
        let done = match event {
            Event::Alias(_) => return None,
            Event::SequenceStart(..) => builder.begin(Node::List(Vec::new()))?,
            Event::MappingStart(..) => builder.begin(Node::Map { map: Map::new(), key: None })?,
            Event::Scalar(text, style, ..) => builder.add(scalar(&text, style))?,
            Event::SequenceEnd | Event::MappingEnd => builder.end()?,
            _ => None,
        };
        if let Some(document) = done {
            documents.push(Zeroizing::new(document.to_string()));
        }
    }
    Some(documents)
}

/// Numbers and truth values stay texts: the values of entries are texts.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    match text {
        "" | "~" | "null" if style == ScalarStyle::Plain => Value::Null,
        text => Value::String(text.to_owned()),
    }
}

/// A mapping or sequence that is not complete.
enum Node {
    List(Vec<Value>),
    Map { map: Map<String, Value>, key: Option<String> },
}

/// Builds documents from the events of the parser.
struct Builder {
    /// The outermost first.
    open: Vec<Node>,
    values: usize,
}

impl Builder {
    /// Opens a mapping or a sequence; `None` where there are too many in one another.
    fn begin(&mut self, node: Node) -> Option<Option<Value>> {
        if self.open.len() == MAX_DEPTH {
            return None;
        }
        self.open.push(node);
        Some(None)
    }

    /// Closes the innermost, and returns the document if that is the whole.
    fn end(&mut self) -> Option<Option<Value>> {
        let value = match self.open.pop()? {
            Node::List(list) => Value::Array(list),
            Node::Map { map, .. } => Value::Object(map),
        };
        self.add(value)
    }

    /// Adds a value to the innermost, and returns it if it is a document of its own.
    fn add(&mut self, value: Value) -> Option<Option<Value>> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return None;
        }
        match self.open.last_mut() {
            None => {
                // An empty document holds nothing.
                let is_nothing = value.is_null();
                return Some(if is_nothing { None } else { Some(value) });
            }
            Some(Node::List(list)) => list.push(value),
            Some(Node::Map { map, key }) => match key.take() {
                Some(key) => drop(map.insert(key, value)),
                None => *key = Some(key_text(value)?),
            },
        }
        Some(None)
    }
}

/// Returns the text of a key; mappings as keys are not of Kubernetes.
fn key_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Null => Some(String::new()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_become_json() {
        let json = |text: &str| {
            let documents = to_json(text)?;
            Some(documents.iter().map(|document| document.as_str().to_owned()).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(json("a: 1\nb:\n- x\n- ~\n- '~'\n").unwrap(), r#"{"a":"1","b":["x",null,"~"]}"#);
        assert_eq!(json("---\na: {}\n---\n# nothing\n---\n[]").unwrap(), r#"{"a":{}} []"#);
        assert_eq!(json(&"[".repeat(100_000)), None);
        for wrong in ["a: [", "a: &x 1\nb: *x", "{[a]: b}"] {
            assert_eq!(json(wrong), None, "{wrong}");
        }
    }
}
