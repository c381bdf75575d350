// What the compiler must refuse.
import {
  CacheManager,
  CrashRecovery,
  EngineClient,
  ErrorCodes,
  JobManager,
  ProgressTracker,
  StreamHandler,
  createJobStream,
} from '@niche-knack/desktop-runtime';
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
// @ts-expect-error a traceparent is a text
engine.call('m', {}, { traceparent: 5 });
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

// @ts-expect-error a folder is needed
new CacheManager({});
// @ts-expect-error bytes
new CacheManager({ cacheDir: 'c', maxMemorySize: '50 MiB' });
const otherCache = new CacheManager({ cacheDir: 'c' });
// @ts-expect-error a key is a string
otherCache.get(5);
// @ts-expect-error there may be no value
otherCache.get<{ text: string }>('key').then((result) => result.value.text);

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

// @ts-expect-error the folder is missing
new CacheManager({});
// @ts-expect-error a text for a number
new CacheManager({ cacheDir: 'c', maxMemorySize: '50MB' });
// @ts-expect-error misspelt
new CacheManager({ cacheDir: 'c', persist: true });
const cache = new CacheManager({ cacheDir: 'c' });
// @ts-expect-error a key is a text
cache.get(5);
// @ts-expect-error the value is missing
cache.set('k');
// @ts-expect-error seconds are a number
cache.set('k', 1, '5s');
// @ts-expect-error the value is unknown
cache.get('k').then(({ value }) => value.text);
// @ts-expect-error it may not be there
cache.get<{ text: string }>('k').then(({ value }) => value.text);
// @ts-expect-error no emitter
cache.on('hit', () => {});

const streams = new StreamHandler();
// @ts-expect-error no such type
streams.subscribe('j', () => {}, ['done']);
// @ts-expect-error a handler takes one event
streams.subscribe('j', (event, more: string) => more);
// @ts-expect-error an event is more than its type
streams.dispatch({ type: 'progress' });
// @ts-expect-error a dispatcher is missing
new ProgressTracker('j');
const tracker = streams.createProgressTracker('j');
// @ts-expect-error percent is a number
tracker.setProgress('50');
// @ts-expect-error no such level
tracker.log('fatal', 'message');
// @ts-expect-error no emitter
tracker.on('progress', () => {});
// @ts-expect-error no job
createJobStream(streams);
// @ts-expect-error no class
new createJobStream(streams, 'j');

// @ts-expect-error the folder is missing
new CrashRecovery(engine, {});
// @ts-expect-error options are missing
new CrashRecovery(engine);
// @ts-expect-error no engine
new CrashRecovery({}, { stateDir: 's' });
// @ts-expect-error a text for a number
new CrashRecovery(engine, { stateDir: 's', persistInterval: '5s' });
const recovery = new CrashRecovery(engine, { stateDir: 's' });
// @ts-expect-error the payload is missing
recovery.trackJob({ id: 'j', type: 't', priority: 'low' });
// @ts-expect-error no such priority
recovery.trackJob({ id: 'j', type: 't', payload: 1, priority: 'urgent' });
// @ts-expect-error no such state
recovery.updateJobState('j', 'queued');
// @ts-expect-error a payload is unknown
recovery.getRecoverableJobs()[0].payload.path;
// @ts-expect-error null before there is any state
recovery.getStats().lastHealthCheck.toFixed();
const stream = new StreamHandler();
// @ts-expect-error no such type
stream.subscribe('j', () => {}, ['result']);
// @ts-expect-error the handler is missing
stream.subscribe('j');
// @ts-expect-error an event has all four
stream.dispatch({ type: 'progress', jobId: 'j' });
// @ts-expect-error new, so it may be missing in a subclass of version 1's
stream.attach(engine);
// @ts-expect-error no engine
stream.attach?.({ call: async () => 1 });
// @ts-expect-error no such level
stream.createProgressTracker('j').log('fatal', 'm');
// @ts-expect-error no iterator: only a loop reads it
createJobStream(stream, 'j').next();
// @ts-expect-error the dispatcher is missing
new ProgressTracker('j');
