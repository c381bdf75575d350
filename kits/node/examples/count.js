'use strict';

// Counts the words of a text, one by one. A job's payload: { text, secondsPerWord? }.

const { Engine } = require('..');

const engine = new Engine({ version: '1.0.0' });

engine.job('count', async ({ text, secondsPerWord = 0 }, job) => {
  const words = text.split(/\s+/).filter(Boolean);
  for (const [index, word] of words.entries()) {
    await job.wait(secondsPerWord * 1000);
    job.check();
    console.log(`counted ${word}`); // a stray print: it goes to stderr
    job.progress(Math.floor((100 * (index + 1)) / words.length), word);
  }
  return { words: words.length };
});

engine.run();
