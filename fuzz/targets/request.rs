//! What goes to the engine: whatever the text, one ASCII line that says the same value.
//!
//! The input is a string of UTF-16 units, and it is a JSON text.

#![no_main]

use desktop_runtime_core::wire::id::{JsonId, as_request_id};
use desktop_runtime_core::wire::message::{Answer, Message, read_line};
use desktop_runtime_core::wire::request::{
    push_ascii, push_error, push_json_string, push_notification, push_request, push_result,
};
use desktop_runtime_fuzz::json::{Value, parse};
use libfuzzer_sys::fuzz_target;
use uuid::Uuid;

/// As `JSON.stringify` writes a string: half of a surrogate pair is an escape, all else stays.
fn stringified(units: &[u16]) -> String {
    let mut text = String::from("\"");
    for unit in char::decode_utf16(units.iter().copied()) {
        match unit {
            Ok(character @ ('"' | '\\')) => text.extend(['\\', character]),
            Ok(character) if character < ' ' => text += &format!("\\u{:04x}", u32::from(character)),
            Ok(character) => text.push(character),
            Err(half) => text += &format!("\\u{:04x}", half.unpaired_surrogate()),
        }
    }
    text + "\""
}

fn written(push: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    push(&mut out);
    assert!(out.is_ascii() && !out.contains(&0));
    out
}

/// The one message of a line that was written for an engine.
fn sent(line: &[u8], judge: impl FnOnce(&Message<'_>)) {
    let body = line.strip_suffix(b"\n").expect("a line ends");
    assert!(!body.contains(&b'\n') && !body.contains(&b'\r'));
    let mut judge = Some(judge);
    read_line(body, &mut |message| (judge.take().expect("one message"))(&message));
    assert!(judge.is_none());
}

/// Everything that is written with a JSON text in it.
fn judge(json: &str, value: &Value) {
    let says = |raw: &[u8]| parse(raw).as_ref() == Some(value);
    assert!(says(&written(|out| push_ascii(out, json))), "{json:?}");

    let id = Uuid::from_u128(0x1234_5678_9abc_4def_8000_0000_0000_0001);
    sent(&written(|out| push_request(out, &id, "\"m\"", Some(json))), |message| {
        let Message::Request { id: raw, method: b"\"m\"", params: Some(params) } = message else { panic!() };
        assert!(as_request_id(raw) == Some(id) && says(params));
    });
    sent(&written(|out| push_request(out, &id, json, None)), |message| {
        let Message::Request { method, params: None, .. } = message else { panic!() };
        assert!(says(method));
    });
    sent(&written(|out| push_notification(out, json, Some(json))), |message| {
        let Message::Notification { method, params: Some(params) } = message else { panic!() };
        assert!(says(method) && says(params));
    });
    sent(&written(|out| push_result(out, json, json)), |message| {
        let Message::Response { id, answer: Answer::Result(result) } = message else { panic!() };
        assert!(says(id) && says(result));
    });
    sent(&written(|out| push_error(out, json, "-32601", json, Some(json))), |message| {
        let Message::Response { id, answer: Answer::Error(error) } = message else { panic!() };
        let error = parse(error).expect("it is JSON");
        assert!(says(id));
        assert_eq!(error.get("code"), Some(&Value::Number(-32601.0)));
        assert_eq!((error.get("message"), error.get("data")), (Some(value), Some(value)));
    });

    // An id is told apart by its value, and given back as it.
    let id = JsonId::from_raw(json.as_bytes());
    assert!(says(id.to_json().as_bytes()), "{json:?}");
    assert_eq!(JsonId::from_raw(id.to_json().as_bytes()), id);
    assert_eq!(id.is_null(), *value == Value::Null);
}

fuzz_target!(|data: &[u8]| {
    let units: Vec<u16> = data.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    judge(&stringified(&units), &Value::String(units.clone()));
    let text = String::from_utf8_lossy(data);
    let quoted = written(|out| push_json_string(out, &text));
    assert_eq!(parse(&quoted), Some(Value::String(text.encode_utf16().collect())));
    // As `JSON.stringify` gives it: no whitespace around, and so no line breaks.
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    if !text.contains(['\n', '\r'])
        && let Some(value) = parse(text.as_bytes())
    {
        judge(text, &value);
    }
});
