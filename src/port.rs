//! One environment's doors: wake its event loop, keep it alive on demand, end what belongs to it.
//!
//! There are two, and a delivery's wake-ups take them in turn. Node serves one threadsafe function up to a thousand times
//! before it looks at anything else: with a single door a flooding engine would keep timers and I/O from running for
//! seconds. What the other door brings comes in the event loop's next turn, or behind this one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use desktop_runtime_core::delivery::{Delivery, Tenant, Wake};
use desktop_runtime_core::fault::{caught, insisted};
use napi::bindgen_prelude::{Env, FnArgs, Function, Result, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

use crate::held::Held;
use crate::text::BatchText;

type Args = FnArgs<(u32, Option<BatchText>)>;
type Door = ThreadsafeFunction<Arc<Delivery>, Unknown<'static>, Args, napi::Status, false, true>;
type Tenants = Arc<Mutex<Vec<Weak<dyn Tenant>>>>;

/// What all objects of one environment share.
#[napi]
pub struct Port {
    doors: Held<Arc<[Mutex<Door>; 2]>>,
    tenants: Held<Tenants>,
}

#[napi]
impl Port {
    /// `deliver(id, batch)` is called on the event loop with the next batch of the object `id`, or with `null` when
    /// it was taken meanwhile.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        #[napi(ts_arg_type = "(id: number, batch: string | null) => void")] deliver: Function<
            '_,
            Args,
            Unknown<'static>,
        >,
    ) -> Result<Self> {
        let door = || {
            deliver
                .build_threadsafe_function::<Arc<Delivery>>()
                .callee_handled::<false>()
                .weak::<true>()
                .build_callback(|context| {
                    let delivery = context.value;
                    // A panic here would end the host: it would unwind into its event loop. `take` loses nothing to one.
                    let batch = caught(|| delivery.take()).flatten();
                    Ok(FnArgs::from((delivery.id(), batch.map(BatchText))))
                })
        };
        let doors = Arc::new([Mutex::new(door()?), Mutex::new(door()?)]);
        let tenants = Tenants::default();
        let at_end = Arc::clone(&tenants);
        env.add_env_cleanup_hook(at_end, |tenants| {
            caught(|| abandon(&tenants));
        })?;
        Ok(Self { doors: Held::new(doors), tenants: Held::new(tenants) })
    }

    /// Whether the event loop stays alive for this port. Only on the environment's own thread.
    #[napi(catch_unwind)]
    pub fn hold(&self, env: Env, alive: bool) -> Result<()> {
        let mut door = self.doors[0].lock().unwrap_or_else(PoisonError::into_inner);
        #[expect(
            deprecated,
            reason = "`clone`, which napi recommends, does not change what keeps the loop alive"
        )]
        let changed = if alive { door.refer(&env) } else { door.unref(&env) };
        changed
    }

    /// Ends the engines, caches and journals of this environment at once, without waiting: the process is about to end.
    #[napi(catch_unwind)]
    pub fn abandon(&self) {
        abandon(&self.tenants);
    }
}

impl Port {
    /// A waker for a delivery of this environment.
    pub fn waker(&self) -> Box<dyn Wake> {
        Box::new(Waker { doors: Arc::clone(&self.doors), second: AtomicBool::new(false) })
    }

    /// Takes an object into this environment's care: it ends with the environment.
    pub fn adopt<T: Tenant + 'static>(&self, tenant: &Arc<T>) {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.retain(|tenant| tenant.strong_count() > 0);
        let tenant: Weak<T> = Arc::downgrade(tenant);
        tenants.push(tenant);
    }
}

fn abandon(tenants: &Tenants) {
    let tenants = tenants.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for tenant in tenants.iter().filter_map(Weak::upgrade) {
        // Called by the host as it ends: one that fails must neither end it nor keep the others from their end.
        insisted(|| Arc::clone(&tenant).abandon());
        caught(|| drop(tenant));
    }
}

struct Waker {
    doors: Arc<[Mutex<Door>; 2]>,
    /// Which door is next.
    second: AtomicBool,
}

impl Wake for Waker {
    fn wake(&self, delivery: &Arc<Delivery>) {
        // Wake-ups of one delivery never overlap: nobody else changes it meanwhile.
        let door = &self.doors[usize::from(self.second.fetch_not(Ordering::Relaxed))];
        let door = door.lock().unwrap_or_else(PoisonError::into_inner);
        // A closing environment takes nothing any more.
        door.call(Arc::clone(delivery), ThreadsafeFunctionCallMode::NonBlocking);
    }
}
