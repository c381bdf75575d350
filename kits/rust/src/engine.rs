use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cache::{Cache, cache_methods};
use crate::encode::encode;
use crate::flag::lock;
use crate::jobs::Jobs;
use crate::models::{Model, ModelInfo, Models, model_methods};
use crate::output::Output;
use crate::rpc::{Answer, Method, Methods, answer, caught};
use crate::{Job, JobError, sys};

/// An engine: the process that an app's `EngineClient` starts. One to a process.
pub struct Engine {
    methods: Methods,
    jobs: Arc<Jobs>,
    cache: Arc<Cache>,
    models: Arc<Models>,
    health: Arc<Mutex<HealthCheck>>,
    output: Arc<Output>,
}

type HealthCheck = Box<dyn Fn() -> Health + Send>;

/// How an engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// All is well.
    Ok,
    /// It works, but not as it should: on the CPU instead of the GPU.
    Degraded,
    /// It does not work.
    Error,
}

/// Sends the app notifications: its `notification` event.
#[derive(Clone)]
pub struct Notifier {
    output: Arc<Output>,
}

impl Notifier {
    /// Waits while the app does not read.
    pub fn notify(&self, method: &str, params: impl Serialize) -> Result<(), JobError> {
        let params = encode(&params, &format!("The params of {method}"))?;
        let method = Value::from(method);
        self.output.write(format!(r#"{{"jsonrpc":"2.0","method":{method},"params":{params}}}"#))
    }
}

impl Engine {
    /// An engine that tells the app this version.
    pub fn new(version: impl Into<String>) -> Self {
        let output = Arc::new(Output::default());
        let jobs = Arc::new(Jobs::new(Arc::clone(&output)));
        let cache = Arc::new(Cache::new());
        let models = Arc::new(Models::default());
        let check: HealthCheck = Box::new(|| Health::Ok);
        let health = Arc::new(Mutex::new(check));

        let standard = jobs.methods().into_iter().chain(cache_methods(&cache)).chain(model_methods(&models));
        let mut methods: Methods = standard.map(|(name, method)| (name.to_owned(), method)).collect();
        methods.insert("engine.health".to_owned(), health_method(version.into(), Arc::clone(&health)));
        Self { methods, jobs, cache, models, health, output }
    }

    /// Registers a job type. Each job runs on a thread of its own.
    ///
    /// # Panics
    /// When that type is registered already.
    pub fn job<P, R>(
        &mut self,
        kind: &str,
        function: impl Fn(P, &Job) -> Result<R, JobError> + Send + Sync + 'static,
    ) -> &mut Self
    where
        P: DeserializeOwned,
        R: Serialize,
    {
        let what = format!("The result of the job ({kind})");
        let registered = self.jobs.register(
            kind,
            Arc::new(move |payload, job| {
                let payload = serde_json::from_value(payload)
                    .map_err(|error| JobError::invalid(format!("payload: {error}")))?;
                encode(&function(payload, job)?, &what)
            }),
        );
        assert!(registered, "Engine::job: the job type {kind} is there already");
        self
    }

    /// Answers a further method, or a standard one in its own way. Each call runs on a thread of its own.
    pub fn method<P, R>(
        &mut self,
        name: &str,
        function: impl Fn(P) -> Result<R, JobError> + Send + Sync + 'static,
    ) -> &mut Self
    where
        P: DeserializeOwned,
        R: Serialize,
    {
        let function = Arc::new(function);
        let owned = name.to_owned();
        let method: Method = Box::new(move |params| {
            let (function, name) = (Arc::clone(&function), owned.clone());
            Ok(Answer::Later(Box::new(move || {
                let params = serde_json::from_value(Value::Object(params))
                    .map_err(|error| JobError::invalid(format!("{name}: {error}")))?;
                encode(&function(params)?, &format!("The result of {name}"))
            })))
        });
        self.methods.insert(name.to_owned(), method);
        self
    }

    /// Registers a model for `models.*`. `model.get()` in a job gives what `load(options)` returned; it is unloaded by
    /// being dropped.
    ///
    /// # Panics
    /// When a model of that id is registered already.
    pub fn model<T: Send + Sync + 'static>(
        &mut self,
        info: ModelInfo,
        load: impl Fn(Value) -> Result<T, JobError> + Send + Sync + 'static,
    ) -> Model<T> {
        let id = info.id.clone();
        let model = Model::new(info, load);
        let replaced = lock(&self.models).insert(id.clone(), model.registered());
        assert!(replaced.is_none(), "Engine::model: the model {id} is there already");
        model
    }

    /// Says how the engine is.
    pub fn health(&mut self, check: impl Fn() -> Health + Send + 'static) -> &mut Self {
        *lock(&self.health) = Box::new(check);
        self
    }

    /// The values of `cache.*`, for the engine's own use as well.
    #[must_use]
    pub fn cache(&self) -> Arc<Cache> {
        Arc::clone(&self.cache)
    }

    /// What sends notifications, from any thread once the engine runs.
    #[must_use]
    pub fn notifier(&self) -> Notifier {
        Notifier { output: Arc::clone(&self.output) }
    }

    /// Answers the app until stdin closes, SIGTERM comes, or nobody reads stdout. Then every job is told to stop, and
    /// this returns when they have, or after a second: let `main` end then.
    pub fn run(self) -> io::Result<()> {
        let (stop, stopped) = mpsc::channel();
        let input = sys::take_stdin()?;
        if !self.output.open(sys::take_stdout()?, stop.clone()) {
            return Err(io::Error::other("Engine::run: an engine runs in this process already"));
        }
        sys::on_termination(stop.clone())?;
        let Self { methods, output, jobs, .. } = self;
        thread::Builder::new().name("stdin".into()).spawn(move || {
            read(input, &methods, &output);
            let _ = stop.send(());
        })?;
        // An error means that all who could tell are gone, which is an end as well.
        let _ = stopped.recv();
        jobs.stop();
        Ok(())
    }
}

fn read(input: File, methods: &Methods, output: &Arc<Output>) {
    let mut input = BufReader::with_capacity(64 * 1024, input);
    let mut line = Vec::new();
    // A pipe that breaks is one that has ended.
    while input.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        answer(&line, methods, output);
        line.clear();
        line.shrink_to(64 * 1024);
    }
}

fn health_method(version: String, health: Arc<Mutex<HealthCheck>>) -> Method {
    let began = Instant::now();
    Box::new(move |_| {
        // A panic here would end the thread that reads stdin, and leave an engine that hears nothing.
        let status = match caught(|| Ok((lock(&health))())).unwrap_or(Health::Error) {
            Health::Ok => "ok",
            Health::Degraded => "degraded",
            Health::Error => "error",
        };
        let uptime = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let sys::Memory { used, total } = sys::memory();
        let memory = json!({ "used": used, "total": total });
        let told = json!({ "status": status, "version": version, "uptime": uptime, "memory": memory });
        Ok(Answer::Now(told.to_string()))
    })
}
