//! The wire's verdicts against the `JSON.parse` of a real V8, in a Node child: whether a text is JSON, what a line says,
//! what a cache file of version 1 holds, which ids are equal. Slower than `wire`, whose judge it vouches for.

#![no_main]

#[path = "../../crates/core/tests/wire_claims/mod.rs"]
mod wire_claims;

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use desktop_runtime_core::cache::{JSON, Record, parse_version1};
use desktop_runtime_core::wire::id::JsonId;
use desktop_runtime_core::wire::request::push_json_string;
use desktop_runtime_core::wire::scan::{array_items, is_falsy, is_json_text, object_members};
use desktop_runtime_fuzz::json;
use libfuzzer_sys::fuzz_target;
use wire_claims::claimed_messages;

/// How many values of an input are compared with each other.
const MOST_VALUES: usize = 6;

#[derive(Default)]
struct Claims(Vec<u8>);

impl Claims {
    fn add<const N: usize>(&mut self, fields: [&[u8]; N]) {
        for field in fields {
            self.0.extend(u32::try_from(field.len()).expect("inputs are small").to_le_bytes());
            self.0.extend(field);
        }
    }

    /// What is wrong with them.
    fn judge(&self) -> String {
        static NODE: OnceLock<Mutex<Child>> = OnceLock::new();
        let node = NODE.get_or_init(|| {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/judge.js");
            let node = Command::new("node").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
            Mutex::new(node.expect("node runs: the package is made for it"))
        });
        let mut node = node.lock().expect("one input at a time");
        let length = u32::try_from(self.0.len()).expect("inputs are small").to_le_bytes();
        let stdin = node.stdin.as_mut().expect("it is a pipe");
        stdin.write_all(&[&length, self.0.as_slice()].concat()).expect("the judge listens");
        let stdout = node.stdout.as_mut().expect("it is a pipe");
        let mut length = [0; 4];
        stdout.read_exact(&mut length).expect("the judge answers");
        let mut wrong = vec![0; u32::from_le_bytes(length) as usize];
        stdout.read_exact(&mut wrong).expect("the judge answers");
        String::from_utf8_lossy(&wrong).into_owned()
    }
}

fn entry_claim(record: Option<&Record>) -> Vec<u8> {
    let Some(record) = record else { return b"null".to_vec() };
    let mut claim = b"[".to_vec();
    match std::str::from_utf8(&record.value).ok().filter(|_| record.kind == JSON) {
        Some(text) => push_json_string(&mut claim, text),
        None => claim.extend(b"null"),
    }
    claim.extend(format!(",{},{}]", record.expires_at.is_some(), record.kind == JSON).bytes());
    claim
}

/// The strings, numbers and words at the top of a text: what an id may be.
fn scalars(text: &[u8]) -> Vec<&[u8]> {
    let mut values = array_items(text).unwrap_or_default();
    object_members(text, |_, value| values.push(value));
    values.retain(|raw| !matches!(raw.first(), Some(b'[' | b'{')) && json::parse(raw).is_some());
    values.truncate(MOST_VALUES);
    values
}

fuzz_target!(|text: &[u8]| {
    let mut claims = Claims::default();
    claims.add([b"verdict", text, is_json_text(text).to_string().as_bytes()]);
    claims.add([b"entry", text, &entry_claim(parse_version1(text).as_ref())]);
    let line = String::from_utf8_lossy(text).replace('\n', " ");
    let messages = claimed_messages(line.as_bytes()).join(",");
    claims.add([b"line", line.as_bytes(), format!("[{messages}]").as_bytes()]);
    let values = scalars(text);
    for (at, a) in values.iter().enumerate() {
        claims.add([b"falsy", a, is_falsy(a).to_string().as_bytes()]);
        claims.add([b"idText", a, JsonId::from_raw(a).to_json().as_bytes()]);
        for b in &values[at..] {
            let same = JsonId::from_raw(a) == JsonId::from_raw(b);
            claims.add([b"sameId", a, b, same.to_string().as_bytes()]);
        }
    }
    // The naive judge of the other targets stands trial too.
    claims.add([b"verdict", text, json::parse(text).is_some().to_string().as_bytes()]);
    let wrong = claims.judge();
    assert!(wrong.is_empty(), "{wrong}");
});
