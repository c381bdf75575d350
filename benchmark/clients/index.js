import { jsonRpc2 } from './json-rpc-2.0.js';
import { mcp } from './mcp.js';
import { ours } from './ours.js';
import { plain } from './plain.js';
import { tuned } from './tuned.js';
import { vscodeJsonrpc } from './vscode-jsonrpc.js';

/**
 * A started client by the name it has in the tables. All have `call(method, params)` and `stop()`; ours, plain and tuned
 * also emit `job:progress` and have `onJobEvent(jobId, handler)`.
 */
export const clients = {
  ours,
  'plain Node': plain,
  'tuned Node': tuned,
  'vscode-jsonrpc': vscodeJsonrpc,
  'json-rpc-2.0': jsonRpc2,
  'MCP SDK': mcp,
};
