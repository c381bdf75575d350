import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { showStderr } from '../../cli/src/engine-stderr.js';

/** What is shown of an engine that gave these lines, and that end of its standard error with its exit. */
function shown(lines, stderrTail) {
  const client = new EventEmitter();
  const all = [];
  showStderr(client, (line) => all.push(line));
  for (const data of lines) client.emit('stderr', { data });
  client.emit('exit', { data: { stderrTail } });
  return all;
}

describe("an engine's standard error", () => {
  test('each line once, whatever of it came before the exit', () => {
    const lines = ['one', '', 'two', 'one', 'Grüße'];
    const tail = `${lines.join('\n')}\n`;
    for (let count = 0; count <= lines.length; count += 1) {
      const wanted = [...lines.slice(0, count), ...lines.slice(count).filter((line) => line !== '')];
      expect(shown(lines.slice(0, count), tail)).toEqual(wanted);
    }
  });

  test('a tail that begins in the middle, has Windows line ends, or no last line break', () => {
    expect(shown(['first', 'second'], 'ond\r\nthird\r\n')).toEqual(['first', 'second', 'third']);
    expect(shown(['first'], 'first\nlast words')).toEqual(['first', 'last words']);
    expect(shown(['first', 'last words'], 'first\nlast words')).toEqual(['first', 'last words']);
  });

  test('what was shown of a long one is not shown again', () => {
    const lines = Array.from({ length: 3000 }, () => 'x'.repeat(30));
    expect(shown(lines, `${lines.slice(-1000).join('\n')}\n`)).toHaveLength(3000);
  });
});
