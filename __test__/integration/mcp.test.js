import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { stopAfterTest } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { gone } from '../support/processes.js';

// A public JSON-RPC server that knows nothing of this package. Its own requests have numbers as ids.
const SERVER = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js');
const PROTOCOL = '2025-06-18';
const HELLO = {
  protocolVersion: PROTOCOL,
  capabilities: { roots: { listChanged: true }, sampling: {}, elicitation: {} },
  clientInfo: { name: 'desktop-runtime-test', version: '2.0.0' },
};

/** What the server may ask of its client, and this client's answers. */
const ANSWERS = {
  'roots/list': () => ({ roots: [{ uri: 'file:///home/reader/scans', name: 'Scans' }] }),
  'sampling/createMessage': ({ messages }) => ({
    role: 'assistant',
    model: 'parrot',
    content: { type: 'text', text: `You said: ${messages[0].content.text}` },
  }),
  'elicitation/create': () => ({ action: 'accept', content: { name: 'Zoë 🦜', integer: 7 } }),
};

consoleErrors();

async function serverRunning(options) {
  const args = [SERVER, 'stdio'];
  const client = new runtime.EngineClient({
    enginePath: process.execPath,
    args,
    stderr: 'ignore',
    healthMethod: false,
    ...options,
  });
  stopAfterTest(client);
  await client.start();
  return client;
}

async function handsShaken(options) {
  const client = await serverRunning(options);
  await client.call('initialize', HELLO);
  await client.notify('notifications/initialized');
  return client;
}

async function toolText(client, name, args = {}) {
  const { content } = await client.call('tools/call', { name, arguments: args });
  return content.map(({ text }) => text).join('\n');
}

/** Answers every request of the server; gives their events. */
function answering(client) {
  const requests = collect(client, 'request');
  client.on('request', ({ data }) => data.respond(ANSWERS[data.method](data.params)));
  return requests;
}

test("healthMethod false: the handshake by call('initialize') and notify('notifications/initialized')", async () => {
  const client = await serverRunning();
  const { protocolVersion, serverInfo } = await client.call('initialize', HELLO);
  expect(protocolVersion).toBe(PROTOCOL);
  expect(serverInfo.name).toBe('mcp-servers/everything');
  const changed = next(client, 'notification', ({ data }) => data.method === 'notifications/tools/list_changed');
  await expect(client.notify('notifications/initialized')).resolves.toBeUndefined();
  // The server says this once the notification was read: only then it knows what its client can be asked.
  expect((await changed).data).toEqual({ method: 'notifications/tools/list_changed' });
});

test("healthMethod 'ping': ready when the server has answered, before the handshake", async () => {
  const client = await serverRunning({ healthMethod: 'ping' });
  expect(client.isReady()).toBe(true);
  expect(client.getStats().received).toBe(1);
  await expect(client.call('ping')).resolves.toEqual({});
});

test('the server lists its tools and runs them', async () => {
  const client = await handsShaken();
  const { tools } = await client.call('tools/list');
  const names = tools.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['echo', 'get-sum', 'get-roots-list', 'trigger-sampling-request']));
  expect(await toolText(client, 'echo', { message: 'Straße \u2028 🦜 \u0000' })).toBe('Echo: Straße \u2028 🦜 \u0000');
  expect(await toolText(client, 'get-sum', { a: 0.1, b: -3 })).toBe('The sum of 0.1 and -3 is -2.9.');
});

test('forty calls at once each get their own answer', async () => {
  const client = await handsShaken();
  const numbers = Array.from({ length: 40 }, (_, index) => index);
  const texts = await Promise.all(numbers.map((a) => toolText(client, 'get-sum', { a, b: 1000 })));
  expect(texts).toEqual(numbers.map((a) => `The sum of ${a} and 1000 is ${a + 1000}.`));
});

test("a big answer, and the server's own error with message and code", async () => {
  const client = await handsShaken();
  const { content } = await client.call('tools/call', { name: 'get-tiny-image', arguments: {} });
  const image = content.find(({ type }) => type === 'image');
  expect(Buffer.from(image.data, 'base64').subarray(1, 4).toString()).toBe('PNG');
  const error = await client.call('no/such/method').catch((reason) => reason);
  expect(error).toBeInstanceOf(runtime.EngineError);
  expect(error).toMatchObject({ message: 'Method not found', code: -32601, method: 'no/such/method' });
});

test("event request: the server's requests are answered with respond()", async () => {
  const client = await serverRunning();
  const requests = answering(client);
  await client.call('initialize', HELLO);
  await client.notify('notifications/initialized');
  expect(await toolText(client, 'get-roots-list')).toContain('Scans\n   URI: file:///home/reader/scans');
  expect(await toolText(client, 'trigger-sampling-request', { prompt: 'hello' })).toContain(
    'You said: Resource trigger-sampling-request context: hello',
  );
  expect(await toolText(client, 'trigger-elicitation-request')).toContain('- Name: Zoë 🦜\n- Favorite Integer: 7');
  // A third of a second after the handshake the server itself asks for the roots, unless it has them by then.
  const isFirst = ({ data }, at) => at === requests.findIndex((request) => request.data.method === data.method);
  const asked = requests.filter((request, at) => request.data.method !== 'roots/list' || isFirst(request, at));
  expect(asked.map(({ data }) => data.method)).toEqual(['roots/list', 'sampling/createMessage', 'elicitation/create']);
  for (const { data } of requests) expect(typeof data.id).toBe('number');
});

test('event request: fail() gives the server the code and the message', async () => {
  const client = await handsShaken();
  client.on('request', ({ data }) => data.fail(-1, 'The reader said no'));
  expect(await toolText(client, 'trigger-sampling-request', { prompt: 'hello' })).toContain('The reader said no');
});

test('a request is answered −32601 when nobody listens', async () => {
  const client = await handsShaken();
  expect(await toolText(client, 'trigger-sampling-request', { prompt: 'hello' })).toContain('-32601');
});

test('event notification: log messages, and progress before the answer that it belongs to', async () => {
  const client = await handsShaken();
  const logged = next(client, 'notification', ({ data }) => data.method === 'notifications/message');
  await toolText(client, 'toggle-simulated-logging');
  expect((await logged).data.params).toMatchObject({ level: expect.any(String), data: expect.any(String) });

  const heard = collect(client, 'notification');
  const progress = () => heard.filter(({ data }) => data.method === 'notifications/progress').map(({ data }) => data);
  await client.call('tools/call', {
    name: 'trigger-long-running-operation',
    arguments: { duration: 0.1, steps: 4 },
    _meta: { progressToken: 'reading' },
  });
  expect(progress()).toEqual(
    [1, 2, 3, 4].map((step) => ({
      method: 'notifications/progress',
      params: { progress: step, total: 4, progressToken: 'reading' },
    })),
  );
});

test('stop() ends the server', async () => {
  const client = await handsShaken();
  const { pid } = client.getStats();
  const exited = next(client, 'exit');
  await client.stop();
  await exited;
  await gone(pid, 100);
});
