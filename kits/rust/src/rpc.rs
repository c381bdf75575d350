//! JSON-RPC 2.0, the answering side: one line in, at most one line out. Knows nothing of jobs.

use std::collections::HashMap;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::output::Output;
use crate::{ErrorCodes, JobError};

pub type Params = Map<String, Value>;
pub type Method = Box<dyn Fn(Params) -> Result<Answer, JobError> + Send + Sync>;
pub type Methods = HashMap<String, Method>;

/// What a method has to say; texts are JSON.
pub enum Answer {
    Now(String),
    /// Something follows behind the answer.
    AndThen(String, Box<dyn FnOnce() + Send>),
    /// The work takes long: it is done on a thread of its own, while stdin is read on.
    Later(Box<dyn FnOnce() -> Result<String, JobError> + Send>),
}

/// Answers a line on `output`.
pub fn answer(line: &[u8], methods: &Methods, output: &Arc<Output>) {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line).trim_ascii();
    if line.is_empty() {
        return;
    }
    let request = match serde_json::from_slice::<Value>(line) {
        Ok(request) => request,
        Err(error) => {
            let fault = JobError::new(ErrorCodes::PARSE_ERROR, format!("Parse error: {error}"));
            let id = serde_json::from_slice(line).map_or(Value::Null, |OnlyId(id)| id);
            return respond(output, &id, Err(fault));
        }
    };
    match Call::read(request) {
        Ok(Some(call)) => call.run(methods, output),
        Ok(None) => {}
        Err((id, fault)) => {
            respond(output, &id, Err(JobError::new(ErrorCodes::INVALID_REQUEST, fault)));
        }
    }
}

/// The id of a request that is JSON, but not one that fits into Rust: half of a surrogate pair is no `String`, and
/// `Value` has an end of depth. The app would wait for an answer without an id until its time is up.
struct OnlyId(Value);

impl<'de> Deserialize<'de> for OnlyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(IdVisitor)
    }
}

struct IdVisitor;

impl<'de> Visitor<'de> for IdVisitor {
    type Value = OnlyId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<OnlyId, A::Error> {
        let mut id = Value::Null;
        while let Some(name) = members.next_key::<String>()? {
            if name == "id" {
                id = members.next_value()?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        let readable = id.is_string() || id.is_number();
        Ok(OnlyId(if readable { id } else { Value::Null }))
    }
}

struct Call {
    /// None: a notification, which gets no answer.
    id: Option<Value>,
    method: String,
    params: Option<Value>,
}

impl Call {
    /// None: an answer to something that this engine never asked. An error comes with the id that it is told to.
    fn read(request: Value) -> Result<Option<Self>, (Value, &'static str)> {
        let mut members = match request {
            Value::Object(members) => members,
            Value::Array(_) => {
                return Err((Value::Null, "Batches are not answered: send one request a line"));
            }
            _ => return Err((Value::Null, "Not a JSON-RPC 2.0 request: not an object")),
        };
        let id = members.remove("id");
        let readable = id.as_ref().is_none_or(|id| id.is_string() || id.is_number() || id.is_null());
        let told = if readable { id.clone().unwrap_or_default() } else { Value::Null };
        if members.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err((told, "Not a JSON-RPC 2.0 request: jsonrpc must be \"2.0\""));
        }
        if !readable {
            return Err((told, "Not a JSON-RPC 2.0 request: id must be a string or a number"));
        }
        match members.remove("method") {
            Some(Value::String(method)) => Ok(Some(Self { id, method, params: members.remove("params") })),
            None if members.contains_key("result") || members.contains_key("error") => Ok(None),
            _ => Err((told, "Not a JSON-RPC 2.0 request: method must be a string")),
        }
    }

    fn run(self, methods: &Methods, output: &Arc<Output>) {
        match self.begin(methods) {
            Ok(Answer::Now(text)) => self.settle(output, Ok(text)),
            Ok(Answer::AndThen(text, then)) => {
                self.settle(output, Ok(text));
                then();
            }
            Ok(Answer::Later(work)) => self.work(work, output),
            Err(error) => self.settle(output, Err(error)),
        }
    }

    fn begin(&self, methods: &Methods) -> Result<Answer, JobError> {
        let name = &self.method;
        let method = methods.get(name).ok_or_else(|| {
            JobError::new(ErrorCodes::METHOD_NOT_FOUND, format!("Method not found: {name}"))
        })?;
        match &self.params {
            None | Some(Value::Null) => method(Map::new()),
            Some(Value::Object(params)) => method(params.clone()),
            Some(_) => Err(JobError::invalid(format!("{name}: params must be an object"))),
        }
    }

    fn work(self, work: Box<dyn FnOnce() -> Result<String, JobError> + Send>, output: &Arc<Output>) {
        let writer = Arc::clone(output);
        let id = self.id.clone();
        let spawned = thread::Builder::new().name(self.method.clone()).spawn(move || {
            let result = caught(work);
            self.settle(&writer, result);
        });
        if let (Err(error), Some(id)) = (spawned, id) {
            respond(output, &id, Err(error.into()));
        }
    }

    fn settle(&self, output: &Output, result: Result<String, JobError>) {
        if let Some(id) = &self.id {
            respond(output, id, result);
        }
    }
}

/// A panic becomes an error; the panic hook has told stderr of it.
pub fn caught<T>(work: impl FnOnce() -> Result<T, JobError>) -> Result<T, JobError> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<&str>().copied().map(str::to_owned);
        let message = message.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(JobError::internal(format!("Panicked: {}", message.unwrap_or_default())))
    })
}

fn respond(output: &Output, id: &Value, result: Result<String, JobError>) {
    let (member, text) = match result {
        Ok(text) => ("result", text),
        Err(error) => ("error", error.text()),
    };
    let _ = output.write(format!(r#"{{"jsonrpc":"2.0","id":{id},"{member}":{text}}}"#));
}
