'use strict';

const { Port } = require('./native.js');
const { logThrown } = require('./emitter.js');

// The numbers of `Op` in crates/core/src/delivery/op.rs, where their values are described.
const Op = Object.freeze({
  Result: 0,
  Empty: 1,
  Error: 2,
  Failed: 3,
  FailAll: 4,
  Started: 5,
  StartFailed: 6,
  Stopped: 7,
  Ready: 8,
  Exit: 9,
  Restart: 10,
  Fault: 11,
  Unhealthy: 12,
  JobEvent: 13,
  Notification: 14,
  Request: 15,
  Stdout: 16,
  Stderr: 17,
  Log: 18,
  AskEnvironment: 19,
  JobDone: 30,
  JobFailed: 31,
  JobStarted: 32,
  JobProgress: 33,
  JobRetry: 34,
  AskRetry: 35,
  CancelAnswered: 36,
  StartJob: 37,
  CancelJob: 38,
  WatchJob: 39,
  ReleaseJob: 40,
  Forget: 41,
  AskReady: 42,
  StreamEvent: 43,
  Panicked: 50,
  CacheChanged: 60,
  CacheLooked: 61,
  CacheDone: 62,
  CacheFound: 63,
  CacheMissing: 64,
  CacheUnchanged: 65,
  CacheAllDone: 66,
  RecoveryOpened: 70,
  RecoveryLocked: 71,
  RecoveryDone: 72,
});

/** Takes one item of a batch: what it says, about whom, which number, which value. */
const kItem = Symbol('item');
/** Called behind a batch. */
const kBatchDone = Symbol('batchDone');

/**
 * @typedef {{ [kItem](op: number, target: number, number: number, value: any): void, [kBatchDone](): void }} Receiver
 */

/**
 * The objects that may be delivered to. Only those with something under way: the rest can be collected.
 * @type {Map<number, Receiver>}
 */
const receivers = new Map();
/** @type {Set<Receiver>} */
const holders = new Set();
let lastId = 0;

const port = new Port((id, batch) => {
  const receiver = receivers.get(id);
  if (receiver && batch !== null) deliver(receiver, batch);
});

/** The batches that a receiver is being handed. @type {Map<Receiver, Array<{ items: any[], at: number }>>} */
const underWay = new Map();

/**
 * A call from within an item (a listener that stops the engine, an engine that answers at once) finishes what is under
 * way before its own: items never overtake each other.
 * @param {Receiver} receiver
 * @param {string} batch the text of an array, four elements an item
 */
function deliver(receiver, batch) {
  const outer = underWay.get(receiver);
  const batches = outer || [];
  if (!outer) underWay.set(receiver, batches);
  batches.push({ items: JSON.parse(batch), at: 0 });
  while (batches.length > 0) {
    const { items, at } = batches[0];
    if (at === items.length) {
      batches.shift();
      continue;
    }
    batches[0].at += 4;
    try {
      receiver[kItem](items[at], items[at + 1], items[at + 2], items[at + 3]);
    } catch (error) {
      logThrown(error);
    }
  }
  if (!outer) underWay.delete(receiver);
  try {
    receiver[kBatchDone]();
  } catch (error) {
    logThrown(error);
  }
}

/** A number for a new receiver. */
function nextId() {
  lastId += 1;
  return lastId;
}

/**
 * Keeps the event loop alive while at least one receiver asks for it.
 * @param {Receiver} receiver
 * @param {boolean} alive
 */
function hold(receiver, alive) {
  if (holders.has(receiver) === alive) return;
  if (alive) holders.add(receiver);
  else holders.delete(receiver);
  if (holders.size === (alive ? 1 : 0)) port.hold(alive);
}

/** @type {Set<object>} */
const running = new Set();
const abandonAll = () => port.abandon();

/**
 * Node runs no cleanup hook on `process.exit()` and on an uncaught error: while an engine runs, this listener ends it.
 * @param {object} engine
 * @param {boolean} runs
 */
function endWithProcess(engine, runs) {
  if (running.has(engine) === runs) return;
  if (runs) running.add(engine);
  else running.delete(engine);
  if (running.size === 1 && runs) process.on('exit', abandonAll);
  if (running.size === 0) process.removeListener('exit', abandonAll);
}

module.exports = { Op, deliver, endWithProcess, hold, kBatchDone, kItem, nextId, port, receivers };
