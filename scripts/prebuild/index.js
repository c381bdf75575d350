'use strict';
const { main } = require('../setup/process');
const { build } = require('./build');
const { targetsNamed } = require('./targets');
const { buildTools } = require('./tools');
main(async () => {
  const targets = targetsNamed(process.argv.slice(2));
  const tools = await buildTools();
  for (const target of targets) await build(target, tools);
});
