//! Random texts for the wire's tests: good JSON, nearly good JSON, rubbish of JSON's own characters.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

const FRAGMENTS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\"",
    b"\\",
    b"/",
    b"-",
    b"+",
    b".",
    b"0",
    b"1",
    b"9",
    b"e",
    b"E",
    b" ",
    b"\t",
    b"\r",
    b"\n",
    b"\0",
    b"\x01",
    b"\x1f",
    b"\x7f",
    b"\x0b",
    b"a",
    b"u",
    b"true",
    b"false",
    b"null",
    b"tru",
    b"nul",
    b"NaN",
    b"Infinity",
    b"undefined",
    b"'",
    b"{}",
    b"[]",
    b"\"\"",
    b"\"a\":",
    b"\"id\":",
    b"\"jobId\"",
    b"\"x\"",
    b"\\u",
    b"\\n",
    b"\\\"",
    b"\\ud83d",
    b"\\uDE00",
    b"\\u00",
    b"\xff",
    b"\xc3",
    b"\xc3\xa9",
    b"\xe2\x82\xac",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x98\x80",
    b"\xef\xbb\xbf",
    b"\xc2\xa0",
    b"\xe2\x80\xa8",
    b"1e999",
    b"-0",
    b"0e9",
    b"1e-999",
    b"12345678901234567890",
    b"0.1",
    b"{\"a\":[{}]}",
    b"plain text",
    b"//",
    b"/**/",
];

const MEMBERS: &[&str] = &[
    r#""jsonrpc":"2.0""#,
    r#""jsonrpc" : "2.0""#,
    r#""jsonrpc":null"#,
    r#""jsonrp\u0063":2"#,
    r#""id":"a""#,
    r#""id":17"#,
    r#""id":null"#,
    r#""i\u0064":"b""#,
    r#""id":12.50e1"#,
    r#""id":{"id":1}"#,
    r#""method":"m""#,
    r#""method":null"#,
    r#""params":{"a":[1,{}]}"#,
    r#""params":null"#,
    r#""result":{"x":[1,{"y":"}"}]}"#,
    r#""result":null"#,
    r#""result":NaN"#,
    r#""result":[1,2,{"a":-Infinity}]"#,
    r#""error":null"#,
    r#""error":0"#,
    r#""error":-0.0"#,
    r#""error":1e-999"#,
    r#""error":"""#,
    r#""error":false"#,
    r#""error":"\u0000""#,
    r#""error":{"code":-1,"message":"x"}"#,
    r#""error":"boom""#,
    r#""error":[]"#,
    r#""type":"result""#,
    r#""type":"err\u006fr""#,
    r#""type":"progress""#,
    r#""type":"log""#,
    r#""type":"partial""#,
    r#""type":"Result""#,
    r#""type":7"#,
    r#""jobId":"j""#,
    r#""jo\u0062Id":"\ud83d""#,
    r#""jobId":1.0"#,
    r#""jobId":{}"#,
    r#""data":{"type":"result","jobId":"k"}"#,
    r#""data":NaN"#,
    r#""data":"{\"a\":1}""#,
    r#""data":"é€😀""#,
    r#""__proto__":{"jsonrpc":1}"#,
    r#""x":[[[{"jsonrpc":1,"id":2}]]]"#,
    r#""x":"\ud800""#,
    "\"x\":\"\t\"",
    r#""x":01"#,
    r#""x":tru"#,
    r#""x""#,
    r#""x":{"#,
    r"'x':1",
];

const NOISE: &[&str] = &[
    " ",
    "\t",
    "\r",
    "\u{feff}",
    "\u{feff}\r",
    "noise",
    "10%\r20%\r",
    "Traceback: {",
    "}",
    "[",
    "\"",
    "{}",
    "[1]",
    "null",
    "é€😀",
    "{\"",
    "\\",
    "{\"a\":",
    ",",
];

/// Bytes made of what JSON is made of, in any order.
pub fn fragments() -> impl Strategy<Value = Vec<u8>> {
    vec(select(FRAGMENTS), 0..24).prop_map(|fragments| fragments.concat())
}

