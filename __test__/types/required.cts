// A CommonJS app, in TypeScript's own way to require.
import runtime = require('@niche-knack/desktop-runtime');

const engine = new runtime.EngineClient({ enginePath: 'e' });
const state: runtime.JobState = 'done';

export = { jobs: new runtime.JobManager(engine), state, code: runtime.ErrorCodes.JOB_TIMEOUT };
