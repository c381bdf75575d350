'use strict';

const { NativeEngine } = require('./native.js');
const { Calls, abortReason } = require('./calls.js');
const { calls, engineChannels } = require('./channels.js');
const { Op, deliver, endWithProcess, hold, kBatchDone, kItem, nextId, port, receivers } = require('./delivery.js');
const { Emitter, emitSafely, heardBits, kListenersChanged, logThrown, observeMethod, tell } = require('./emitter.js');
const { callOptions, engineOptions, missingPath } = require('./engine-options.js');
const { answerOf } = require('./engine-request.js');
const { environmentOf } = require('./environment.js');
const { ErrorCodes, engineErrorOf, errorOf, jsonOf } = require('./errors.js');
const { withTraceContext } = require('./trace-context.js');
const { ALL_KINDS, isJobEnd } = require('./event-types.js');
const { hide } = require('./hide.js');
const { JOB_EVENTS, JobHandlers, jobEventOf } = require('./job-events.js');
const options = require('./options.js');
const { signalName, spawnError } = require('./process-names.js');

/** @typedef {import('../index.js').EngineClientConfig} EngineClientConfig */
/** @typedef {import('../index.js').JobEvent} JobEvent */
/** @typedef {import('./pending-calls.js').Deferred} Deferred */
/** @typedef {import('./delivery.js').Receiver & { [kEarly](event: JobEvent): void, [kEngineGone](): void, [kHasStreams](): boolean }} Manager */

/**
 * A stream's ear at an engine. `wanted`: by job (a JSON text), the types of its events as bits; `heardEvents`: those of
 * `job:progress`, `job:complete` and `job:error` that are wanted of every job. `sequence` is the event's number at the
 * core, 0 for what is not from there.
 * @typedef {{ wanted: Map<string, number>, heardEvents: number, receive(event: JobEvent, sequence: number): void }} Tap
 */

const kNative = Symbol('native');
/** Tells a manager of the engine's exit, behind all its events. */
const kEngineGone = Symbol('engineGone');
/** Tells a manager of an event that may be about a job whose `jobs.start` is unanswered. */
const kEarly = Symbol('early');
/** Whether streams are attached to a manager. */
const kHasStreams = Symbol('hasStreams');
const kState = Symbol('state');
/** A stream comes, or wants something else, or goes. */
const kTap = Symbol('tap');
/** What is wanted of a job's events has changed. */
const kWatch = Symbol('watch');
/** Whether the methods that the native path goes around are the ones of this file. */
const kIsPlain = Symbol('isPlain');
/** Keeps a manager reachable for deliveries, or lets it go. */
const kKeepManager = Symbol('keepManager');
/**
 * `jobs.start` parameters of a manager whose jobs go through `call`: too late an answer must be cancelled, and a refusal
 * is told at once, before the next job overtakes.
 * @type {WeakMap<object, { refused: boolean }>}
 */
const startParams = new WeakMap();

/** What is written next goes behind the calls of this turn. */
const kBehindCalls = Symbol('behindCalls');
/** A manager's jobs ended by the app's own doing, with nothing running: the event loop stays until that is told. */
const kHoldUntilTold = Symbol('holdUntilTold');
const kAsked = Symbol('asked');
const kCall = Symbol('call');
const kCatchUp = Symbol('catchUp');
const kExited = Symbol('exited');
const kFailure = Symbol('failure');
const kFault = Symbol('fault');
const kEndAnswersSoon = Symbol('endAnswersSoon');
const kNews = Symbol('news');
const kPublish = Symbol('publish');
const kRelease = Symbol('release');
const kRestart = Symbol('restart');
const kStartFailed = Symbol('startFailed');
const kTell = Symbol('tell');
const kTellError = Symbol('tellError');

/** @type {Record<string, number>} */
const HEARD_BITS = {
  'job:progress': 1,
  'job:complete': 2,
  'job:error': 4,
  notification: 8,
  stderr: 16,
  stdout: 32,
};
const ALL_HEARD = 63;
/** A job event's number is its name's, and that many times its running number. */
const JOB_EVENTS_SPAN = 4;
const PARSE_LOG_LIMIT = 1024;

