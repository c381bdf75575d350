// An ESM app.
import { EngineClient, EngineError, ErrorCodes, JobManager, type JobResult } from '@niche-knack/desktop-runtime';
import * as everything from '@niche-knack/desktop-runtime';

const engine = new EngineClient({ enginePath: 'e' });
const manager = new everything.JobManager(engine) satisfies JobManager;
const result: JobResult = await manager.submit('t', {});

export default [result, ErrorCodes.JOB_TIMEOUT, EngineError];
