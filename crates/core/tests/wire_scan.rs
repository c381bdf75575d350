//! The JSON checker and the object scanner, judged by a slow twin and by hand-written texts.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod wire_texts;

use desktop_runtime_core::wire::scan::{
    Fields, Key, ObjectScan, is_falsy, is_json_text, object_fields, scan_object,
};
use proptest::prelude::*;

/// A recursive-descent reader, as plain as the grammar.
struct Twin<'a> {
    text: &'a [u8],
    at: usize,
}

type Verdict<T = ()> = Result<T, usize>;

impl Twin<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, expected: &[u8]) -> Verdict<u8> {
        let byte = self.peek().filter(|byte| expected.contains(byte)).ok_or(self.at)?;
        self.at += 1;
        Ok(byte)
    }

    fn space(&mut self) {
        while self.take(b" \t\r\n").is_ok() {}
    }

    fn value(&mut self) -> Verdict {
        match self.peek() {
            Some(b'{') => self.list(*b"{}", &mut |twin| twin.member().map(drop)),
            Some(b'[') => self.list(*b"[]", &mut |twin| twin.value()),
            Some(b'"') => self.string().map(drop),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn list(&mut self, [open, close]: [u8; 2], item: &mut dyn FnMut(&mut Self) -> Verdict) -> Verdict {
        self.take(&[open])?;
        self.space();
        if self.take(&[close]).is_ok() {
            return Ok(());
        }
        loop {
            item(self)?;
            self.space();
            if self.take(&[b',', close])? == close {
                return Ok(());
            }
            self.space();
        }
    }

    fn member(&mut self) -> Verdict<Vec<u16>> {
        let key = self.key()?;
        self.space();
        self.value()?;
        Ok(key)
    }

    fn key(&mut self) -> Verdict<Vec<u16>> {
        let key = self.string()?;
        self.space();
        self.take(b":")?;
        Ok(key)
    }

    fn string(&mut self) -> Verdict<Vec<u16>> {
        self.take(b"\"")?;
        let (mut units, mut plain) = (Vec::new(), Vec::new());
        loop {
            let byte = self.peek().filter(|&byte| byte >= 0x20).ok_or(self.at)?;
            self.at += 1;
            if byte == b'"' || byte == b'\\' {
                units.extend(String::from_utf8_lossy(&plain).encode_utf16());
                plain.clear();
            }
            match byte {
                b'"' => return Ok(units),
                b'\\' => units.push(self.escape()?),
                _ => plain.push(byte),
            }
        }
    }

    fn escape(&mut self) -> Verdict<u16> {
        Ok(match self.take(b"\"\\/bfnrtu")? {
            b'b' => 8,
            b'f' => 12,
            b'n' => 10,
            b'r' => 13,
            b't' => 9,
            b'u' => {
                let mut unit = 0;
                for _ in 0..4 {
                    let digit = char::from(self.take(b"0123456789abcdefABCDEF")?);
                    unit = unit * 16 + u16::try_from(digit.to_digit(16).unwrap()).unwrap();
                }
                unit
            }
            plain => plain.into(),
        })
    }

    fn word(&mut self, word: &[u8]) -> Verdict {
        word.iter().try_for_each(|&letter| self.take(&[letter]).map(drop))
    }

    fn digits(&mut self) -> Verdict {
        self.take(b"0123456789")?;
        while self.take(b"0123456789").is_ok() {}
        Ok(())
    }

    fn number(&mut self) -> Verdict {
        let _ = self.take(b"-");
        if self.take(b"0").is_err() {
            self.digits()?;
        }
        if self.take(b".").is_ok() {
            self.digits()?;
        }
        if self.take(b"eE").is_ok() {
            let _ = self.take(b"+-");
            self.digits()?;
        }
        Ok(())
    }
}

fn twin_accepts(text: &[u8]) -> bool {
    let mut twin = Twin { text, at: 0 };
    twin.space();
    let good = twin.value().is_ok();
    twin.space();
    good && twin.at == text.len()
}

/// Keys seen and the raw text of those whose value was complete, in the order of the text.
type Members<'a> = Vec<(Vec<u16>, Option<&'a [u8]>)>;

