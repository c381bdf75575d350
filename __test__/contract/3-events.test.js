import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { eventually } from '../support/eventually.js';

const lines = consoleErrors();

const jobEvent = (type) => ({ type, jobId: 'j', timestamp: 7, data: {} });
const ENVELOPES = {
  'job:progress': jobEvent('progress'),
  'job:complete': jobEvent('result'),
  'job:error': jobEvent('error'),
  notification: { method: 'told', params: [1] },
};

test('every event is an envelope `{type, timestamp, data}`', async () => {
  const client = engine('does-as-told.js', { restartDelay: 0 });
  const names = ['ready', 'exit', 'restart', 'stdout', 'stderr', 'request', ...Object.keys(ENVELOPES)];
  const heard = Object.fromEntries(names.map((name) => [name, collect(client, name)]));
  const before = Date.now();
  await client.start();
  const texts = [...Object.values(ENVELOPES).slice(0, 3), { jsonrpc: '2.0', ...ENVELOPES.notification }];
  const request = { jsonrpc: '2.0', method: 'asked', id: 'r', params: { a: 1 } };
  const stdout = [...texts, request].map((text) => `${JSON.stringify(text)}\n`).join('');
  await client.call('print', { stdout: `${stdout}noise\n` });
  const restarted = next(client, 'restart');
  client.call('exit', { code: 5, stderr: 'the end\n' }).catch(() => {});
  await restarted;
  const data = {
    ...ENVELOPES,
    ready: null,
    exit: { code: 5, signal: null, stderrTail: 'the end\n' },
    restart: { attempt: 1 },
    stdout: 'noise',
    stderr: 'the end',
    request: { id: 'r', method: 'asked', params: { a: 1 }, respond: expect.any(Function), fail: expect.any(Function) },
  };
  for (const name of names) {
    expect(heard[name][0], name).toEqual({ type: name, timestamp: expect.any(Number), data: data[name] });
    expect(heard[name][0].timestamp).toBeGreaterThanOrEqual(before);
    expect(heard[name]).toHaveLength(name === 'ready' ? 2 : 1);
  }
});

describe('a listener that throws, anywhere, is logged and changes nothing else', () => {
  const everything = ['ready', 'exit', 'restart', 'stdout', 'stderr', 'request', 'error', ...Object.keys(ENVELOPES)];

  test('the other listeners, pending calls, the restart and the promises go on', async () => {
    const client = engine('does-as-told.js', { restartDelay: 0, maxRestarts: 1 });
    const heard = [];
    for (const name of everything) {
      client.on(name, () => {
        throw new Error(`thrown by ${name}`);
      });
      client.once(name, () => heard.push(name));
    }
    await client.start();
    const texts = [...Object.values(ENVELOPES).slice(0, 3), { jsonrpc: '2.0', method: 'told' }];
    const request = { jsonrpc: '2.0', method: 'asked', id: 'r' };
    const stdout = [...texts, request].map((text) => `${JSON.stringify(text)}\n`).join('');
    await client.call('print', { stdout: `${stdout}noise\n`, stderr: 'noise\n' });
    const lost = client.call('unanswered').catch((error) => error.message);
    client.call('exit', {}).catch(() => {});
    await expect(lost).resolves.toBe('Engine process exited');
    await eventually(() => heard.includes('restart'), 'the restart');
    client.call('exit', {}).catch(() => {});
    await eventually(() => heard.includes('error'), 'the restart limit');
    expect([...heard].sort()).toEqual([...everything].sort());
    for (const name of everything) {
      expect(
        lines.some((line) => line.includes(`thrown by ${name}`)),
        name,
      ).toBe(true);
    }
    await client.start();
    await client.stop();
  });

  test('a throwing `error` listener leaves the rejection of `start()` as it is', async () => {
    const client = new runtime.EngineClient({ enginePath: '/nothing/here' });
    client.on('error', () => {
      throw new Error('thrown by error');
    });
    await expect(client.start()).rejects.toMatchObject({ code: 'ENOENT' });
    expect(lines.filter((line) => line.includes('thrown by error'))).toHaveLength(1);
  });

  test('… and whatever is thrown: `undefined`, `null`, a symbol', async () => {
    const client = engine('does-as-told.js');
    const thrown = [undefined, null, 'text'];
    for (const value of thrown) {
      client.on('ready', () => {
        throw value;
      });
    }
    const heard = collect(client, 'ready');
    await client.start();
    expect(heard).toHaveLength(1);
    expect(lines).toHaveLength(thrown.length);
  });
});

