use std::io::Cursor;

use super::*;

fn read(text: impl AsRef<[u8]>, format: InputFormat, column: &str) -> Result<Vec<Entry>, SourceError> {
    let reader = Box::new(Cursor::new(text.as_ref().to_vec()));
    let input = Input::Stream { reader, format, column: column.to_owned(), is_endless: false };
    let mut all = Vec::new();
    let end = input.read(None, &mut |mut entries| {
        assert!(entries.len() <= MAX_BATCH);
        all.append(&mut entries);
        true
    });
    assert_eq!(end.counts.valid + end.counts.invalid, all.len() as u64);
    match end.error {
        Some(error) => Err(error),
        None => Ok(all),
    }
}

fn shape(entries: &[Entry]) -> Vec<(u64, String)> {
    let mut list = Vec::new();
    for Entry { position, token, .. } in entries {
        let text = match token {
            Ok(token) => token.digits().to_owned(),
            Err(invalid) => format!("? {}", invalid.text),
        };
        list.push((*position, text));
    }
    list
}

fn pairs(list: &[(u64, &str)]) -> Vec<(u64, String)> {
    list.iter().map(|(position, text)| (*position, (*text).to_owned())).collect()
}

#[test]
fn lists() {
    let found = read("\u{feff}AA BB\r\n\n<ccdd>\nxyz\nee11", InputFormat::Lines, "").unwrap();
    assert_eq!(shape(&found), pairs(&[(1, "aabb"), (3, "ccdd"), (4, "? xyz"), (5, "ee11")]));
    let long = format!("aabb\n{}", "a".repeat(100_000));
    assert!(matches!(read(&long, InputFormat::Lines, ""), Err(SourceError::LongRecord(2))));
}

