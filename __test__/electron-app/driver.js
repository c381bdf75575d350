// Runs an Electron app, that of examples/electron unless said otherwise, as a user would, and drives its page over the DevTools protocol. It ships nothing for that.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { afterEach, expect } from 'vitest';
import { eventually } from '../support/eventually.js';
import { electron, electronCommand } from '../support/hosts.js';
import { end, isAlive, processesWith } from '../support/processes.js';

export const APP = fileURLToPath(new URL('../../examples/electron/', import.meta.url));

const load = createRequire(import.meta.url);
const { installPackages } = load('../../scripts/setup/packages.js');
const MARK = 'DESKTOP_RUNTIME_TEST_MARK';
/** Tesseract takes a second of a whole core for an image: much more on a busy machine. */
export const PATIENCE_MS = 60_000;
const started = [];

afterEach(async () => {
  for (const app of started.splice(0)) {
    app.all().forEach(end);
    await app.ended;
  }
});

/** Installs what drives the page, unless it is there. */
export function installDriver() {
  return installPackages('__test__/electron-app');
}

function commandLine(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** Starts an app; its state is kept below `data`. Nothing is waited for. */
export function spawnApp(data, { folder = APP, node = process.execPath } = {}) {
  const mark = randomUUID();
  const { command, args } = electronCommand(electron.path, folder);
  // The Electron of the tests has a Node that is too old for the engine: this one runs it.
  const env = { ...process.env, NODE: node, XDG_CONFIG_HOME: data, [MARK]: mark };
  const child = spawn(command, [...args, '--remote-debugging-port=0'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const app = { stderr: '' };
  child.stderr.setEncoding('utf8').on('data', (text) => (app.stderr += text));
  app.ended = new Promise((resolve) => child.on('close', (code) => resolve({ code, stderr: app.stderr })));
  app.all = () => processesWith(MARK, mark).map(Number).filter(isAlive);
  // The screen is none of the app's: xvfb-run ends it, and does not always manage.
  app.left = () => app.all().filter((pid) => !/Xvfb|xvfb-run/.test(commandLine(pid).join(' ')));
  const pidOf = (accepts) => app.left().find((pid) => accepts(commandLine(pid)));
  app.mainPid = () => pidOf(([program, ...rest]) => program === electron.path && !rest.join().includes('--type='));
  app.enginePid = () => pidOf((words) => words.some((word) => word.endsWith('engine.js')));
  started.push(app);
  return app;
}

/** Starts an app and waits until its page has that element. */
export async function openApp(data, { selector = '#engine-text', ...how } = {}) {
  const CDP = load('chrome-remote-interface'); // installed by the test
  const app = spawnApp(data, how);
  const [, port] = await eventually(
    () => /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(app.stderr),
    'the DevTools of the app',
    PATIENCE_MS,
  );
  const pages = async () => (await CDP.List({ port: Number(port) })).filter(({ type }) => type === 'page');
  const target = await eventually(
    async () => (await pages()).find(({ url }) => url.endsWith('/index.html')),
    'the page of the app',
    PATIENCE_MS,
  );
  const client = await CDP({ port: Number(port), target });
  const page = drive(client);
  await page.watch(selector);
  /** As a user closes it: the app ends in order, and with it all that it started. */
  async function closesWithNothingLeft() {
    await page.closeWindow().catch(() => {}); // the answer may go under with the page
    expect(await app.ended).toMatchObject({ code: 0 });
    await eventually(() => app.left().length === 0, 'the end of all that the app started', PATIENCE_MS);
  }

  return { ...app, ...page, pages, closesWithNothingLeft };
}

function drive(client) {
  const complaints = [];

  /** Runs a function in the page, and gives what it returns. */
  async function evaluate(body, ...args) {
    const expression = `(${body})(...${JSON.stringify(args)})`;
    const { result, exceptionDetails } = await client.Runtime.evaluate({
      expression,
      awaitPromise: true,
      returnByValue: true,
      userGesture: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception.description || exceptionDetails.text);
    return result.value;
  }

  /** What a user sees of the list, the latest first. */
  const rows = () =>
    evaluate(() =>
      Array.from(document.querySelectorAll('.row'), (row) => ({
        name: row.querySelector('.name').textContent,
        state: row.dataset.state,
        status: row.querySelector('.status').textContent,
        percent: row.querySelector('progress').hidden ? null : row.querySelector('progress').value,
      })),
    );

  /** Puts files into the page's input, as its button does. */
  async function choose(files) {
    const { root } = await client.DOM.getDocument();
    const { nodeId } = await client.DOM.querySelector({ nodeId: root.nodeId, selector: '#choose' });
    await client.DOM.setFileInputFiles({ nodeId, files });
  }

  /** Drops files on the page: real ones, which have a path. Nobody but the browser can make such. */
  async function drop(files) {
    await evaluate(() => {
      const input = document.createElement('input');
      input.type = 'file';
      input.multiple = true;
      input.id = 'hand';
      document.body.append(input);
      // That it is filled is no choice of the user's.
      input.addEventListener('change', (event) => event.stopImmediatePropagation());
      window.addEventListener('change', (event) => event.target === input && event.stopImmediatePropagation(), true);
    });
    const { root } = await client.DOM.getDocument();
    const { nodeId } = await client.DOM.querySelector({ nodeId: root.nodeId, selector: '#hand' });
    await client.DOM.setFileInputFiles({ nodeId, files });
    await evaluate(() => {
      const input = document.getElementById('hand');
      const dataTransfer = new DataTransfer();
      for (const file of input.files) dataTransfer.items.add(file);
      input.remove();
      document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer }));
    });
  }

  async function watch(selector) {
    client.Runtime.exceptionThrown(({ exceptionDetails }) => complaints.push(exceptionDetails.text));
    client.Log.entryAdded(({ entry }) => entry.level === 'error' && complaints.push(entry.text));
    await Promise.all([client.Runtime.enable(), client.Log.enable(), client.DOM.enable(), client.Page.enable()]);
    await eventually(
      () => evaluate((its) => document.readyState === 'complete' && document.querySelector(its) !== null, selector),
      'the page',
      PATIENCE_MS,
    );
  }

  return {
    complaints,
    client,
    choose,
    drop,
    evaluate,
    rows,
    watch,
    /** Waits for the row of that name, the latest one, to be as wanted. */
    row: (name, accepts) =>
      eventually(
        async () => (await rows()).find((row) => row.name === name && accepts(row)),
        `${name} as wanted`,
        PATIENCE_MS,
      ),
    click: (selector, name) =>
      evaluate(
        (its, wanted) => {
          const scope = wanted
            ? Array.from(document.querySelectorAll('.row')).find((row) => row.textContent.includes(wanted))
            : document;
          scope.querySelector(its).click();
        },
        selector,
        name,
      ),
    text: (selector) => evaluate((its) => document.querySelector(its).textContent, selector),
    closeWindow: () => evaluate(() => window.close()),
    screenshot: async () => Buffer.from((await client.Page.captureScreenshot()).data, 'base64'),
  };
}
