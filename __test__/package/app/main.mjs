import { CacheManager, EngineClient, JobManager } from '@niche-knack/desktop-runtime';
import work from './work.js';

console.log(JSON.stringify(await work({ CacheManager, EngineClient, JobManager })));
