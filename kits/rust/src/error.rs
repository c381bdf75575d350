use serde_json::{Value, json};

/// The numbers of JSON-RPC 2.0, and those that engines use. The same as the runtime's `ErrorCodes`.
pub struct ErrorCodes;

#[expect(missing_docs, reason = "the names say it; the app knows them under the same ones")]
impl ErrorCodes {
    pub const PARSE_ERROR: i64 = -32700;
    pub const INVALID_REQUEST: i64 = -32600;
    pub const METHOD_NOT_FOUND: i64 = -32601;
    pub const INVALID_PARAMS: i64 = -32602;
    pub const INTERNAL_ERROR: i64 = -32603;
    pub const JOB_NOT_FOUND: i64 = -31001;
    pub const JOB_ALREADY_RUNNING: i64 = -31002;
    pub const JOB_CANCELLED: i64 = -31003;
    pub const JOB_TIMEOUT: i64 = -31004;
    pub const MODEL_NOT_FOUND: i64 = -30001;
    pub const MODEL_LOAD_FAILED: i64 = -30002;
    pub const INSUFFICIENT_MEMORY: i64 = -30003;
    pub const CACHE_MISS: i64 = -29001;
    pub const CACHE_FULL: i64 = -29002;
}

/// What the app is told when a job or a method fails.
///
/// `?` makes one of any error, with the code `INTERNAL_ERROR`. That is why this is no `std::error::Error` itself.
#[derive(Clone, Debug, PartialEq)]
pub struct JobError {
    /// A number that the app can branch on: one of [`ErrorCodes`], or the engine's own.
    pub code: i64,
    /// A sentence for the app's user.
    pub message: String,
    /// Whatever else the app needs.
    pub data: Option<Value>,
}

impl JobError {
    /// An error without data.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The same with data.
    #[must_use]
    pub fn with_data(self, data: impl Into<Value>) -> Self {
        Self { data: Some(data.into()), ..self }
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(ErrorCodes::JOB_CANCELLED, "Job cancelled")
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCodes::INVALID_PARAMS, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorCodes::INTERNAL_ERROR, message)
    }

    pub(crate) fn text(&self) -> String {
        let Self { code, message, data } = self;
        match data {
            None => json!({ "code": code, "message": message }),
            Some(data) => json!({ "code": code, "message": message, "data": data }),
        }
        .to_string()
    }
}

impl<E: std::error::Error> From<E> for JobError {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        Self::internal(message)
    }
}