#[test]
fn positions_grow_whatever_ends_the_lines() {
    for ends in [["\n"; 3], ["\r\n"; 3], ["\r"; 3], ["\n", "\r", "\r\n"], ["\r\n", "\n", "\r"], ["\r", "\r\n", "\n"]] {
        let text = |lines: [&str; 4]| {
            format!("{}{}{}{}{}{}{}", lines[0], ends[0], lines[1], ends[1], lines[2], ends[2], lines[3])
        };
        let csv = text(["id;token", "1;aabb", "2;ccdd", "3;ee11"]);
        let expected = pairs(&[(2, "aabb"), (3, "ccdd"), (4, "ee11")]);
        assert_eq!(shape(&read(&csv, InputFormat::Csv, "token").unwrap()), expected, "{csv:?}");
        let list = text(["xyz", "aabb", "ccdd", "ee11"]);
        let found = shape(&read(&list, InputFormat::Lines, "").unwrap());
        assert_eq!(found[1..], expected, "{list:?}");
        let ndjson = text(["0", r#"{"token":"aabb"}"#, r#"{"token":"ccdd"}"#, r#"{"token":"ee11"}"#]);
        let found = shape(&read(&ndjson, InputFormat::Ndjson, "token").unwrap());
        assert_eq!(found[1..], expected, "{ndjson:?}");
    }
    let found = read("aabb\r\n\r\nccdd\r\ree11\r", InputFormat::Lines, "").unwrap();
    assert_eq!(shape(&found), pairs(&[(1, "aabb"), (3, "ccdd"), (5, "ee11")]));
    let many = "aabb\r".repeat(50_000);
    assert_eq!(read(&many, InputFormat::Lines, "").unwrap().last().unwrap().position, 50_000);
}

#[test]
fn csv_with_a_named_column() {
    let text = "\u{feff}id,token\n1,AABB\n2,\"cc\ndd\"\n3\n4,ee11\n";
    let expected = pairs(&[(2, "aabb"), (3, "ccdd"), (4, "? "), (5, "ee11")]);
    assert_eq!(shape(&read(text, InputFormat::Csv, "token").unwrap()), expected);
    for delimiter in [";", "\t"] {
        let text = text.replace(',', delimiter);
        assert_eq!(shape(&read(&text, InputFormat::Csv, "token").unwrap()), expected);
    }
    let error = read(text, InputFormat::Csv, "device").unwrap_err().to_string();
    assert_eq!(error, "there is no column \"device\": its first line names id, token");
    let unclosed = format!("token\naabb\n\"{}", "aabb\n".repeat(50_000));
    let found = read(&unclosed, InputFormat::Csv, "token");
    assert!(matches!(found, Err(SourceError::Csv(CsvFlaw::LongRecord(3)))), "{found:?}");
    let many = format!("token\n{}", "aabb\n".repeat(50_000));
    assert_eq!(read(&many, InputFormat::Csv, "token").unwrap().len(), 50_000);
}

#[test]
fn a_first_line_may_name_the_delimiter() {
    let found = pairs(&[(3, "aabb"), (4, "ccdd")]);
    for (line, delimiter) in [
        ("sep=;", ";"),
        ("sep=,", ","),
        ("SEP=|", "|"),
        ("\"sep=;\"", ";"),
        ("\"sep=,\"", ","),
        ("sep=\t", "\t"),
        ("sep=\\t", "\t"),
    ] {
        for end in ["\n", "\r\n", "\r"] {
            let rows = ["id,x:token", "1:aabb", "2:ccdd"].map(|row| row.replace(':', delimiter)).join(end);
            let text = format!("{line}{end}{rows}{end}");
            let table = if delimiter == "," { text.replace("id,x", "id") } else { text };
            assert_eq!(shape(&read(&table, InputFormat::Csv, "token").unwrap()), found, "{table:?}");
            let utf_16 = wide(&format!("\u{feff}{table}"), u16::to_le_bytes);
            assert_eq!(shape(&read(utf_16, InputFormat::Csv, "token").unwrap()), found, "{table:?}");
        }
    }
    for line in ["sep=", "sep=;;;", "sep=ab", "sep=a", "sep=\u{a6}", "sep=\""] {
        let error = read(format!("{line}\nid;token\n1;aabb\n"), InputFormat::Csv, "token").unwrap_err();
        assert!(matches!(error, SourceError::Delimiter(_)), "{line}: {error}");
        assert!(error.to_string().contains("one character is expected"), "{error}");
    }
    let flawed = "sep=;\nid;token\n1;\"aabb\n";
    assert!(read(flawed, InputFormat::Csv, "token").unwrap_err().to_string().starts_with("line 3: a quotation mark"));
}

#[test]
fn names_in_quotation_marks_may_have_lines_and_delimiters() {
    for (names, row) in [
        ("\"id; or\nnumber\";token", "1;aabb"),
        ("\"a, b\r\n\"\"c\"\";\"\ttoken", "1\taabb"),
        ("\"a;\n;\",token", "1,aabb"),
        ("6\" pipe;token", "1;aabb"),
    ] {
        let found = read(format!("{names}\n{row}\n"), InputFormat::Csv, "token").unwrap();
        assert_eq!(shape(&found), pairs(&[(2, "aabb")]), "{names}");
    }
    let reader = Box::new(Cursor::new(format!("\"{}", "a\n".repeat(100_000))));
    let input = Input::Stream { reader, format: InputFormat::Csv, column: "a".to_owned(), is_endless: false };
    assert!(input.read(None, &mut |_| true).error.is_some());
}

#[test]
fn ndjson_with_a_named_key() {
    let text = "{\"token\":\"AABB\"}\n\n{\"other\":1}\nnot JSON\n{\"token\":\"ccdd\",\"x\":[1]}";
    let found = read(text, InputFormat::Ndjson, "token").unwrap();
    assert_eq!(shape(&found), pairs(&[(1, "aabb"), (3, "? "), (4, "? not JSON"), (5, "ccdd")]));
}

#[test]
fn what_is_no_token_has_a_cause_of_its_own() {
    let problem = |text: &[u8], format| match read(text, format, "token").unwrap().pop().unwrap().token {
        Err(invalid) => (invalid.text, invalid.problem),
        Ok(token) => (token.digits().to_owned(), ""),
    };
    for (line, text, words) in [
        (&b"{\"token\":\"aabb\""[..], "{\"token\":\"aabb\"", "the line cannot be read as JSON"),
        (b"{\"token\":\"aabb\",\"a\":\"\xff\"}", "{\"token\":\"aabb\",\"a\":\"\u{fffd}\"}", "the line is not UTF-8"),
        (b"[\"aabb\"]", "[\"aabb\"]", "the line is not a JSON object"),
        (b"{\"Token\":\"aabb\"}", "", "the object has no such key"),
        (b"{\"token\":1234}", "1234", "the value is not text"),
        (b"{\"token\":null}", "null", "the value is not text"),
        (b"{\"token\":\"aabb\",\"tok\\u0065n\":\"ccdd\"}", "ccdd", "the object has the key more than once"),
        (b"{\"token\":\"\"}", "", "it is empty"),
        (b"{\"token\":\"aabb\",\"name\":\"token\"}", "aabb", ""),
    ] {
        assert_eq!(problem(line, InputFormat::Ndjson), (text.to_owned(), words));
    }
    assert_eq!(problem(b"aa\xffbb", InputFormat::Lines).1, "it is not UTF-8");
    assert_eq!(problem(b"id,token\n1,a\xff", InputFormat::Csv).1, "it is not UTF-8");
    assert_eq!(problem(b"id,token\n1", InputFormat::Csv).1, "the record has no such column");
    let doubled = read("token,id,token\naabb,1,ccdd\n", InputFormat::Csv, "token").unwrap_err().to_string();
    assert_eq!(doubled, "its first line has the column \"token\" more than once");
    assert_eq!(shape(&read("token,id,id\naabb,1,2\n", InputFormat::Csv, "token").unwrap()), pairs(&[(2, "aabb")]));
}

/// What becomes of a list.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// So many tokens, and so many other texts that are named as invalid.
    Read { valid: usize, invalid: usize },
    /// It is refused with these words.
    Refused(&'static str),
}

struct ListCase {
    name: &'static str,
    format: InputFormat,
    text: Vec<u8>,
    fate: Fate,
}

fn list_case(name: &'static str, format: InputFormat, text: impl AsRef<[u8]>, fate: Fate) -> ListCase {
    ListCase { name, format, text: text.as_ref().to_vec(), fate }
}

fn wide(text: &str, encode: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(encode).collect()
}

#[track_caller]
fn assert_fates(cases: &[ListCase]) {
    for ListCase { name, format, text, fate } in cases {
        let found = read(text, *format, "token");
        match (&found, fate) {
            (Ok(entries), Fate::Read { valid, invalid }) => {
                let tokens = entries.iter().filter(|entry| entry.token.is_ok()).count();
                assert_eq!((tokens, entries.len() - tokens), (*valid, *invalid), "{name}: {found:?}");
                let whole = |entry: &Entry| entry.token.as_ref().is_ok_and(|token| token.digits().len() == 64);
                assert_eq!(entries.iter().filter(|entry| whole(entry)).count(), *valid, "{name}: {found:?}");
            }
            (Err(error), Fate::Refused(words)) => assert!(error.to_string().contains(words), "{name}: {error}"),
            _ => panic!("{name}: {found:?}"),
        }
    }
}

/// Three tokens.
fn three() -> [String; 3] {
    ["aa", "bb", "cc"].map(|byte| byte.repeat(32))
}

#[test]
fn no_line_of_a_list_vanishes() {
    use Fate::Read;
    use InputFormat::{Lines, Ndjson};
    let [a, b, c] = three();
    let json = |token: &str| format!("{{\"token\":\"{token}\"}}");
    let mut cases = vec![
        list_case("joined files", Lines, format!("\u{feff}{a}\n\u{feff}{b}\n"), Read { valid: 2, invalid: 0 }),
        list_case("marks twice", Lines, format!("\u{feff}\u{feff}{a}\n{b}"), Read { valid: 2, invalid: 0 }),
        list_case("a mark within", Lines, format!("{a}\u{feff}{b}\n{c}"), Read { valid: 1, invalid: 1 }),
        list_case("CR alone", Lines, format!("{a}\r{b}\r{c}\r"), Read { valid: 3, invalid: 0 }),
        list_case("NUL at the end", Lines, format!("{a}\n{b}\0\n\0\0\0"), Read { valid: 1, invalid: 2 }),
        list_case("a first line", Lines, format!("token\n{a}\n"), Read { valid: 1, invalid: 1 }),
        list_case("UTF-16", Lines, wide(&format!("{a}\r\n{b}"), u16::to_le_bytes), Read { valid: 2, invalid: 0 }),
        list_case(
            "UTF-16 after UTF-8",
            Lines,
            [format!("{a}\n").into_bytes(), wide(&b, u16::to_be_bytes)].concat(),
            Read { valid: 1, invalid: 1 },
        ),
        list_case(
            "UTF-8 after UTF-16",
            Lines,
            [wide(&format!("\u{feff}{a}\n"), u16::to_le_bytes), b.clone().into_bytes()].concat(),
            Read { valid: 1, invalid: 1 },
        ),
        list_case(
            "half a unit",
            Lines,
            &wide(&format!("\u{feff}{a}\n{b}"), u16::to_le_bytes)[..259],
            Read { valid: 1, invalid: 1 },
        ),
        list_case(
            "UTF-32",
            Lines,
            format!("\u{feff}{a}\n").chars().flat_map(|c| (c as u32).to_le_bytes()).collect::<Vec<u8>>(),
            Read { valid: 0, invalid: 2 },
        ),
        list_case("torn NDJSON", Ndjson, format!("{}\n{{\"token\":\"{b}", json(&a)), Read { valid: 1, invalid: 1 }),
        list_case(
            "two objects",
            Ndjson,
            format!("{}{}\n{}", json(&a), json(&b), json(&c)),
            Read { valid: 1, invalid: 1 },
        ),
        list_case(
            "joined NDJSON",
            Ndjson,
            format!("\u{feff}{}\n\u{feff}{}", json(&a), json(&b)),
            Read { valid: 2, invalid: 0 },
        ),
        list_case("two in a value", Ndjson, json(&format!("{a} {b}")), Read { valid: 0, invalid: 1 }),
        list_case("an array", Ndjson, format!("[{},{}]", json(&a), json(&b)), Read { valid: 0, invalid: 1 }),
    ];
    for between in [" ", "\t", "\u{b}", "\u{c}", "\u{85}", "\u{a0}", "\u{2028}", "\u{2029}", ",", ";", "|", "-", ":"] {
        let text = format!("{a}{between}{b}\n{c}\n");
        cases.push(list_case("two on a line", Lines, text, Read { valid: 1, invalid: 1 }));
    }
    assert_fates(&cases);
}

#[test]
fn no_record_of_csv_vanishes() {
    use Fate::{Read, Refused};
    let [a, b, c] = three();
    let csv = |name, text: String, fate| list_case(name, InputFormat::Csv, text, fate);
    assert_fates(&[
        csv(
            "open to the end",
            format!("id,token\n1,{a}\n\"2,{b}\n3,{c}\n"),
            Refused("line 3: a quotation mark is opened"),
        ),
        csv("two open", format!("id,name,token\n1,\"B,{a}\n2,A,{b}\n3,\"E,{c}\n"), Refused("line 4: text follows")),
        csv("escaped as in C", format!("name,token\n\"a \\\"b\\\"\",{a}\n"), Refused("line 2: text follows")),
        csv(
            "closed in another row",
            format!("name,token\nB,{a}\n\"A,{b}\nC\",{c}\n"),
            Refused("record 3: a field of several lines"),
        ),
        csv("the same in the column", format!("token,name\n\"{a}\n{b}\",C\n{c},D\n"), Read { valid: 1, invalid: 1 }),
        csv("in the first line", format!("\"id,token\n1,{a}\n"), Refused("line 1: a quotation mark is opened")),
        csv("notes of several lines", format!("note,token\n\"a\nb, c\",{a}\n,{b}\n"), Read { valid: 2, invalid: 0 }),
        csv("inches", format!("note,token\n6\" pipe,{a}\n\"x\" ,{b}\n"), Read { valid: 2, invalid: 0 }),
        csv("a comma more", format!("name,old,token\nSmith, Bob,{a},{b}\n"), Read { valid: 0, invalid: 1 }),
        csv("empty fields more", format!("token,name\n{a},B,,\n{b}\n"), Read { valid: 2, invalid: 0 }),
        csv("too few fields", format!("name,token\n{a}\nB,{b}\n"), Read { valid: 1, invalid: 1 }),
        csv(
            "joined files",
            format!("\u{feff}token,id\n{a},1\n\u{feff}token,id\n{b},2\n"),
            Read { valid: 2, invalid: 1 },
        ),
        csv("a mark and quotes", format!("\u{feff}\"token\",\"id\"\r\n\"{a}\",1\r\n"), Read { valid: 1, invalid: 0 }),
        csv("blanks in the first line", format!("id, token \n1, {a}\n"), Read { valid: 1, invalid: 0 }),
        csv("another case", format!("id,Token\n1,{a}\n"), Refused("its first line names id, Token")),
        csv("semicolons", format!("id;token\n1;{a}\n2;{b}\n"), Read { valid: 2, invalid: 0 }),
        csv("a comma in a name", format!("\"a,b\";token\n1;{a}\n"), Read { valid: 1, invalid: 0 }),
        csv("tabs", format!("id\ttoken\n1\t{a}\n2\t{b}\n"), Read { valid: 2, invalid: 0 }),
        csv("another delimiter", format!("id,token\n1;{a}\n2,{b}\n"), Read { valid: 1, invalid: 1 }),
        csv("bars", format!("id|token\n1|{a}\n"), Refused("there is no column")),
        csv("NUL", format!("id,token\n1,{a}\0\n2,{b}\n"), Read { valid: 1, invalid: 1 }),
    ]);
    let utf_16 = wide(&format!("\u{feff}id,token\n1,\"{a}\n"), u16::to_le_bytes);
    let cases = [list_case("UTF-16", InputFormat::Csv, utf_16, Refused("line 2: a quotation mark is opened"))];
    assert_fates(&cases);
}

#[test]
fn a_row_within_quotes_is_found_in_every_form_of_a_token() {
    let [a, b, c] = three();
    let base64 = "zZIBc7H0ml1I+/F+V3VuGgsMXRJAB2y0fVgqpXn/UbM=";
    let forms = [
        b.to_uppercase(),
        format!("0x{b}"),
        format!("<{} {}>", &b[..32], &b[32..]),
        format!("{} {}", &b[..32], &b[32..]),
        format!("'{b}'"),
        format!("\"\"{b}\"\""),
        format!("x|{b}"),
        base64.to_owned(),
        base64.trim_end_matches('=').to_owned(),
    ];
    for form in forms {
        let text = format!("name,token\nB,{a}\n\"A,{form}\nC\",{c}\n");
        let refused = Fate::Refused("record 3: a field of several lines");
        assert_fates(&[list_case("closed in another row", InputFormat::Csv, text, refused)]);
    }
}

#[test]
fn what_stands_before_a_flaw_is_read() {
    let [a, b, c] = three();
    let text = format!("id,token\n1,{a}\n2,{b}\n3,\"{c}\n");
    let reader = Box::new(Cursor::new(text.into_bytes()));
    let input = Input::Stream { reader, format: InputFormat::Csv, column: "token".to_owned(), is_endless: false };
    let mut count = 0;
    let end = input.read(None, &mut |entries| {
        count += entries.len();
        true
    });
    assert!(end.error.is_some());
    assert_eq!((count, end.counts.valid), (2, 2));
}

#[test]
fn utf_16_is_read() {
    for (text, format) in [
        ("aabb\r\nccdd\r\n", InputFormat::Lines),
        ("id;token\r\n1;aabb\r\n2;ccdd\r\n", InputFormat::Csv),
        ("{\"token\":\"aabb\"}\n{\"token\":\"ccdd\",\"name\":\"😀\"}\n", InputFormat::Ndjson),
    ] {
        let mut bytes = vec![0xff, 0xfe];
        for unit in text.encode_utf16() {
            bytes.extend(unit.to_le_bytes());
        }
        let found = read(&bytes, format, "token").unwrap();
        assert_eq!(shape(&found), shape(&read(text, format, "token").unwrap()), "{text}");
        assert_eq!(found.len(), 2);
    }
}

#[test]
fn repetitions_and_other_shards_are_counted() {
    let texts = ["aabb", "AA BB", "ccdd", "xyz", "xyz", "aabb"].map(str::to_owned).to_vec();
    let counts = |shard| Input::Options(texts.clone()).read(shard, &mut |_| true).counts;
    let all = counts(None);
    assert_eq!((all.valid, all.invalid, all.repeated, all.of_other_shards), (4, 2, 2, 0));
    let parts = [0, 1, 2, 3].map(|index| counts(Shard::new(index, 4)));
    let sum = |part: fn(&InputCounts) -> u64| parts.iter().map(part).sum::<u64>();
    assert_eq!((sum(|part| part.valid), sum(|part| part.repeated)), (4, 2));
    assert_eq!(sum(|part| part.of_other_shards), 3 * 4);
    assert!(parts.iter().any(InputCounts::is_nothing_for_shard) && !all.is_nothing_for_shard());
    // A list without a token has nothing for any part, which is no success.
    for index in 0..4 {
        let counts = Input::Options(vec!["xyz".to_owned()]).read(Shard::new(index, 4), &mut |_| true).counts;
        assert!(!counts.is_nothing_for_shard());
    }
}

#[test]
fn options_and_shards() {
    let texts: Vec<String> = (0..100).map(|number| format!("{number:04x}")).collect();
    let mut all = Vec::new();
    for index in 0..3 {
        let input = Input::Options(texts.clone());
        let shard = Shard::new(index, 3);
        let end = input.read(shard, &mut |entries| {
            all.extend(entries.iter().map(|entry| entry.position));
            true
        });
        assert!(end.error.is_none());
    }
    all.sort_unstable();
    assert_eq!(all, (1..=100).collect::<Vec<u64>>());
}
