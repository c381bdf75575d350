// The main process of an Electron app, with no window.
'use strict';

const { app } = require('electron');

app
  .whenReady()
  .then(() => require('./work.js')(require('@niche-knack/desktop-runtime')))
  .then(
    (result) => {
      process.stdout.write(`${JSON.stringify(result)}\n`);
      app.exit(0);
    },
    (error) => {
      process.stderr.write(`${error.message}\n`);
      app.exit(1);
    },
  );
