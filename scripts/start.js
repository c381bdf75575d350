'use strict';

const path = require('path');
const { setup } = require('./setup');
const { installPackages } = require('./setup/packages');
const { ROOT, main, run } = require('./setup/process');

main(async () => {
  await setup();
  await installPackages('examples/ocr');
  const runner = path.join(ROOT, 'examples', 'ocr', 'run.js');
  // npm runs scripts in the package's folder; the paths that the user typed are relative to INIT_CWD.
  const cwd = process.env.INIT_CWD || process.cwd();
  process.exitCode = await run(process.execPath, [runner, ...process.argv.slice(2)], { cwd });
});
