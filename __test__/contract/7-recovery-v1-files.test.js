import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import {
  SNAPSHOT,
  folderWith,
  ids,
  job,
  leftIn,
  openRecovery,
  readIn,
  snapshotOf,
} from '../support/recovery-folders.js';

const logged = consoleErrors();

/** A job as version 1 wrote it. */
const v1 = (id, more) => ({ ...job(id), state: 'pending', progress: 0, createdAt: 1700000000000, retries: 0, ...more });
const running = (id, more) => v1(id, { state: 'running', progress: 40, startedAt: 1700000000001, ...more });
const state = (more) => ({ engineVersion: '', lastHealthCheck: 0, pendingJobs: [], runningJobs: [], ...more });
const containing = (text) => folderWith({ [SNAPSHOT]: text });
const pretty = (value) => JSON.stringify(value, null, 2);
const setAside = (stateDir) => fs.readdirSync(stateDir).filter((name) => name.startsWith(`${SNAPSHOT}.corrupt-`));

/** Opens it, and looks what there is, now and for a process behind a crash. */
async function read(stateDir) {
  const one = await openRecovery({ stateDir, autoRecover: false, maxRecoveredJobs: Infinity });
  const jobs = one.getRecoverableJobs();
  expect((await leftIn(stateDir)).jobs).toEqual(jobs);
  return jobs;
}

describe('version 1’s file is read', () => {
  const full = state({
    lastHealthCheck: 1700000000123,
    pendingJobs: [v1('a', { retries: 2, owner: { deep: [1] } }), v1('b', { priority: 'high' })],
    runningJobs: [running('c')],
  });
  test.each([
    ['as it wrote it', pretty(full)],
    ['in one line', JSON.stringify(full)],
    ['with tabs', JSON.stringify(full, null, '\t')],
    ['with CRLF and blanks around it', `\r\n ${pretty(full).replace(/\n/g, '\r\n')}\n\n`],
    ['with other keys', pretty({ version: 1, ...full, notes: [{ id: 'x', type: 'y' }] })],
    ['with its keys in another order', pretty(Object.fromEntries(Object.entries(full).reverse()))],
    ['with every character escaped', JSON.stringify(full).replace(/pend/g, '\\u0070end')],
  ])('%s', async (_, text) => {
    const stateDir = containing(text);
    const one = await openRecovery({ stateDir, autoRecover: false });
    expect(one.getStats()).toEqual({ pendingJobs: 2, runningJobs: 1, lastHealthCheck: 1700000000123 });
    const found = one.getRecoverableJobs();
    expect(found.slice(0, 2)).toStrictEqual(full.pendingJobs);
    expect(found[2]).toMatchObject({ ...running('c'), state: 'pending', retries: 1 });
    expect(one.getParkedJobs()).toEqual([]);
    expect((await leftIn(stateDir)).jobs).toEqual(found);
    expect(logged).toEqual([]);
    expect(setAside(stateDir)).toEqual([]);
    await one.shutdown();
    expect(snapshotOf(stateDir)).toMatchObject({ pendingJobs: full.pendingJobs, runningJobs: full.runningJobs });
  });

  test('and handed over, as version 1 would', async () => {
    const handed = [];
    await openRecovery({
      stateDir: containing(pretty(full)),
      onJobRecovery: (each) => handed.push([each.id, each.retries]),
    });
    expect(handed).toEqual([
      ['a', 2],
      ['b', 0],
      ['c', 1],
    ]);
  });
});

