import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { app } from '../support/app.js';
import { consoleErrors } from '../support/console-errors.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { elsewhere, filesOf, ids, readIn } from '../support/recovery-folders.js';
import { rounds } from '../support/rounds.js';

const ROUNDS = rounds(100);
const MANAGER_ROUNDS = Math.ceil(ROUNDS / 5);
const logged = consoleErrors();

/** Random whole numbers below `below`, the same for the same seed; the seed is in the messages. */
function randomOf(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
const SEED = Number(process.env.SEED || 20_260);

/** What a job is to whoever finds it: its place among the others is not part of it. */
const told = ({ payload, progress, retries }) => `${payload.mark} ${payload.text.length} ${progress} ${retries}`;

/** The jobs as a list of `[id, told]`, sorted. */
const seen = (jobs) => jobs.map((job) => [job.id, told(job)]).sort();

/** The naive model: what one call does to the jobs, a map of the id to what is known of it. */
function apply(jobs, [name, id, ...args]) {
  if (name === 'trackJob') jobs.set(id, { mark: args[1], size: args[0], progress: 0, running: false, retries: 0 });
  else if (name === 'clearState') jobs.clear();
  else if (name === 'removeJob' || (name === 'updateJobState' && args[0] === 'done')) jobs.delete(id);
  else if (name === 'updateJobState' && jobs.has(id)) {
    jobs.set(id, { ...jobs.get(id), running: args[0] === 'running', progress: args[1] });
  }
  return jobs;
}
const expectedOf = (jobs) =>
  [...jobs]
    .map(([id, { mark, size, progress, running, retries }]) => [
      id,
      `${mark} ${size} ${progress} ${retries + (running ? 1 : 0)}`,
    ])
    .sort();

/** Waits until an app has said so many lines with this in them. */
function linesOf(child, text) {
  let said = '';
  child.stdout.on('data', (chunk) => (said += chunk));
  return (count) => eventually(() => said.split('\n').filter((line) => line.includes(text)).length >= count, text);
}

/** Starts an app on the folder and kills it at a random moment behind its first call; gives all that it said. */
async function killed(stateDir, seed, random) {
  const { child, said, ended } = app('recovery-tracks.js', stateDir, String(seed));
  const acknowledgedIn = linesOf(child, '["!"]');
  await said;
  if (random(10) > 0) {
    await acknowledgedIn(15);
    await delay(random(60));
  }
  child.kill('SIGKILL');
  const { stdout, stderr, signal } = await ended;
  expect({ stderr, signal }).toEqual({ stderr: '', signal: 'SIGKILL' });
  const lines = stdout
    .slice(0, stdout.lastIndexOf('\n'))
    .split('\n')
    .map((line) => JSON.parse(line));
  const [{ jobs }, ...rest] = lines;
  const calls = rest.filter(([kind]) => kind === '?').map(([, ...call]) => call);
  return { found: jobs, calls, acknowledged: rest.filter(([kind]) => kind === '!').length };
}

/**
 * Follows a folder through kills: what the next process finds is what was acknowledged, with or without the one call
 * that was under way.
 */
function follower() {
  let possible = [new Map()];
  return {
    check(found, where) {
      const kept = possible.filter((jobs) => JSON.stringify(expectedOf(jobs)) === JSON.stringify(seen(found)));
      if (kept.length === 0) expect(seen(found), where).toEqual(expectedOf(possible[0]));
      expect(new Set(ids(found)).size, where).toBe(found.length);
      [possible] = [[kept[0]]];
    },
    went(calls, acknowledged) {
      const [before] = possible;
      const sure = calls.slice(0, acknowledged).reduce(apply, before);
      possible = [sure, ...calls.slice(acknowledged).map((call) => apply(new Map(sure), call))];
    },
  };
}

describe(`${ROUNDS} SIGKILLs at random moments: no acknowledged change is lost, none is doubled`, () => {
  test('one process after the other', async () => {
    const random = randomOf(SEED);
    const stateDir = folder();
    const follow = follower();
    let changes = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const seed = random(2 ** 31);
      const { found, calls, acknowledged } = await killed(stateDir, seed, random);
      follow.check(found, `round ${round}, SEED=${SEED}`);
      follow.went(calls, acknowledged);
      changes += acknowledged;
    }
    follow.check((await readIn(stateDir)).jobs, `the end, SEED=${SEED}`);
    // Were the apps killed before they did anything, nothing would have been tried.
    expect(changes).toBeGreaterThan(ROUNDS * 10);
    expect(fs.readdirSync(stateDir).filter((name) => name.includes('corrupt'))).toEqual([]);
    expect(logged).toEqual([]);
  }, 300_000);

  test('with a second process on the folder: locked out, it disturbs nothing', async () => {
    const random = randomOf(SEED + 1);
    const stateDir = folder();
    const follow = follower();
    for (let round = 0; round < Math.ceil(ROUNDS / 10); round += 1) {
      const seed = random(2 ** 31);
      const { child, said, ended } = app('recovery-tracks.js', stateDir, String(seed), 'holds the folder');
      const { jobs } = await said;
      const second = elsewhere(stateDir, { persistInterval: 1 });
      const first = await second.said;
      expect(first.locked).toEqual([{ code: 'STATE_LOCKED', isError: true }]);
      expect(first.jobs).toEqual([]);
      await second.ask('trackJob', { id: 'job 1', type: 'theirs', payload: { mark: 'no', text: '' }, priority: 'low' });
      await second.ask('many', 100, 100);
      await second.ask(['clearState', 'recover', 'getStats'][round % 3]);
      await delay(random(30));
      child.kill('SIGKILL');
      const { stdout } = await ended;
      const lines = stdout
        .slice(0, stdout.lastIndexOf('\n'))
        .split('\n')
        .slice(1)
        .map((line) => JSON.parse(line));
      follow.check(jobs, `round ${round}, SEED=${SEED}`);
      const calls = lines.filter(([kind]) => kind === '?').map(([, ...call]) => call);
      follow.went(calls, lines.filter(([kind]) => kind === '!').length);
      const left = filesOf(stateDir);
      await second.ask('shutdown');
      expect(filesOf(stateDir)).toEqual(left);
      await second.kill();
    }
    follow.check((await readIn(stateDir)).jobs, `the end, SEED=${SEED}`);
  }, 300_000);
});

