'use strict';

const { spawn, spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');
const { isDeepStrictEqual } = require('util');
const { appFolder } = require('./app-folder');
const { newDisplay } = require('./display');
const { Presence } = require('./presence');
const { inWork } = require('./targets');

// The real thing, on one host: load, engine, jobs, stop; a cache over the app's kill; jobs recovered over the app's kill.

const windowsPath = (place) => `Z:${place.replace(/\//g, '\\')}`;

/** What an app does, as the trial's `works` tells it. */
const WORKS = {
  noEngine: 'ENOENT',
  version: true,
  echo: { text: 'Zoë 🦜\u2028', list: [1.5, null] },
  unknown: -32601,
  job: { success: true, data: { page: 1 } },
  progress: [50],
  failed: [-30002, 'no translate'],
  cancelled: [true, -31003],
  results: 100,
  large: true,
  afterStop: false,
};

function same(found, expected, what) {
  if (isDeepStrictEqual(found, expected)) return;
  throw new Error(`${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`);
}

class Trial {
  constructor(target, host, port, presence, display) {
    this.host = host;
    this.presence = presence;
    this.app = appFolder(target);
    this.place = host.wine ? windowsPath : (place) => place;
    // Emulated, everything takes its time; what must be quick is held to account where it is itself.
    this.patience = host.emulated ? 240000 : 30000;
    const [program, ...args] = host.command;
    const engine = host.wine ? [windowsPath(args[0] || program)] : [program, ...args];
    this.env = {
      ...process.env,
      ...host.env,
      ...(display ? { DISPLAY: display.name } : {}),
      TRIAL_COMMAND: JSON.stringify(engine),
      TRIAL_PORT: String(port),
    };
    // The loader is to find the platform's package by itself.
    delete this.env.DESKTOP_RUNTIME_ADDON;
    this.log = inWork('trial', target.platform, `${host.name}.log`);
    fs.writeFileSync(this.log, '');
  }

  /** Starts the app; `ended` is how it ends. Its output goes to a file: Wine's Node has no use for a pipe. */
  start(way, folder) {
    this.presence.begin();
    const [program, ...args] = this.host.command;
    const flags = this.host.electron ? ['--no-sandbox', '--disable-gpu'] : [];
    const script = this.host.electron ? this.app : path.join(this.app, 'app.js');
    const output = fs.openSync(this.log, 'a');
    const words = [...args, ...flags, this.place(script), way, this.place(folder)];
    const child = spawn(program, words, { env: this.env, stdio: ['ignore', output, output] });
    fs.closeSync(output);
    const app = { child, end: null };
    child.on('exit', (code, signal) => {
      app.end = { code, signal };
      this.presence.changed();
    });
    return app;
  }

  until(holds, what, deadlineMs = this.patience) {
    return this.presence.until(
      () => {
        const thrown = this.presence.said('app').find((message) => message.thrown);
        if (thrown) throw new Error(thrown.thrown);
        return holds();
      },
      what,
      deadlineMs,
    );
  }

  /** What an app says that ends by itself. */
  async found(way, folder) {
    const app = this.start(way, folder);
    try {
      const said = () => this.presence.said('app').find((message) => message.found);
      await this.until(() => said() || app.end, `the app that ${way}`);
      await this.until(() => app.end, 'the end of the app');
      same({ ...app.end, said: Boolean(said()) }, { code: 0, signal: null, said: true }, `the app that ${way}`);
      return said().found;
    } finally {
      app.child.kill('SIGKILL');
    }
  }

  /** Kills the app once `holds`, and waits for what must end with it. */
  async killed(way, folder, holds) {
    const app = this.start(way, folder);
    try {
      await this.until(() => app.end || holds(), `the app that ${way}`);
      same(app.end, null, 'the end of the app');
    } finally {
      app.child.kill('SIGKILL');
    }
    await this.until(() => app.end && !this.presence.lives('app'), 'the end of the killed app');
  }

  async noneLeft() {
    const slower = this.host.emulated ? 5 : 1;
    await this.until(() => !this.presence.lives('engine'), 'the end of the engine', 1000 * slower);
    await this.until(() => !this.presence.lives('descendant'), "the end of the engine's descendant", 5000 * slower);
  }

  newFolder(name) {
    const folder = path.join(path.dirname(this.app), `${name} ${this.host.name}`);
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder);
    return folder;
  }

  async works() {
    const expected = { ...WORKS };
    if (this.host.env && this.host.env.TRIAL_SPAWNS_ANYTHING) delete expected.noEngine;
    const folder = this.newFolder('work');
    same(await this.found('works', folder), expected, 'the app');
    await this.noneLeft();
  }

  async cache() {
    const folder = this.newFolder('cache');
    const acknowledged = () => this.presence.said('app').filter(({ success }) => success);
    await this.killed('fills a cache', folder, () => acknowledged().length >= 50);
    const refused = this.presence.said('app').filter(({ success }) => !success);
    same(refused, [], 'entries that were not stored');
    const keys = acknowledged().map(({ acknowledged: at }) => `key ${at}`);
    const found = await this.found('reads the cache', folder);
    same(
      keys.filter((key) => !found.keys.includes(key)),
      [],
      'acknowledged entries that are lost',
    );
    same([found.whole, found.again], [found.keys.length, true], 'whole entries, and whether another can be set');
  }

  async recovery() {
    const folder = this.newFolder('recovery');
    const left = () => (this.presence.said('app').find((message) => message.left) || {}).left;
    const ready = () => left() && this.presence.lives('engine') && this.presence.lives('descendant');
    await this.killed('leaves jobs', folder, ready);
    await this.noneLeft();
    const ids = left();
    const found = await this.found('recovers jobs', folder);
    same(found, { ended: ids.sort(), left: 0 }, 'the jobs after the kill');
    await this.noneLeft();
  }

  end() {
    if (!this.host.wine) return;
    const server = path.join(path.dirname(this.host.command[0]), 'wineserver64');
    spawnSync(server, ['-k'], { env: this.env });
  }
}

/**
 * Tries a target's addon on a host.
 * @returns {Promise<{ parts: Object<string, string>, log: string }>} what was tried, each with `ok` or what was wrong; and
 *   the file that has the app's output
 */
async function trial(target, host) {
  const presence = new Presence();
  const port = await presence.listen();
  const display = host.electron ? await newDisplay() : null;
  const subject = new Trial(target, host, port, presence, display);
  const parts = {};
  try {
    for (const part of ['works', 'cache', 'recovery']) {
      parts[part] = await subject[part]().then(
        () => 'ok',
        (error) => error.message,
      );
    }
  } finally {
    subject.end();
    presence.close();
    if (display) display.close();
  }
  return { parts, log: subject.log };
}

module.exports = { trial };
