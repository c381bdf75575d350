'use strict';

// Judges the wire's claims by JSON.parse. On stdin: records of fields, each field a length (u32, little endian) and
// its bytes; a record is a kind, its inputs and the claim. On stdout: what is wrong, then how many were checked.

function parse(text) {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return undefined;
  }
}

const has = (object, key) => Object.prototype.hasOwnProperty.call(object, key);
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const eventKind = (type) => (['progress', 'log', 'partial', 'result', 'error'].includes(type) ? type : 'other');

// The canonical form of a raw text in a claim; `null` for an absent one.
const valueOf = (raw) => (raw === null ? null : JSON.stringify(JSON.parse(raw)));
const member = (object, key) => (has(object, key) ? JSON.stringify(object[key]) : null);

function classify(value, text) {
  if (!isObject(value)) return ['ignored'];
  if (has(value, 'jsonrpc') && has(value, 'method')) {
    const call = [member(value, 'method'), member(value, 'params')];
    return has(value, 'id') ? ['request', member(value, 'id'), ...call] : ['notification', ...call];
  }
  if (has(value, 'jsonrpc') && has(value, 'id')) {
    if (value.error) return ['response', member(value, 'id'), 'error', member(value, 'error')];
    return ['response', member(value, 'id'), has(value, 'result') ? 'result' : 'empty', member(value, 'result')];
  }
  if (has(value, 'type') && has(value, 'jobId')) {
    return ['event', eventKind(value.type), member(value, 'jobId'), member(value, 'data'), text];
  }
  return ['ignored'];
}

// The end of the shortest span from `open` that JSON.parse accepts; -1 without one.
function acceptedEnd(text, open) {
  for (let close = text.indexOf('}', open); close !== -1; close = text.indexOf('}', close + 1)) {
    if (parse(text.slice(open, close + 1))) return close + 1;
  }
  return -1;
}

// What a broken text shows before its fault. A prefix that a closing brace makes good ends before the fault; one that
// ends in a colon and that a value makes good shows a key.
function shownBefore(text) {
  let complete = {};
  let completeEnd = 0;
  let keys = {};
  let keysEnd = 0;
  for (let end = 1; end <= text.length; end += 1) {
    const prefix = text.slice(0, end);
    const whole = '"}]{'.includes(text[end - 1]) || (end < text.length && ',} \t\r\n'.includes(text[end]));
    const closed = whole && parse(`${prefix}}`);
    if (closed) [complete, completeEnd] = [closed.value, end];
    const begun = text[end - 1] === ':' && parse(`${prefix}"\\u0000begun"}`);
    if (begun) [keys, keysEnd] = [begun.value, end];
  }
  if (keysEnd > completeEnd) {
    for (const key of Object.keys(keys)) if (keys[key] === '\0begun') delete complete[key];
  }
  return { complete, saw: (key) => has(keys, key) || has(complete, key) };
}

function salvage(text) {
  const { complete, saw } = shownBefore(text);
  if (saw('jsonrpc') && (saw('method') || saw('id'))) {
    const answers = (saw('result') || saw('error')) && !saw('method');
    return answers && has(complete, 'id') ? ['brokenResponse', member(complete, 'id')] : undefined;
  }
  if (!['result', 'error'].includes(complete.type) || !has(complete, 'jobId')) return undefined;
  return ['brokenEvent', complete.type, member(complete, 'jobId')];
}

const blank = /^[ \t\r\n\ufeff]*/;

function readLine(line) {
  if (/^[ \t\r\n]*$/.test(line)) return [];
  const only = parse(line);
  if (only) return [classify(only.value, line.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''))];
  const messages = [];
  let noise = '';
  let rest = 0;
  let told = false;
  let failed = 0;
  let at = 0;
  const endRest = (end) => {
    const piece = line.slice(rest, end);
    if (!told && blank.exec(piece)[0] !== piece) noise += piece;
    told = false;
  };
  for (let open = line.indexOf('{'); open !== -1 && failed < 64; open = line.indexOf('{', at)) {
    const end = acceptedEnd(line, open);
    if (end !== -1) {
      endRest(open);
      const text = line.slice(open, end);
      messages.push(classify(JSON.parse(text), text));
      rest = end;
      at = end;
    } else {
      failed += 1;
      at = open + 1;
      const begins = open === rest + blank.exec(line.slice(rest))[0].length;
      const message = begins && salvage(line.slice(open));
      if (message) {
        messages.push(message);
        told = true;
      }
    }
  }
  endRest(line.length);
  if (noise) messages.push(['noise', noise]);
  return messages;
}

// A claimed message with its raw texts made canonical.
function canonical([kind, ...parts]) {
  switch (kind) {
    case 'request':
    case 'notification':
    case 'brokenResponse':
      return [kind, ...parts.map(valueOf)];
    case 'response':
      return [kind, valueOf(parts[0]), parts[1], valueOf(parts[2])];
    case 'event':
      return [kind, parts[0], valueOf(parts[1]), valueOf(parts[2]), parts[3]];
    case 'brokenEvent':
      return [kind, parts[0], valueOf(parts[1])];
    default:
      return [kind, ...parts];
  }
}

// What an entry of version 1 in a cache file is, as version 1 reads it; `null` without one.
function entryOf(text) {
  const read = parse(text);
  if (!read || !isObject(read.value) || !Number.isFinite(read.value.createdAt)) return null;
  const expiresAt = read.value.expiresAt;
  if (expiresAt !== undefined && expiresAt !== null && !Number.isFinite(expiresAt)) return null;
  return [member(read.value, 'value'), typeof expiresAt === 'number', has(read.value, 'value')];
}

function entryClaimed(claim) {
  const entry = JSON.parse(claim);
  return entry && [valueOf(entry[0]), ...entry.slice(1)];
}

const judges = {
  verdict: (text, claim) => [String(parse(text) !== undefined), claim],
  falsy: (raw, claim) => [String(!JSON.parse(raw)), claim],
  sameId: (a, b, claim) => [String(JSON.parse(a) === JSON.parse(b)), claim],
  entry: (text, claim) => [JSON.stringify(entryOf(text)), JSON.stringify(entryClaimed(claim))],
  idText: (raw, claim) => [String(JSON.parse(raw) === JSON.parse(claim)), 'true'],
  line: (line, claim) => [JSON.stringify(readLine(line)), JSON.stringify(JSON.parse(claim).map(canonical))],
};

/** Reads one record behind `offset`: where it ends, and what is wrong with its claim, if anything is. */
function judge(input, offset) {
  let end = offset;
  const field = () => {
    const length = input.readUInt32LE(end);
    end += 4 + length;
    return input.toString('utf8', end - length, end);
  };
  const kind = field();
  const inputs = Array.from({ length: judges[kind].length }, field);
  const [expected, claimed] = judges[kind](...inputs);
  if (expected === claimed) return { end };
  return {
    end,
    wrong: `${kind} ${JSON.stringify(inputs[0])}\n  JSON.parse says ${expected}\n  claimed         ${claimed}`,
  };
}

function judgeAll(input) {
  let checked = 0;
  let wrong = 0;
  for (let offset = 0; offset < input.length; checked += 1) {
    const verdict = judge(input, offset);
    offset = verdict.end;
    if (verdict.wrong && wrong < 5) console.log(verdict.wrong);
    wrong += Number(verdict.wrong !== undefined);
  }
  console.log(`checked ${checked}, wrong ${wrong}`);
}

module.exports = { judge };
if (require.main === module) judgeAll(require('fs').readFileSync(0));
