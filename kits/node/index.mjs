import kit from './index.js';

export const { Engine, ErrorCodes, JobError } = kit;