class EngineClient extends Emitter {
  /** @param {EngineClientConfig} config */
  constructor(config) {
    super();
    const checked = engineOptions(config);
    const id = nextId();
    this[kNative] = new NativeEngine(port, id, {
      ...checked,
      enginePath: checked.enginePath || '',
      healthMethod: checked.healthMethod === false ? undefined : JSON.stringify(checked.healthMethod),
    });
    this[kState] = {
      id,
      options: checked,
      calls: new Calls(this[kNative], checked, () => isHeardReady(this)),
      ready: false,
      referenced: true,
      /** Something ended: perhaps everything did. */
      winding: false,
      /** Between `stop()` and the end nothing is delivered but `exit`. */
      muted: false,
      /** @type {Deferred | null} */
      starting: null,
      /** @type {(Deferred & { promise: Promise<void> }) | null} */
      stopping: null,
      /** Whether this batch had an answer, and whether the end of what answers set going is awaited. */
      answered: false,
      answersEnd: false,
      heard: -1,
      /** The job event that is being emitted because the engine sent it.
       * @type {{ name: string, jobId: any, sequence: number } | null} */
      emitting: null,
      handlers: new JobHandlers((jobId) => this[kWatch](jobId)),
      /** @type {Set<Tap>} */
      taps: new Set(),
      /** @type {Map<number, Manager>} */
      managers: new Map(),
    };
    hide(this, kNative, kState);
    this[kListenersChanged]('');
  }

  /** @returns {Promise<void>} */
  start() {
    const state = this[kState];
    const path = state.options.enginePath;
    if (path === undefined || path === null || path === '') {
      return Promise.reject(missingPath(path));
    }
    // The engine may have ended without word of it here: that comes first, or two runs would be mixed up.
    if (state.ready && this[kNative].isIdle()) this[kCatchUp]();
    if (state.starting || state.stopping || !this[kNative].isIdle()) {
      return Promise.reject(errorOf('ALREADY_RUNNING'));
    }
    return new Promise((resolve, reject) => {
      const environment = environmentOf(state.options);
      const starting = { resolve, reject };
      state.starting = starting;
      state.muted = false;
      state.winding = false;
      this[kListenersChanged]('');
      receivers.set(state.id, this);
      endWithProcess(this, true);
      hold(this, state.referenced);
      this[kPublish]('start', { attempt: 0 });
      // Whoever was told may have stopped it.
      if (state.starting !== starting) return;
      try {
        this[kNative].start(environment);
      } catch (error) {
        // Under way all the same, its end will be told.
        if (!this[kNative].isIdle()) return;
        state.starting = null;
        this[kRelease]();
        throw error;
      }
    });
  }

  /** @returns {Promise<void>} */
  stop() {
    const state = this[kState];
    if (state.stopping) return state.stopping.promise;
    state.calls.cross(false);
    /** @type {any} */
    const stopping = {};
    stopping.promise = new Promise((resolve, reject) => Object.assign(stopping, { resolve, reject }));
    state.stopping = stopping;
    state.ready = false;
    state.muted = true;
    if (state.starting) {
      state.starting.reject(errorOf('SHUTTING_DOWN'));
      state.starting = null;
    }
    state.calls.rejectAll((method) => errorOf('SHUTTING_DOWN', { method }));
    // What was notified in this turn still goes out.
    state.calls.endTurn();
    const batch = this[kNative].stop();
    if (batch !== null) deliver(this, batch);
    return stopping.promise;
  }

  /** @returns {boolean} */
  isReady() {
    return this[kState].ready;
  }

  /**
   * @template [T=unknown]
   * @param {string} method
   * @param {Record<string, unknown>} [params]
   * @param {import('../index.js').CallOptions} [given]
   * @returns {Promise<T>}
   */
  call(method, params, given) {
    if (!calls.isHeard()) return this[kCall](method, params, given);
    return calls.trace({ engine: this, method }, () => this[kCall](method, params, given), nothing);
  }

