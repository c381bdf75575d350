import { describe, expect, test } from 'vitest';
import { startedEngine } from '../support/engines.js';
import { managed } from '../support/job-engines.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const traceparent = `00-${TRACE}-${SPAN}-01`;

describe('W3C `traceparent` in `params._meta` of a `call` whose options ask for it', () => {
  test.each([
    ['no parameters', undefined, { _meta: { traceparent } }],
    ['parameters', { a: 1 }, { a: 1, _meta: { traceparent } }],
    ['parameters with a _meta', { _meta: { progressToken: 7 } }, { _meta: { progressToken: 7, traceparent } }],
    ['a _meta that is undefined', { _meta: undefined }, { _meta: { traceparent } }],
    ['another traceparent', { _meta: { traceparent: 'old' } }, { _meta: { traceparent } }],
    ['parameters with toJSON', { secret: 1, toJSON: () => ({ a: 1 }) }, { a: 1, _meta: { traceparent } }],
  ])('into %s', async (_, params, sent) => {
    const client = await startedEngine('does-as-told.js');
    expect(await client.call('echo', params, { traceparent })).toEqual(sent);
  });

  test('the app’s own object and its _meta stay as they are', async () => {
    const client = await startedEngine('does-as-told.js');
    const params = Object.freeze({ a: 1, _meta: Object.freeze({ b: 2 }) });
    await client.call('echo', params, { traceparent });
    expect(params).toEqual({ a: 1, _meta: { b: 2 } });
  });

  test('a tracestate goes beside it, and alone it is not sent', async () => {
    const client = await startedEngine('does-as-told.js');
    const tracestate = 'rojo=00f067aa0ba902b7, a@vendor=x:y';
    expect(await client.call('echo', {}, { traceparent, tracestate })).toEqual({ _meta: { traceparent, tracestate } });
    expect(await client.call('echo', {}, { tracestate })).toEqual({});
  });

  test('without the option nothing is added', async () => {
    const client = await startedEngine('does-as-told.js');
    expect(await client.call('echo', { a: 1 }, {})).toEqual({ a: 1 });
    expect(await client.call('echo', undefined, { traceparent: undefined })).toBe(null);
  });

  test.each([
    ['a later version may have more', `01-${TRACE}-${SPAN}-01-what-comes`],
    ['unsampled', `00-${TRACE}-${SPAN}-00`],
  ])('a good one: %s', async (_, good) => {
    const client = await startedEngine('does-as-told.js');
    expect((await client.call('echo', {}, { traceparent: good }))._meta.traceparent).toBe(good);
  });

  test.each([
    ['empty', ''],
    ['no text', 7],
    ['null', null],
    ['upper case', traceparent.toUpperCase()],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['version ff', `ff-${TRACE}-${SPAN}-01`],
    ['more behind version 00', `${traceparent}-x`],
    ['a line end', `${traceparent}\n`],
    ['too short', traceparent.slice(0, -1)],
  ])('a wrong one rejects: %s', async (_, wrong) => {
    const client = await startedEngine('does-as-told.js');
    const call = client.call('echo', {}, { traceparent: wrong });
    await expect(call).rejects.toThrow(/^EngineClient\.call: traceparent takes a W3C traceparent/);
    await expect(call).rejects.toBeInstanceOf(TypeError);
  });

  test.each(['', 'no equals sign', 'A=upper', 'a=b=c', Array(33).fill('a=b').join(','), 'a=ü', 7])(
    'a wrong tracestate rejects: %j',
    async (tracestate) => {
      const client = await startedEngine('does-as-told.js');
      const call = client.call('echo', {}, { traceparent, tracestate });
      await expect(call).rejects.toThrow(/^EngineClient\.call: tracestate takes a W3C tracestate/);
    },
  );

  test.each([
    ['params', [1]],
    ['params', null],
    ['params', 'text'],
    ['params', new Date(0)],
    ['params._meta', { _meta: [] }],
    ['params._meta', { _meta: null }],
    ['params._meta', { _meta: 'text' }],
  ])('%s that are no object reject, and nothing is sent: %j', async (what, params) => {
    const client = await startedEngine('does-as-told.js');
    const call = client.call('echo', params, { traceparent });
    await expect(call).rejects.toThrow(new RegExp(`^EngineClient\\.call: ${what.replace('.', '\\.')} takes an object`));
    await expect(call).rejects.toBeInstanceOf(TypeError);
    // A payload is shown in no error.
    await expect(call).rejects.not.toThrow(/'text'|1970/);
    expect(await client.call('heard')).not.toContain('echo');
    expect(client.getStats().pendingCalls).toBe(0);
  });
});

describe('never in `jobs.*` or the health request', () => {
  test('a `jobs.*` of the app’s own is sent as it is; what is wrong is told all the same', async () => {
    const { client, asked } = await managed('the native path');
    await client.call('jobs.start', { type: 't', payload: 1, priority: 'low' }, { traceparent });
    expect(await asked('jobs.start')).toEqual([{ type: 't', payload: 1, priority: 'low' }]);
    await expect(client.call('jobs.list', undefined, { traceparent: 'x' })).rejects.toThrow(TypeError);
  });

  test('nor in the health method, by whatever name', async () => {
    const client = await startedEngine('does-as-told.js', { healthMethod: 'echo' });
    expect(await client.call('echo', undefined, { traceparent })).toBe(null);
    expect(await client.call('echo', { a: 1 }, { traceparent })).toEqual({ a: 1 });
  });
});
