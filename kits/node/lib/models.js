'use strict';

const { ErrorCodes, JobError, invalid } = require('./errors');

/** A model that is loaded when it is needed, by a job or by the app, and only once. */
class Model {
  #load;
  #unload;
  #memoryUsage;
  /** @type {Promise<unknown> | null} the loading, then what it gave */
  #instance = null;
  #loaded = false;
  #lastUsed;

  constructor(id, { name = id, type = 'model', size = 0, load, unload = () => {}, memoryUsage }) {
    this.id = id;
    this.name = name;
    this.type = type;
    this.size = size;
    this.#load = load;
    this.#unload = unload;
    this.#memoryUsage = memoryUsage;
  }

  get loaded() {
    return this.#loaded;
  }

  /** What `load` returned. Loads first where that is still to be done; who comes meanwhile waits for the same. */
  get(options = {}) {
    this.#lastUsed = Date.now();
    if (!this.#instance) this.#instance = this.#begin(options);
    return this.#instance;
  }

  /** Lets go of it; the next `get` loads anew. */
  async unload() {
    const instance = this.#instance;
    this.#instance = null;
    this.#loaded = false;
    if (!instance) return;
    const loaded = await instance.then(
      (value) => ({ value }),
      () => null, // whoever loads it is told
    );
    if (loaded) await this.#unload(loaded.value);
  }

  #begin(options) {
    const instance = (async () => this.#load(options))().then(
      (value) => {
        if (this.#instance === instance) this.#loaded = true;
        return value;
      },
      (error) => {
        if (this.#instance === instance) this.#instance = null;
        throw loadError(this.id, error);
      },
    );
    return instance;
  }

  status() {
    const status = { loaded: this.#loaded };
    if (this.#loaded && this.#memoryUsage) status.memoryUsage = this.#memoryUsage();
    if (this.#lastUsed !== undefined) status.lastUsed = this.#lastUsed;
    return status;
  }

  info() {
    const { id, name, type, loaded, size } = this;
    return { id, name, type, loaded, size };
  }
}

function loadError(id, error) {
  if (error instanceof JobError) return error;
  console.error(error);
  return new JobError(
    ErrorCodes.MODEL_LOAD_FAILED,
    `The model ${id} did not load: ${(error && error.message) || error}`,
  );
}

function modelMethods(models) {
  const find = ({ modelId }) => {
    if (typeof modelId !== 'string') throw invalid('modelId must be a string');
    const model = models.get(modelId);
    if (model) return model;
    const known = [...models.keys()].join(', ') || 'none';
    throw new JobError(ErrorCodes.MODEL_NOT_FOUND, `Model not found: ${modelId}; this engine has: ${known}`);
  };
  return {
    'models.list': () => Array.from(models.values(), (model) => model.info()),
    'models.load': async (params) => {
      const began = Date.now();
      await find(params).get(params.options || {});
      return { success: true, loadTime: Date.now() - began };
    },
    'models.unload': async (params) => {
      await find(params).unload();
      return { success: true };
    },
    'models.status': (params) => find(params).status(),
  };
}

module.exports = { Model, modelMethods };