  /**
   * @param {string} method
   * @param {Record<string, unknown>} [params]
   * @param {import('../index.js').CallOptions} [given]
   * @returns {Promise<any>}
   */
  [kCall](method, params, given) {
    return new Promise((resolve, reject) => {
      const state = this[kState];
      const methodText = methodTextOf('call', method);
      const { timeout, signal, traceparent, tracestate } = callOptions(given);
      if (signal && signal.aborted) throw abortReason(signal, method);
      this[kListenersChanged]('emit');
      if (!this.isReady()) throw errorOf('NOT_READY', { method });
      const sent =
        traceparent === undefined || isUntraced(method, state.options.healthMethod)
          ? params
          : withTraceContext(params, traceparent, tracestate);
      const text = sent === undefined ? undefined : JSON.stringify(sent);
      const slot = state.calls.add(resolve, reject, method);
      const start = method === 'jobs.start' && params ? startParams.get(params) : undefined;
      if (start === undefined) {
        state.calls.send(slot, methodText, text, timeout);
      } else {
        const refused = state.calls.sendAtOnce(slot, methodText, text, timeout, true);
        // The engine never heard of it: it waits for room, or for the next engine.
        if (refused) start.refused = /** @type {any} */ (refused).code !== 'INTERNAL_PANIC';
      }
      if (signal) state.calls.follow(signal, slot, method);
    });
  }

  /**
   * @param {string} method
   * @param {Record<string, unknown>} [params]
   * @returns {Promise<void>}
   */
  notify(method, params) {
    return new Promise((resolve) => {
      const methodText = methodTextOf('notify', method);
      if (!this.isReady()) throw errorOf('NOT_READY', { method });
      const text = params === undefined ? undefined : JSON.stringify(params);
      this[kState].calls.notify(method, methodText, text);
      resolve();
    });
  }

  /**
   * @param {string} jobId
   * @param {(event: JobEvent) => void} handler
   * @returns {() => void}
   */
  onJobEvent(jobId, handler) {
    if (!options.callback.fits(handler)) {
      throw options.wrong('EngineClient.onJobEvent', 'handler', options.callback, handler);
    }
    const key = jsonOf(jobId);
    if (key === undefined) throw options.wrong('EngineClient.onJobEvent', 'jobId', options.text, jobId);
    return this[kState].handlers.add(key, handler);
  }

  /** @returns {this} */
  ref() {
    this[kState].referenced = true;
    if (!this[kNative].isIdle()) hold(this, true);
    return this;
  }

  /** @returns {this} */
  unref() {
    this[kState].referenced = false;
    hold(this, false);
    return this;
  }

  /** @returns {import('../index.js').EngineStats} */
  getStats() {
    this[kState].calls.cross(false);
    const stats = this[kNative].stats();
    return /** @type {import('../index.js').EngineStats} */ ({ pid: null, ...stats });
  }

  /** @param {string | symbol} name '' when all may have changed, 'emit' when only `emit` may have */
  [kListenersChanged](name) {
    const state = this[kState];
    // During construction, and on a prototype whose `emit` is replaced.
    if (!state || !Object.prototype.hasOwnProperty.call(this, kState)) return;
    const patched = this.emit !== emit;
    if (name === 'emit' && patched === (state.heard === ALL_HEARD)) return;
    if (name !== '' && name !== 'emit' && HEARD_BITS[/** @type {string} */ (name)] === undefined) return;
    let heard = patched ? ALL_HEARD : 0;
    if (!patched) {
      heard = heardBits(this, HEARD_BITS);
      if (state.options.stderr === 'log') heard |= HEARD_BITS.stderr;
      for (const tap of state.taps) heard |= tap.heardEvents;
    }
    if (heard !== state.heard) {
      this[kNative].setHeard(heard);
      state.heard = heard;
    }
  }

  /**
   * @param {Tap} tap
   * @param {boolean} attached
   */
  [kTap](tap, attached) {
    const { taps } = this[kState];
    if (attached) taps.add(tap);
    else taps.delete(tap);
    this[kListenersChanged]('');
    if (!attached) for (const jobId of tap.wanted.keys()) this[kWatch](jobId);
  }

  /** @param {string} jobId a JSON text */
  [kWatch](jobId) {
    const { handlers, taps } = this[kState];
    let kinds = handlers.has(jobId) ? ALL_KINDS : 0;
    for (const tap of taps) kinds |= tap.wanted.get(jobId) || 0;
    this[kNative].watch(jobId, kinds);
  }

  /** @returns {boolean} */
  [kIsPlain]() {
    return (
      this.call === plain.call &&
      this.isReady === plain.isReady &&
      this.onJobEvent === plain.onJobEvent &&
      this.emit === emit
    );
  }

  /**
   * @param {number} target
   * @param {Manager | null} manager
   */
  [kKeepManager](target, manager) {
    const state = this[kState];
    if (manager) {
      state.managers.set(target, manager);
      receivers.set(state.id, this);
    } else {
      state.managers.delete(target);
      state.winding = true;
      this[kRelease]();
    }
  }

