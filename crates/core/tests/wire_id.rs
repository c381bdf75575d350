//! Ids as JSON values, and the ids of our own requests.

use std::collections::HashSet;

use desktop_runtime_core::wire::id::{JsonId, RequestIds, as_request_id};
use uuid::{Uuid, Variant, Version};

fn id(raw: &str) -> JsonId {
    JsonId::from_raw(raw.as_bytes())
}

#[test]
fn ids_are_compared_as_json_values() {
    for (a, b) in [
        ("1", "1.0"),
        ("1", "1e0"),
        ("1", "0.1E+1"),
        ("-0", "0"),
        ("0e9", "-0.0"),
        ("1e999", "2e999"),
        ("9007199254740993", "9007199254740992"),
        (r#""\u0061""#, r#""a""#),
        (r#""\/""#, r#""/""#),
        (r#""\u00e9""#, r#""é""#),
        (r#""\uD83D\uDE00""#, r#""😀""#),
        (r#""\u000a\u0022\u005C""#, r#""\n\"\\""#),
        (r#""\uD800""#, r#""\ud800""#),
    ] {
        assert_eq!(id(a), id(b), "{a} and {b}");
    }
    for (a, b) in [
        (r#""1""#, "1"),
        ("1", "-1"),
        ("1e999", "-1e999"),
        (r#""""#, "0"),
        (r#""null""#, "null"),
        ("null", "0"),
        ("true", "1"),
        ("false", "null"),
        (r#""a""#, r#""A""#),
        (r#""a""#, r#""a ""#),
        (r#""\ud800""#, r#""\ud801""#),
        (r#""\ud800""#, r#""\ufffd""#),
        (r#""\\u0061""#, r#""a""#),
        (r#""é""#, r#""e\u0301""#),
        ("[1]", "1"),
        ("{}", "[]"),
    ] {
        assert_ne!(id(a), id(b), "{a} and {b}");
    }
}

#[test]
fn bytes_that_are_no_utf8_count_as_the_replacement_character() {
    assert_eq!(JsonId::from_raw(b"\"a\xffb\""), id("\"a\u{fffd}b\""));
    assert_eq!(JsonId::from_raw(b"\"\xed\xa0\x80\""), id(r#""\ufffd\ufffd\ufffd""#));
    assert_eq!(JsonId::from_raw(b"[\"\xff\"]"), id("[\"\u{fffd}\"]"));
}

#[test]
fn an_id_is_sent_as_a_json_text_of_the_same_value() {
    for (raw, json) in [
        (r#""job-1""#, r#""job-1""#),
        (r#""\u006a\/""#, r#""j/""#),
        (r#""é😀\ud800""#, r#""\u00e9\ud83d\ude00\ud800""#),
        (r#""\"\\\b\n""#, r#""\"\\\u0008\n""#),
        ("1", "1"),
        ("1.0", "1"),
        ("-0", "0"),
        ("12.5", "12.5"),
        ("1e3", "1000"),
        ("123456789012345", "123456789012345"),
        ("1e300", "1e300"),
        ("1e-7", "1e-7"),
        ("-1e999", "-1e999"),
        ("null", "null"),
        ("true", "true"),
        (r#"[1, "é"]"#, r#"[1, "é"]"#),
    ] {
        assert_eq!(id(raw).to_json(), json, "{raw}");
        assert_eq!(id(&id(raw).to_json()), id(raw), "{raw}");
    }
}

#[test]
fn only_null_is_null() {
    assert!(id("null").is_null());
    assert!(!id(r#""null""#).is_null() && !id("0").is_null() && !id("false").is_null());
}

#[test]
fn request_ids_are_v4_uuids_and_never_come_twice() {
    let mut ids = RequestIds::new();
    let mut seen = HashSet::new();
    for _ in 0..1000 {
        let id = ids.next().unwrap();
        assert_eq!((id.get_version(), id.get_variant()), (Some(Version::Random), Variant::RFC4122));
        assert!(seen.insert(id));
    }
    assert!(!seen.contains(&RequestIds::new().next().unwrap()));
}

#[test]
fn a_response_names_a_request_by_the_very_characters_that_were_sent() {
    let text = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let uuid = Uuid::parse_str(text).unwrap();
    let named = |raw: &str| as_request_id(raw.as_bytes());
    assert_eq!(named(&format!("\"{text}\"")), Some(uuid));
    assert_eq!(named(&format!("\"{}\"", text.replace('-', "\\u002d"))), Some(uuid));
    assert_eq!(named(&format!("\"{}\"", text.replace('b', "\\u0062"))), Some(uuid));
    for other in [
        text.to_owned(),
        format!("\"{}\"", text.to_uppercase()),
        format!("\"{}\"", text.replace('-', "")),
        format!("\"{{{text}}}\""),
        format!("\"urn:uuid:{text}\""),
        format!("\" {text}\""),
        format!("\"{}\"", &text[1..]),
        format!("\"{}g\"", &text[1..]),
        format!("[\"{text}\"]"),
        "null".to_owned(),
        "1".to_owned(),
        "\"\"".to_owned(),
        "\"".to_owned(),
        String::new(),
    ] {
        assert_eq!(named(&other), None, "{other}");
    }
}
