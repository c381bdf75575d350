import { randomUUID } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import { appIn } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { electron, electronCommand, skipUnlessHere } from '../support/hosts.js';
import { end, gone, isAlive, membersOf, processesWith } from '../support/processes.js';
import { rounds, timeFor } from '../support/rounds.js';

const MARK = 'DESKTOP_RUNTIME_TEST_MARK';
const WAYS = ['reload', 'reload twice', 'go elsewhere and back', 'close and open', 'the page crashes'];
const COUNT = rounds(1);

const marks = [];
afterEach(() => marks.splice(0).forEach((mark) => processesWith(MARK, mark).map(Number).forEach(end)));

test(
  'an engine of an Electron window ends with its page, within 1 s, and its tree within 5 s; the next page has its own',
  { timeout: timeFor(COUNT, 90_000) },
  async (context) => {
    skipUnlessHere(context, electron.path, electron.reason);
    const mark = randomUUID();
    marks.push(mark);
    vi.stubEnv(MARK, mark);
    const app = appIn((folder) => electronCommand(electron.path, folder), 'electron-window');
    vi.unstubAllEnvs();
    const left = () => processesWith(MARK, mark).map(Number).filter(isAlive);
    let said = '';
    app.child.stdout.on('data', (text) => (said += text));
    const news = async () => {
      // Electron itself says something there when a page crashes.
      const line = await eventually(() => /^\d+\n/m.exec(said), 'a page whose engine answers', 30_000);
      said = said.slice(line.index + line[0].length);
      return Number(line[0]);
    };

    let engine = await news();
    for (let round = 0; round < COUNT; round += 1) {
      for (const way of WAYS) {
        const before = engine;
        app.child.stdin.write(`${way}\n`);
        await gone(before, 5000).catch((error) => expect.fail(`${way}: ${error.message}`));
        engine = await news();
        expect(isAlive(engine)).toBe(true);
        await eventually(() => membersOf(before).length === 0, `the end of the tree after: ${way}`, 5000);
      }
    }
    app.child.stdin.write('quit\n');
    await gone(engine, 5000);
    expect((await app.ended).code).toBe(0);
    await eventually(() => left().length === 0, 'the end of all that the app started', 5000);
  },
);
