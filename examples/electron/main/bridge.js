'use strict';

// The main process's side of preload.js. Whatever comes from a page is checked here: who says it, and what it says.

const path = require('path');
const { clipboard, ipcMain } = require('electron');
const { ORIGIN } = require('./pages');
const { currentPage, showOverallProgress } = require('./window');

/** Connects the page with the reader and the engine, in both directions. */
function connectPage({ reader, engine }) {
  answer('state', none, () => ({ items: reader.list(), engine: engine.status }));
  answer('images:add', pathsOf, (paths) => reader.add(paths));
  answer('image:cancel', idOf, (id) => reader.cancel(id));
  answer('image:again', idOf, (id) => reader.again(id));
  answer('image:remove', idOf, (id) => reader.remove(id));
  answer('image:copy', idOf, (id) => clipboard.writeText(reader.textOf(id) || ''));
  answer('engine:start', none, () => engine.start());

  reader.on('item', (item) => tell({ kind: 'item', item }));
  reader.on('item', () => showOverallProgress(overallProgress(reader.list())));
  reader.on('removed', (id) => tell({ kind: 'removed', id }));
  reader.on('notice', (text) => tell({ kind: 'notice', text }));
  engine.on('change', (status) => tell({ kind: 'engine', engine: status }));
}

function tell(event) {
  const page = currentPage();
  if (page) page.send('event', event);
}

/**
 * Answers one channel of our page.
 * @param {string} channel
 * @param {(argument: unknown) => any} check gives the argument back, or throws
 * @param {(argument: any) => unknown} work
 */
function answer(channel, check, work) {
  ipcMain.handle(channel, (event, ...args) => {
    if (!isOurPage(event)) throw new Error(`${channel}: not for this page`);
    if (args.length > 1) throw new TypeError(`${channel} takes one argument at most`);
    return work(check(args[0]));
  });
}

/** Whether it is the window's own page, in its main frame. */
function isOurPage({ sender, senderFrame }) {
  if (sender !== currentPage()) return false;
  // From Electron 17 on; null when the frame is gone. Before, the page's policy keeps frames out.
  const url = senderFrame === undefined ? sender.getURL() : isMainFrame(senderFrame) ? senderFrame.url : '';
  return url.startsWith(`${ORIGIN}/`);
}

function isMainFrame(frame) {
  return frame !== null && frame.parent === null;
}

function none(argument) {
  if (argument !== undefined) throw new TypeError('No argument is taken here');
}

function idOf(argument) {
  if (typeof argument !== 'string' || !/^\d{1,15}$/.test(argument))
    throw new TypeError('An id of an image is taken here');
  return argument;
}

function pathsOf(argument) {
  const good = (file) => typeof file === 'string' && path.isAbsolute(file) && !file.includes('\0');
  if (!Array.isArray(argument) || !argument.every(good)) throw new TypeError('Absolute paths are taken here');
  return argument;
}

/** How far all that is under way has got, 0 to 1; -1 when nothing is. */
function overallProgress(items) {
  const percents = items
    .filter(({ state }) => state === 'waiting' || state === 'reading')
    .map(({ percent }) => percent);
  if (percents.length === 0) return -1;
  return percents.reduce((sum, percent) => sum + percent, 0) / percents.length / 100;
}

module.exports = { connectPage };
