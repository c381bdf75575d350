'use strict';

const { expectShape, object, oneOf, optional, percent, string } = require('../shapes');
const { isObject } = require('../lines');
const { NotTried, expect, shown } = require('../verdicts');

const TYPES = ['progress', 'log', 'partial', 'result', 'error'];
const DAY_MS = 24 * 60 * 60 * 1000;
const LOG = { level: oneOf('debug', 'info', 'warn', 'error'), message: string, context: optional(object) };

/** The events of all jobs that were run, of one type or of every. */
function heard(lab, type) {
  const events = lab.record.events.filter((event) => type === undefined || event.type === type);
  if (events.length === 0) throw new NotTried(type ? `no job wrote an event of type ${type}` : 'no job wrote an event');
  return events;
}

module.exports = {
  title: 'Job events, of all jobs above',
  checks: [
    {
      id: 'events.types',
      section: '1',
      says: 'their types are progress, log, partial, result, error',
      hint: 'Put what is none of these into a partial or log event: nobody listens for other types.',
      run(lab) {
        for (const event of heard(lab)) expect(TYPES.includes(event.type), `the type of ${shown(event)}`);
      },
    },
    {
      id: 'events.job-id',
      section: '4',
      says: 'their jobId is one that jobs.start gave, letter by letter',
      hint: 'Ids are compared as JSON values: the number 7 is not the text "7".',
      run(lab) {
        for (const event of heard(lab)) {
          const isKnown = lab.record.jobIds.has(JSON.stringify(event.jobId));
          expect(isKnown, `no jobs.start gave the jobId of ${shown(event)}`);
        }
      },
    },
    {
      id: 'events.timestamp',
      section: '1',
      says: 'their timestamp is milliseconds since the epoch',
      hint: 'Date.now() in JavaScript, int(time.time() * 1000) in Python: not seconds, not a text.',
      run(lab) {
        for (const event of heard(lab)) {
          const isTime = typeof event.timestamp === 'number' && Math.abs(event.timestamp - Date.now()) < DAY_MS;
          expect(isTime, `a timestamp of now is like ${Date.now()}; got ${shown(event)}`);
        }
      },
    },
    {
      id: 'events.data',
      section: '1',
      says: 'they have data',
      hint: 'A result of nothing has "data":null.',
      run(lab) {
        const without = heard(lab).find((event) => !('data' in event));
        expect(!without, `no "data" in ${shown(without)}`);
      },
    },
    {
      id: 'events.progress',
      section: '1',
      says: 'progress has {percent, message?}, the percent from 0 to 100',
      hint: 'Percent, not a fraction: 45, not 0.45; and no NaN where the total is 0.',
      run(lab) {
        for (const { data } of heard(lab, 'progress')) {
          expectShape('data of a progress event', data, { percent, message: optional(string) });
        }
      },
    },
    {
      id: 'events.log',
      section: '1',
      says: 'log has {level, message, context?}, the level debug, info, warn or error',
      hint: 'Small letters, and "warn", not "warning".',
      run(lab) {
        for (const { data } of heard(lab, 'log')) expectShape('data of a log event', data, LOG);
      },
    },
    {
      id: 'events.error',
      section: '1',
      says: 'error is a text or {code?, message, data?}',
      hint: 'Write {"code":-32603,"message":"what went wrong"}: the message is what the app shows.',
      run(lab) {
        for (const { data } of heard(lab, 'error')) {
          const isCode = (code) => code === undefined || code === null || ['number', 'string'].includes(typeof code);
          const isWhole = isObject(data) && typeof data.message === 'string' && isCode(data.code);
          expect(typeof data === 'string' || isWhole, `the data of an error event was ${shown(data)}`);
        }
      },
    },
  ],
};
