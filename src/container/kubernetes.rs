//! Reads objects of Kubernetes, as `kubectl get … -o json` or `-o yaml` and the API print them: one or a list, one
//! document or several.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;

use base64ct::{Base64, Encoding};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::asn1::{Fault, Malformed};
use crate::container::has_text_parts;
use crate::container::yaml::{self, YamlProblem};
use crate::limits::MAX_PARTS;
use crate::pem::{clear_unused_bits, looks_like_pem};
use crate::text::{NOT_SHOWN, may_be_key, name_unless_key, printable};

/// One object with its entries.
#[derive(Debug, PartialEq, Eq)]
pub struct KubernetesObject {
    /// "namespace/name".
    pub name: String,
    pub kind: ObjectKind,
    /// Its entries, by key, or why one is not read. Only Secrets and ConfigMaps have any.
    pub entries: BTreeMap<String, Result<Zeroizing<Vec<u8>>, Malformed>>,
    /// The keys of entries that are PEM where Base64 belongs: Kubernetes refuses the object.
    pub(crate) misplaced: BTreeSet<String>,
    /// The text of all that is no entry, if there are PEM blocks or files in Base64 in it.
    pub rest: Option<Zeroizing<Vec<u8>>>,
}

impl KubernetesObject {
    /// Returns the name of an entry in reports and rules: "namespace/name/key".
    pub(crate) fn entry_path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}/{key}", self.name) }
    }
}

/// The key under which [`KubernetesObject::rest`] stands in reports.
pub(crate) const OTHER_FIELDS: &str = "(other fields)";

/// The kind of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectKind {
    Secret,
    ConfigMap,
    /// Another, by its name.
    Other(String),
    /// What the server did not give: the rest of a list, or all that was asked for.
    Missing(Malformed),
}

/// A document: an object, or a list of them. The items of a list from the API have no kind.
#[derive(Deserialize)]
struct Document<'a> {
    kind: Option<String>,
    #[serde(borrow)]
    items: Option<Items<'a>>,
}

/// The items of a list, of which there may be so many.
struct Items<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ItemVisitor)
    }
}

/// Takes one item after the other.
struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Items<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX_OBJECTS} objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<&RawValue>()? {
            if items.len() == MAX_OBJECTS {
                return Err(A::Error::custom(TOO_MANY));
            }
            items.push(item);
        }
        Ok(Items(items))
    }
}

/// The beginning of any object.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Head {
    api_version: Option<String>,
    kind: Option<String>,
    metadata: Option<Metadata>,
}

impl Head {
    /// Returns whether it is an object of Kubernetes, and not of any program's JSON.
    fn is_of_kubernetes(&self) -> bool {
        self.api_version.is_some() || self.metadata.is_some()
    }
}

/// The entries of a Secret or a ConfigMap (v1).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    data: Option<Values>,
    string_data: Option<Values>,
    binary_data: Option<Values>,
}

/// The values of entries, by key, in order. A key may stand there twice.
struct Values(Vec<(String, Zeroizing<String>)>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ValueVisitor)
    }
}

/// Takes one value after the other.
struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Values;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the entries of an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
        let mut values = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, Option<Zeroizing<String>>>()? {
            values.push((key, value.unwrap_or_default()));
        }
        Ok(Values(values))
    }
}

#[derive(Deserialize, Default)]
struct Metadata {
    namespace: Option<String>,
    name: Option<String>,
}

impl Metadata {
    /// Returns "namespace/name", without what may be a key.
    fn name(&self) -> String {
        match (&self.namespace, &self.name) {
            (Some(namespace), Some(name)) => format!("{}/{}", name_unless_key(namespace), name_unless_key(name)),
            (Some(only), None) | (None, Some(only)) => name_unless_key(only).to_owned(),
            (None, None) => String::new(),
        }
    }
}

/// The end of the name of a list's kind: "SecretList".
const LIST: &str = "List";

/// Returns whether it is JSON: no certificate file begins so.
pub(crate) fn looks_like_json(bytes: &[u8]) -> bool {
    matches!(bytes.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'{' | b'['))
}

/// The words that stand in JSON of Secrets and ConfigMaps, even where it is cut.
const DUMP_WORDS: [&[u8]; 5] = [b"\"Secret\"", b"\"SecretList\"", b"\"ConfigMap\"", b"\"ConfigMapList\"", b"\"items\""];

/// Returns whether JSON that does not parse was one of Kubernetes' with entries in it.
pub(crate) fn looks_like_dump(json: &[u8]) -> bool {
    let has = |word: &[u8]| memchr::memmem::find(json, word).is_some();
    looks_like_json(json) && has(b"\"apiVersion\"") && DUMP_WORDS.iter().any(|word| has(word))
}

/// Returns whether the beginning of a text is that of an object of Kubernetes', or of a list of them.
pub(crate) fn may_begin_dump(start: &[u8]) -> bool {
    if looks_like_json(start) {
        return looks_like_dump(start);
    }
    let text = String::from_utf8_lossy(start);
    begins_as_object(&text) && has_one_of(&text, &ENTRY_WORDS)
}