fn twin_object(text: &[u8]) -> (Verdict<usize>, Members<'_>) {
    let mut members: Members = Vec::new();
    let mut twin = Twin { text, at: 0 };
    let outcome = twin.list(*b"{}", &mut |twin| {
        members.push((twin.key()?, None));
        twin.space();
        let start = twin.at;
        twin.value()?;
        let last = text[twin.at - 1];
        let cut_short =
            !b"\"}]".contains(&last) && !twin.peek().is_some_and(|next| b",} \t\r\n".contains(&next));
        members.last_mut().unwrap().1 = Some(&text[start..twin.at]).filter(|_| !cut_short);
        Ok(())
    });
    (outcome.map(|()| twin.at), members)
}

fn by_key<'a>(fields: &Fields<'a>) -> [(&'static str, Key, Option<&'a [u8]>); 9] {
    [
        ("jsonrpc", Key::Jsonrpc, fields.jsonrpc),
        ("id", Key::Id, fields.id),
        ("method", Key::Method, fields.method),
        ("type", Key::Type, fields.type_),
        ("jobId", Key::JobId, fields.job_id),
        ("result", Key::Result, fields.result),
        ("error", Key::Error, fields.error),
        ("params", Key::Params, fields.params),
        ("data", Key::Data, fields.data),
    ]
}

/// Compares the scan of an object with the twin's.
fn check_object(text: &[u8]) {
    let (expected, members) = twin_object(text);
    let (outcome, fields) = match scan_object(text, 0) {
        ObjectScan::Complete { end, fields } => (Ok(end), fields),
        ObjectScan::Broken { at, fields } => (Err(at), fields),
    };
    assert_eq!(outcome, expected, "{}", text.escape_ascii());
    for (name, key, value) in by_key(&fields) {
        let units: Vec<u16> = name.encode_utf16().collect();
        let last = members.iter().rev().find(|(key, _)| *key == units);
        assert_eq!(value, last.and_then(|(_, value)| *value), "{name} of {}", text.escape_ascii());
        assert_eq!(fields.saw(key), last.is_some(), "{name} of {}", text.escape_ascii());
    }
}

