'use strict';

const { METHOD_NOT_FOUND } = require('../lab');
const { expectShape, number, object, oneOf, string } = require('../shapes');
const { Fault, NotOffered, expect, shown } = require('../verdicts');

const STATUS = { status: oneOf('ok', 'error', 'degraded'), version: string, uptime: number, memory: object };
const MEMORY = { used: number, total: number };

async function health(lab) {
  const engine = await lab.engine();
  const { result, error } = await engine.request('engine.health');
  if (error) {
    if (error.code === METHOD_NOT_FOUND) throw new NotOffered();
    throw new Fault(`engine.health was answered with the error ${shown(error)}`);
  }
  return result;
}

module.exports = {
  title: 'Health',
  checks: [
    {
      id: 'health.answers',
      section: '3',
      says: 'comes up: the first request is answered in time, by anything',
      hint: 'Read stdin line by line and answer each line with an id; flush stdout behind each answer. What takes long to load belongs behind the first answer.',
      run: (lab) => lab.engine(),
    },
    {
      id: 'health.shape',
      section: '1',
      says: 'engine.health gives status, version, uptime, memory {used, total}',
      hint: 'Answer {"status":"ok","version":"1.0.0","uptime":12345,"memory":{"used":1000,"total":5000}}: milliseconds and bytes.',
      async run(lab) {
        const status = await health(lab);
        expectShape('the health answer', status, STATUS);
        expectShape('memory of the health answer', status.memory, MEMORY);
      },
    },
    {
      id: 'health.uptime',
      section: '1',
      says: 'the uptime goes forward',
      hint: 'Count milliseconds from the start of the process, on a clock that is never set back.',
      async run(lab) {
        const { uptime: first } = (await health(lab)) || {};
        const { uptime: second } = (await health(lab)) || {};
        expect(!(second < first), `an uptime of ${first} was followed by ${second}`);
      },
    },
  ],
};