describe('what is no job in it is skipped with a log line, and the others count', () => {
  const CASES = {
    'no id': { type: 't', payload: 1 },
    'an id that is no string': v1(7),
    'no type': { ...v1('x'), type: undefined },
    'a type that is no string': v1('x', { type: {} }),
    null: null,
    'a string': 'a',
    'a list': [v1('x')],
    'a number': 7,
  };
  test.each(Object.entries(CASES))('%s', async (_, wrong) => {
    const lists = { pendingJobs: [v1('a'), wrong, v1('b')], runningJobs: [wrong, running('c')] };
    const stateDir = containing(pretty(state(lists)));
    expect(ids(await read(stateDir))).toEqual(['a', 'b', 'c']);
    expect(logged.length).toBeGreaterThan(0);
    expect(logged[0]).toContain('[Recovery] ');
  });

  test.each([
    ['retries', 'many'],
    ['retries', -1],
    ['retries', 1.5],
    ['retries', 1e300],
    ['createdAt', 'yesterday'],
    ['startedAt', null],
    ['progress', 'half'],
    ['state', 7],
    ['state', 'paused'],
    ['priority', 5],
  ])('a job whose %s is %o is a job all the same, or is skipped', async (field, value) => {
    const stateDir = containing(pretty(state({ pendingJobs: [v1('a', { [field]: value }), v1('b')] })));
    const found = await read(stateDir);
    expect(ids(found)).toContain('b');
    for (const each of found) {
      expect(Number.isFinite(each.retries) && each.retries >= 0).toBe(true);
      expect(each.state).toBe('pending');
    }
  });

  test('a job without createdAt, retries, progress and state', async () => {
    const stateDir = containing(pretty(state({ pendingJobs: [job('a')] })));
    expect((await read(stateDir))[0]).toMatchObject({ ...job('a'), state: 'pending', retries: 0, progress: 0 });
  });

  test('the same id twice is one job', async () => {
    const lists = { pendingJobs: [v1('a'), v1('a'), v1('b')], runningJobs: [running('b')] };
    const found = await read(containing(pretty(state(lists))));
    expect(ids(found).sort()).toEqual(['a', 'b']);
  });

  test.each([
    ['lists that are missing', {}],
    ['lists that are null', { pendingJobs: null, runningJobs: null, parkedJobs: null }],
    ['lists that are objects', { pendingJobs: { a: v1('a') }, runningJobs: 'none' }],
    ['a time that is a string', { lastHealthCheck: 'now', pendingJobs: [] }],
    ['a time that is null', { lastHealthCheck: null, pendingJobs: [] }],
  ])('%s', async (_, text) => {
    const one = await openRecovery({ stateDir: containing(pretty(text)), autoRecover: false });
    expect(one.getRecoverableJobs()).toEqual([]);
    expect(typeof one.getStats().lastHealthCheck).toBe('number');
  });

  test.each(['null', '7', '"text"', '[]', '[{"id":"a","type":"t"}]', 'true'])('a file that holds %s', async (text) => {
    const stateDir = containing(text);
    const one = await openRecovery({ stateDir, autoRecover: false });
    one.trackJob(job('b'));
    expect(ids((await leftIn(stateDir)).jobs)).toContain('b');
  });

  test('keys that JavaScript knows otherwise', async () => {
    const text = pretty(state({ pendingJobs: [v1('__proto__'), v1('constructor')] })).replace(
      '"priority"',
      '"__proto__": {"polluted": true}, "hasOwnProperty": 1, "priority"',
    );
    expect(ids(await read(containing(text)))).toEqual(['__proto__', 'constructor']);
    expect({}.polluted).toBeUndefined();
  });
});

