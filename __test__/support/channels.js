import { channel } from 'node:diagnostics_channel';
import { afterEach } from 'vitest';

const PHASES = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'];
const subscribed = [];

afterEach(() => {
  for (const { heard, listener } of subscribed.splice(0)) heard.unsubscribe(listener);
});

/** Calls the listener with every message of a channel until the test is over; gives what ends it sooner. */
export function hear(name, listener) {
  const heard = channel(name);
  heard.subscribe(listener);
  subscribed.push({ heard, listener });
  return () => heard.unsubscribe(listener);
}

/** What the channels say of these operations (`call`, `job`, `cache`), in a list that grows: phase, and a copy of the message. */
export function traced(name) {
  const told = [];
  for (const phase of PHASES) {
    hear(`tracing:desktop-runtime:${name}:${phase}`, (message) => told.push([phase, { ...message }, message]));
  }
  return told;
}

/** The messages of these channels, with the last part of their names, in a list that grows. */
export function published(...names) {
  const told = [];
  for (const name of names) hear(`desktop-runtime:${name}`, (message) => told.push([name.split(':').pop(), message]));
  return told;
}
