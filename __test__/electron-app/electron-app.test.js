import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { electron, skipUnlessHere } from '../support/hosts.js';
import { installOcr, sample } from '../support/ocr.js';
import { gone } from '../support/processes.js';
import { openApp, spawnApp } from './driver.js';

const NAMES = ['invoice.png', 'letter.png', 'receipt.png'];
const SAMPLES = NAMES.map(sample);
const DEADLINE_MS = 120_000;

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

async function endsWithNothingLeft(app) {
  await app.closeWindow().catch(() => {}); // the answer may go under with the page
  expect(await app.ended).toMatchObject({ code: 0 });
  await eventually(() => app.left().length === 0, 'the end of all that the app started', 5000);
}

beforeAll(installOcr, 300_000);

describe('the Electron app', () => {
  test(
    'reads images with moving progress, cancels one, finds one again, and quits without a trace',
    async (context) => {
      skipUnlessHere(context, electron.path, electron.reason);
      const app = await openApp(folder());
      await app.evaluate(recordProgress);

      await app.choose([...SAMPLES, sample('draw.py')]);
      await eventually(async () => (await app.text('#notice')).startsWith('draw.py is no image'), 'the notice');
      expect((await app.rows()).map(({ name }) => name)).toEqual([...NAMES].reverse());
      await app.row('invoice.png', done);
      expect(await app.text('#text')).toContain('Blue Harbour Supplies');
      const { 'invoice.png': seen } = await app.evaluate(() => window.seen);
      expect(seen.filter((percent) => percent > 0 && percent < 100).length).toBeGreaterThan(2);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));

      await app.row('letter.png', halfWay);
      await app.click('.cancel', 'letter.png');
      await app.row('letter.png', ({ state }) => state === 'cancelled');
      await app.row('receipt.png', done);
      expect((await app.rows()).find(({ name }) => name === 'letter.png').state).toBe('cancelled');
      await app.click('.open', 'receipt.png');
      expect(await app.text('#text')).toContain('CORNER BAKERY');

      await app.drop([sample('invoice.png')]);
      const again = await app.row('invoice.png', done);
      expect(again.status).toMatch(/^Read before, found in \d+ ms$/);
      expect(await app.rows()).toHaveLength(4);

      await app.click('.again', 'letter.png');
      await app.row('letter.png', done);
      expect(app.complaints).toEqual([]);
      await endsWithNothingLeft(app);
    },
    DEADLINE_MS,
  );

  test(
    'killed or closed in the middle, finishes on the next start, also over the end of its engine',
    async (context) => {
      skipUnlessHere(context, electron.path, electron.reason);
      const data = folder();
      const killed = await openApp(data);
      await killed.choose(SAMPLES);
      await killed.row('invoice.png', halfWay);
      process.kill(killed.mainPid(), 'SIGKILL');
      await killed.ended;
      await eventually(() => killed.left().length === 0, 'the end of all that the app started', 5000);

      const closed = await openApp(data);
      const recovered = await eventually(async () => {
        const rows = await closed.rows();
        return rows.length === SAMPLES.length && rows;
      }, 'the jobs of the first start');
      expect(recovered.map(({ status }) => status)).toEqual(
        NAMES.map(() => expect.stringContaining('from the last time')),
      );
      await closed.row('invoice.png', halfWay);
      await endsWithNothingLeft(closed);

      const app = await openApp(data);
      await app.row('invoice.png', halfWay);
      const engine = app.enginePid();
      process.kill(engine, 'SIGKILL');
      await gone(engine, 1000);
      for (const name of NAMES) {
        expect((await app.row(name, done)).status).toMatch(/^Read after all in/);
      }
      expect(app.enginePid()).not.toBe(engine);
      await app.click('.open', 'letter.png');
      expect(await app.text('#text')).toContain('Northfield Town Library');

      const second = spawnApp(data);
      expect(await second.ended).toMatchObject({ code: 0 });
      expect(await app.rows()).toHaveLength(SAMPLES.length);
      await endsWithNothingLeft(app);
      expect(fs.readdirSync(path.join(data, 'Read Images', 'reader', 'cache'))).toContain('cache.db');
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

      expect(await app.evaluate(() => window.open('https://example.com') === null)).toBe(true);
      expect(await app.pages()).toHaveLength(1);
      await app.evaluate(() => (location.href = 'https://example.com/'));
      await app.evaluate(() => (location.href = 'file:///etc/hosts'));
      expect(await app.evaluate(() => location.href)).toBe('app://reader/index.html');

      const refused = (body) => expect(app.evaluate(body), String(body)).rejects.toThrow();
      await refused(() => eval('1'));
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
      await eventually(async () => (await app.rows()).length === 2, 'the file that was really dropped');
      expect((await app.rows()).map(({ name }) => name)).toEqual(['receipt.png', 'receipt.png']);
      await endsWithNothingLeft(app);
    },
    DEADLINE_MS,
  );
});