describe('a damaged file is set aside, what can be read is recovered', () => {
  const jobs = Array.from({ length: 6 }, (_, index) => v1(`job ${index}`, { payload: `payload of ${index}` }));
  const whole = pretty(state({ pendingJobs: jobs.slice(0, 4), runningJobs: jobs.slice(4) }));

  test.each([0.1, 0.35, 0.5, 0.62, 0.8, 0.97])('torn at %s of its length: the jobs before it', async (part) => {
    const text = whole.slice(0, Math.floor(whole.length * part));
    const stateDir = containing(text);
    const found = await read(stateDir);
    const complete = jobs.filter((each) => text.includes(pretty([each]).slice(4, -4).replace(/\n/g, '\n  ')));
    const expected = complete.map(({ id }) => id);
    expect(ids(found)).toEqual(expected);
    for (const each of found) expect(each).toMatchObject({ payload: `payload of ${each.id.slice(4)}` });
    const aside = setAside(stateDir);
    expect(aside).toHaveLength(1);
    expect(fs.readFileSync(path.join(stateDir, aside[0]), 'utf8')).toBe(text);
    expect(logged).toHaveLength(1);
  });

  test('broken in its middle: the jobs before and behind it', async () => {
    const at = whole.indexOf('payload of 2');
    const stateDir = containing(`${whole.slice(0, at)}\0\x01${whole.slice(at + 2)}`);
    expect(ids(await read(stateDir))).toEqual(['job 0', 'job 1', 'job 3', 'job 4', 'job 5']);
    expect(setAside(stateDir)).toHaveLength(1);
  });

  test('with a byte order mark, which `JSON.parse` does not take', async () => {
    const stateDir = containing(`\ufeff${whole}`);
    expect(ids(await read(stateDir))).toEqual(jobs.map(({ id }) => id));
  });

  test('what is inside a payload is no job, wherever the fault is', async () => {
    const inner = v1('inner', { payload: { deeper: v1('deeper') } });
    const text = pretty(state({ pendingJobs: [v1('a', { payload: [inner, { list: [inner] }] }), v1('b')] }));
    const wrong = [];
    for (let at = 0; at < text.length; at += 7) {
      const stateDir = containing(`${text.slice(0, at)}\0${text.slice(at + 1)}`);
      const one = await openRecovery({ stateDir, autoRecover: false });
      const found = ids(one.getRecoverableJobs());
      await one.shutdown();
      if (found.some((id) => id !== 'a' && id !== 'b')) wrong.push([at, text.slice(at - 10, at), found]);
    }
    expect(wrong).toEqual([]);
  });

  test.each([
    ['empty', ''],
    ['blanks', ' \n '],
    ['zeros, as a power cut leaves it', '\0'.repeat(4096)],
    ['no JSON at all', 'pendingJobs: none'],
    ['no UTF-8', Buffer.from([0xff, 0xfe, 0x7b, 0x80, 0x7d])],
    ['brackets without an end', '['.repeat(200_000)],
    ['braces without an end', '{"pendingJobs":['.repeat(50_000)],
    ['braces in braces', `{"pendingJobs":[${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}]`],
  ])('%s: nothing is recovered, and it goes on', async (_, bytes) => {
    const stateDir = containing(bytes);
    const one = await openRecovery({ stateDir, autoRecover: false });
    expect(one.getRecoverableJobs()).toEqual([]);
    one.trackJob(job('next'));
    await one.shutdown();
    expect(ids((await readIn(stateDir)).jobs)).toEqual(['next']);
    expect(logged.length).toBeLessThanOrEqual(1);
  });

  test('twice in a row: each is set aside under its own name, and reported once', async () => {
    const stateDir = containing('first');
    await readIn(stateDir);
    fs.writeFileSync(path.join(stateDir, SNAPSHOT), 'second');
    await readIn(stateDir);
    await readIn(stateDir);
    const texts = setAside(stateDir).map((name) => fs.readFileSync(path.join(stateDir, name), 'utf8'));
    expect(texts.sort()).toEqual(['first', 'second']);
    expect(logged).toHaveLength(2);
  });

  test('a folder in its place: no throw but the rejection, or it goes on', async () => {
    const stateDir = containing('');
    fs.rmSync(path.join(stateDir, SNAPSHOT));
    fs.mkdirSync(path.join(stateDir, SNAPSHOT, 'in it'), { recursive: true });
    const one = await openRecovery({ stateDir, autoRecover: false }).catch((error) => error);
    if (one instanceof Error) return;
    one.trackJob(job('a'));
    expect(ids(one.getRecoverableJobs())).toEqual(['a']);
  });
});

test('ten thousand jobs are read', async () => {
  const jobs = Array.from({ length: 10_000 }, (_, index) => v1(`job ${index}`));
  const found = await read(containing(pretty(state({ pendingJobs: jobs }))));
  expect(found).toStrictEqual(jobs);
});
