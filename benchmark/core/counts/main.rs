//! How many instructions the hot paths of the core take: the same on a busy machine as on an idle one.
//!
//! A bench does one thing a number of times, which stands in its name; `scripts/bench-core.js` divides by it.

mod jobs;
mod stores;
mod wire;

use jobs::queues;
use stores::entries;
use wire::messages;

gungraun::main!(library_benchmark_groups = messages, queues, entries);
