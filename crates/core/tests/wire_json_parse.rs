//! The wire against the JSON dialect that the contract names: a real `JSON.parse`, in a Node child.
//!
//! The texts are random, from a fixed seed. The judge, `wire_json_parse.js`, knows nothing of the implementation.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod wire_claims;
mod wire_texts;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use desktop_runtime_core::wire::id::JsonId;
use desktop_runtime_core::wire::scan::{is_falsy, is_json_text};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use wire_claims::claimed_messages;

const TEXTS: usize = 4000;
const LINES: usize = 4000;
const ID_PAIRS: usize = 2000;

/// Records for the judge.
#[derive(Default)]
struct Claims {
    bytes: Vec<u8>,
    count: usize,
}

impl Claims {
    fn add<const N: usize>(&mut self, fields: [&[u8]; N]) {
        for field in fields {
            self.bytes.extend(u32::try_from(field.len()).unwrap().to_le_bytes());
            self.bytes.extend(field);
        }
        self.count += 1;
    }

    /// Has them judged by Node.
    fn judge(self) {
        let mut node = Command::new("node")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wire_json_parse.js"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs: the package is made for it");
        // The judge reads all of it before it answers.
        node.stdin.take().unwrap().write_all(&self.bytes).unwrap();
        let output = node.wait_with_output().unwrap();
        let verdict = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{verdict}");
        assert_eq!(verdict, format!("checked {}, wrong 0\n", self.count));
    }
}

/// The same values in every run.
fn values<S: Strategy>(strategy: S, count: usize) -> impl Iterator<Item = S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(move |_| strategy.new_tree(&mut runner).unwrap().current())
}

#[test]
fn a_text_is_good_exactly_when_json_parse_accepts_it() {
    let mut claims = Claims::default();
    let mut good = 0;
    let mut claim = |text: &[u8]| {
        let verdict = is_json_text(text);
        good += usize::from(verdict);
        claims.add([b"verdict", text, verdict.to_string().as_bytes()]);
    };
    values(wire_texts::json(), TEXTS).for_each(|text| claim(text.as_bytes()));
    values(wire_texts::wounded_json(), TEXTS).for_each(|text| claim(&text));
    values(wire_texts::object(), TEXTS).for_each(|text| claim(text.as_bytes()));
    for text in values(wire_texts::fragments(), TEXTS) {
        claim(&text);
        claim(&[b"\"", text.as_slice(), b"\""].concat());
    }
    for byte in 0..=u8::MAX {
        claim(&[byte]);
        claim(&[byte, b'1']);
        claim(&[b'1', byte]);
        claim(&[b'"', byte, b'"']);
        claim(&[b'"', b'\\', byte, b'"']);
    }
    assert!((TEXTS * 3 / 2..TEXTS * 4).contains(&good), "both verdicts are well tried: {good} good");
    claims.judge();
}

#[test]
fn a_line_says_what_json_parse_finds_in_it() {
    let mut claims = Claims::default();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut claim = |line: &str| {
        let messages = claimed_messages(line.as_bytes());
        for message in &messages {
            *kinds.entry(message.split(['"']).nth(1).unwrap().to_owned()).or_default() += 1;
        }
        claims.add([b"line", line.as_bytes(), format!("[{}]", messages.join(",")).as_bytes()]);
    };
    values(wire_texts::line(), LINES).for_each(|line| claim(&line));
    for (head, tail) in values((wire_texts::wounded_json(), wire_texts::fragments()), LINES / 2) {
        claim(&String::from_utf8_lossy(&[head, tail].concat()).replace('\n', " "));
    }
    assert_eq!(kinds.len(), 8, "{kinds:?}");
    assert!(kinds.values().all(|&count| count > LINES / 100), "every kind is well tried: {kinds:?}");
    claims.judge();
}

#[test]
fn ids_are_equal_exactly_when_their_values_are() {
    let numbers = "-?(0|[1-9][0-9]{0,2}|90071992547409(89|9[0-9]))(\\.[05]{1,3})?([eE][+-]?[0-3])?";
    let strings = prop_oneof![
        "\"(a|b|é|😀|/|\\\\/|\\\\u0061|\\\\u00E9|\\\\uD83D|\\\\ude00|\\\\n|\\\\u000a|\\\\\\\\|\\\\\"){0,3}\"",
        select(vec!["\"1\"", "\"null\"", "\"-0\""]).prop_map(str::to_owned),
    ];
    let small = "-?[01](\\.0)?(e0)?";
    let words = select(vec![
        "null",
        "true",
        "false",
        "1e999",
        "-1e999",
        "1e-999",
        "5e-324",
        "1.7976931348623157e308",
    ]);
    let id = prop_oneof![numbers, strings, small, words.prop_map(str::to_owned)];
    let mut claims = Claims::default();
    for raw in values(id.clone(), ID_PAIRS) {
        let json = JsonId::from_raw(raw.as_bytes()).to_json().into_owned();
        assert!(json.is_ascii());
        claims.add([b"idText", raw.as_bytes(), json.as_bytes()]);
        claims.add([b"falsy", raw.as_bytes(), is_falsy(raw.as_bytes()).to_string().as_bytes()]);
    }
    let mut equal = 0;
    for (a, b) in values((id.clone(), id), ID_PAIRS * 4) {
        let same = JsonId::from_raw(a.as_bytes()) == JsonId::from_raw(b.as_bytes());
        equal += usize::from(same);
        claims.add([b"sameId", a.as_bytes(), b.as_bytes(), same.to_string().as_bytes()]);
    }
    assert!(equal > ID_PAIRS / 10, "both verdicts are well tried: {equal} equal");
    claims.judge();
}
