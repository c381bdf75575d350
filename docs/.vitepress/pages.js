/** Every page written by hand, in the order of the sidebar: `[heading, [[title, file without .md], …]]`. */
export const PAGES = [
  [
    'Start',
    [
      ['Overview', 'index'],
      ['Getting started', 'guide/getting-started'],
      ['Installing', 'guide/installing'],
      ['Coming from version 1', 'recipes/from-version-1'],
    ],
  ],
  [
    'The runtime',
    [
      ['EngineClient', 'guide/engine-client'],
      ['JobManager', 'guide/jobs'],
      ['CacheManager', 'guide/cache'],
      ['Streams', 'guide/streams'],
      ['CrashRecovery', 'guide/crash-recovery'],
      ['Errors', 'guide/errors'],
    ],
  ],
  [
    'How it behaves',
    [
      ['Processes', 'guide/processes'],
      ['Restarts and health', 'guide/restarts'],
      ['Messages', 'guide/messages'],
      ['What survives what', 'guide/survival'],
      ['Windows', 'guide/windows'],
      ['Logging', 'guide/logging'],
      ['Observability', 'guide/observability'],
    ],
  ],
  [
    'Engines',
    [
      ['Engine kits', 'engines/kits'],
      ['The contract', 'engines/contract'],
      ['JSON Schema', 'engines/schema'],
    ],
  ],
  [
    'Recipes',
    [
      ['Electron', 'recipes/electron'],
      ['An engine in Python', 'recipes/python'],
      ['A model on the GPU', 'recipes/gpu-model'],
      ['Many engines', 'recipes/many-engines'],
      ['From python-shell', 'recipes/from-python-shell'],
      ['From execa and readline', 'recipes/from-execa'],
    ],
  ],
  [
    'Help',
    [
      ['Command line', 'command-line'],
      ['Troubleshooting', 'troubleshooting'],
    ],
  ],
];

/** The files of those pages, without `.md`. */
export const FILES = PAGES.flatMap(([, pages]) => pages.map(([, file]) => file));
