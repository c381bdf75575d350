import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { electron, skipUnlessHere } from '../support/hosts.js';
import { PATIENCE_MS, installDriver, openApp } from './driver.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const RECIPE = path.join(ROOT, 'docs/recipes/electron.md');

/** The recipe's files: the blocks that name one, by name. */
function files() {
  const blocks = fs.readFileSync(RECIPE, 'utf8').matchAll(/^```\w+ (\S+)\n([^]*?)^```$/gm);
  return Object.fromEntries(Array.from(blocks, ([, name, text]) => [name, text]));
}

beforeAll(installDriver, 300_000);

test(
  'the app of the recipe counts words, with its engine on the Node of Electron itself',
  async (context) => {
    skipUnlessHere(context, electron.path, electron.reason);
    const home = folder();
    for (const name of ['main.js', 'preload.js', 'index.html', 'page.js', 'engine.js']) {
      fs.writeFileSync(path.join(home, name), files()[name]);
    }
    fs.writeFileSync(path.join(home, 'package.json'), JSON.stringify({ name: 'word-counter', main: 'main.js' }));
    fs.mkdirSync(path.join(home, 'node_modules/@niche-knack'), { recursive: true });
    fs.symlinkSync(ROOT, path.join(home, 'node_modules/@niche-knack/desktop-runtime'));

    const app = await openApp(folder(), { folder: home, selector: '#result' });
    await app.click('#count');
    await eventually(async () => (await app.text('#result')) === '3 words', 'the words', PATIENCE_MS);
    expect(await app.evaluate(() => document.getElementById('progress').value)).toBe(100);
    expect(await app.evaluate(() => typeof require + typeof process)).toBe('undefinedundefined');
    expect(app.complaints).toEqual([]);
    await app.closesWithNothingLeft();
  },
  2 * PATIENCE_MS,
);
