import runtime from '../../index.js';
import { startedEngine } from './engines.js';
import { next } from './events.js';

const { StreamHandler } = runtime;

/** Every type that a subscription may name. */
export const ALL_TYPES = ['data', 'progress', 'log', 'partial', 'complete', 'error'];

export const jobEvent = (type, jobId, data = {}) => ({ type, jobId, timestamp: 7, data });

/** Makes `does-as-told.js` write these, and waits until they are here: those that anybody wants are delivered. */
export async function tell(client, ...events) {
  await client.call('print', { stdout: lined(events) });
}

const lined = (events) =>
  events.map((event) => `${typeof event === 'string' ? event : JSON.stringify(event)}\n`).join('');

/** A stream that is attached to a started `does-as-told.js`, and `unheard`. */
export async function attachedToEngine({ Stream = StreamHandler, ...options } = {}) {
  const client = await startedEngine('does-as-told.js', options);
  const stream = new Stream();
  const detach = stream.attach(client);
  return { client, stream, detach, unheard: unheardOf(client) };
}

/**
 * Like `tell`; gives how many of the events did not come to JavaScript. Told by notifications: behind an answer events are
 * let through, for the code that awaits it may begin to listen.
 */
export function unheardOf(client) {
  let lines = 0;
  const told = async (events) => {
    lines += 1;
    const end = `end of ${lines}`;
    const came = next(client, 'stdout', ({ data }) => data === end);
    await client.notify('print', { stdout: `${lined(events)}${end}\n` });
    await came;
  };
  return async (...events) => {
    await told([]);
    const before = client.getStats().dropped;
    await told(events);
    return client.getStats().dropped - before;
  };
}

/** Subscribes to a job; what comes, in a list that grows. */
export function listTo(stream, jobId, types = ALL_TYPES, options = undefined) {
  const events = [];
  stream.subscribe(jobId, (event) => events.push(event), types, options);
  return events;
}
