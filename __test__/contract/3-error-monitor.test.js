import { errorMonitor } from 'node:events';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { double } from '../support/engine-doubles.js';
import { engine } from '../support/engines.js';
import { collect } from '../support/events.js';
import { folder } from '../support/folders.js';
import { failureOf } from '../support/job-engines.js';

const { EngineClient, JobManager } = runtime;
const logged = consoleErrors();

const EMITTERS = [
  ['an EngineClient', () => new EngineClient({ enginePath: 'engine' })],
  ['a JobManager', () => new JobManager(double())],
];

describe.each(EMITTERS)('`instanceof EventEmitter`: the errorMonitor of %s', (_, made) => {
  test('hears an error without handling it: unheard otherwise, it is logged and must not throw', () => {
    const emitter = made();
    const heard = collect(emitter, errorMonitor);
    const error = new Error('a fault');
    expect(emitter.emit('error', error)).toBe(false);
    expect(heard).toEqual([error]);
    expect(logged.join()).toContain('a fault');
  });

  test('hears it before the listeners, once, with the same arguments', () => {
    const emitter = made();
    const order = [];
    emitter.on('error', (...args) => order.push(['error', ...args]));
    emitter.once(errorMonitor, (...args) => order.push(['monitor', ...args]));
    expect(emitter.emit('error', 1, 2)).toBe(true);
    emitter.emit('error', 3);
    expect(order).toEqual([
      ['monitor', 1, 2],
      ['error', 1, 2],
      ['error', 3],
    ]);
    expect(logged).toEqual([]);
  });

  test('one that throws is logged and changes nothing else', () => {
    const emitter = made();
    const errors = collect(emitter, 'error');
    emitter.on(errorMonitor, () => {
      throw new Error('a defect of the monitor');
    });
    expect(emitter.emit('error', 'told')).toBe(true);
    expect(errors).toEqual(['told']);
    expect(logged).toEqual(['Error: a defect of the monitor']);
  });

  test('does not hear other events', () => {
    const emitter = made();
    const heard = collect(emitter, errorMonitor);
    emitter.emit('ready', null);
    expect(heard).toEqual([]);
  });
});

test('it hears what the runtime itself reports: the `error` of a spawn', async () => {
  const client = engine('does-as-told.js', { cwd: path.join(folder(), 'missing') });
  const heard = collect(client, errorMonitor);
  const error = await failureOf(client.start());
  expect(heard).toMatchObject([{ type: 'error', data: error }]);
});
