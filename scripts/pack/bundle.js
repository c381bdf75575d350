'use strict';

const path = require('path');
const { ROOT } = require('../setup/process');

/** The oldest Node that has to read it: `engines` of package.json. */
const TARGET = 'node12.14';

/**
 * The addon's packages; what an app may load by itself (then there is one of it, and it needs no addon); and the manifest,
 * which is another one in the package.
 */
const BESIDE = /^@niche-knack\/|\/dist\/types\.js$|\/package\.json$/;

/**
 * The JavaScript of the main package in one file, its `index.js`: thirty files take a third longer to load, on the
 * thread that has no time. It is meant to be read, in a debugger or a stack trace, so it is not minified, and each part is
 * headed by the name of its file.
 * @returns {Promise<string>}
 */
async function bundle() {
  const { build } = await import('rolldown');
  const { output } = await build({
    input: path.join(ROOT, 'index.js'),
    cwd: ROOT,
    platform: 'node',
    external: BESIDE,
    transform: { target: TARGET },
    output: {
      file: path.join(ROOT, 'index.js'),
      format: 'cjs',
      comments: { legal: true, annotation: false, jsdoc: false },
    },
    write: false,
  });
  const [{ code }, ...more] = output;
  if (more.length > 0) throw new Error(`the bundle has ${output.length} files, not one`);
  return code;
}

/** What goes into the package as it is: all that `files` names but what is in the bundle. */
function besides(files) {
  return files.filter((name) => !['binding.js', 'index.js', 'lib'].includes(name));
}

module.exports = { besides, bundle };
