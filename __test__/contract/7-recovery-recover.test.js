import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';
import { eventsOf, gate, ids, job, leftIn, openRecovery, recovery } from '../support/recovery-folders.js';

const logged = consoleErrors();

const withJobs = (names, options) => {
  const one = recovery(options);
  for (const name of names) one.trackJob(job(name));
  return one;
};

describe('nothing to do: 0 and no event', () => {
  test.each([
    ['no job', [], { onJobRecovery: () => {} }],
    ['`maxRecoveredJobs` 0', ['a'], { maxRecoveredJobs: 0, onJobRecovery: () => {} }],
    ['no callback, no manager, no listener of recovery:job: all stay', ['a', 'b'], {}],
  ])('%s', async (_, names, options) => {
    const stateDir = folder();
    const one = withJobs(names, { stateDir, ...options });
    const heard = [];
    for (const name of ['recovery:start', 'recovery:complete', 'recovery:parked']) one.on(name, () => heard.push(name));
    await one.init();
    for (let round = 0; round < 5; round += 1) expect(await one.recover()).toBe(0);
    expect(heard).toEqual([]);
    expect(one.getStats().pendingJobs).toBe(names.length);
    // Nothing was handed over, so nothing counts towards `maxAttempts` either.
    const found = await leftIn(stateDir);
    expect(found.jobs.map(({ retries }) => retries)).toEqual(names.map(() => 0));
    expect([found.parked, one.getParkedJobs()]).toEqual([[], []]);
  });
});

