'use strict';

// What stands in one line of an engine's standard output. Reads as forgivingly as the runtime does, so that one fault
// does not bring down every check; but each fault is named.

const { shown } = require('./verdicts');

const SPANS = 64;
const BOM = '\ufeff';
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `response`, `event`, `request`, or what is wrong with it. */
function kindOf(value) {
  if (!isObject(value)) return { wrong: 'JSON, but not an object' };
  if ('jsonrpc' in value && 'method' in value) return { kind: 'request' };
  if ('jsonrpc' in value && ('id' in value || 'error' in value)) return { kind: 'response' };
  if ('type' in value && 'jobId' in value) return { kind: 'event' };
  if ('id' in value && ('result' in value || 'error' in value)) return { wrong: 'an answer without "jsonrpc"' };
  if ('type' in value) return { wrong: 'an event without "jobId"' };
  return { wrong: 'an object that is neither an answer nor a job event' };
}

/** Where the object that opens at `start` closes, counting brackets outside of strings; -1: it does not. */
function closing(text, start) {
  let depth = 0;
  let isString = false;
  for (let at = start; at < text.length; at += 1) {
    const char = text[at];
    if (isString) {
      if (char === '\\') at += 1;
      else if (char === '"') isString = false;
    } else if (char === '"') isString = true;
    else if (char === '{') depth += 1;
    else if (char === '}') {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return -1;
}

function parsed(text) {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

/** The objects in a line that is not one JSON text, and what else is in it. */
function objectsIn(text) {
  const values = [];
  let rest = '';
  let at = 0;
  for (let tries = 0; tries < SPANS; tries += 1) {
    const open = text.indexOf('{', at);
    if (open < 0) break;
    const end = closing(text, open);
    const found = end < 0 ? null : parsed(text.slice(open, end + 1));
    rest += text.slice(at, open);
    if (found) values.push(found.value);
    else rest += '{';
    at = found ? end + 1 : open + 1;
  }
  return { values, rest: (rest + text.slice(at)).trim() };
}

function faultOfBroken(text, { values, rest }) {
  if (values.length > 1 && rest === '')
    return { about: 'glued', detail: `${values.length} messages on one line: ${shown(text)}` };
  if (values.length === 0 && text.startsWith('{')) return { about: 'json', detail: `not JSON: ${shown(text)}` };
  return { about: 'noise', detail: `not a message: ${shown(text)}` };
}

/**
 * @param {Buffer} bytes of one line, without its line break
 * @returns {{messages: Array<{kind: string, value: any}>, faults: Array<{about: string, detail: string}>}}
 */
function readLine(bytes) {
  const faults = [];
  let text;
  try {
    text = strict.decode(bytes);
  } catch {
    text = lenient.decode(bytes);
    faults.push({ about: 'utf8', detail: `not UTF-8: ${shown(text)}` });
  }
  if (text.startsWith(BOM)) {
    text = text.slice(1);
    faults.push({ about: 'utf8', detail: 'it begins with a byte order mark' });
  }
  text = text.trim();
  if (text === '') return { messages: [], faults };
  const whole = parsed(text);
  const found = whole ? { values: [whole.value], rest: '' } : objectsIn(text);
  if (!whole) faults.push(faultOfBroken(text, found));
  const messages = [];
  for (const value of found.values) {
    const { kind, wrong } = kindOf(value);
    if (kind) messages.push({ kind, value });
    else if (whole) faults.push({ about: 'noise', detail: `${wrong}: ${shown(text)}` });
  }
  return { messages, faults };
}

module.exports = { isObject, readLine };
