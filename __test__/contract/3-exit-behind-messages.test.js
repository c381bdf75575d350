import { expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';

consoleErrors();

// 63 braces, each the beginning of 4 MiB that never end: by the time this is known to be noise, the engine and its stderr
// have long been over.
test('`exit` comes after the last message the engine wrote, also when that takes its time to understand', async () => {
  const client = await startedEngine('does-as-told.js', { autoRestart: false });
  const last = `${'{"a":'.repeat(63)}[${'1,'.repeat(2 * 1024 * 1024)}`;
  const order = [];
  client.on('stdout', ({ data }) => order.push(data.length));
  client.on('exit', () => order.push('exit'));
  await expect(client.call('exit', { stdout: `${last}\n` })).rejects.toThrow(/^Engine process exited$/);
  expect(order).toEqual([last.length, 'exit']);
});
