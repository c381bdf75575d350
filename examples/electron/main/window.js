'use strict';

// The app's one window.

const path = require('path');
const { BrowserWindow, nativeTheme } = require('electron');
const { PAGE } = require('./pages');

/** As in renderer/style.css: without it the window flashes before the page is drawn. */
const BACKGROUND = { light: '#f6f5f2', dark: '#1b1c1e' };

/** What is so in today's Electron: `remote` went with 14, scripts from outside are kept apart since 12. */
const ONCE_UNSAFE = { enableRemoteModule: false, worldSafeExecuteJavaScript: true };

/** @type {BrowserWindow | null} */
let window = null;

async function openWindow() {
  window = new BrowserWindow({
    width: 1040,
    height: 700,
    minWidth: 360,
    minHeight: 420,
    show: false,
    title: 'Read Images',
    backgroundColor: nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light,
    autoHideMenuBar: true,
    webPreferences: {
      preload: path.join(__dirname, '..', 'preload.js'),
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
      ...ONCE_UNSAFE,
    },
  });
  window.once('ready-to-show', showWindow);
  window.once('closed', () => (window = null));
  await window.loadURL(PAGE);
}

/** Shows the window, and brings it to the front. */
function showWindow() {
  if (!window) return;
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
}

/** @returns {import('electron').WebContents | null} the window's page */
function currentPage() {
  return window && !window.isDestroyed() ? window.webContents : null;
}

/** Shows the progress of all jobs in the task bar or dock: 0 to 1, or none at -1. */
function showOverallProgress(fraction) {
  if (window) window.setProgressBar(fraction);
}

module.exports = { currentPage, openWindow, showOverallProgress, showWindow };