/// The most objects of a text: large clusters have some ten thousand.
const MAX_OBJECTS: usize = 100_000;

/// The end of the message about more.
const TOO_MANY: &str = "has more than 100000 objects";

/// The most lists in one another.
const MAX_LISTS: usize = 4;

/// The most keys in a document: each may take memory.
const MAX_KEYS: usize = 1_000_000;

/// The objects of a text in YAML, as far as it is read.
pub(crate) struct YamlObjects {
    pub(crate) objects: Vec<KubernetesObject>,
    /// It was cut, or damaged in another way.
    pub(crate) damage: Option<Malformed>,
}

/// Reads the objects of a text in YAML; `None` if it is no YAML of Kubernetes'.
pub(crate) fn parse_yaml(bytes: &[u8]) -> Option<YamlObjects> {
    let text = std::str::from_utf8(bytes).ok()?;
    if bytes.starts_with(b"-----") || !text.contains("apiVersion:") {
        return None;
    }
    let documents = yaml::to_json(text);
    let mut damage = match documents.problem {
        None => None,
        Some(YamlProblem::NotRead) if has_entries_by_kind(text) => {
            Some(Malformed::aliases("YAML", "has an alias, a merge key (<<) or a key that is no text"))
        }
        Some(YamlProblem::NotRead) => return None,
        Some(_) if !begins_as_dump(text) => return None,
        Some(YamlProblem::Syntax { line }) => Some(Malformed::new("YAML", format!("is damaged in line {line}"))),
        Some(YamlProblem::TooLarge) => Some(Malformed::limit("YAML", "is deeper or longer than is read")),
    };
    let mut objects = Vec::new();
    for document in documents.list {
        if damage.is_none() && lacks_kind(&document) {
            damage = Some(Malformed::new("YAML", "has an object or a list without a kind: it was cut"));
        }
        match add_document(&document, &mut objects, MAX_LISTS) {
            Err(error) if error == too_many() => {
                damage = Some(Malformed::limit("YAML", TOO_MANY));
                break;
            }
            Err(_) if damage.is_none() => return None,
            Ok(()) | Err(_) => {}
        }
    }
    if objects.is_empty() && damage.is_none() { None } else { Some(YamlObjects { objects, damage }) }
}

/// The fields with which an object begins. kubectl sorts them.
const FIRST_FIELDS: [&str; 5] = ["apiVersion:", "- apiVersion:", "kind:", "items:", "metadata:"];

/// The marks in a template of YAML, which is no YAML.
const TEMPLATE_MARKS: [&str; 2] = ["{{", "{%"];

/// The words that stand in objects with entries, and in lists of them.
const ENTRY_WORDS: [&str; 4] = ["Secret", "ConfigMap", "items:", "data:"];

/// Returns whether a text that does not parse begins as objects of Kubernetes do, with entries in them. A template is
/// none, and neither is a text that tells of them.
fn begins_as_dump(text: &str) -> bool {
    begins_as_object(text) && has_one_of(text, &ENTRY_WORDS) && !has_one_of(text, &TEMPLATE_MARKS)
}

/// Returns whether a text has an object with entries by its own kind, or a list with one: anchors and fields of any name
/// may stand before that. Other objects and programs name such kinds in their fields.
fn has_entries_by_kind(text: &str) -> bool {
    let has_field = |names: &[&str]| text.lines().any(|line| names.iter().any(|name| line.starts_with(name)));
    let is_list = has_field(&["items:"]) && has_field(&["apiVersion:", "kind:"]);
    let mut item_column = 0;
    for line in text.lines() {
        let is_own_field = match line.strip_prefix('-') {
            Some(item) if !line.starts_with("---") => {
                let item = item.trim_start();
                item_column = if item.is_empty() { YAML_INDENT } else { line.len() - item.len() };
                item.starts_with(ITEM_STARTS)
            }
            _ => {
                let field = line.trim_start();
                let column = line.len() - field.len();
                column == 0 || (column == item_column && field.starts_with(['k', '"', '\'']))
            }
        };
        if !is_list && !is_own_field {
            continue;
        }
        let Some((_, value)) = line.split_once("kind") else { continue };
        let mut words = value.split(|letter: char| !letter.is_ascii_alphanumeric());
        if value.trim_start_matches(['"', '\'']).starts_with(':')
            && words.any(|word| KINDS_WITH_ENTRIES.contains(&word))
        {
            return !has_one_of(text, &TEMPLATE_MARKS);
        }
    }
    false
}

/// The column of the fields of a list's item whose first line is empty.
const YAML_INDENT: usize = 2;

/// The characters with which an item of a list begins that has its kind in the same line: the word, an object in braces, an
/// anchor, a tag.
const ITEM_STARTS: [char; 6] = ['k', '"', '\'', '{', '&', '!'];