  [kBehindCalls]() {
    this[kState].calls.behindCalls();
  }

  [kHoldUntilTold]() {
    const state = this[kState];
    if (!this[kNative].isIdle() || this[kNative].isQuiet()) return;
    state.winding = true;
    hold(this, state.referenced);
  }

  /**
   * @param {number} op
   * @param {number} target
   * @param {number} number
   * @param {any} value
   */
  [kItem](op, target, number, value) {
    const state = this[kState];
    if (target !== 0) {
      const manager = state.managers.get(target);
      if (manager && !(state.muted && isNews(op, number))) manager[kItem](op, 0, number, value);
      return;
    }
    // As `Op::is_response` of the core: code that waits runs behind them.
    if (op <= Op.StartFailed && op !== Op.FailAll) state.answered = true;
    switch (op) {
      case Op.Result:
        return state.calls.take(number).resolve(value);
      case Op.Empty:
        return state.calls.take(number).resolve(undefined);
      case Op.Error: {
        const { reject, method } = state.calls.take(number);
        return reject(engineErrorOf(value, { method }));
      }
      case Op.Failed: {
        const { reject, method } = state.calls.take(number);
        return reject(errorOf(value, { method }, value === 'REQUEST_TIMEOUT' ? `Request timeout: ${method}` : ''));
      }
      case Op.FailAll:
        return state.calls.rejectAll((method) => errorOf(value, { method }));
      case Op.Exit:
        return this[kExited](value);
      case Op.Stopped:
        state.winding = true;
        if (state.stopping) state.stopping.resolve(undefined);
        state.stopping = null;
        return undefined;
      case Op.StartFailed:
        return this[kStartFailed](value);
      case Op.Panicked: {
        // A start that was under way is told of by its own end.
        const waiting = state.starting !== null || state.calls.slots.some((call) => call !== undefined);
        state.calls.rejectAll((method) => errorOf('INTERNAL_PANIC', { method }));
        if (!waiting && !state.muted) this[kTellError](errorOf('INTERNAL_PANIC'));
        return undefined;
      }
      default:
        if (!state.muted) this[kNews](op, number, value);
        return undefined;
    }
  }

  /**
   * What is not delivered after `stop()`.
   * @param {number} op
   * @param {number} number
   * @param {any} value
   */
  [kNews](op, number, value) {
    const state = this[kState];
    switch (op) {
      case Op.JobEvent: {
        const name = JOB_EVENTS[number % JOB_EVENTS_SPAN];
        const before = state.emitting;
        state.emitting = { name, jobId: value.jobId, sequence: Math.floor(number / JOB_EVENTS_SPAN) };
        this[kTell](name, value);
        state.emitting = before;
        return;
      }
      case Op.Ready:
        state.ready = true;
        if (engineChannels.ready.hasSubscribers) this[kPublish]('ready', { pid: this[kNative].stats().pid });
        if (!state.muted) this[kTell]('ready', null);
        return;
      case Op.Started:
        if (state.starting) state.starting.resolve(undefined);
        state.starting = null;
        return;
      case Op.Restart:
        this[kPublish]('restart', { attempt: number });
        if (!state.muted) this[kTell]('restart', { attempt: number });
        return;
      case Op.AskEnvironment:
        this[kRestart](number);
        return;
      case Op.Fault:
        this[kFault](value);
        return;
      case Op.Notification:
        this[kTell]('notification', value);
        return;
      case Op.Request:
        this[kAsked](number, value);
        return;
      case Op.Stdout:
        if (this[kTell]('stdout', value) === false) {
          console.error(`[Engine] Failed to parse line: ${value.slice(0, PARSE_LOG_LIMIT)}`);
        }
        return;
      case Op.Stderr:
        if (this[kTell]('stderr', value) === false && state.options.stderr === 'log') {
          console.error(`[Engine stderr] ${value}`);
        }
        return;
      case Op.Unhealthy:
        this[kPublish]('unhealthy', value);
        if (!state.muted) this[kTell]('unhealthy', value);
        return;
      case Op.Log:
        console.error(value);
        return;
      default:
        throw new Error(`desktop-runtime: unknown item ${op}`);
    }
  }

  /** What waits for JavaScript, at once; nothing runs. */
  [kCatchUp]() {
    const batch = this[kNative].stop();
    if (batch !== null) deliver(this, batch);
  }

