import assert from 'node:assert';
import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { app } from '../support/app.js';
import { fixture } from '../support/engines.js';
import { folder } from '../support/folders.js';

function failureOf(act) {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

const MARKER = 'tr0ub4dor-and-3';

test.each(['trace', 'off'])(
  'no payload in any log, error message or printed object (DESKTOP_RUNTIME_LOG=%s)',
  async (level) => {
    const { code, stdout, stderr } = await app('keeps-secrets.js', fixture('knows-secrets.js'), folder(), MARKER, level)
      .ended;
    const printed = `${stdout}\n${stderr}`;
    expect(printed.split('\n').filter((line) => line.includes(MARKER))).toEqual([]);
    expect([code, stdout]).toEqual([0, '"the end"\n']);
    // The log was on, and there was something to tell.
    if (level === 'trace') expect(stderr).toMatch('engine spawned');
    for (const told of [
      'was damaged; it starts empty',
      'is damaged; what can be read is used',
      'Process exited with',
    ]) {
      expect(stderr).toMatch(told);
    }
  },
  30_000,
);

describe('an object is printed without its state', () => {
  /** Objects of every class, in state that holds the marker. */
  async function holders() {
    const client = new runtime.EngineClient({ enginePath: 'engine', env: { SECRET: MARKER }, args: [MARKER] });
    const jobs = new runtime.JobManager(client);
    jobs.submit('type', { secret: MARKER }).catch(() => {});
    const cache = new runtime.CacheManager({ cacheDir: folder(), persistToDisk: false });
    await cache.set(MARKER, MARKER);
    const stream = new runtime.StreamHandler();
    const buffered = runtime.createJobStream(stream, 'j');
    stream.dispatch({ type: 'progress', jobId: 'j', timestamp: 0, data: { percent: 1, message: MARKER } });
    const recovery = new runtime.CrashRecovery(client, { stateDir: folder() });
    recovery.trackJob({ id: MARKER, type: MARKER, payload: MARKER, priority: 'normal' });
    const tracker = stream.createProgressTracker(MARKER);
    return { client, jobs, cache, stream, buffered, recovery, tracker };
  }

  test('by inspect, console.dir, assert, a copy', async () => {
    const all = await holders();
    for (const [name, object] of Object.entries(all)) {
      const diff = () => assert.deepStrictEqual(object, { other: name });
      const error = failureOf(diff);
      const printed = [
        inspect(object, { depth: 9 }),
        inspect(object, { depth: 9, customInspect: false }),
        inspect({ ...object }, { depth: 9 }),
        error.message,
      ];
      for (const text of printed) expect(text).not.toMatch(MARKER);
    }
    await all.jobs.cancel(all.jobs.getJobs()[0].id);
  });

  test('as any emitter with the fields that an app gave it, in a circle too', () => {
    class App extends EventEmitter {
      constructor(client) {
        super();
        this.client = client;
      }
    }
    const client = new runtime.EngineClient({ enginePath: 'engine' });
    client.app = new App(client);
    client.app.self = client.app;
    const plain = new EventEmitter();
    expect(Object.keys({ ...client }).sort()).toEqual([...Object.keys(plain), 'app'].sort());
    expect(inspect(client, { depth: Infinity }).length).toBeLessThan(2000);
  });
});
