import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { electron, skipUnlessHere } from '../support/hosts.js';
import { installOcr, sample } from '../support/ocr.js';
import { gone } from '../support/processes.js';
import { PATIENCE_MS, installDriver, openApp, spawnApp } from './driver.js';

const load = createRequire(import.meta.url);
const { installPackages } = load('../../scripts/setup/packages.js');
const TSC = load.resolve('typescript/bin/tsc');

const DEADLINE_MS = 5 * PATIENCE_MS;
/** PICTURE=1 takes the picture of the documentation anew. */
const PICTURE = fileURLToPath(new URL('../../docs/images/electron-app.png', import.meta.url));

const done = ({ state }) => state === 'done';
const halfWay = ({ state, percent }) => state === 'reading' && percent > 0;

/** Writes down every value that a progress bar of the page shows, by the image's name. */
function recordProgress() {
  window.seen = {};
  new MutationObserver(() => {
    for (const row of document.querySelectorAll('.row')) {
      const name = row.querySelector('.name').textContent;
      window.seen[name] = window.seen[name] || [];
      const { value } = row.querySelector('progress');
      if (!window.seen[name].includes(value)) window.seen[name].push(value);
    }
  }).observe(document.getElementById('list'), { subtree: true, childList: true, characterData: true });
}

/** Cancels the job of that image, in the page, once its bar has moved. */
function cancelUnderWay(name) {
  const row = Array.from(document.querySelectorAll('.row')).find((each) => each.textContent.includes(name));
  if (row.querySelector('progress').value === 0) return false;
  row.querySelector('.cancel').click();
  return true;
}

/** Letters of those names that differ, so that there is a job for each: what follows the end of a PNG is not looked at. */
function letters(...names) {
  const letter = fs.readFileSync(sample('letter.png'));
  const into = folder();
  return names.map((name) => {
    fs.writeFileSync(path.join(into, name), Buffer.concat([letter, Buffer.from(name)]));
    return path.join(into, name);
  });
}

beforeAll(async () => {
  await installOcr();
  await installPackages('examples/electron');
  await installDriver();
}, 300_000);

