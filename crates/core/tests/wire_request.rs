//! What goes to the engine: one ASCII line each, the same value to any JSON parser.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use desktop_runtime_core::wire::request::{
    push_ascii, push_error, push_json_string, push_notification, push_request, push_result,
};
use proptest::prelude::*;
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    // What stands there already stays.
    let mut out = b"before\n".to_vec();
    write(&mut out);
    String::from_utf8(out).unwrap().strip_prefix("before\n").unwrap().to_owned()
}

#[test]
fn undefined_params_are_left_out_and_null_is_sent_as_null() {
    let request = |params| written(|out| push_request(out, &ID, r#""jobs.start""#, params));
    let head = r#"{"jsonrpc":"2.0","id":"67e55044-10b1-426f-9247-bb680e5fe0c8","method":"jobs.start""#;
    assert_eq!(request(None), format!("{head}}}\n"));
    assert_eq!(request(Some("null")), format!("{head},\"params\":null}}\n"));
    assert_eq!(
        request(Some(r#"{"é":"😀"}"#)),
        format!("{head},\"params\":{{\"\\u00e9\":\"\\ud83d\\ude00\"}}}}\n")
    );
}

#[test]
fn a_notification_has_no_id() {
    let notification = |params| written(|out| push_notification(out, r#""ü""#, params));
    assert_eq!(notification(None), "{\"jsonrpc\":\"2.0\",\"method\":\"\\u00fc\"}\n");
    assert_eq!(notification(Some("[1]")), "{\"jsonrpc\":\"2.0\",\"method\":\"\\u00fc\",\"params\":[1]}\n");
}

#[test]
fn answers_repeat_the_id_of_the_engine() {
    let result = written(|out| push_result(out, "7", r#"{"a":"€"}"#));
    assert_eq!(result, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"a\":\"\\u20ac\"}}\n");
    let error = |data| written(|out| push_error(out, "\"é\"", "-32601", "\"no\"", data));
    assert_eq!(
        error(None),
        "{\"jsonrpc\":\"2.0\",\"id\":\"\\u00e9\",\"error\":{\"code\":-32601,\"message\":\"no\"}}\n"
    );
    assert_eq!(
        error(Some("null")),
        "{\"jsonrpc\":\"2.0\",\"id\":\"\\u00e9\",\"error\":{\"code\":-32601,\"message\":\"no\",\"data\":null}}\n"
    );
}

#[test]
fn every_character_outside_ascii_becomes_an_escape() {
    let ascii = |json: &str| written(|out| push_ascii(out, json));
    assert_eq!(ascii(r#"{"a":"\n\u00e9\"x"}"#), r#"{"a":"\n\u00e9\"x"}"#);
    assert_eq!(
        ascii("\"\u{7f}\u{80}\u{fffd}\u{ffff}\u{10000}\u{10ffff}\""),
        "\"\u{7f}\\u0080\\ufffd\\uffff\\ud800\\udc00\\udbff\\udfff\""
    );
    assert_eq!(ascii("é"), "\\u00e9");
    assert_eq!(ascii("aéb€€c"), "a\\u00e9b\\u20ac\\u20acc");
    assert_eq!(ascii(""), "");
}

#[test]
fn plain_text_becomes_a_json_string() {
    let json = written(|out| push_json_string(out, "a\"\\/\n\r\t\0\u{8}\u{1f}\u{7f}é😀"));
    assert_eq!(json, "\"a\\\"\\\\/\\n\\r\\t\\u0000\\u0008\\u001f\u{7f}\\u00e9\\ud83d\\ude00\"");
    assert_eq!(written(|out| push_json_string(out, "")), "\"\"");
}

proptest! {
    #[test]
    fn any_text_survives_the_writing(text in any::<String>()) {
        let mut line = Vec::new();
        push_json_string(&mut line, &text);
        prop_assert!(line.iter().all(|byte| (b' '..=0x7f).contains(byte)));
        prop_assert_eq!(serde_json::from_slice::<String>(&line).unwrap(), text.clone());

        let json = serde_json::to_string(&text).unwrap();
        line.clear();
        push_ascii(&mut line, &json);
        prop_assert!(line.is_ascii());
        prop_assert_eq!(serde_json::from_slice::<String>(&line).unwrap(), text);
    }
}