/// The kinds of objects with entries, and of lists of them.
const KINDS_WITH_ENTRIES: [&str; 4] = ["Secret", "SecretList", "ConfigMap", "ConfigMapList"];

fn has_one_of(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

fn begins_as_object(text: &str) -> bool {
    for line in text.lines() {
        if !line.trim().is_empty() && !line.starts_with(['#', '%']) && !line.starts_with("---") {
            return FIRST_FIELDS.iter().any(|field| line.starts_with(field));
        }
    }
    false
}

/// Returns whether a document has the fields of an object with entries, and no kind: each has one behind them.
fn lacks_kind(document: &str) -> bool {
    let Ok(fields) = serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(document) else { return false };
    let has_kind = fields.get("kind").is_some_and(|kind| kind.get() != "null");
    let has_entries = fields.contains_key("items") || ENTRY_FIELDS.iter().any(|field| fields.contains_key(*field));
    fields.contains_key("apiVersion") && has_entries && !has_kind
}

/// Reads all objects of a text in JSON.
///
/// # Errors
/// When it is JSON of another kind. The text of the error repeats nothing of what was read: that may be a secret.
pub fn parse(bytes: &[u8]) -> Result<Vec<KubernetesObject>, Malformed> {
    // A colon in a string is counted too; Base64 has none.
    if memchr::memchr_iter(b':', bytes).count() > MAX_KEYS {
        return Err(Malformed::new("JSON", format!("has more than {MAX_KEYS} keys")));
    }
    let mut objects = Vec::new();
    for document in serde_json::Deserializer::from_slice(bytes).into_iter::<&RawValue>() {
        match document {
            Ok(document) => add_document(document.get(), &mut objects, MAX_LISTS)?,
            Err(error) if objects.is_empty() => return Err(foreign(&error)),
            Err(error) => {
                objects.push(unreadable(String::new(), "(next document)", foreign(&error)));
                break;
            }
        }
    }
    Ok(objects)
}

fn foreign(error: &serde_json::Error) -> Malformed {
    if error.to_string().starts_with(TOO_MANY) {
        return too_many();
    }
    if let Some(field) = doubled_field(error) {
        return Malformed::ambiguity(format!("the field {field} of an object"), "stands there twice");
    }
    let place = format!("line {} column {}", error.line(), error.column());
    Malformed::new("JSON", format!("is not that of `kubectl get secrets -o json` ({place})"))
}

/// Returns the field that an object has twice: the one that is known here by its name, as serde says it.
fn doubled_field(error: &serde_json::Error) -> Option<String> {
    let text = error.to_string();
    let (field, _) = text.strip_prefix("duplicate field `")?.split_once('`')?;
    Some(field.to_owned())
}

fn too_many() -> Malformed {
    Malformed::limit("JSON", TOO_MANY)
}

/// Returns a Secret of one entry that cannot be read.
fn unreadable(name: String, key: &str, error: Malformed) -> KubernetesObject {
    let entries = BTreeMap::from([(key.to_owned(), Err(error))]);
    KubernetesObject { name, kind: ObjectKind::Secret, entries, misplaced: BTreeSet::new(), rest: None }
}

/// Adds the objects of a document, in which lists may stand in one another so deep.
fn add_document(text: &str, objects: &mut Vec<KubernetesObject>, depth: usize) -> Result<(), Malformed> {
    if text.starts_with('[') && depth > 0 {
        let Items(list) = serde_json::from_str(text).map_err(|error| foreign(&error))?;
        for item in list {
            add_document(item.get(), objects, depth - 1)?;
        }
        return Ok(());
    }
    let document: Document<'_> = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => return Err(foreign(&error)),
    };
    match (document.items, document.kind) {
        (Some(items), kind) => {
            let item_kind = kind.as_deref().and_then(|kind| kind.strip_suffix(LIST)).unwrap_or_default();
            let mut is_judged = matches!(item_kind, "Secret" | "ConfigMap" | "");
            for item in items.0 {
                let object = parse_object(item.get(), item_kind);
                is_judged |= !matches!(object.kind, ObjectKind::Other(_)) || object.rest.is_some();
                add_object(object, objects)?;
            }
            // Nobody asks for the certificates of pods.
            if is_judged && let Some(missing) = next_page(text) {
                add_object(missing, objects)?;
            }
        }
        // The API writes an empty list so.
        (None, Some(kind)) if kind.ends_with(LIST) => {}
        (None, Some(kind)) if is_object(text, &kind) => add_object(parse_object(text, ""), objects)?,
        (None, _) => return Err(Malformed::new("JSON", "is not that of `kubectl get secrets -o json`")),
    }
    Ok(())
}

fn add_object(object: KubernetesObject, objects: &mut Vec<KubernetesObject>) -> Result<(), Malformed> {
    if objects.len() == MAX_OBJECTS {
        return Err(too_many());
    }
    objects.push(object);
    Ok(())
}