  [kBatchDone]() {
    const state = this[kState];
    this[kListenersChanged]('emit');
    if (state.answered) this[kEndAnswersSoon]();
    state.answered = false;
    if (state.winding) this[kRelease]();
  }

  /**
   * Who awaits an answer may begin to listen in that turn, so what comes behind it is handed over unheard. Here the turn
   * is over: immediates run behind all microtasks.
   */
  [kEndAnswersSoon]() {
    const state = this[kState];
    if (state.answersEnd) return;
    state.answersEnd = true;
    setImmediate(() => {
      state.answersEnd = false;
      try {
        this[kNative].endAnswers();
      } catch (error) {
        logThrown(error);
      }
    });
  }

  /** Lets go of what only an engine with something under way needs. */
  [kRelease]() {
    const state = this[kState];
    if (!this[kNative].isIdle()) {
      state.winding = false;
      return;
    }
    endWithProcess(this, false);
    // What was pending is told behind the exit, maybe in a batch of its own.
    if (!this[kNative].isQuiet()) return;
    hold(this, false);
    if (state.managers.size > 0) return;
    state.winding = false;
    receivers.delete(state.id);
  }

  /**
   * @param {string} name
   * @param {unknown} data
   * @returns {boolean | undefined} `false` when nobody listened; an overridden `emit` may say so too
   */
  [kTell](name, data) {
    return tell(this, name, { type: name, timestamp: Date.now(), data });
  }

  /**
   * An event of the engine's life, for the channel of its name. A subscriber may stop the engine, and from then on its
   * listeners are told nothing.
   * @param {keyof typeof engineChannels} name
   * @param {object} message
   */
  [kPublish](name, message) {
    const channel = engineChannels[name];
    if (channel.hasSubscribers) channel.publish({ engine: this, ...message });
  }

  /** @param {unknown} error */
  [kTellError](error) {
    this[kPublish]('error', { error });
    if (!this[kState].muted) this[kTell]('error', error);
  }

  /** @param {number} attempt */
  [kRestart](attempt) {
    let environment;
    try {
      environment = environmentOf(this[kState].options);
    } catch (error) {
      // A value of `env` that cannot become a string any more: no restart will ever succeed.
      this[kTellError](error);
      this.stop().catch(logThrown);
      return;
    }
    this[kPublish]('start', { attempt });
    this[kNative].restart(environment);
  }

  /** @param {{ code: number | null, signal: number | null, stderrTail: string }} exit */
  [kExited](exit) {
    const state = this[kState];
    // What was called while it was ready ends with it, whoever asks for something first in a listener.
    state.calls.cross(false);
    state.ready = false;
    state.winding = true;
    const signal = exit.signal === null ? null : signalName(exit.signal);
    console.error(`[Engine] Process exited with code ${exit.code}, signal ${signal}`);
    this[kPublish]('exit', { code: exit.code, signal, expected: state.stopping !== null });
    this[kTell]('exit', { code: exit.code, signal, stderrTail: exit.stderrTail });
    // A listener that started anew has had them told already.
    if (state.starting) return;
    for (const manager of Array.from(state.managers.values())) manager[kEngineGone]();
  }

  /** @param {any} failure */
  [kStartFailed](failure) {
    const state = this[kState];
    state.winding = true;
    const error = this[kFailure](failure);
    const { starting } = state;
    if (!state.muted) {
      this[kPublish]('error', { error });
      if (failure.errno !== undefined && !state.muted) this[kTell]('error', error);
    }
    // A listener may have stopped, and started anew.
    if (state.starting !== starting) return;
    if (starting) starting.reject(error);
    state.starting = null;
  }

  /** @param {any} failure */
  [kFault](failure) {
    this[kState].winding = true;
    const error = this[kFailure](failure);
    this[kTellError](error);
    // Whoever watches this job must learn that it is over: its last event could not be read.
    if (failure.jobId !== undefined) {
      const { handlers, managers, taps } = this[kState];
      const data = { code: error.code, message: error.message };
      /** @type {JobEvent} */
      const event = { type: 'error', jobId: failure.jobId, timestamp: Date.now(), data };
      for (const tap of Array.from(taps)) tap.receive(event, 0);
      handlers.call(event);
      for (const manager of managers.values()) manager[kEarly](event);
    }
  }

