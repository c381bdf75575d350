'use strict';

// The OCR engine: which program it is, and whether it runs.

const { EventEmitter } = require('events');
const path = require('path');
const { EngineClient } = require('@niche-knack/desktop-runtime');

/** What the engine needs of its Node. */
const OLDEST_NODE = 18;

/** Where the engine's script is: beside the packaged app (`extraResources`), else in this repository. */
function scriptOf(app) {
  return app.isPackaged
    ? path.join(process.resourcesPath, 'ocr', 'engine.js')
    : path.join(__dirname, '..', '..', 'ocr', 'engine.js');
}

/**
 * The Node to run the engine on: Electron's own, so that a user needs none. Electron before 23 has a Node that is too old
 * for tesseract.js; there it is the one that the variable NODE names, or the first in PATH.
 */
function nodeProgram() {
  if (Number(process.versions.node.split('.')[0]) >= OLDEST_NODE) {
    // Without the variable, a second copy of the app would start.
    return { enginePath: process.execPath, env: { ELECTRON_RUN_AS_NODE: '1' } };
  }
  return { enginePath: process.env.NODE || 'node', env: {} };
}

function messageOf(error) {
  if (error.code !== 'ENOENT') return error.message;
  return `${error.message}. This Electron's own Node is too old for the engine: install Node ${OLDEST_NODE} or newer, or set NODE to its path`;
}

/** Emits `change` with `{ state, message }`; the states are starting, ready, restarting, failed and stopped. */
class OcrEngine extends EventEmitter {
  constructor(app) {
    super();
    this.status = { state: 'starting', message: '' };
    this.stopping = false;
    // What it says on stderr is kept for the day it fails: `exit` brings the last of it.
    this.client = new EngineClient({ ...nodeProgram(), args: [scriptOf(app)], stderr: 'ignore' });
    /** @type {EventEmitter} what comes with an event differs from name to name */
    const events = this.client;
    events.on('ready', () => this.become('ready'));
    events.on('exit', ({ data }) => this.onExit(data));
    events.on('error', ({ data }) => data.code === 'RESTART_LIMIT' && this.become('failed', data.message));
  }

  /** Never rejects: a failure is a state, which the page shows with a button to try again. */
  async start() {
    if (this.stopping) return;
    this.become('starting');
    try {
      await this.client.start();
    } catch (error) {
      // Somebody was quicker: the state is that start's.
      if (error.code !== 'ALREADY_RUNNING') this.become('failed', messageOf(error));
    }
  }

  async stop() {
    this.stopping = true;
    await this.client.stop();
  }

  onExit({ stderrTail }) {
    if (stderrTail && !this.stopping) console.error(`The OCR engine ended. Its last words:\n${stderrTail}`);
    // An exit before `ready` fails the start, which says so itself.
    if (this.status.state === 'ready') this.become(this.stopping ? 'stopped' : 'restarting');
  }

  become(state, message = '') {
    this.status = { state, message };
    this.emit('change', this.status);
  }
}

module.exports = { OcrEngine };
