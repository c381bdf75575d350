// The slow twin of the wire: what one line of an engine's stdout must make a client emit. `JSON.parse` is the only judge
// of what a message is; nothing is remembered between two tries.

const TRIES = 64;
const PARSE_ERROR = -32700;
const JOB_EVENTS = { result: 'job:complete', error: 'job:error' };

function parsed(text) {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

/** The first text from `open` on that ends with `}` and that `JSON.parse` accepts. */
function objectAt(line, open) {
  for (let end = line.indexOf('}', open); end >= 0; end = line.indexOf('}', end + 1)) {
    const found = parsed(line.slice(open, end + 1));
    if (found) return { ...found, end: end + 1 };
  }
  return null;
}

function eventsOf(value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [];
  const has = (key) => Object.hasOwn(value, key);
  if (has('jsonrpc') && has('method')) {
    const data = has('params') ? { method: value.method, params: value.params } : { method: value.method };
    return [['notification', data]];
  }
  if (has('type') && has('jobId')) return [[JOB_EVENTS[value.type] || 'job:progress', value]];
  return [];
}

/** The key that is begun behind these members, its colon read: an earlier one of its name no longer counts. */
function begunKey(text) {
  const begun = /^\s*,\s*("(?:[^"\\]|\\.)*")\s*:/.exec(text);
  const key = begun && parsed(begun[1]);
  return key ? key.value : undefined;
}

/** The members of a broken object that stand before its fault: the most of its text that makes one when closed. */
function membersBeforeFault(text) {
  for (let end = text.length; end > 0; end -= 1) {
    // A number or a word that the text does not end may have been cut: 12 of 123.
    if (!/["}\]{]/.test(text[end - 1]) && !/[,}\s]/.test(text[end] || 'x')) continue;
    const found = parsed(`${text.slice(0, end)}}`);
    if (!found) continue;
    delete found.value[begunKey(text.slice(end))];
    return found.value;
  }
  return {};
}

function broken(text) {
  const { type, jobId } = membersBeforeFault(text);
  return (type === 'result' || type === 'error') && jobId !== undefined ? [['error', [PARSE_ERROR, jobId]]] : null;
}

const isBlank = (text) => /^[ \t\r\n\ufeff]*$/.test(text);

/** What a client emits for the line: [event, data], an error's data being its code and job id. */
export function readLine(line) {
  line = line.replace(/\r$/, '');
  const whole = parsed(line);
  if (whole) return eventsOf(whole.value);
  const events = [];
  let noise = '';
  let rest = 0;
  let told = false;
  let failed = 0;
  const endRest = (end) => {
    if (!told && !isBlank(line.slice(rest, end))) noise += line.slice(rest, end);
    told = false;
  };
  for (let open = line.indexOf('{'); open >= 0 && failed < TRIES;) {
    const found = objectAt(line, open);
    if (found) {
      endRest(open);
      events.push(...eventsOf(found.value));
      rest = found.end;
      open = line.indexOf('{', rest);
    } else {
      failed += 1;
      const error = isBlank(line.slice(rest, open)) && broken(line.slice(open));
      if (error) {
        events.push(...error);
        told = true;
      }
      open = line.indexOf('{', open + 1);
    }
  }
  endRest(line.length);
  if (noise !== '') events.push(['stdout', noise]);
  return events;
}
