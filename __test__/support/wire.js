import { Buffer } from 'node:buffer';

/** The pieces of a `say` of `says-what-it-is-told.js`: texts or bytes. */
const encoded = (pieces) => pieces.map((piece) => Buffer.from(piece).toString('base64'));

/**
 * Makes the engine `says-what-it-is-told.js` write exactly this. `@ID@` is the id of the returned call, which settles
 * when what is written answers it.
 */
export function say(client, ...pieces) {
  return client.call('say', { pieces: encoded(pieces) });
}

/** The same, each piece in a write of its own, `pause` ms apart. */
export function saySlowly(client, pause, ...pieces) {
  return client.call('say', { pieces: encoded(pieces), pause });
}

/** The text of a response to the call. */
export function response(members) {
  return `{"jsonrpc":"2.0","id":"@ID@",${members}}`;
}

/** The text of a job event. */
export function jobEvent(type, jobId, data) {
  return JSON.stringify({ type, jobId, timestamp: 1, data });
}

/** All that the engine has read so far, one string a line; each character is a byte. */
export async function linesTold(client) {
  const text = Buffer.from(await client.call('told'), 'base64').toString('latin1');
  return text.split('\n').slice(0, -1);
}

/** Like `say`, with an empty answer on a line of its own behind it: once settled, what came before is delivered. */
export function sayAndAnswer(client, ...pieces) {
  return say(client, ...pieces, `\n${response('"result":"said"')}\n`);
}
