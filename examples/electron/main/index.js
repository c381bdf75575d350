'use strict';

// The app's life: one instance, one window, one engine, and an orderly end.

const path = require('path');
const { app } = require('electron');
const { connectPage } = require('./bridge');
const { OcrEngine } = require('./engine');
const { lockDown } = require('./lockdown');
const { declareScheme, servePages } = require('./pages');
const { Reader } = require('./reader');
const { openWindow, showWindow } = require('./window');

/** What must run before Electron is ready. */
function main() {
  // Two processes on one folder of jobs: the second would have to work without it. So there is only one.
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  declareScheme();
  lockDown(app);

  const engine = new OcrEngine(app);
  const reader = new Reader(engine.client, path.join(app.getPath('userData'), 'reader'));
  app.on('second-instance', showWindow);
  app.on('window-all-closed', () => app.quit());
  quitInOrder(() => close(reader, engine));

  app.whenReady().then(async () => {
    servePages((id) => reader.pathOf(id));
    connectPage({ reader, engine });
    await openWindow();
    // Queued before the engine runs: it begins with what the last run left.
    await reader.open();
    await engine.start();
  });
}

async function close(reader, engine) {
  // In this order: what the end of the engine interrupts stays on disk, for the next start.
  await reader.close();
  await engine.stop();
}

/** Holds the app's end back until `work` is done. Should it fail, the app ends all the same. */
function quitInOrder(work) {
  let begun = false;
  let done = false;
  app.on('will-quit', (event) => {
    if (done) return;
    event.preventDefault();
    if (begun) return;
    begun = true;
    work()
      .catch((error) => console.error('The app could not close in order:', error))
      .then(() => {
        done = true;
        app.quit();
      });
  });
}

main();