  /** @param {any} failure */
  [kFailure](failure) {
    if (failure.errno !== undefined) return spawnError(this[kState].options, failure.errno);
    const message =
      failure.code === 'RESTART_LIMIT' ? `Engine restart limit reached: ${failure.attempts} attempts did not last` : '';
    return errorOf(failure.code, { jobId: failure.jobId }, message);
  }

  /**
   * @param {number} run
   * @param {{ id: any, idText: string, method: any, params?: any }} item
   */
  [kAsked](run, item) {
    const { idText, ...asked } = item;
    const answer = answerOf(this[kNative], run, idText, () => this[kState].calls.cross(false));
    if (this[kTell]('request', { ...asked, ...answer }) === false) {
      const method = typeof asked.method === 'string' ? asked.method : jsonOf(asked.method);
      answer.fail(ErrorCodes.METHOD_NOT_FOUND, `Method not found: ${method || 'not a string'}`);
    }
  }
}

/**
 * As any emitter's, and a job event goes on to the handlers of its job; one that the app emitted, to the native jobs too.
 * @this {EngineClient}
 * @param {string | symbol} name
 * @param {any[]} args
 * @returns {boolean}
 */
function emit(name, ...args) {
  const heard = emitSafely.call(this, name, ...args);
  if (typeof name !== 'string' || !JOB_EVENTS.includes(name)) return heard;
  const event = jobEventOf(args[0]);
  if (event === null) return heard;
  const { calls, emitting, handlers, managers, taps } = this[kState];
  const fromEngine = emitting !== null && emitting.name === name && emitting.jobId === event.jobId;
  // Most have none, and a copy for each event costs as much as calling a listener.
  if (taps.size > 0) for (const tap of Array.from(taps)) tap.receive(event, fromEngine ? emitting.sequence : 0);
  handlers.call(event);
  if (!fromEngine) {
    const jobId = jsonOf(event.jobId);
    const streamed = Array.from(managers.values()).some((manager) => manager[kHasStreams]());
    const whole = streamed ? jsonOf(event) : undefined;
    // It may end a job, and begin another.
    calls.behindCalls();
    if (jobId !== undefined) this[kNative].inject(String(event.type), jobId, jsonOf(event.data), whole);
  }
  return heard;
}

observeMethod(EngineClient.prototype, 'emit', () => emit);

/** What the native path goes around, as it is here: a class whose prototype was patched is not plain. */
const plain = {
  call: EngineClient.prototype.call,
  isReady: EngineClient.prototype.isReady,
  onJobEvent: EngineClient.prototype.onJobEvent,
};

/**
 * Whether a stream hears the engine's job events as well without going through `onJobEvent`.
 * @param {EngineClient} engine
 */
function hasPlainJobEvents(engine) {
  return engine.onJobEvent === plain.onJobEvent;
}

/**
 * Whether an item of a manager's is an event that is not delivered after `stop()`: any but a job's end.
 * @param {number} op
 * @param {number} number
 */
function isNews(op, number) {
  return op === Op.JobProgress || (op === Op.StreamEvent && !isJobEnd(number));
}

/**
 * As far as JavaScript has heard.
 * @param {EngineClient} engine
 * @returns {boolean}
 */
function isHeardReady(engine) {
  return engine[kState].ready;
}

/**
 * Whether a call carries no trace context, even if asked to: real engines spread the parameters of these over a function's,
 * and a key that it does not know fails the call.
 * @param {string} method
 * @param {string | false} healthMethod
 */
function isUntraced(method, healthMethod) {
  return method === healthMethod || method.startsWith('jobs.');
}

const nothing = () => {};

/** Most apps call one method many times in a row. */
const lastMethod = { name: '', text: '""' };

/**
 * @param {string} where
 * @param {any} method
 */
function methodTextOf(where, method) {
  if (method !== lastMethod.name) {
    if (!options.text.fits(method)) throw options.wrong(`EngineClient.${where}`, 'method', options.text, method);
    lastMethod.name = method;
    lastMethod.text = JSON.stringify(method);
  }
  return lastMethod.text;
}

module.exports = {
  EngineClient,
  hasPlainJobEvents,
  kBehindCalls,
  kEarly,
  kEngineGone,
  kHasStreams,
  kHoldUntilTold,
  kIsPlain,
  kKeepManager,
  kNative,
  kTap,
  kWatch,
  startParams,
};