/// Compares the verdict on the text, and the scan of the text as an object when it begins as one.
fn check(text: &[u8]) {
    assert_eq!(is_json_text(text), twin_accepts(text), "{}", text.escape_ascii());
    if text.first() == Some(&b'{') {
        check_object(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn good_json_is_good(text in wire_texts::json()) {
        prop_assert!(is_json_text(text.as_bytes()));
        check(text.as_bytes());
    }

    #[test]
    fn wounded_json_is_judged_as_by_the_twin(text in wire_texts::wounded_json()) {
        check(&text);
    }

    #[test]
    fn rubbish_is_judged_as_by_the_twin(text in wire_texts::fragments()) {
        check(&text);
        check(&[b"{\"a\":", text.as_slice(), b"}"].concat());
        check(&[b"{\"", text.as_slice(), b"\":1,\"id\":2}"].concat());
    }

    #[test]
    fn an_object_shows_the_members_before_its_fault(text in wire_texts::object(), tail in wire_texts::fragments()) {
        check(text.as_bytes());
        check(&[text.as_bytes(), &tail].concat());
    }

    #[test]
    fn a_line_is_judged_as_by_the_twin(text in wire_texts::line()) {
        check(text.as_bytes());
    }
}

#[test]
fn every_byte_in_every_place_is_judged_as_by_the_twin() {
    for byte in 0..=u8::MAX {
        for (head, tail) in [
            ("", ""),
            ("", "1"),
            ("1", ""),
            ("\"", "\""),
            ("\"\\", "\""),
            ("\"\\u00", "0\""),
            ("[1", "2]"),
            ("-", ""),
        ] {
            check(&[head.as_bytes(), &[byte], tail.as_bytes()].concat());
        }
        check(&[b"{\"a\"", &[byte][..], b":1}"].concat());
        check(&[b"{", &[byte][..], b"\"a\":1}"].concat());
    }
}

#[test]
fn the_end_of_a_string_is_found_at_every_distance() {
    for length in 0..70 {
        for special in
            [&b"\""[..], b"\\\"", b"\\n", b"\x1f", b"\x00", b"\x7f", b"\xff", b"!", b"#", b"\xa2", b"\xdc"]
        {
            let body = vec![b'x'; length];
            check(&[b"\"", body.as_slice(), special, b"\""].concat());
            check(&[b"\"", body.as_slice(), special, &body, b"\""].concat());
            check(&[b"{\"id\":\"", body.as_slice(), special, b"\",\"data\":\"", &body, b"\"}"].concat());
        }
    }
}

#[test]
fn texts_that_json_parse_accepts() {
    for text in [
        "[]",
        "{}",
        " {} ",
        "\t\r\n[ ]\n",
        "\"\"",
        "0",
        "-0",
        "-0.0e-0",
        "1E400",
        "0.5",
        "1e5",
        "1e+05",
        "[1,\t2]",
        "true",
        "null",
        "[null, 1, \"1\", {}]",
        "\"\u{7f}\"",
        "\"\u{2028}\u{2029}\u{feff}\"",
        r#""\u0000""#,
        r#""\uD800""#,
        r#""\uDFFF\uD800""#,
        r#""\ud83d\u0022""#,
        r#"{"a":1,"a":2}"#,
        r#"{"":0}"#,
        r#"{"__proto__":null}"#,
        r#"["\/\"\\\b\f\n\r\t"]"#,
        "123123123123123123123123123123",
        "[[[[[[[[]]]]]]]]",
        r#"{"\ud800":1}"#,
        "\"{\"",
    ] {
        assert!(is_json_text(text.as_bytes()), "{text}");
        check(text.as_bytes());
    }
    for text in
        [&b"\"\xff\""[..], b"\"\xed\xa0\x80\"", b"[\"\xc3\"]", b"{\"\xe2\x82\":1}", b"\"\xf0\x9f\x98\""]
    {
        assert!(is_json_text(text), "{}", text.escape_ascii());
    }
}

#[test]
fn texts_that_json_parse_refuses() {
    for text in [
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "[}",
        "{]",
        "[1,]",
        "[,1]",
        "[1,,2]",
        "[1 2]",
        "{\"a\":1,}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{'a':1}",
        "{1:1}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\"::1}",
        "01",
        "-",
        "-01",
        "+1",
        ".5",
        "1.",
        "1.e1",
        "1e",
        "1e+",
        "0x1",
        "1_0",
        "--1",
        "1 2",
        "NaN",
        "Infinity",
        "-Infinity",
        "undefined",
        "True",
        "nul",
        "nulll",
        "tru e",
        "'a'",
        "\"",
        "\"a",
        "\"\\",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u\"",
        "\"\\u12\"",
        "\"\\u12G4\"",
        "\"\\U0041\"",
        "\"\t\"",
        "\"\n\"",
        "\"\0\"",
        "[1]]",
        "{}{}",
        "{} x",
        "\u{feff}{}",
        "{}\u{feff}",
        "\u{a0}1",
        "1\u{2028}",
        "[\u{b}]",
        "1\u{c}",
        "//\n1",
        "/**/1",
        "\0",
        "1\0",
        "[\"a\",\n4\n,1,",
        "{\"a\":tru",
        "[\"\\ud83d",
        "é",
    ] {
        assert!(!is_json_text(text.as_bytes()), "{text}");
        check(text.as_bytes());
    }
    for text in [&b"\xff"[..], b"[1]\xff", b"\xff[1]", b"\xef\xbb\xbf1", b"[\xe2\x82]", b"1\xc2\xa0"] {
        assert!(!is_json_text(text), "{}", text.escape_ascii());
    }
}

#[test]
fn no_depth_is_too_deep() {
    const DEPTH: usize = 100_000;
    let mixed = [b"[{\"a\":".repeat(DEPTH / 2), b"1".to_vec(), b"}]".repeat(DEPTH / 2)].concat();
    assert!(is_json_text(&mixed));
    assert!(is_json_text(&[b"[".repeat(DEPTH), b"]".repeat(DEPTH)].concat()));
    assert!(!is_json_text(&b"[".repeat(DEPTH)));
    assert!(!is_json_text(&[b"[".repeat(DEPTH), b"]".repeat(DEPTH + 1)].concat()));
    // Each closing bracket has to match its own opening one, across the words of the stack.
    for depth in [1, 63, 64, 65, 127, 128, 129, 200] {
        let open: Vec<u8> = (0..depth)
            .flat_map(|level| if level % 3 == 0 { &b"{\"\":"[..] } else { b"[" })
            .copied()
            .collect();
        let close: Vec<u8> = (0..depth).rev().map(|level| if level % 3 == 0 { b'}' } else { b']' }).collect();
        let good = [open.as_slice(), b"0", &close].concat();
        assert!(is_json_text(&good), "depth {depth}");
        for wrong in 0..depth {
            let mut bad = good.clone();
            let bracket = &mut bad[open.len() + 1 + wrong];
            *bracket = if *bracket == b'}' { b']' } else { b'}' };
            assert!(!is_json_text(&bad), "bracket {wrong} of {depth}");
        }
    }
}

#[test]
fn a_string_of_a_mebibyte_is_one_value() {
    let body = "é\\n".repeat(1 << 18);
    let text = format!(r#"{{"data":"{body}","jobId":"j"}}"#);
    let ObjectScan::Complete { end, fields } = scan_object(text.as_bytes(), 0) else { panic!("good JSON") };
    assert_eq!(end, text.len());
    assert_eq!(fields.job_id, Some(&b"\"j\""[..]));
    assert_eq!(fields.data.map(<[u8]>::len), Some(body.len() + 2));
}

#[test]
fn the_last_of_duplicate_keys_counts_and_keys_are_compared_unescaped() {
    let text = br#"{ "id" : 1 , "jo\u0062Id" : "x" , "\u0069\u0064" : [ 2 ] , "__proto__" : {"method":1} }"#;
    let ObjectScan::Complete { fields, .. } = scan_object(text, 0) else { panic!("good JSON") };
    assert_eq!(fields.id, Some(&b"[ 2 ]"[..]));
    assert_eq!(fields.job_id, Some(&b"\"x\""[..]));
    assert_eq!((fields.method, fields.saw(Key::Method)), (None, false));
}

#[test]
fn a_scan_ends_with_its_object() {
    let text = br#"noise {"id":1}{"id":2}"#;
    let ObjectScan::Complete { end, fields } = scan_object(text, 6) else { panic!("good JSON") };
    assert_eq!((end, fields.id), (14, Some(&b"1"[..])));
}

#[test]
fn a_broken_object_shows_the_keys_and_the_complete_values_before_the_fault() {
    let ObjectScan::Broken { at, fields } = scan_object(br#"{"id":"a","result":{"x":NaN},"method":1}"#, 0)
    else {
        panic!("no JSON")
    };
    assert_eq!(at, 24);
    assert_eq!((fields.id, fields.result, fields.method), (Some(&b"\"a\""[..]), None, None));
    assert!(fields.saw(Key::Result) && !fields.saw(Key::Method));
}

#[test]
fn a_number_that_the_cut_may_have_shortened_is_no_complete_value() {
    let id = |text: &'static [u8]| match scan_object(text, 0) {
        ObjectScan::Broken { fields, .. } => fields.id,
        ObjectScan::Complete { .. } => panic!("no JSON"),
    };
    assert_eq!(id(br#"{"id":12"#), None);
    assert_eq!(id(br#"{"id":12x"#), None);
    assert_eq!(id(br#"{"id":12 "#), Some(&b"12"[..]));
    assert_eq!(id(br#"{"id":12,"#), Some(&b"12"[..]));
    assert_eq!(id(br#"{"id":"12""#), Some(&b"\"12\""[..]));
    assert_eq!(id(br#"{"id":"12""id":"#), Some(&b"\"12\""[..]));
    assert_eq!(id(br#"{"id":"12","id":"1"#), None);
}

#[test]
fn object_fields_reads_the_members_it_is_asked_for() {
    let text = br#" {"percent": 12.5, "message":"x", "p\u0065rcent":13, "deep":{"code":1}} "#;
    assert_eq!(object_fields(text, ["percent", "code"]), [Some(&b"13"[..]), None]);
    assert_eq!(object_fields(text, ["message"]), [Some(&b"\"x\""[..])]);
    for other in ["[1]", "\"percent\"", "null", "", "7", "{\"percent\":1,", "{"] {
        assert_eq!(object_fields(other.as_bytes(), ["percent"]), [None], "{other}");
    }
}

#[test]
fn falsy_is_what_javascript_takes_for_false() {
    for raw in [
        "null",
        "false",
        "\"\"",
        "0",
        "-0",
        "0.0",
        "-0.00e+12",
        "0e9",
        "1e-999",
        "-5E-400",
        "0e99999999999999999999",
    ] {
        assert!(is_falsy(raw.as_bytes()), "{raw}");
    }
    for raw in [
        "true",
        "\"0\"",
        "\"\\u0000\"",
        "\" \"",
        "[]",
        "{}",
        "1",
        "-1",
        "0.1",
        "1e999",
        "5e-324",
        "0.0001e-300",
    ] {
        assert!(!is_falsy(raw.as_bytes()), "{raw}");
    }
}
