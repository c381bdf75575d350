//! Writes what goes to the engine: one line each, ASCII, every other character as `\uXXXX`.
//!
//! The value is the same to any JSON parser, and an engine that reads its stdin in a code page reads it too (contract
//! section 2). Texts named `…_json` are JSON as `JSON.stringify` gives it, so they hold no newline.

use uuid::Uuid;

use super::string;

/// Appends a request; without `params_json` the key is left out.
pub fn push_request(out: &mut Vec<u8>, id: &Uuid, method_json: &str, params_json: Option<&str>) {
    let mut hyphenated = uuid::Uuid::encode_buffer();
    let id = id.hyphenated().encode_lower(&mut hyphenated);
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":""#);
    out.extend_from_slice(id.as_bytes());
    out.push(b'"');
    push_call(out, method_json, params_json);
}

/// Appends a notification; without `params_json` the key is left out.
pub fn push_notification(out: &mut Vec<u8>, method_json: &str, params_json: Option<&str>) {
    out.extend_from_slice(br#"{"jsonrpc":"2.0""#);
    push_call(out, method_json, params_json);
}

/// Appends the answer to a request of the engine; `id_raw` is the text of the id that it sent.
pub fn push_result(out: &mut Vec<u8>, id_raw: &str, result_json: &str) {
    push_answer(out, id_raw);
    push_member(out, "result", result_json);
    out.extend_from_slice(b"}\n");
}

/// Appends the refusal of a request of the engine; without `data_json` the key is left out.
pub fn push_error(
    out: &mut Vec<u8>,
    id_raw: &str,
    code_json: &str,
    message_json: &str,
    data_json: Option<&str>,
) {
    push_answer(out, id_raw);
    out.extend_from_slice(br#","error":{"code":"#);
    push_ascii(out, code_json);
    push_member(out, "message", message_json);
    if let Some(data) = data_json {
        push_member(out, "data", data);
    }
    out.extend_from_slice(b"}}\n");
}

/// Appends a JSON text in ASCII.
pub fn push_ascii(out: &mut Vec<u8>, json: &str) {
    if json.is_ascii() {
        out.extend_from_slice(json.as_bytes());
        return;
    }
    out.reserve(json.len());
    let mut rest = json;
    while let Some(at) = rest.bytes().position(|byte| !byte.is_ascii()) {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let wide = &rest[at..];
        let end = wide.find(|character: char| character.is_ascii()).unwrap_or(wide.len());
        string::push_text(out, &wide[..end]);
        rest = &wide[end..];
    }
    out.extend_from_slice(rest.as_bytes());
}

/// Appends plain text as a JSON string in ASCII.
pub fn push_json_string(out: &mut Vec<u8>, plain: &str) {
    out.reserve(plain.len() + 2);
    out.push(b'"');
    string::push_text(out, plain);
    out.push(b'"');
}

fn push_call(out: &mut Vec<u8>, method_json: &str, params_json: Option<&str>) {
    push_member(out, "method", method_json);
    if let Some(params) = params_json {
        push_member(out, "params", params);
    }
    out.extend_from_slice(b"}\n");
}

fn push_answer(out: &mut Vec<u8>, id_raw: &str) {
    out.extend_from_slice(br#"{"jsonrpc":"2.0""#);
    push_member(out, "id", id_raw);
}

/// Appends a member that is not the first of its object.
fn push_member(out: &mut Vec<u8>, key: &str, json: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
    push_ascii(out, json);
}