describe('the Electron app', () => {
  test(
    'reads images with moving progress, cancels one, finds one again, and quits without a trace',
    async (context) => {
      skipUnlessHere(context, electron.path, electron.reason);
      const app = await openApp(folder());
      await app.evaluate(recordProgress);

      await app.choose([sample('invoice.png'), sample('receipt.png'), ...letters('letter.png', 'minutes.png')]);
      await app.row('minutes.png', ({ state }) => state === 'waiting');
      const rows = await app.rows();
      expect(rows.map(({ name }) => name)).toEqual(['minutes.png', 'letter.png', 'receipt.png', 'invoice.png']);
      await app.row('invoice.png', done);
      // The first text is shown by itself.
      expect(await app.text('#text')).toContain('Blue Harbour Supplies');
      const { 'invoice.png': seen } = await app.evaluate(() => window.seen);
      expect(seen.filter((percent) => percent > 0 && percent < 100).length).toBeGreaterThan(2);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));

      if (process.env.PICTURE) {
        await app.row('letter.png', ({ percent }) => percent > 40);
        fs.writeFileSync(PICTURE, await app.screenshot());
      }
      // Nothing comes between the look and the click: what is read to its end cannot be cancelled.
      await eventually(() => app.evaluate(cancelUnderWay, 'letter.png'), 'a job to cancel', PATIENCE_MS);
      await app.row('letter.png', ({ state }) => state === 'cancelled');
      expect((await app.screenshot()).length).toBeGreaterThan(20_000);
      await app.row('minutes.png', done);
      expect((await app.rows()).find(({ name }) => name === 'letter.png').state).toBe('cancelled');
      await app.click('.open', 'receipt.png');
      expect(await app.text('#text')).toContain('CORNER BAKERY');

      await app.drop([sample('invoice.png')]);
      const [latest] = await eventually(
        async () => {
          const all = await app.rows();
          return all.length === 5 && all;
        },
        'the image that was dropped again',
        PATIENCE_MS,
      );
      expect(latest).toMatchObject({ name: 'invoice.png', state: 'done' });
      expect(latest.status).toMatch(/^Read before, found in \d+ ms$/);

      await app.choose([sample('draw.py')]);
      await eventually(
        async () => (await app.text('#notice')).startsWith('draw.py is no image'),
        'the notice',
        PATIENCE_MS,
      );
      await app.click('#copy');
      await eventually(async () => (await app.text('#copy')) === 'Copied', 'the text on the clipboard', PATIENCE_MS);

      await app.click('.again', 'letter.png');
      await app.row('letter.png', done);

      // In a small window a long list leaves room for the text.
      await app.client.Emulation.setDeviceMetricsOverride({
        width: 360,
        height: 520,
        deviceScaleFactor: 1,
        mobile: false,
      });
      const title = await app.evaluate(() => document.getElementById('text-title').getBoundingClientRect().bottom);
      expect(title).toBeLessThan(520);
      expect(app.complaints).toEqual([]);
      await app.closesWithNothingLeft();
    },
    DEADLINE_MS,
  );

  test(
    'killed or closed in the middle, finishes on the next start, also over the end of its engine',
    async (context) => {
      skipUnlessHere(context, electron.path, electron.reason);
      const data = folder();
      const names = [1, 2, 3, 4, 5].map((number) => `page-${number}.png`);
      const pages = letters(...names);
      const killed = await openApp(data);
      const mainPid = killed.mainPid();
      await killed.choose(pages);
      await eventually(
        async () => {
          const rows = await killed.rows();
          return rows.length === pages.length && rows.some(halfWay);
        },
        'a job under way, and the others waiting',
        PATIENCE_MS,
      );
      process.kill(mainPid, 'SIGKILL');
      await killed.ended;
      await eventually(() => killed.left().length === 0, 'the end of all that the app started', PATIENCE_MS);

      const closed = await openApp(data);
      const recovered = await eventually(
        async () => {
          const rows = await closed.rows();
          return rows.some(({ state }) => state !== 'waiting') && rows;
        },
        'the jobs of the first start, and one under way',
        PATIENCE_MS,
      );
      // On a slow machine the first may have been read before the kill.
      const found = recovered.map(({ name }) => name).sort();
      expect([names, names.slice(1)]).toContainEqual(found);
      recovered.forEach(({ status }) => expect(status).toMatch(/from the last time|^Read after all/));
      await closed.closesWithNothingLeft();
      const unfinished = recovered.filter((row) => !done(row)).map(({ name }) => name);

      const app = await openApp(data);
      await eventually(async () => (await app.rows()).some(halfWay), 'a job that goes on', PATIENCE_MS);
      const left = (await app.rows()).map(({ name }) => name);
      expect(unfinished).toEqual(expect.arrayContaining(left));
      const engine = app.enginePid();
      process.kill(engine, 'SIGKILL');
      await gone(engine);
      for (const name of left) {
        expect((await app.row(name, done)).status).toMatch(/^Read after all in/);
      }
      expect(app.enginePid()).not.toBe(engine);
      await app.click('.open', left[0]);
      expect(await app.text('#text')).toContain('Northfield Town Library');

      const second = spawnApp(data);
      expect(await second.ended).toMatchObject({ code: 0 });
      expect(await app.rows()).toHaveLength(left.length);
      await app.closesWithNothingLeft();
    },
    DEADLINE_MS,
  );

  test(
    'keeps its page from everything that is not the app',
    async (context) => {
      skipUnlessHere(context, electron.path, electron.reason);
      const app = await openApp(folder());
      await app.choose([sample('receipt.png')]);
      await app.row('receipt.png', done);

      const { Network, Page } = app.client;
      await Network.enable();
      const response = new Promise((resolve) => {
        Network.responseReceived(({ type, response: its }) => type === 'Document' && resolve(its));
      });
      await Page.reload();
      const { headers, url } = await response;
      expect(url).toBe('app://reader/index.html');
      expect(headers['Content-Security-Policy']).toMatch(/^default-src 'none'; script-src 'self';/);
      // The list comes from the main process: a page that is loaded anew shows it.
      await app.row('receipt.png', done);
      expect(app.complaints).toEqual([]);

      expect(
        await app.evaluate(() => ['require', 'process', 'module', 'Buffer', 'global'].filter((name) => name in window)),
      ).toEqual([]);
      expect(await app.evaluate(() => Object.keys(window.reader).sort())).toEqual([
        'again',
        'cancel',
        'copy',
        'listen',
        'remove',
        'startEngine',
        'state',
      ]);
      expect(JSON.stringify(await app.evaluate(() => window.reader.state()))).not.toContain(path.dirname(sample('x')));

      // Electron 9 gives a window that is closed, today's gives none.
      await app.evaluate(() => void (window.opened = window.open('https://example.com')));
      await eventually(
        () => app.evaluate(() => window.opened === null || window.opened.closed),
        'the end of the window',
        PATIENCE_MS,
      );
      expect(await app.pages()).toHaveLength(1);
      await app.evaluate(() => (location.href = 'https://example.com/'));
      await app.evaluate(() => (location.href = 'file:///etc/hosts'));
      expect(await app.evaluate(() => location.href)).toBe('app://reader/index.html');

      await app.evaluate(() => {
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.body.append(script);
      });
      expect(await app.evaluate(() => 'ran' in window)).toBe(false);

      const refused = (body) => expect(app.evaluate(body), String(body)).rejects.toThrow();
      await refused(() => fetch('https://example.com'));
      await refused(() => fetch('file:///etc/hosts'));
      await refused(() => navigator.mediaDevices.getUserMedia({ video: true }));
      await refused(() => window.reader.cancel({ toString: () => '1' }));
      await refused(() => window.reader.remove('../1'));
      expect(await app.evaluate(() => Notification.requestPermission())).toBe('denied');
      const status = (name) =>
        app.evaluate(
          (its) =>
            new Promise((resolve) => {
              const image = new Image();
              image.onload = () => resolve('drawn');
              image.onerror = () => resolve('none');
              image.src = its;
            }),
          name,
        );
      expect(await status('images/1')).toBe('drawn');
      expect(await status('images/2')).toBe('none');
      expect(await status(`file://${sample('receipt.png')}`)).toBe('none');

      // A file that a script made has no path, so nothing happens.
      await app.evaluate(() => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(['x'], '/etc/forged.png', { type: 'image/png' }));
        document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, dataTransfer }));
      });
      await app.drop([sample('receipt.png')]);
      await eventually(async () => (await app.rows()).length === 2, 'the file that was really dropped', PATIENCE_MS);
      expect((await app.rows()).map(({ name }) => name)).toEqual(['receipt.png', 'receipt.png']);
      await app.closesWithNothingLeft();
    },
    DEADLINE_MS,
  );

  test(
    'says why its engine does not start, and keeps what was dropped for the next start',
    async (context) => {
      skipUnlessHere(context, electron.path, electron.reason);
      const data = folder();
      const app = await openApp(data, { node: '/nowhere/node' });
      await app.choose([sample('receipt.png')]);
      const says = async (words) => (await app.text('#engine')).includes(words);
      await eventually(() => says('install Node 18 or newer'), 'what is wrong', PATIENCE_MS);
      await app.click('#start-engine');
      await eventually(() => says('/nowhere/node ENOENT'), 'what is still wrong', PATIENCE_MS);
      await app.row('receipt.png', ({ state }) => state === 'waiting');
      await app.closesWithNothingLeft();

      const mended = await openApp(data);
      await mended.row('receipt.png', done);
      await mended.closesWithNothingLeft();
    },
    DEADLINE_MS,
  );

  test(
    "is right by the types of today's Electron, which cannot be run here",
    () => {
      const config = fileURLToPath(new URL('tsconfig.json', import.meta.url));
      const { status, stdout } = spawnSync(process.execPath, [TSC, '-p', config], { encoding: 'utf8' });
      expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    },
    DEADLINE_MS,
  );
});
