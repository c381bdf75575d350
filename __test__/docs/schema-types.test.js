import { join } from 'node:path';

import ts from 'typescript';
import { expect, test } from 'vitest';

import { ROOT } from '../support/documents.js';
import { SCHEMAS } from '../support/schemas.js';

const { $defs: PARTS } = SCHEMAS['methods.json'];
const program = ts.createProgram([join(ROOT, 'index.d.ts')], { strict: true, types: [] });
const checker = program.getTypeChecker();

/** The shape of a type: `'string'`, `{oneOf: […]}`, `{array: shape}`, or `{object: {name: shape, 'name?': shape}}`. */
function shapeOfType(type) {
  if (type.flags & ts.TypeFlags.Unknown) return 'anything';
  if (type.flags & ts.TypeFlags.String) return 'string';
  if (type.flags & ts.TypeFlags.Number) return 'number';
  if (type.flags & (ts.TypeFlags.Boolean | ts.TypeFlags.BooleanLiteral)) return 'boolean';
  if (type.isUnion()) {
    const rest = type.types.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined));
    if (rest.every((one) => one.isStringLiteral())) return { oneOf: rest.map(({ value }) => value).sort() };
    return shapeOfType(checker.getNonNullableType(type));
  }
  if (checker.isArrayType(type)) return { array: shapeOfType(checker.getTypeArguments(type)[0]) };
  const fields = checker.getPropertiesOfType(type).map((symbol) => {
    const optional = symbol.flags & ts.SymbolFlags.Optional ? '?' : '';
    const of = checker.getTypeOfSymbol(symbol);
    return [symbol.name + optional, shapeOfType(optional ? withoutUndefined(of) : of)];
  });
  return { object: Object.fromEntries(fields) };
}

const withoutUndefined = (type) => (type.flags & ts.TypeFlags.Unknown ? type : checker.getNonNullableType(type));

/** The same of a schema. */
function shapeOfSchema(schema) {
  if (schema === true) return 'anything';
  if (schema.$ref) {
    const part = schema.$ref.split('#/$defs/')[1];
    return shapeOfSchema(part ? PARTS[part] : SCHEMAS[schema.$ref]);
  }
  if (schema.enum) return { oneOf: [...schema.enum].sort() };
  if (schema.type === 'array') return { array: shapeOfSchema(schema.items) };
  if (schema.type !== 'object') return schema.type === 'integer' ? 'number' : schema.type;
  const required = new Set(schema.required);
  const fields = Object.entries(schema.properties ?? {});
  return {
    object: Object.fromEntries(fields.map(([name, of]) => [name + (required.has(name) ? '' : '?'), shapeOfSchema(of)])),
  };
}

test('methods.json says of the fourteen methods what EngineContract says', () => {
  const file = program.getSourceFile(join(ROOT, 'index.d.ts'));
  const contract = checker
    .getExportsOfModule(checker.getSymbolAtLocation(file))
    .find(({ name }) => name === 'EngineContract');
  const methods = checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(contract));
  expect(methods).toHaveLength(14);
  const typed = {};
  for (const method of methods) {
    const [signature] = checker.getTypeOfSymbol(method).getCallSignatures();
    const { parameters } = signature;
    const result = checker.getReturnTypeOfSignature(signature);
    if (parameters.length > 0) typed[`${method.name}.params`] = shapeOfType(checker.getTypeOfSymbol(parameters[0]));
    typed[`${method.name}.result`] = shapeOfType(checker.getTypeArguments(result)[0]);
  }
  // What a JobManager adds to the status; an engine's own id of a job is its `jobId`.
  delete typed['jobs.status.result'].object['engineJobId?'];
  const described = Object.keys(PARTS).filter((name) => /\.(?:params|result)$/.test(name));
  expect(Object.fromEntries(described.map((name) => [name, shapeOfSchema(PARTS[name])]))).toEqual(typed);
});