/// Returns whether an object that stands by itself is one of Kubernetes: other programs' JSON has kinds too.
fn is_object(text: &str, kind: &str) -> bool {
    matches!(kind, "Secret" | "ConfigMap")
        || serde_json::from_str::<Head>(text).is_ok_and(|head| head.is_of_kubernetes())
        || (kind == STATUS && refusal(text).is_some())
}

/// A list from the API, of which there may be another page.
#[derive(Deserialize)]
struct Page {
    metadata: PageMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMetadata {
    r#continue: String,
    remaining_item_count: Option<Value>,
}

/// Returns what is missing of a list that goes on, as the API answers to `?limit=500`.
fn next_page(text: &str) -> Option<KubernetesObject> {
    if !text.contains("\"continue\"") {
        return None;
    }
    let Page { metadata } = serde_json::from_str(text).ok()?;
    let count = match &metadata.remaining_item_count {
        Some(Value::Number(count)) => count.as_u64(),
        // YAML is read as text.
        Some(Value::String(count)) => count.parse::<u64>().ok(),
        _ => None,
    };
    let problem = match (metadata.r#continue.as_str(), count) {
        ("", _) => return None,
        (_, None) => "goes on, and the rest of it is on the server".to_owned(),
        (_, Some(1)) => "goes on: one more item is on the server".to_owned(),
        (_, Some(count)) => format!("goes on: {count} more items are on the server"),
    };
    Some(missing(Malformed { fault: Fault::Page, ..Malformed::new("the list", problem) }))
}

/// The kind of what the API answers where it does not give what was asked for.
const STATUS: &str = "Status";

#[derive(Deserialize)]
struct Status {
    status: String,
    message: Option<String>,
    reason: Option<String>,
}

/// Returns what the server said in the place of objects.
fn refusal(text: &str) -> Option<KubernetesObject> {
    let Status { status, message, reason } = serde_json::from_str(text).ok()?;
    if status != "Failure" {
        return None;
    }
    let message = message.or(reason).unwrap_or_default();
    let problem =
        if message.is_empty() { "no reason is told".to_owned() } else { printable(name_unless_key(&message)) };
    Some(missing(Malformed { fault: Fault::Refusal, ..Malformed::new("the server refused", problem) }))
}

fn missing(problem: Malformed) -> KubernetesObject {
    let (entries, misplaced) = (BTreeMap::new(), BTreeSet::new());
    KubernetesObject { name: String::new(), kind: ObjectKind::Missing(problem), entries, misplaced, rest: None }
}

/// The kind of an object whose other fields do not parse.
#[derive(Deserialize, Default)]
struct Kind {
    kind: Option<String>,
}

/// Reads an object; `item_kind` is the kind of a list's items that do not name it, or empty.
fn parse_object(text: &str, item_kind: &str) -> KubernetesObject {
    let head: Head = match serde_json::from_str(text) {
        Ok(head) => head,
        Err(error) => {
            let Kind { kind } = serde_json::from_str(text).unwrap_or_default();
            if matches!(kind.as_deref().unwrap_or(item_kind), "Secret" | "ConfigMap") {
                return unreadable(String::new(), "(metadata)", foreign(&error));
            }
            Head::default()
        }
    };
    if head.kind.as_deref() == Some(STATUS)
        && let Some(refusal) = refusal(text)
    {
        return refusal;
    }
    let is_of_kubernetes = head.is_of_kubernetes();
    let name = head.metadata.unwrap_or_default().name();
    let data = serde_json::from_str::<Data>(text);
    let has_data = matches!(&data, Ok(Data { data: Some(_), .. }));
    let kind = match head.kind.as_deref().unwrap_or(item_kind) {
        "Secret" => ObjectKind::Secret,
        "ConfigMap" => ObjectKind::ConfigMap,
        "" if has_data && is_of_kubernetes => ObjectKind::Secret,
        "" => return other(name, "object without a kind", text),
        kind => return other(name, name_unless_key(kind), text),
    };
    match data {
        Ok(data) => {
            let mut misplaced = BTreeSet::new();
            let entries = entries(data, &name, &kind, &mut misplaced);
            KubernetesObject { name, kind, entries, misplaced, rest: other_fields(text) }
        }
        Err(error) => unreadable(name, "(data)", foreign(&error)),
    }
}

fn other(name: String, kind: &str, text: &str) -> KubernetesObject {
    let kind = ObjectKind::Other(kind.to_owned());
    let (entries, misplaced) = (BTreeMap::new(), BTreeSet::new());
    KubernetesObject { name, kind, entries, misplaced, rest: worth_reading(without_copy(text)) }
}

/// The fields of a Secret or a ConfigMap whose values are its entries.
const ENTRY_FIELDS: [&str; 3] = ["data", "stringData", "binaryData"];

/// The annotation in which `kubectl apply` keeps a copy of the object as it once was.
const APPLIED_COPY: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Returns the fields of an object that are no entries.
fn other_fields(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut fields: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(text).ok()?;
    for name in ENTRY_FIELDS {
        fields.remove(name);
    }
    let rest = Zeroizing::new(serde_json::to_string(&fields).ok()?);
    worth_reading(without_copy(&rest))
}

/// Returns an object without the copy of it in its annotations.
fn without_copy(text: &str) -> Zeroizing<Vec<u8>> {
    let plain = || Zeroizing::new(text.as_bytes().to_vec());
    if !text.contains(APPLIED_COPY) {
        return plain();
    }
    let Ok(mut object) = serde_json::from_str::<Value>(text) else { return plain() };
    if let Some(Value::Object(annotations)) = object.pointer_mut("/metadata/annotations") {
        annotations.remove(APPLIED_COPY);
    }
    Zeroizing::new(object.to_string().into_bytes())
}

fn worth_reading(text: Zeroizing<Vec<u8>>) -> Option<Zeroizing<Vec<u8>>> {
    has_text_parts(&text).then_some(text)
}

/// Decodes the entries of a Secret or a ConfigMap. Those that are PEM where Base64 belongs are `misplaced`.
fn entries(
    data: Data,
    name: &str,
    kind: &ObjectKind,
    misplaced: &mut BTreeSet<String>,
) -> BTreeMap<String, Result<Zeroizing<Vec<u8>>, Malformed>> {
    let mut entries = BTreeMap::new();
    let is_encoded = *kind == ObjectKind::Secret;
    for (field, encoded) in [(data.data, is_encoded), (data.string_data, false), (data.binary_data, true)] {
        let Some(Values(values)) = field else { continue };
        let doubled = doubled_keys(&values);
        for (key, value) in &values {
            let is_doubled = doubled.contains(key.as_str());
            let key = entry_name(key, entries.len() + 1);
            if entries.len() > MAX_PARTS {
                let problem = format!("has more than {MAX_PARTS} entries");
                entries.insert(key, Err(Malformed::new(format!("secret {name}"), problem)));
                return entries;
            }
            let bytes = match is_doubled {
                true => {
                    Err(Malformed::ambiguity(format!("secret {name}/{key}"), "stands there twice, with two values"))
                }
                false if encoded && looks_like_pem(value.as_bytes()) => {
                    misplaced.insert(key.clone());
                    decode(value, false, name, &key)
                }
                false => {
                    // What is written as text counts.
                    misplaced.remove(&key);
                    decode(value, encoded, name, &key)
                }
            };
            entries.insert(key, bytes);
        }
    }
    entries
}

/// Returns the keys that stand there with two values: programs do not agree on which of them counts.
fn doubled_keys(values: &[(String, Zeroizing<String>)]) -> HashSet<&str> {
    let mut known: HashMap<&str, &str> = HashMap::new();
    let mut doubled = HashSet::new();
    for (key, value) in values {
        match known.insert(key, value) {
            Some(before) if before != value.as_str() => {
                doubled.insert(key.as_str());
            }
            Some(_) | None => {}
        }
    }
    doubled
}

/// Returns the name of an entry, or its number if the name may be a key. The extension tells what the entry holds.
fn entry_name(key: &str, number: usize) -> String {
    if !may_be_key(key) {
        return key.to_owned();
    }
    match key.rsplit_once('.') {
        Some((_, extension)) if !may_be_key(extension) => format!("entry {number} {NOT_SHOWN}.{extension}"),
        _ => format!("entry {number} {NOT_SHOWN}"),
    }
}

fn decode(text: &str, is_encoded: bool, name: &str, key: &str) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    // A file of SOPS keeps the form of the object, and encrypts the values.
    if !is_encoded || text.starts_with("ENC[") {
        return Ok(Zeroizing::new(text.as_bytes().to_vec()));
    }
    // Go's decoder passes over line ends, so the API takes what `base64` wraps.
    let mut text = Zeroizing::new(text.to_owned().into_bytes());
    text.retain(|byte| !byte.is_ascii_whitespace());
    clear_unused_bits(&mut text);
    match Base64::decode_vec(std::str::from_utf8(&text).unwrap_or_default()) {
        Ok(bytes) => Ok(Zeroizing::new(bytes)),
        Err(_) => {
            let fault = if is_plain_text(&text) { Fault::PlainText } else { Fault::Damage };
            Err(Malformed { fault, ..Malformed::new(format!("secret {name}/{key}"), "is not valid Base64") })
        }
    }
}

