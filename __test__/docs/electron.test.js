import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { blocks, readersFolder, savedFiles } from '../support/documents.js';
import { electron, electronCommand, skipUnlessHere } from '../support/hosts.js';

/** What the app's reader would do: wait until the engine is there, use it as a window would, and quit. */
const USE = `
;require('electron').app.whenReady().then(() => {
  engine.once('ready', async () => {
    const { data } = await jobs.submit('count', { text: 'one two three' });
    console.log('words:', data.words);
    require('electron').app.quit();
  });
});
`;

test.for(blocks('js electron run'))('%s runs in Electron, and quits', async ([, { document, text }], context) => {
  skipUnlessHere(context, electron.path, electron.reason);
  const app = readersFolder(document);
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', version: '1.0.0', main: 'main.js' }));
  writeFileSync(join(app, 'main.js'), text + USE);
  mkdirSync(join(app, 'bin'));
  writeFileSync(join(app, 'bin/engine'), savedFiles('docs/engines/contract.md').get('engine.py'), { mode: 0o755 });
  const { command, args } = electronCommand(electron.path, app);
  const { stdout } = await promisify(execFile)(command, args, { timeout: 25_000 });
  expect(stdout).toContain('words: 3');
});
