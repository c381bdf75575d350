import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { collect } from '../support/events.js';
import { failureOf, quietly } from '../support/job-engines.js';

const { EngineClient, JobManager, StreamHandler } = runtime;
consoleErrors();

class Forwarding extends EngineClient {
  call(...args) {
    return super.call(...args);
  }
}

const PATHS = [
  ['the native path', EngineClient],
  ['a subclass', Forwarding],
];
const ALL = ['data', 'progress', 'log', 'partial', 'complete', 'error'];

/** One job with that id text; what its stream heard of these event texts, and the job's promise. */
async function heardOf(Client, id, texts, { managerId = 'mine', glue = '\n' } = {}) {
  const client = await startedEngine('writes-raw-job-events.js', { Client });
  client.on('error', () => {});
  client.on('stdout', () => {});
  const jobs = new JobManager(client);
  const stream = new StreamHandler();
  stream.attach(jobs);
  const heard = [];
  stream.subscribe(managerId, (each) => heard.push(each), ALL);
  const job = quietly(jobs.submit('t', { id, behind: texts.map((text) => text + glue).join('') }, { id: managerId }));
  await client.call('print', { stdout: '\n' });
  return { client, stream, heard, job };
}

/** What `JSON.parse` makes of these texts, with another job id. */
const parsed = (texts, jobId = 'mine') => texts.map((text) => ({ ...JSON.parse(text), jobId }));

describe.each(PATHS)(
  'however an event is spelled, the stream gets what `JSON.parse` gives, under the manager’s id: %s',
  (_, Client) => {
    test('spaces, order of keys, escapes, keys twice: the last one counts', async () => {
      const texts = [
        ' { "data" : [ 1 , 2 ] , "timestamp" : 1 , "jobId" : "e" , "type" : "partial" } ',
        '{"type":"partial","jobId":"e","timestamp":1,"data":0,"timestamp":2,"data":1}',
        '{"jobId":"other","type":"log","jobId":"e","type":"partial","timestamp":1}',
        '{"\\u0074ype":"partial","job\\u0049d":"\\u0065","timestamp":1,"data":{"jobId":"e"}}',
        '{"jobId":{"a":1},"type":"partial","data":"\\ud800","jobId":"e"}',
        '{"type":"p\\u0061rtial","jobId":"e"}',
      ];
      const { heard } = await heardOf(Client, '"e"', texts);
      expect(heard).toStrictEqual(parsed(texts));
    });

    test('data that looks like an event, a response, or a member of every object', async () => {
      const texts = [
        '{"type":"partial","jobId":"e","data":{"type":"result","jobId":"e","data":1}}',
        '{"data":{"jobId":"x","type":"error"},"type":"partial","jobId":"e"}',
        '{"type":"partial","jobId":"e","data":"\\"jobId\\":\\"e\\""}',
        '{"type":"partial","jobId":"e","constructor":1,"toString":2,"id":3}',
        '{"type":"partial","jobId":"e","data":[12345678901234567890,1e400,-0,1.10]}',
      ];
      const { heard } = await heardOf(Client, '"e"', texts);
      expect(heard).toStrictEqual(parsed(texts));
    });

    test('a member named `__proto__` is a member, and no prototype', async () => {
      const texts = ['{"type":"partial","jobId":"e","__proto__":{"type":"result"},"data":{"__proto__":1}}'];
      const { heard } = await heardOf(Client, '"e"', texts);
      expect(heard).toHaveLength(1);
      expect(Object.getPrototypeOf(heard[0])).toBe(Object.prototype);
      expect(JSON.stringify(heard[0].__proto__)).toBe('{"type":"result"}');
      expect(JSON.stringify(heard[0].data)).toBe('{"__proto__":1}');
    });

    test.each([
      ['7', ['7', '7.0', '70e-1']],
      ['{"b":1,"a":[null]}', ['{"b":1,"a":[null]}']],
      ['""', ['""']],
      ['"\\u00e9\\ud800"', ['"\\u00e9\\ud800"', '"é\\uD800"']],
    ])('the engine’s id is any JSON value: %s', async (id, spelled) => {
      const texts = spelled.map((text) => `{"type":"partial","jobId":${text},"data":1}`);
      const { heard } = await heardOf(Client, id, texts);
      expect(heard).toStrictEqual(parsed(texts));
    });

    test('several values on one line, noise between them', async () => {
      const texts = ['{"type":"partial","jobId":"e","data":1}', '{"type":"log","jobId":"e","data":"}{"}'];
      const { heard } = await heardOf(Client, '"e"', texts, { glue: ' noise ' });
      expect(heard).toStrictEqual(parsed(texts));
    });

    test.each(
      ['\ud83d\ude00', 'a\0b', '\u007f\u0080\u00ff\u2028', '"jobId":"e"', '\\u0041', 'x'.repeat(70_000)].map(
        (id, n) => [n, id],
      ),
    )('the manager’s id is any string: case %i', async (__, managerId) => {
      const texts = ['{"type":"partial","jobId":"e","data":"ü"}', '{"type":"result","jobId":"e","data":"\\ud800"}'];
      const { heard, job, stream } = await heardOf(Client, '"e"', texts, { managerId });
      await job;
      expect(heard).toStrictEqual(parsed(texts, managerId));
      expect(stream.getActiveJobIds()).toEqual([managerId]);
    });

    test('a last event of a megabyte, and one of ten', async () => {
      for (const size of [1 << 20, 10 << 20]) {
        const texts = [`{"type":"result","jobId":"e","data":"${'x'.repeat(size)}"}`];
        const { heard, job } = await heardOf(Client, '"e"', texts);
        await job;
        expect(heard).toHaveLength(1);
        expect(heard[0].data).toHaveLength(size);
      }
    });

    test.each(['{"type":"result","jobId":"e","data":NaN}', '{"jobId":"e","type":"error","data":{"message":"\u0001"}}'])(
      'a last event that cannot be read ends the stream with PARSE_ERROR, once: %j',
      async (text) => {
        const { heard, job, stream } = await heardOf(Client, '"e"', [text]);
        const all = collect(stream, 'event');
        const error = await failureOf(job);
        expect(error.code).toBe(-32700);
        expect(heard).toMatchObject([{ type: 'error', jobId: 'mine', data: { code: -32700, message: error.message } }]);
        expect(all.length).toBeLessThanOrEqual(1);
      },
    );

    test('a `progress` that cannot be read is noise, and the job goes on', async () => {
      const texts = ['{"type":"progress","jobId":"e","data":NaN}', '{"type":"result","jobId":"e","data":1}'];
      const { heard, job } = await heardOf(Client, '"e"', texts);
      await job;
      expect(heard).toStrictEqual(parsed(texts.slice(1)));
    });
  },
);
