import { JSONRPCClient } from 'json-rpc-2.0';
import { Lines } from './lines.js';

const TIMEOUT_MS = 30_000;

/** The library's client over the cheapest pipe, with its own timeouts. */
export async function jsonRpc2() {
  const rpc = new JSONRPCClient((request) => lines.write(JSON.stringify(request)));
  const lines = new Lines((line) => rpc.receive(JSON.parse(line)));
  const timed = rpc.timeout(TIMEOUT_MS);
  const client = { call: (method, params) => timed.request(method, params), stop: () => lines.stop() };
  await client.call('engine.health', {});
  return client;
}