describe('one callback at a time, awaited, in order', () => {
  test('pending, then running ones', async () => {
    const calls = [];
    let running = 0;
    const one = withJobs(['a', 'b', 'c', 'd'], {
      onJobRecovery: async (each) => {
        running += 1;
        expect(running).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        calls.push([each.id, each.state, each.retries]);
      },
    });
    one.updateJobState('a', 'running');
    one.updateJobState('c', 'running');
    expect(await one.recover()).toBe(4);
    expect(calls).toEqual([
      ['b', 'pending', 0],
      ['d', 'pending', 0],
      ['a', 'pending', 1],
      ['c', 'pending', 1],
    ]);
    expect(one.getRecoverableJobs()).toEqual([]);
    expect(one.getStats()).toMatchObject({ pendingJobs: 0, runningJobs: 0 });
  });

  test('a thenable is awaited, and what the callback gives is not looked at', async () => {
    const trace = [];
    const one = withJobs(['a', 'b', 'c'], {
      onJobRecovery: (each) => {
        trace.push(`call ${each.id}`);
        if (each.id !== 'a') return false;
        return {
          then(resolve) {
            setTimeout(() => {
              trace.push('resolved a');
              resolve('anything');
            }, 10);
          },
        };
      },
    });
    expect(await one.recover()).toBe(3);
    expect(trace).toEqual(['call a', 'resolved a', 'call b', 'call c']);
  });

  test('`init()` awaits it', async () => {
    const held = gate();
    const one = withJobs(['a'], { onJobRecovery: () => held.opened });
    let opened = false;
    const init = one.init().then(() => (opened = true));
    await new Promise((resolve) => one.once('recovery:start', resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(opened).toBe(false);
    held.open();
    await init;
  });
});

describe('only jobs that were handed over leave the state', () => {
  const FAILURES = {
    'a rejection': () => Promise.reject(new Error('no room')),
    'an exception': () => {
      throw new Error('no room');
    },
    'a rejection with a string': () => Promise.reject('no room'),
    'a rejection with nothing': () => Promise.reject(),
    'a thenable that throws': () => ({
      get then() {
        throw new Error('no room');
      },
    }),
  };
  test.each(Object.entries(FAILURES))('those whose callback failed stay: %s', async (_, fail) => {
    const one = withJobs(['a', 'b', 'c'], { onJobRecovery: (each) => (each.id === 'b' ? fail() : undefined) });
    expect(await one.recover()).toBe(2);
    const left = one.getRecoverableJobs();
    expect(left).toMatchObject([{ id: 'b', state: 'pending', retries: 1 }]);
    expect(left[0]).toMatchObject(job('b'));
  });

  test('those beyond `maxRecoveredJobs` stay, with their retries, and are next', async () => {
    const handed = [];
    const one = withJobs(['a', 'b', 'c', 'd', 'e'], {
      maxRecoveredJobs: 2,
      onJobRecovery: (each) => handed.push([each.id, each.retries]),
    });
    expect(await one.recover()).toBe(2);
    expect(one.getStats().pendingJobs).toBe(3);
    expect(await one.recover()).toBe(2);
    expect(await one.recover()).toBe(1);
    expect(await one.recover()).toBe(0);
    expect(handed).toEqual(['a', 'b', 'c', 'd', 'e'].map((id) => [id, 0]));
  });

  // A job whose callback always fails must not stand in the way of the others for ever.
  test('jobs that fail for ever do not keep those beyond `maxRecoveredJobs` from their turn', async () => {
    const handed = new Set();
    const one = withJobs(['bad 1', 'bad 2', 'good 1', 'good 2'], {
      maxRecoveredJobs: 2,
      onJobRecovery: (each) => {
        handed.add(each.id);
        if (each.id.startsWith('bad')) throw new Error('never');
      },
    });
    for (let round = 0; round < 8; round += 1) await one.recover();
    expect([...handed].sort()).toEqual(['bad 1', 'bad 2', 'good 1', 'good 2']);
    expect(ids(one.getParkedJobs()).sort()).toEqual(['bad 1', 'bad 2']);
    expect(one.getStats().pendingJobs).toBe(0);
  });

  test('a listener of recovery:job is one who takes them; `recovered` does not count it', async () => {
    const one = withJobs(['a', 'b']);
    const events = eventsOf(one);
    expect(await one.recover()).toBe(0);
    expect(events.map(([name]) => name)).toEqual(['start', 'job', 'job', 'complete']);
    expect(events[1][1]).toStrictEqual({ job: expect.objectContaining(job('a')), success: true });
    expect(events[3][1]).toStrictEqual({ recovered: 0, total: 2 });
    expect(one.getRecoverableJobs()).toEqual([]);
  });

  test('a listener that goes after its first job takes that one alone', async () => {
    const one = withJobs(['a', 'b', 'c']);
    const taken = [];
    one.once('recovery:job', ({ job: each }) => taken.push(each.id));
    await one.recover();
    expect(taken).toEqual(['a']);
    expect(ids(one.getRecoverableJobs())).toEqual(['b', 'c']);
  });

  test('a callback decides, not the listeners of recovery:job', async () => {
    const one = withJobs(['a'], { onJobRecovery: () => Promise.reject(new Error('no')) });
    one.on('recovery:job', () => {});
    expect(await one.recover()).toBe(0);
    expect(ids(one.getRecoverableJobs())).toEqual(['a']);
  });
});

describe('jobs tracked while it runs are kept', () => {
  test.each(['pending', 'running'])('by the callback: others, and its own id (it was %s)', async (state) => {
    const stateDir = folder();
    const one = withJobs(['a'], {
      stateDir,
      onJobRecovery: (each) => {
        one.trackJob(job('other'));
        one.trackJob({ ...each, payload: 'again' });
      },
    });
    one.updateJobState('a', state);
    await one.init();
    const found = one.getRecoverableJobs();
    expect(found.map(({ id, payload }) => [id, payload]).sort()).toEqual([
      ['a', 'again'],
      ['other', { page: 'other' }],
    ]);
    expect((await leftIn(stateDir)).jobs).toEqual(found);
  });

  test('an id that waits for its turn is handed over as it is by then, once', async () => {
    const handed = [];
    const one = withJobs(['a', 'b'], {
      onJobRecovery: (each) => {
        handed.push([each.id, each.payload]);
        if (each.id === 'a') one.trackJob(job('b', { payload: 'new' }));
      },
    });
    await one.recover();
    // Whether the new `b` has its turn now or with the next call is open; the old one must not be handed over and the
    // new one deleted for it.
    if (handed.length === 2 && handed[1][1] !== 'new')
      expect(one.getRecoverableJobs()).toMatchObject([{ payload: 'new' }]);
    else if (handed.length === 1) expect(one.getRecoverableJobs()).toMatchObject([{ payload: 'new' }]);
    else expect(one.getRecoverableJobs()).toEqual([]);
    expect(handed.length).toBeLessThanOrEqual(2);
  });

  test('by a listener of recovery:job, recovery:start and recovery:complete', async () => {
    const one = withJobs(['a']);
    one.on('recovery:start', () => one.trackJob(job('started')));
    one.on('recovery:job', ({ job: each }) => one.trackJob(job(each.id, { payload: 'again' })));
    one.on('recovery:complete', () => one.trackJob(job('completed')));
    await one.recover();
    expect(ids(one.getRecoverableJobs()).sort()).toEqual(['a', 'completed', 'started']);
    expect(one.getRecoverableJobs().find(({ id }) => id === 'a').payload).toBe('again');
  });
});

describe('what ends while it runs has ended', () => {
  test('a job that is removed before its turn is not handed over', async () => {
    const handed = [];
    const one = withJobs(['a', 'b', 'c', 'd'], {
      onJobRecovery: (each) => {
        handed.push(each.id);
        if (each.id !== 'a') return;
        one.removeJob('b');
        one.updateJobState('c', 'cancelled');
      },
    });
    expect(await one.recover()).toBe(2);
    expect(handed).toEqual(['a', 'd']);
  });

  test.each([
    ['removeJob', (one) => one.removeJob('a')],
    ['updateJobState done', (one) => one.updateJobState('a', 'done')],
    ['clearState', (one) => one.clearState()],
  ])('a failing callback brings nothing back: %s', async (_, end) => {
    const stateDir = folder();
    const one = withJobs(['a', 'b'], {
      stateDir,
      onJobRecovery: async (each) => {
        if (each.id !== 'a') return;
        await end(one);
        throw new Error('too late');
      },
    });
    await one.init();
    expect(one.getRecoverableJobs()).toEqual([]);
    expect(one.getParkedJobs()).toEqual([]);
    expect((await leftIn(stateDir)).jobs).toEqual([]);
  });
});

describe('a call during another joins it', () => {
  test('from outside', async () => {
    const handed = [];
    const one = withJobs(['a', 'b'], {
      onJobRecovery: async (each) => {
        await new Promise((resolve) => setImmediate(resolve));
        handed.push(each.id);
      },
    });
    const events = eventsOf(one);
    expect(await Promise.all([one.recover(), one.recover(), one.recover()])).toEqual([2, 2, 2]);
    expect(handed).toEqual(['a', 'b']);
    expect(events.map(([name]) => name)).toEqual(['start', 'job', 'job', 'complete']);
  });

  test('from a callback and from listeners', async () => {
    const inner = [];
    const one = withJobs(['a', 'b'], { onJobRecovery: () => void inner.push(one.recover()) });
    for (const name of ['recovery:start', 'recovery:job']) one.on(name, () => inner.push(one.recover()));
    expect(await one.recover()).toBe(2);
    expect(await Promise.all(inner)).toEqual([2, 2, 2, 2, 2]);
  });

  test('behind the end of one it is a new one', async () => {
    const one = withJobs(['a'], { onJobRecovery: () => {} });
    one.once('recovery:complete', () => one.trackJob(job('b')));
    expect(await one.recover()).toBe(1);
    expect(await one.recover()).toBe(1);
    expect(logged).toEqual([]);
  });
});
