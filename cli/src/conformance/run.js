'use strict';

const { Fault, NotOffered, NotTried } = require('./verdicts');

const GROUPS = [
  'health',
  'requests',
  'text',
  'jobs',
  'cancel',
  'asked',
  'cache',
  'models',
  'events',
  'ending',
  'output',
].map((name) => require(`./checks/${name}`));

async function outcomeOf(check, lab) {
  try {
    await check.run(lab);
    return { outcome: 'pass' };
  } catch (error) {
    if (error instanceof NotOffered) return { outcome: 'not offered' };
    if (error instanceof NotTried) return { outcome: 'not tried', detail: error.message };
    if (!(error instanceof Fault)) throw error;
    // Whatever state it is in now, the next check begins with a sound one.
    lab.discard();
    return { outcome: 'fail', detail: error.message, hint: check.hint };
  }
}

/**
 * Runs every check; one after the other, because they share an engine.
 * @param {import('./lab').Lab} lab
 * @param {{onGroup?(title: string): void, onResult?(result: Record<string, string>): void, isOver?(): boolean, groups?: typeof GROUPS}} [options]
 */
async function runChecks(lab, { onGroup = () => {}, onResult = () => {}, isOver = () => false, groups = GROUPS } = {}) {
  const results = [];
  let isUp = true;
  for (const { title, checks } of groups) {
    if (isUp) onGroup(title);
    for (const check of checks) {
      if (isOver()) return results;
      const { id, section, says } = check;
      const outcome = isUp
        ? await outcomeOf(check, lab)
        : { outcome: 'not tried', detail: 'the engine does not come up' };
      const result = { id, section, says, ...outcome };
      results.push(result);
      // Behind the first check there is nothing to see then.
      if (isUp) onResult(result);
      if (id === 'health.answers' && outcome.outcome === 'fail') isUp = false;
    }
  }
  return results;
}

module.exports = { GROUPS, runChecks };
