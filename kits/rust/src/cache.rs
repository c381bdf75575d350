use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::JobError;
use crate::flag::lock;
use crate::rpc::{Answer, Method, Params};

const LIMIT_BYTES: usize = 64 * 1024 * 1024;

/// Values by key, in memory: `cache.*` of the app, and the engine's own. The least recently used leaves for space.
pub struct Cache {
    entries: Mutex<Entries>,
}

struct Entries {
    limit: usize,
    size: usize,
    uses: u64,
    by_key: HashMap<String, Entry>,
    /// Keys in the order of their last use.
    by_use: BTreeMap<u64, String>,
}

struct Entry {
    value: Value,
    expires_at: Option<f64>,
    size: usize,
    used: u64,
}

impl Cache {
    pub(crate) fn new() -> Self {
        Self::with_limit(LIMIT_BYTES)
    }

    fn with_limit(limit: usize) -> Self {
        let (by_key, by_use) = (HashMap::new(), BTreeMap::new());
        Self { entries: Mutex::new(Entries { limit, size: 0, uses: 0, by_key, by_use }) }
    }

    /// The value under that key, if it has not expired.
    pub fn get(&self, key: &str) -> Option<Value> {
        lock(&self.entries).live(key, now_ms()).map(|entry| entry.value.clone())
    }

    /// `ttl_secs`: none or 0 never expires, a negative one has expired. False: larger than the whole cache.
    pub fn set(&self, key: &str, value: Value, ttl_secs: Option<f64>) -> bool {
        let size = (key.len() + value.to_string().len()) * 2;
        let expires_at = ttl_secs.filter(|ttl| *ttl != 0.0).map(|ttl| now_ms() + ttl * 1000.0);
        lock(&self.entries).set(key, Entry { value, expires_at, size, used: 0 })
    }

    /// Whether there was something under that key.
    pub fn delete(&self, key: &str) -> bool {
        lock(&self.entries).remove(key).is_some()
    }

    /// How many entries were removed whose key begins so.
    pub fn clear(&self, prefix: &str) -> usize {
        let mut entries = lock(&self.entries);
        let keys: Vec<_> = entries.by_key.keys().filter(|key| key.starts_with(prefix)).cloned().collect();
        let now = now_ms();
        keys.iter().filter(|key| entries.live(key, now).is_some() && entries.remove(key).is_some()).count()
    }

    fn answer(&self, key: &str) -> Value {
        match lock(&self.entries).live(key, now_ms()) {
            None => json!({ "found": false }),
            Some(Entry { value, expires_at: None, .. }) => json!({ "found": true, "value": value }),
            #[expect(clippy::cast_possible_truncation, reason = "milliseconds since the epoch, whole")]
            Some(Entry { value, expires_at: Some(at), .. }) => {
                json!({ "found": true, "value": value, "expiresAt": *at as i64 })
            }
        }
    }
}

impl Entries {
    fn live(&mut self, key: &str, now: f64) -> Option<&Entry> {
        if self.by_key.get(key)?.expires_at.is_some_and(|at| at <= now) {
            self.remove(key);
            return None;
        }
        self.uses += 1;
        let entry = self.by_key.get_mut(key)?;
        self.by_use.remove(&entry.used);
        self.by_use.insert(self.uses, key.to_owned());
        entry.used = self.uses;
        Some(entry)
    }

    fn set(&mut self, key: &str, entry: Entry) -> bool {
        self.remove(key);
        if entry.size > self.limit {
            return false;
        }
        self.uses += 1;
        self.size += entry.size;
        self.by_use.insert(self.uses, key.to_owned());
        self.by_key.insert(key.to_owned(), Entry { used: self.uses, ..entry });
        while self.size > self.limit
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.remove(&oldest);
        }
        true
    }

    fn remove(&mut self, key: &str) -> Option<Entry> {
        let entry = self.by_key.remove(key)?;
        self.by_use.remove(&entry.used);
        self.size -= entry.size;
        Some(entry)
    }
}

pub fn cache_methods(cache: &Arc<Cache>) -> Vec<(&'static str, Method)> {
    let method = |body: fn(&Cache, Params) -> Result<Value, JobError>| -> Method {
        let cache = Arc::clone(cache);
        Box::new(move |params| body(&cache, params).map(|result| Answer::Now(result.to_string())))
    };
    vec![
        ("cache.get", method(|cache, params| Ok(cache.answer(key_of(&params)?)))),
        (
            "cache.set",
            method(|cache, mut params| {
                let value = params.remove("value").unwrap_or_default();
                let success = cache.set(key_of(&params)?, value, ttl_of(&params)?);
                Ok(json!({ "success": success }))
            }),
        ),
        (
            "cache.delete",
            method(|cache, params| {
                cache.delete(key_of(&params)?);
                Ok(json!({ "success": true }))
            }),
        ),
        (
            "cache.clear",
            method(|cache, params| {
                Ok(json!({ "success": true, "cleared": cache.clear(prefix_of(&params)?) }))
            }),
        ),
    ]
}

fn key_of(params: &Params) -> Result<&str, JobError> {
    params.get("key").and_then(Value::as_str).ok_or_else(|| JobError::invalid("key must be a string"))
}

fn ttl_of(params: &Params) -> Result<Option<f64>, JobError> {
    match params.get("ttl") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(ttl)) => Ok(ttl.as_f64()),
        Some(_) => Err(JobError::invalid("ttl must be a number of seconds")),
    }
}

fn prefix_of(params: &Params) -> Result<&str, JobError> {
    match params.get("prefix") {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(prefix)) => Ok(prefix),
        Some(_) => Err(JobError::invalid("prefix must be a string")),
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds fit for 280 000 years")]
fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_leaves_for_space_and_what_is_too_large_never_comes() {
        let cache = Cache::with_limit(20);
        assert!(cache.set("a", json!("12"), None)); // 2 × (1 + 4) bytes
        assert!(cache.set("b", json!("12"), None));
        assert_eq!(cache.get("a"), Some(json!("12")));
        assert!(cache.set("c", json!("12"), None));
        assert_eq!((cache.get("a").is_some(), cache.get("b"), cache.get("c").is_some()), (true, None, true));
        assert!(!cache.set("a", json!("1234567890"), None));
        assert_eq!(cache.get("a"), None);
        assert_eq!(lock(&cache.entries).size, 10);
    }

    #[test]
    fn none_and_zero_never_expire_and_a_negative_time_has_passed() {
        let cache = Cache::new();
        for (key, ttl) in [("none", None), ("zero", Some(0.0)), ("long", Some(60.0)), ("past", Some(-1.0))] {
            assert!(cache.set(key, json!(key), ttl));
        }
        assert_eq!(cache.get("past"), None);
        assert!(cache.answer("long")["expiresAt"].is_i64());
        assert!(cache.answer("zero").get("expiresAt").is_none());
        cache.set("past", json!(1), Some(-1.0));
        assert_eq!(cache.clear(""), 3);
        assert_eq!(lock(&cache.entries).size, 0);
    }
}
