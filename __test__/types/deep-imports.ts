// The two files of version 1 that apps import by their paths.
import { EngineClient, ErrorCodes, JobManager } from '@niche-knack/desktop-runtime';
import { EngineClient as SameClient, JobManager as SameManager } from '@niche-knack/desktop-runtime/dist/index.js';
import { ErrorCodes as SameCodes } from '@niche-knack/desktop-runtime/dist/types.js';
import type { JobEvent, JobState, JobStatus } from '@niche-knack/desktop-runtime/dist/types.js';
import type { All, Same } from './exactly';

export type TheSame = All<
  [
    Same<typeof SameClient, typeof EngineClient>,
    Same<typeof SameManager, typeof JobManager>,
    Same<typeof SameCodes, typeof ErrorCodes>,
    Same<JobStatus['state'], JobState>,
    Same<JobEvent['data'], unknown>,
  ]
>;
