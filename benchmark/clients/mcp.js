import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { ENGINE } from '../engine.js';

/** The SDK's client over its own stdio transport. */
export async function mcp() {
  const sdk = new Client({ name: 'benchmark', version: '0' });
  await sdk.connect(new StdioClientTransport({ command: ENGINE }));
  return {
    call: (method, params) => sdk.request({ method, params }, ResultSchema),
    stop: () => sdk.close(),
  };
}