/// Good JSON.
pub fn json() -> impl Strategy<Value = String> {
    let scalars = [
        "0",
        "-0",
        "1",
        "-1.5",
        "1E+2",
        "12e-3",
        "0.0e0",
        "1e999",
        "123456789012345678901234567890",
        "true",
        "false",
        "null",
        r#""""#,
        r#""a""#,
        r#""é€😀""#,
        r#""\"\\\/\b\f\n\r\t\u00e9""#,
        r#""\ud83d\ude00""#,
        r#""\ud83d""#,
        "\"\u{7f}\u{2028}\"",
        r#""a longer string that fills several words of eight bytes""#,
    ];
    let keys = select(vec!["a", "id", "jobId", "jo\\u0062Id", "type", "__proto__", "", "jsonrpc", "\\ud800"]);
    let space = select(vec!["", "", "", " ", "\t", "\r\n"]);
    select(scalars.to_vec()).prop_map(str::to_owned).prop_recursive(5, 40, 5, move |inner| {
        let array = (vec(inner.clone(), 0..5), space.clone()).prop_map(|(items, space)| {
            format!("[{space}{}{space}]", items.join(&format!("{space},{space}")))
        });
        let member = (keys.clone(), inner, space.clone())
            .prop_map(|(key, value, space)| format!("\"{key}\"{space}:{space}{value}"));
        let object = (vec(member, 0..5), space.clone()).prop_map(|(members, space)| {
            format!("{{{space}{}{space}}}", members.join(&format!("{space},{space}")))
        });
        prop_oneof![array, object]
    })
}

/// Good JSON with a wound: cut off, a piece taken out, or one put in.
pub fn wounded_json() -> impl Strategy<Value = Vec<u8>> {
    (json(), any::<Index>(), 0..4_usize, select(FRAGMENTS)).prop_map(|(text, place, kind, fragment)| {
        let text = text.into_bytes();
        let at = place.index(text.len() + 1);
        let (head, tail) = text.split_at(at);
        match kind {
            0 => head.to_vec(),
            1 => [head, fragment, tail].concat(),
            2 => [head, tail.get(1..).unwrap_or_default()].concat(),
            _ => [head, fragment, tail.get(1..).unwrap_or_default()].concat(),
        }
    })
}

/// An object of the members that the wire knows, good or broken, whole or cut off.
pub fn object() -> impl Strategy<Value = String> {
    (vec(select(MEMBERS), 0..7), any::<Index>(), 0..8_u8).prop_map(|(members, place, cut)| {
        let text = format!("{{{}}}", members.join(","));
        let end = (0..=place.index(text.len() + 1)).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        if cut == 0 { text[..end].to_owned() } else { text }
    })
}

/// An object that begins as a message does, and how it goes on: good, or with a fault.
fn message() -> impl Strategy<Value = String> {
    let heads = [
        r#""jsonrpc":"2.0","id":"a","result":1"#,
        r#""jsonrpc":"2.0","id":3,"error":{"code":1}"#,
        r#""jsonrpc":"2.0","method":"m""#,
        r#""jsonrpc":"2.0","id":5,"method":"m""#,
        r#""type":"result","jobId":"j""#,
        r#""type":"progress","jobId":2"#,
        r#""type":"error","jobId":"k""#,
    ];
    let ends = ["}", "}", "}", ",}", ",\"data\":NaN}", ",\"data\":[1,"];
    let members = vec(select(MEMBERS), 0..2);
    (select(heads.to_vec()), members, select(ends.to_vec())).prop_map(|(head, members, end)| {
        let parts: Vec<&str> = std::iter::once(head).chain(members).collect();
        format!("{{{}{end}", parts.join(","))
    })
}

/// A line of messages, broken messages and noise.
pub fn line() -> impl Strategy<Value = String> {
    let piece = prop_oneof![4 => message(), 2 => object(), 2 => select(NOISE).prop_map(str::to_owned)];
    vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}
