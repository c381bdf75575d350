import { AbstractMessageReader, AbstractMessageWriter, createMessageConnection } from 'vscode-jsonrpc/node';
import { Lines } from './lines.js';

class LineReader extends AbstractMessageReader {
  deliver = () => {};

  listen(callback) {
    this.deliver = callback;
    return { dispose: () => {} };
  }
}

class LineWriter extends AbstractMessageWriter {
  constructor(lines) {
    super();
    this.lines = lines;
  }

  async write(message) {
    this.lines.write(JSON.stringify(message));
  }

  end() {}
}

/** The library's connection over the cheapest pipe. It has no timeouts, and parses no job events. */
export async function vscodeJsonrpc() {
  const reader = new LineReader();
  const lines = new Lines((line) => reader.deliver(JSON.parse(line)));
  const connection = createMessageConnection(reader, new LineWriter(lines));
  connection.listen();
  const client = {
    call: (method, params) => connection.sendRequest(method, params),
    stop: () => {
      connection.dispose();
      return lines.stop();
    },
  };
  await client.call('engine.health', {});
  return client;
}
