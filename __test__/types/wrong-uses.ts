// What the compiler must refuse.
import { EngineClient, ErrorCodes, JobManager } from '@niche-knack/desktop-runtime';
import type { EngineEventType, ErrorCode, JobEvent, JobPriority, JobState } from '@niche-knack/desktop-runtime';

// @ts-expect-error the path is missing
new EngineClient({});
// @ts-expect-error options are missing
new EngineClient();
// @ts-expect-error a text for a number
new EngineClient({ enginePath: 'e', requestTimeout: '5s' });
// @ts-expect-error misspelt
new EngineClient({ enginePath: 'e', autoRestarts: true });
// @ts-expect-error neither 'log' nor 'ignore'
new EngineClient({ enginePath: 'e', stderr: 'print' });
// @ts-expect-error true is no method
new EngineClient({ enginePath: 'e', healthMethod: true });

const engine = new EngineClient({ enginePath: 'e' });
const manager = new JobManager(engine);

// @ts-expect-error no such event
engine.on('job:done', () => {});
// @ts-expect-error a handler takes one event
engine.on('ready', (event, more: string) => more);
// @ts-expect-error parameters are an object
engine.call('m', 'text');
// @ts-expect-error the result is unknown
engine.call('m').then((answer) => answer.models);
// @ts-expect-error no such option
engine.call('m', {}, { timeouts: 5 });
// @ts-expect-error a method's name is a text
engine.call(5);
// @ts-expect-error an event has no percent of its own
engine.onJobEvent('id', (event) => event.percent);
// @ts-expect-error private
engine.process;

// @ts-expect-error no engine
new JobManager();
// @ts-expect-error one method is missing
new JobManager({ call: async () => 1, isReady: () => true });
// @ts-expect-error isReady answers with true or false
new JobManager({ call: async () => 1, isReady: () => 'yes', onJobEvent: () => () => {} });
// @ts-expect-error a text for a number
new JobManager(engine, { concurrency: '2' });
// @ts-expect-error shouldRetry is synchronous
new JobManager(engine, { shouldRetry: async () => true });
// @ts-expect-error no such priority
manager.submit('t', {}, { priority: 'urgent' });
// @ts-expect-error a payload is always given
manager.submit('t');
// @ts-expect-error data may be missing
manager.submit<{ text: string }>('t', {}).then((result) => result.data.text);
// @ts-expect-error null when the job is unknown
manager.getStatus('id').state;

// @ts-expect-error no such code
export const code: ErrorCode = -1;
// @ts-expect-error not to be written
ErrorCodes.JOB_TIMEOUT = -31004;
// @ts-expect-error an event of version 2
export const event: EngineEventType = 'stderr';
// @ts-expect-error no such state
export const state: JobState = 'queued';
// @ts-expect-error no such priority
export const priority: JobPriority = 'medium';
// @ts-expect-error no such type
export const jobEvent: JobEvent = { type: 'done', jobId: 'j', timestamp: 0, data: null };
