import { expect, test } from 'vitest';
import { appIn } from '../support/app.js';
import { fixture } from '../support/engines.js';
import { folder } from '../support/folders.js';

const LEVELS = ['ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'];
/** What the app of the test brings about, by the level that tells it. */
const TOLD = {
  WARN: [
    'a call was not answered in its time',
    'the end of a job cannot be read code="PARSE_ERROR"',
    'engine is killed pid=',
    'engine not spawned errno=',
    'a damaged cache is set aside what=',
  ],
  INFO: [
    'engine spawned pid=',
    'engine ready',
    'engine exited pid=',
    'engine restarts attempt=1',
    'engine is asked to end pid=',
  ],
  DEBUG: [
    'a line on stdout is no message bytes=5',
    'cache open folder=',
    'cache closed folder=',
    'recovery state open',
  ],
};

async function logOf(level) {
  const commandOf = (script) => ({
    command: 'env',
    args: [`DESKTOP_RUNTIME_LOG=${level}`, process.execPath, script],
  });
  const { code, stdout, stderr } = await appIn(
    commandOf,
    'logs-its-life.js',
    fixture('does-as-told.js'),
    fixture('ignores-sigterm.js'),
    folder(),
  ).ended;
  expect([code, stdout]).toEqual([0, '"the end"\n']);
  return stderr.split('\n').filter((line) => line !== '');
}

// The app ignores no signal on Windows, and has no `env`.
test.skipIf(process.platform === 'win32').each(['debug', 'warn', 'off'])(
  'DESKTOP_RUNTIME_LOG=%s tells what is at least as grave, and nothing else',
  async (level) => {
    const lines = await logOf(level);
    const shown = LEVELS.slice(0, LEVELS.indexOf(level.toUpperCase()) + 1);
    for (const line of lines) {
      const [, of] = /^\d{4}-\d\d-\d\dT[\d:.]+Z +([A-Z]+) desktop_runtime_core::[a-z_:]+: /.exec(line) || [
        line,
        'no line',
      ];
      expect(shown).toContain(of);
    }
    for (const [of, texts] of Object.entries(TOLD)) {
      for (const text of texts) {
        const told = lines.some((line) => line.includes(` ${of} `) && line.includes(`: ${text}`));
        expect({ text, told }).toEqual({ text, told: shown.includes(of) });
      }
    }
  },
);