describe(`with \`manager\` and a real engine: ${MANAGER_ROUNDS} SIGKILLs`, () => {
  test('no job is lost: those of the killed process are finished by the next', async () => {
    const random = randomOf(SEED + 2);
    const stateDir = folder();
    const done = path.join(folder(), 'done');
    fs.writeFileSync(done, '');
    const submitted = new Set();
    const did = () => fs.readFileSync(done, 'utf8').split('\n').filter(Boolean);
    const take = (stdout) => {
      for (const line of stdout
        .slice(0, stdout.lastIndexOf('\n') + 1)
        .split('\n')
        .slice(1, -1)) {
        const [what, id] = JSON.parse(line);
        if (what === 'submitted') submitted.add(id);
      }
    };
    for (let round = 0; round < MANAGER_ROUNDS; round += 1) {
      const one = app('recovery-manages.js', stateDir, done, String(round), 'stays');
      const submits = linesOf(one.child, '["submitted"');
      const { left } = await one.said;
      // What the engine has not done the next process knows of.
      const known = new Set([...left, ...did()]);
      expect(
        [...submitted].filter((id) => !known.has(id)),
        `round ${round}, SEED=${SEED}`,
      ).toEqual([]);
      // Now and then it is killed before its engine runs.
      if (random(4) > 0) await submits(3);
      await delay(random(150));
      one.child.kill('SIGKILL');
      take((await one.ended).stdout);
    }
    const last = app('recovery-manages.js', stateDir, done, 'last', 'until idle');
    const { code, stdout, stderr } = await last.ended;
    expect(code, stderr).toBe(0);
    take(stdout);
    expect(submitted.size).toBeGreaterThan(MANAGER_ROUNDS);
    expect([...submitted].filter((id) => !did().includes(id))).toEqual([]);
    expect((await readIn(stateDir)).jobs).toEqual([]);
    expect((await readIn(stateDir)).parked).toEqual([]);
    // At least once each; more than once only what a kill met: at most those in flight, at each of them.
    expect(did().length - new Set(did()).size).toBeLessThanOrEqual(MANAGER_ROUNDS * 8);
  }, 300_000);
});
