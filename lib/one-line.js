'use strict';

/**
 * A JSON text on one line: what crosses with others, and what an engine reads, is cut at line ends. Only a `JSON.stringify`
 * that the app has replaced writes any, and between the tokens of JSON a space says the same.
 * @param {string} text
 */
function oneLine(text) {
  return text.indexOf('\n') === -1 ? text : text.replace(/\n/g, ' ');
}

module.exports = { oneLine };