describe('`error`', () => {
  test('*fixed:* without a listener it does not throw; it is logged', async () => {
    const client = new runtime.EngineClient({ enginePath: '/nothing/here' });
    await expect(client.start()).rejects.toMatchObject({ code: 'ENOENT' });
    expect(lines.filter((line) => line.includes('spawn /nothing/here ENOENT'))).toHaveLength(1);
  });

  test('… also when the app emits it', () => {
    const client = new runtime.EngineClient({ enginePath: 'e' });
    expect(client.emit('error', new Error('of the app'))).toBe(false);
    expect(lines.filter((line) => line.includes('of the app'))).toHaveLength(1);
  });

  test('with a listener it is not logged besides', async () => {
    const client = new runtime.EngineClient({ enginePath: '/nothing/here' });
    const errors = collect(client, 'error');
    await client.start().catch(() => {});
    expect(errors).toHaveLength(1);
    expect(lines).toEqual([]);
  });
});

describe('`exit`', () => {
  test('every exit: `{code, signal}`', async () => {
    const client = await startedEngine('does-as-told.js', { autoRestart: false });
    const exits = collect(client, 'exit');
    for (const [method, params] of Object.entries({ exit: { code: 0 }, die: { signal: 'SIGSEGV' } })) {
      const exited = next(client, 'exit');
      client.call(method, params).catch(() => {});
      await exited;
      await client.start();
    }
    await client.stop();
    expect(exits.map(({ data: { code, signal } }) => [code, signal])).toEqual([
      [0, null],
      [null, 'SIGSEGV'],
      [null, 'SIGTERM'],
    ]);
  });

  test('after the last message the engine wrote, 2 000 of them in the pipe', async () => {
    const client = await startedEngine('does-as-told.js', { autoRestart: false });
    const order = [];
    client.onJobEvent('j', ({ data }) => order.push(data));
    client.on('exit', () => order.push('exit'));
    const exited = next(client, 'exit');
    const events = Array.from({ length: 2000 }, (_, number) =>
      JSON.stringify({ ...jobEvent('progress'), data: number }),
    );
    client.call('exit', { stdout: events.concat('').join('\n') }).catch(() => {});
    await exited;
    expect(order).toEqual([...events.keys(), 'exit']);
  });

  test('`isReady()` is false in its handlers, calls reject right after them', async () => {
    const client = await startedEngine('does-as-told.js', { autoRestart: false });
    const order = [];
    const lost = client.call('unanswered').catch((error) => order.push(error.message));
    client.on('exit', () => {
      order.push(client.isReady());
      client.call('echo').catch((error) => order.push(error.message));
      Promise.resolve().then(() => order.push('behind the handler'));
    });
    client.call('exit', {}).catch(() => {});
    await lost;
    await null;
    expect(order[0]).toBe(false);
    expect(order).toContain('Engine not ready');
    expect(order.indexOf('Engine process exited')).toBeGreaterThan(0);
  });

  test('a line of the log: `[Engine] Process exited with code …`', async () => {
    const client = await startedEngine('does-as-told.js', { autoRestart: false });
    const exited = next(client, 'exit');
    client.call('exit', { code: 7 }).catch(() => {});
    await exited;
    expect(lines.filter((line) => line.startsWith('[Engine] Process exited with code 7'))).toHaveLength(1);
  });
});
