'use strict';

const { isObject } = require('../lines');
const { boolean, expectList, expectShape, number, optional, string } = require('../shapes');
const { NotTried, expect, shown } = require('../verdicts');

const INFO = { id: string, name: string, type: string, loaded: boolean, size: number };
const UNKNOWN = 'conformance-no-such-model';

/** Loading takes memory and time, so it is tried with the model that one asked for; else the engine must refuse one. */
async function change(lab, method, shape) {
  const engine = await lab.engine();
  const modelId = lab.given.model === undefined ? UNKNOWN : lab.given.model;
  const { result, error } = await lab.answer(engine, method, { modelId });
  if (modelId === UNKNOWN) {
    const isRefused = error || (isObject(result) && result.success === false);
    expect(isRefused, `a model that is not there was answered with ${shown(result)}`);
    return;
  }
  expect(!error, `${method} of ${modelId} was answered with the error ${shown(error)}`);
  expectShape(`the answer to ${method}`, result, shape);
}

module.exports = {
  title: "The engine's models",
  checks: [
    {
      id: 'models.list',
      section: '1',
      says: 'models.list gives [{id, name, type, loaded, size}]',
      hint: 'An array, also when there is no model; the size in bytes.',
      async run(lab) {
        expectList('the answer to models.list', await lab.result(await lab.engine(), 'models.list'), INFO);
      },
    },
    {
      id: 'models.load',
      section: '1',
      says: 'models.load gives {success, loadTime}; a model that is not there is refused',
      hint: 'Answer {"success":true,"loadTime":<milliseconds>}; refuse with an error (-30001) or success:false.',
      run: (lab) => change(lab, 'models.load', { success: boolean, loadTime: number }),
    },
    {
      id: 'models.status',
      section: '1',
      says: 'models.status gives {loaded, memoryUsage?, lastUsed?}',
      hint: 'Bytes, and milliseconds since the epoch.',
      async run(lab) {
        const engine = await lab.engine();
        // Asked first: whether it is offered at all.
        await lab.answer(engine, 'models.status', { modelId: UNKNOWN });
        const { result: listed } = await engine.request('models.list');
        const first = Array.isArray(listed) && listed[0] ? listed[0].id : undefined;
        const modelId = lab.given.model === undefined ? first : lab.given.model;
        if (modelId === undefined) throw new NotTried('models.list shows no model, and there is no --model');
        const status = await lab.result(engine, 'models.status', { modelId });
        const shape = { loaded: boolean, memoryUsage: optional(number), lastUsed: optional(number) };
        expectShape('the answer to models.status', status, shape);
      },
    },
    {
      id: 'models.unload',
      section: '1',
      says: 'models.unload gives {success}; a model that is not there is refused',
      hint: 'Answer {"success":true}; refuse with an error (-30001) or success:false.',
      run: (lab) => change(lab, 'models.unload', { success: boolean }),
    },
  ],
};
