import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { ROOT } from './documents.js';

const load = createRequire(import.meta.url);
const FOLDER = join(ROOT, 'docs/public/schema');

/** The schema files, by name. */
export const SCHEMAS = Object.fromEntries(
  readdirSync(FOLDER).map((name) => [name, JSON.parse(readFileSync(join(FOLDER, name), 'utf8'))]),
);

/** `validator(ref)` → a function that gives what is wrong with a value, as one text, or null. Needs the packages of `docs/`. */
export function validators() {
  const { default: Ajv } = load('../../docs/node_modules/ajv/dist/2020.js');
  const ajv = new Ajv({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true });
  Object.values(SCHEMAS).forEach((schema) => ajv.addSchema(schema));
  return (ref) => {
    const validate = ajv.getSchema(ref);
    if (!validate) throw new Error(`No schema ${ref}`);
    return (value) => (validate(value) ? null : ajv.errorsText(validate.errors));
  };
}
