use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::flag::lock;
use crate::rpc::{Answer, Method, Params};
use crate::{ErrorCodes, JobError};

/// What `models.list` tells of a model.
#[derive(Clone, Debug)]
pub struct ModelInfo {
    /// What the app calls it in `models.load`.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it is for: `ocr`, `llm`.
    pub kind: String,
    /// Bytes.
    pub size: u64,
}

impl ModelInfo {
    /// A model of that id, which is its name as well, of the kind `model`.
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        Self { name: id.clone(), id, kind: "model".to_owned(), size: 0 }
    }
}

/// A model that is loaded when it is needed, by a job or by the app, and only once. A clone is the same model.
pub struct Model<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Clone for Model<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

struct Shared<T> {
    info: ModelInfo,
    load: Box<dyn Fn(Value) -> Result<T, JobError> + Send + Sync>,
    /// Held while it loads: who comes meanwhile waits for the same.
    loading: Mutex<()>,
    state: Mutex<State<T>>,
}

struct State<T> {
    instance: Option<Arc<T>>,
    last_used: Option<u64>,
}

impl<T: Send + Sync + 'static> Model<T> {
    pub(crate) fn new(
        info: ModelInfo,
        load: impl Fn(Value) -> Result<T, JobError> + Send + Sync + 'static,
    ) -> Self {
        let state = Mutex::new(State { instance: None, last_used: None });
        Self { shared: Arc::new(Shared { info, load: Box::new(load), loading: Mutex::default(), state }) }
    }

    /// What `load` returned; loads first where that is still to be done.
    pub fn get(&self) -> Result<Arc<T>, JobError> {
        self.shared.get(Value::Null)
    }

    /// Lets go of it: it is dropped when no job uses it any more. The next `get` loads anew.
    pub fn unload(&self) {
        self.shared.unload();
    }

    /// Whether it is in memory.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.shared.is_loaded()
    }

    pub(crate) fn registered(&self) -> Arc<dyn Registered> {
        Arc::clone(&self.shared) as Arc<dyn Registered>
    }
}

impl<T> Shared<T> {
    fn get(&self, options: Value) -> Result<Arc<T>, JobError> {
        lock(&self.state).last_used = Some(now_ms());
        let _loading = lock(&self.loading);
        {
            let state = lock(&self.state);
            if let Some(instance) = &state.instance {
                return Ok(Arc::clone(instance));
            }
        }
        let instance = Arc::new((self.load)(options).map_err(|error| self.load_error(error))?);
        lock(&self.state).instance = Some(Arc::clone(&instance));
        Ok(instance)
    }

    fn load_error(&self, error: JobError) -> JobError {
        if error.code != ErrorCodes::INTERNAL_ERROR {
            return error;
        }
        let message = format!("The model {} did not load: {}", self.info.id, error.message);
        JobError { code: ErrorCodes::MODEL_LOAD_FAILED, message, data: error.data }
    }
}

/// A model whatever it is made of.
pub trait Registered: Send + Sync {
    fn info(&self) -> Value;
    fn status(&self) -> Value;
    fn load(&self, options: Value) -> Result<(), JobError>;
    fn unload(&self);
    fn is_loaded(&self) -> bool;
}

impl<T: Send + Sync> Registered for Shared<T> {
    fn info(&self) -> Value {
        let ModelInfo { id, name, kind, size } = &self.info;
        json!({ "id": id, "name": name, "type": kind, "loaded": self.is_loaded(), "size": size })
    }

    fn status(&self) -> Value {
        let State { instance, last_used } = &*lock(&self.state);
        let loaded = instance.is_some();
        match last_used {
            None => json!({ "loaded": loaded }),
            Some(last_used) => json!({ "loaded": loaded, "lastUsed": last_used }),
        }
    }

    fn load(&self, options: Value) -> Result<(), JobError> {
        self.get(options).map(drop)
    }

    fn unload(&self) {
        let _loading = lock(&self.loading);
        // Dropped outside of the inner lock: a model may take its time.
        let instance = lock(&self.state).instance.take();
        drop(instance);
    }

    fn is_loaded(&self) -> bool {
        lock(&self.state).instance.is_some()
    }
}

pub type Models = Mutex<BTreeMap<String, Arc<dyn Registered>>>;

pub fn model_methods(models: &Arc<Models>) -> Vec<(&'static str, Method)> {
    let method = |body: fn(Arc<dyn Registered>, Params) -> Answer| -> Method {
        let models = Arc::clone(models);
        Box::new(move |params| Ok(body(find(&models, &params)?, params)))
    };
    let listed = Arc::clone(models);
    let list: Method = Box::new(move |_| {
        let infos = lock(&listed).values().map(|model| model.info()).collect();
        Ok(Answer::Now(Value::Array(infos).to_string()))
    });
    vec![
        ("models.list", list),
        (
            "models.load",
            method(|model, mut params| {
                let options = params.remove("options").unwrap_or_default();
                Answer::Later(Box::new(move || {
                    let began = Instant::now();
                    model.load(options)?;
                    let load_time = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                    Ok(json!({ "success": true, "loadTime": load_time }).to_string())
                }))
            }),
        ),
        (
            "models.unload",
            method(|model, _| {
                Answer::Later(Box::new(move || {
                    model.unload();
                    Ok(json!({ "success": true }).to_string())
                }))
            }),
        ),
        ("models.status", method(|model, _| Answer::Now(model.status().to_string()))),
    ]
}

fn find(models: &Models, params: &Params) -> Result<Arc<dyn Registered>, JobError> {
    let Some(Value::String(id)) = params.get("modelId") else {
        return Err(JobError::invalid("modelId must be a string"));
    };
    let models = lock(models);
    models.get(id).map(Arc::clone).ok_or_else(|| {
        let names: Vec<_> = models.keys().map(String::as_str).collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let message = format!("Model not found: {id}; this engine has: {known}");
        JobError::new(ErrorCodes::MODEL_NOT_FOUND, message)
    })
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
