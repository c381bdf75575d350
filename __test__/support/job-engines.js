import runtime from '../../index.js';
import { startedEngine } from './engines.js';
import { eventually } from './eventually.js';

const { EngineClient, JobManager } = runtime;

class Forwarding extends EngineClient {
  call(...args) {
    return super.call(...args);
  }
}

const patched = (client) => {
  const { call } = client;
  client.call = (...args) => call.apply(client, args);
  return client;
};

const bare = (client) => ({
  call: (method, params) => client.call(method, params),
  isReady: () => client.isReady(),
  onJobEvent: (jobId, handler) => client.onJobEvent(jobId, handler),
});

const withEvents = (client) => ({
  ...bare(client),
  on: (name, listener) => client.on(name, listener),
  off: (name, listener) => client.off(name, listener),
});

/** How an engine comes to its manager: the class of the client, and what is made of it. */
const KINDS = {
  'the native path': {},
  'a subclass that overrides call': { Client: Forwarding },
  'a client whose call was patched': { made: patched },
  'an object with on and off': { made: withEvents },
  'an object with call, isReady and onJobEvent alone': { made: bare },
};

/** Every kind of engine. */
export const ENGINES = Object.keys(KINDS);
/** Those whose exits and starts a manager hears of. */
export const HEARD_ENGINES = ENGINES.slice(0, 4);
/** Those that are an `EngineClient`. */
export const OUR_ENGINES = ENGINES.slice(0, 3);

/** The error that a promise rejects with. */
export const failureOf = (promise) =>
  promise.then(
    (value) => Promise.reject(new Error(`resolved with ${JSON.stringify(value)}`)),
    (error) => error,
  );

/**
 * A manager over a kind of engine, with `runs-jobs-on-command.js` behind it, and the commands to that engine: `client`
 * speaks with it past the manager; `submit` is the manager's, and a rejection of its promise need not be heard.
 */
export async function managed(
  kind,
  config,
  { fixture = 'runs-jobs-on-command.js', Manager = JobManager, ...options } = {},
) {
  const { Client = EngineClient, made = (client) => client } = KINDS[kind];
  const client = await startedEngine(fixture, { Client, ...options });
  const engine = made(client);
  const jobs = new Manager(engine, config);
  const submit = (...args) => quietly(jobs.submit(...args));
  return { client, engine, jobs, submit, ...commands(client), ...waits(jobs) };
}

/** A promise whose rejection need not be heard: the test is over before, or looks at it later. */
export function quietly(promise) {
  promise.catch(() => {});
  return promise;
}

function commands(client) {
  // What a test gives the client as `requestTimeout` is for the manager's requests, not for these.
  const command = (name, params) => client.call(name, params, { timeout: 20_000 });
  const asked = async (method) =>
    (await command('asked')).filter(([name]) => name === method).map(([, params]) => params);
  return {
    /** The engine writes `[type, jobId, data]` events; settles when they have been delivered. */
    say: (...events) => command('say', { events }),
    /** The parameters of the `jobs.start` or `jobs.cancel` requests that came so far. */
    asked,
    /** Waits until so many came. */
    askedTimes: (method, times) =>
      eventually(async () => {
        // While the engine is down nothing comes.
        const requests = await asked(method).catch(() => []);
        return requests.length >= times && requests;
      }, `${times} × ${method}`),
    /** Answers what was held back with `later`: a start by its engine id, or `cancel of <id>`. */
    answer: (held, value) => command('answer', { held, value }),
    /** The engine exits. */
    exit: () => client.call('exit').catch(() => {}),
  };
}

function waits(jobs) {
  return {
    /** Waits until a job is in that state; gives its status. */
    inState: (jobId, state) =>
      eventually(() => {
        const status = jobs.getStatus(jobId);
        return status && status.state === state && status;
      }, `${state} of ${jobId}`),
  };
}
