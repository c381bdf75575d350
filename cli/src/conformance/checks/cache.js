'use strict';

const { randomUUID } = require('crypto');
const { isDeepStrictEqual } = require('util');
const { boolean, expectShape, number, optional } = require('../shapes');
const { expect, shown } = require('../verdicts');

// Keys of a prefix that nobody else has: an engine's cache may be a real one.
const PREFIX = `conformance-${randomUUID()}:`;
const KEY = `${PREFIX}one`;
const VALUE = { text: 'Gr\u00fc\u00dfe \u{1f600} "\\"', list: [1, 2.5, null, true], empty: {} };

const cleared = (lab, engine) => engine.request('cache.clear', { prefix: PREFIX }).catch(() => {});

module.exports = {
  title: "The engine's cache",
  checks: [
    {
      id: 'cache.set',
      section: '1',
      says: 'cache.set gives {success}',
      hint: 'Take {key, value, ttl?}, the ttl in seconds; answer {"success":true} or {"success":false}.',
      async run(lab) {
        const engine = await lab.engine();
        const answer = await lab.result(engine, 'cache.set', { key: KEY, value: VALUE, ttl: 60 });
        await cleared(lab, engine);
        expectShape('the answer to cache.set', answer, { success: boolean });
      },
    },
    {
      id: 'cache.get',
      section: '1',
      says: 'cache.get gives {found, value?, expiresAt?}, and the value that was set',
      hint: 'Answer {"found":true,"value":…}, or {"found":false} for a key that is not there; expiresAt is milliseconds since the epoch.',
      async run(lab) {
        const engine = await lab.engine();
        const shape = { found: boolean, expiresAt: optional(number) };
        expectShape('the answer to cache.get', await lab.result(engine, 'cache.get', { key: `${PREFIX}none` }), shape);
        const set = await lab.result(engine, 'cache.set', { key: KEY, value: VALUE, ttl: 60 });
        const got = await lab.result(engine, 'cache.get', { key: KEY });
        await cleared(lab, engine);
        expectShape('the answer to cache.get', got, shape);
        if (!set || set.success !== true) return;
        expect(
          got.found && isDeepStrictEqual(got.value, VALUE),
          `${shown(VALUE)} was set; cache.get gave ${shown(got)}`,
        );
      },
    },
    {
      id: 'cache.delete',
      section: '1',
      says: 'cache.delete gives {success}, and the key is gone',
      hint: 'Answer {"success":true}, also for a key that is not there.',
      async run(lab) {
        const engine = await lab.engine();
        await engine.request('cache.set', { key: KEY, value: VALUE });
        const answer = await lab.result(engine, 'cache.delete', { key: KEY });
        const { result: after } = await engine.request('cache.get', { key: KEY });
        await cleared(lab, engine);
        expectShape('the answer to cache.delete', answer, { success: boolean });
        if (answer.success && after) expect(!after.found, `behind success:true cache.get gave ${shown(after)}`);
      },
    },
    {
      id: 'cache.clear',
      section: '1',
      says: 'cache.clear gives {success, cleared}, and clears the prefix alone',
      hint: 'With {prefix} only keys that begin with it go; cleared is how many.',
      async run(lab) {
        const engine = await lab.engine();
        const other = `other-${KEY}`;
        for (const key of [KEY, other]) await engine.request('cache.set', { key, value: 1, ttl: 60 });
        const { result: before } = await engine.request('cache.get', { key: other });
        const answer = await lab.result(engine, 'cache.clear', { prefix: PREFIX });
        const { result: after } = await engine.request('cache.get', { key: other });
        await engine.request('cache.delete', { key: other });
        expectShape('the answer to cache.clear', answer, { success: boolean, cleared: number });
        if (before && before.found) expect(after && after.found, 'a key that does not begin with the prefix went, too');
      },
    },
  ],
};
