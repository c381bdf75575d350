//! A cache file of version 1, whatever is in it: an entry exactly when `JSON.parse` gives one, with that very value.

#![no_main]

use desktop_runtime_core::cache::{JSON, UNDEFINED, parse_version1};
use desktop_runtime_fuzz::json::{self, Value};
use libfuzzer_sys::fuzz_target;

/// What is over from a moment on; `None`: it is no moment.
fn moment(value: &Value) -> Option<f64> {
    let Value::Number(number) = value else { return None };
    number.is_finite().then(|| number.ceil().clamp(i64::MIN as f64, i64::MAX as f64))
}

fn agrees(ours: i64, theirs: f64) -> bool {
    ours == theirs as i64
}

fuzz_target!(|text: &[u8]| {
    let found = parse_version1(text);
    let entry = json::parse(text).filter(|value| matches!(value, Value::Object(_)));
    let created_at = entry.as_ref().and_then(|entry| moment(entry.get("createdAt")?));
    let expires_at = match entry.as_ref().and_then(|entry| entry.get("expiresAt")) {
        None | Some(Value::Null) => Some(None),
        Some(value) => moment(value).map(Some),
    };
    let (Some(entry), Some(created_at), Some(expires_at)) = (entry, created_at, expires_at) else {
        assert_eq!(found, None, "{}", text.escape_ascii());
        return;
    };
    let record = found.unwrap_or_else(|| panic!("an entry is missed: {}", text.escape_ascii()));
    assert!(agrees(record.created_at, created_at));
    assert_eq!(record.expires_at.is_some(), expires_at.is_some());
    assert!(record.expires_at.zip(expires_at).is_none_or(|(ours, theirs)| agrees(ours, theirs)));
    match entry.get("value") {
        None => assert_eq!((record.kind, record.value.len()), (UNDEFINED, 0)),
        Some(value) => {
            assert_eq!(record.kind, JSON);
            assert!(std::str::from_utf8(&record.value).is_ok());
            assert_eq!(json::parse(&record.value).as_ref(), Some(value), "{}", text.escape_ascii());
            let units = String::from_utf8_lossy(&record.value).encode_utf16().count();
            assert_eq!(record.length(), units as u64);
        }
    }
});