/// The fewest characters of a file in Base64: passwords are shorter.
const MIN_ENCODED: usize = 64;

/// Returns whether a value that is not valid Base64 never was: a password, a template, settings. Damage to Base64 leaves
/// most of it as it was.
fn is_plain_text(value: &[u8]) -> bool {
    let mut foreign = 0;
    for byte in value {
        foreign += usize::from(!byte.is_ascii_alphanumeric() && !b"+/=".contains(byte));
    }
    value.len() < MIN_ENCODED || foreign * 16 > value.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str =
        r#"{"kind":"Secret","metadata":{"namespace":"a","name":"b"},"data":{"k":"AAEC","l":"","m":null}}"#;

    #[test]
    fn values_may_have_line_ends() {
        for value in ["AAEC\\n", "AA\\nEC", "AA\\r\\nEC\\r\\n", " AAEC "] {
            let objects = parse(SECRET.replace("AAEC", value).as_bytes()).unwrap();
            assert_eq!(*objects[0].entries["k"].clone().unwrap(), [0, 1, 2], "{value}");
        }
        let objects = parse(SECRET.replace("AAEC", "A-EC").as_bytes()).unwrap();
        assert!(objects[0].entries["k"].is_err());
    }

    #[test]
    fn a_key_with_two_values_is_refused_and_takes_no_other_with_it() {
        let text = SECRET.replace(r#""l":"","#, r#""l":"AAEC","k":"AAED","l":"AAEC","#);
        let secret = parse(text.as_bytes()).unwrap().remove(0);
        let problem = secret.entries["k"].as_ref().unwrap_err().to_string();
        assert_eq!(problem, "secret a/b/k: stands there twice, with two values");
        assert_eq!(*secret.entries["l"].clone().unwrap(), [0, 1, 2]);
        let yaml = "apiVersion: v1\nkind: Secret\ndata:\n  k: AAEC\n  k: AAED\n";
        assert!(parse_yaml(yaml.as_bytes()).unwrap().objects[0].entries["k"].is_err());
        // What is written as text is what the API takes.
        let both = r#"{"kind":"Secret","data":{"k":"AAEC"},"stringData":{"k":"x"}}"#;
        assert_eq!(**parse(both.as_bytes()).unwrap()[0].entries["k"].as_ref().unwrap(), *b"x");
        for doubled in [r#""metadata":{"name":"c"},"metadata""#, r#""data":{},"data""#] {
            let (field, _) = doubled.split_once(':').unwrap();
            let secret = parse(SECRET.replacen(field, doubled, 1).as_bytes()).unwrap().remove(0);
            assert!(secret.entries.values().all(Result::is_err) && secret.entries.len() == 1, "{doubled}");
        }
        let problem = |text: &str| match parse_yaml(text.as_bytes()).unwrap() {
            YamlObjects { damage: Some(error), .. } => error.to_string(),
            YamlObjects { mut objects, .. } => {
                let (_, entry) = objects.remove(0).entries.pop_first().unwrap();
                entry.unwrap_err().to_string()
            }
        };
        for (field, text) in [
            ("data", "apiVersion: v1\nkind: Secret\ndata:\n  k: AAEC\ndata:\n  k: AAED\n"),
            (
                "metadata",
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\nmetadata:\n  name: b\ndata:\n  k: AAEC\n",
            ),
            (
                "namespace",
                "apiVersion: v1\nkind: Secret\nmetadata:\n  namespace: a\n  namespace: b\ndata:\n  k: AAEC\n",
            ),
        ] {
            assert_eq!(problem(text), format!("the field {field} of an object: stands there twice"));
        }
    }

    #[test]
    fn all_forms_of_lists() {
        let item = SECRET.replace(r#""kind":"Secret","#, "");
        for text in [
            SECRET.to_owned(),
            format!(r#" {{"kind":"List","items":[{SECRET}]}}"#),
            format!(r#"{{"kind":"SecretList","items":[{item}]}}"#),
            format!(r#"[{SECRET}]"#),
        ] {
            assert!(looks_like_json(text.as_bytes()));
            let secrets = parse(text.as_bytes()).unwrap();
            assert_eq!((secrets.len(), secrets[0].name.as_str()), (1, "a/b"), "{text}");
            assert_eq!(**secrets[0].entries["k"].as_ref().unwrap(), [0, 1, 2]);
            assert!(secrets[0].entries["l"].as_ref().unwrap().is_empty());
        }
        assert_eq!(parse(format!("{SECRET}\n{SECRET}").as_bytes()).unwrap().len(), 2);
    }

    #[test]
    fn one_entry_takes_no_other_with_it() {
        let text =
            r#"{"kind":"Secret","metadata":{"name":"b"},"data":{"k":"hunter2!","l":"AAEC"},"stringData":{"s":"x"}}"#;
        let secrets = parse(text.as_bytes()).unwrap();
        let problem = secrets[0].entries["k"].as_ref().unwrap_err().to_string();
        assert_eq!(problem, "secret b/k: is not valid Base64");
        let fault = |value: &str| {
            let secret = parse(text.replace("hunter2!", value).as_bytes()).unwrap().remove(0);
            secret.entries["k"].as_ref().unwrap_err().fault
        };
        for value in
            ["hunter2!", "hunter2", "{{ .Values.push.certificate.production | b64enc | quote | indent 4 | trim }}"]
        {
            assert_eq!(fault(value), Fault::PlainText, "{value}");
        }
        let encoded = "MIIFRTCCBC2gAwIBAgIIVP6DwrEhBRMwDQYJKoZIhvcNAQELBQAweTFGMEQGA1UE";
        for value in [format!("{encoded}AAA"), format!("{encoded}*{encoded}")] {
            assert_eq!(fault(&value), Fault::Damage, "{value}");
        }
        assert_eq!(secrets[0].entries["l"].as_ref().unwrap().len(), 3);
        let unused = r#"{"kind":"Secret","metadata":{"name":"b"},"data":{"k":"AAF="}}"#;
        assert_eq!(parse(unused.as_bytes()).unwrap()[0].entries["k"].as_ref().unwrap().as_slice(), [0, 1]);
        assert_eq!(secrets[0].entries["s"].as_ref().unwrap().as_slice(), b"x");
        let secrets = parse(format!("{text} {{").as_bytes()).unwrap();
        assert_eq!(secrets.len(), 2);
        assert!(secrets[1].entries.values().all(Result::is_err));
    }

    #[test]
    fn other_objects_have_their_kind_alone() {
        let text = r#"{"kind":"List","items":[{"kind":"ConfigMap","data":{"k":"x"}},{"kind":"Pod","data":[1]},{"kind":"Job"},
            {"kind":"Secret","metadata":{"name":"b"},"data":[1]}]}"#;
        let objects = parse(text.as_bytes()).unwrap();
        assert_eq!(objects[0].entries["k"].as_ref().unwrap().as_slice(), b"x");
        assert_eq!(objects[1].kind, ObjectKind::Other("Pod".to_owned()));
        assert_eq!(objects[2].kind, ObjectKind::Other("Job".to_owned()));
        // A Secret is never passed over.
        assert!(objects[3].entries["(data)"].is_err());
    }

    #[test]
    fn the_items_of_a_list_are_of_its_kind() {
        let kinds = |text: &str| {
            let objects = parse(text.as_bytes()).unwrap();
            objects.into_iter().map(|object| object.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(r#"{"kind":"SecretList","items":null}"#), []);
        assert_eq!(kinds(r#"{"kind":"PodList","items":[{"spec":{}}]}"#), [ObjectKind::Other("Pod".to_owned())]);
        let map = r#"{"kind":"ConfigMapList","items":[{"metadata":{"name":"b"},"data":{"k":"-----BEGIN"}}]}"#;
        assert_eq!(kinds(map), [ObjectKind::ConfigMap]);
        assert_eq!(**parse(map.as_bytes()).unwrap()[0].entries["k"].as_ref().unwrap(), *b"-----BEGIN");
    }

    #[test]
    fn yaml_is_read_as_json_is() {
        let item = "apiVersion: v1\ndata:\n  k: AAEC\nkind: Secret\nmetadata:\n  name: b\n  namespace: a\n";
        let list =
            format!("apiVersion: v1\nitems:\n- {}kind: List\n", item.replace('\n', "\n  ").trim_end_matches(' '));
        for (text, count) in [(item.to_owned(), 1), (list, 1), (format!("---\n{item}---\n{item}..."), 2)] {
            let YamlObjects { objects, damage } = parse_yaml(text.as_bytes()).unwrap();
            assert_eq!((damage, objects.len(), objects[0].name.as_str()), (None, count, "a/b"), "{text}");
            assert_eq!(**objects[0].entries["k"].as_ref().unwrap(), [0, 1, 2]);
        }
        let block = "apiVersion: v1\nkind: ConfigMap\ndata:\n  k: |\n    -----BEGIN\n    x\n  l: 1\n";
        let objects = parse_yaml(block.as_bytes()).unwrap().objects;
        assert_eq!(objects[0].entries["k"].as_ref().unwrap().as_slice(), b"-----BEGIN\nx\n");
        let merged = "x: &base\n  k: AAEC\n";
        assert_eq!(parse_yaml(format!("{merged}{item}").as_bytes()).unwrap().damage, None);
        for text in [
            format!("{merged}apiVersion: v1\nkind: Secret\ndata:\n  <<: *base\n"),
            format!("{merged}apiVersion: v1\nkind: Secret\ndata: *base\n"),
            "apiVersion: v1\nkind: Secret\ndata:\n  <<: {k: AAEC}\n".to_owned(),
            "type: Opaque\n<<: {kind: Secret}\napiVersion: v1\n".to_owned(),
            format!("{item}---\nbase: &b {{}}\nspec: *b\n"),
        ] {
            let error = parse_yaml(text.as_bytes()).and_then(|read| read.damage).unwrap().to_string();
            let problem = "YAML: has an alias, a merge key (<<) or a key that is no text";
            assert_eq!(error, problem, "{text}");
        }
        for other in [
            "a: b",
            "x: &a 1\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: *a\n",
            "apiVersion: v1\nkind: {{ .Values.kind }}\n",
            "apiVersion: &a v1\nkind: *a\n",
            "apiVersion: v2\nname: a-chart\n",
            "apiVersion: v1\nkind: Secret\ndata:\n  {{- range $k, $v := .Values.data }}\n",
            "# Secrets\n\nWrite a file:\n\n```yaml\napiVersion: v1\nkind: Secret\n```\n",
            "apiVersion: apps/v1\nkind: Deployment\nspec: [\n",
        ] {
            assert!(parse_yaml(other.as_bytes()).is_none(), "{other}");
        }
    }

    #[test]
    fn yaml_that_was_cut_is_damaged_wherever_it_was_cut_before_its_last_entry() {
        let item = |name: &str, end: &str| {
            format!(
                "- apiVersion: v1\n  data:\n    k: AAEC\n    l: {end}  kind: Secret\n  metadata:\n    name: {name}\n"
            )
        };
        let list = format!("apiVersion: v1\nitems:\n{}{}kind: List\n", item("a", "AAEC\n"), item("b", "AAEC\n"));
        for cut in "apiVersion: v1\nitems:".len()..list.len() - "kind: List\n".len() {
            let read = parse_yaml(&list.as_bytes()[..cut]);
            assert!(read.is_some_and(|read| read.damage.is_some()), "{}", &list[..cut]);
        }
        let secret = "apiVersion: v1\ndata:\n  k: AAEC\n  l: AAEC\nkind: Secret\n";
        for cut in "apiVersion: v1\ndata:".len()..secret.len() - " Secret\n".len() {
            let read = parse_yaml(&secret.as_bytes()[..cut]);
            assert!(read.is_some_and(|read| read.damage.is_some()), "{}", &secret[..cut]);
        }
        let read = parse_yaml(&list.as_bytes()[..list.len() - 60]).unwrap();
        assert_eq!(read.objects[0].name, "a");
    }

    #[test]
    fn what_is_no_entry_is_kept_where_there_is_something_in_it() {
        let pem = "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----";
        let rest = |text: &str| {
            let object = parse(text.as_bytes()).unwrap().remove(0);
            object.rest.map(|rest| String::from_utf8(rest.to_vec()).unwrap())
        };
        assert_eq!(rest(SECRET), None);
        let plain = format!(r#"{{"kind":"Secret","data":{{"k":"AAEC"}},"spec":{{"cert":"{pem}"}}}}"#);
        assert!(rest(&plain).is_some_and(|rest| rest.contains("BEGIN") && !rest.contains("AAEC")));
        let annotated = |name: &str| {
            format!(
                r#"{{"kind":"ConfigMap","metadata":{{"annotations":{{"{name}":"{pem}"}}}},"data":{{"k":"{pem}"}}}}"#
            )
        };
        assert!(rest(&annotated("ca")).is_some());
        assert_eq!(rest(&annotated(APPLIED_COPY)), None);
        let hook = format!(r#"{{"kind":"Hook","apiVersion":"v1","caBundle":"{pem}"}}"#);
        assert!(rest(&hook).is_some());
        // Neither has a type or metadata.
        let item = format!(r#"{{"items":[{{"data":{{"x":"AAEC"}},"cert":"{pem}"}}]}}"#);
        let objects = parse(item.as_bytes()).unwrap();
        assert!(matches!(objects[0].kind, ObjectKind::Other(_)) && objects[0].rest.is_some());
        assert!(parse(br#"{"kind":"MIIEvSECRET"}"#).is_err());
    }

    #[test]
    fn the_objects_of_a_text_are_counted_wherever_they_stand() {
        let item = r#"{"kind":"a"},"#.repeat(MAX_OBJECTS - 1) + r#"{"kind":"a"}"#;
        let count = |text: String| match parse(text.as_bytes()) {
            Ok(objects) => objects.len().to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(count(format!(r#"{{"items":[{item}]}}"#)), "100000");
        for text in [
            format!(r#"{{"items":[{item},{{"kind":"a"}}]}}"#),
            format!(r#"[{{"items":[{item}]}},{{"items":[{{"kind":"a"}}]}}]"#),
            format!(r#"{{"items":[{item}]}} {{"items":[{{"kind":"a"}}]}}"#),
            format!("[{}[]]", "[],".repeat(MAX_OBJECTS)),
        ] {
            assert_eq!(count(text), "JSON: has more than 100000 objects");
        }
        assert!(count(format!("{}{}", "[".repeat(5), "]".repeat(5))).contains("is not that of"));
    }

    #[test]
    fn errors_do_not_repeat_what_they_read() {
        for wrong in [r#"{"hunter2":["hunter2"]}"#, r#"{"kind":["hunter2"]}"#, r#"{"hunter2"#] {
            let message = parse(wrong.as_bytes()).unwrap_err().to_string();
            assert!(message.contains("is not that of") && !message.contains("hunter2"), "{message}");
        }
    }
}
