import type { Description, Schema } from './description.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Completes an answer with a value for everything that GitHub's description requires of it and no test looks at. */
export function fill(description: Description, name: string, given: Fields): Fields {
  return fillObject(description, description.schema(name), given);
}

export function fillList(description: Description, name: string, given: readonly Fields[]): unknown {
  return fillValue(description, description.schema(name), given);
}

function fillObject(description: Description, schema: Schema, given: Fields): Fields {
  const { required, properties } = objectParts(description, schema);
  const missing = required.filter((key) => !(key in given));
  const all: Fields = { ...Object.fromEntries(missing.map((key) => [key, undefined])), ...given };
  return Object.fromEntries(
    Object.entries(all).map(([key, value]) => [key, fillValue(description, properties[key], value)]),
  );
}

/** `undefined` stands for anything that fits. */
function fillValue(description: Description, schema: Schema | undefined, value: unknown): unknown {
  if (schema === undefined) return value ?? null;
  if (value === undefined) return anything(description, schema);
  if (Array.isArray(value)) {
    const { items } = alternatives(description, schema).find((one) => one.items !== undefined) ?? {};
    return value.map((item) => fillValue(description, items, item));
  }
  if (typeof value !== 'object' || value === null) return value;
  const object = alternatives(description, schema).find((one) => objectParts(description, one).isObject);
  return object === undefined ? value : fillObject(description, object, value as Fields);
}

function anything(description: Description, schema: Schema): unknown {
  const [first = {}] = alternatives(description, schema);
  if (first.enum !== undefined) return first.enum[0];
  switch (Array.isArray(first.type) ? first.type[0] : first.type) {
    case 'string':
      return first.format === 'date-time'
        ? '2026-01-01T00:00:00Z'
        : first.format === 'uri'
          ? 'https://unused.test/'
          : '';
    case 'integer':
    case 'number':
      return 0;
    case 'boolean':
      return false;
    case 'array':
      return [];
    default:
      return fillObject(description, first, {});
  }
}

/** What the value may be, without references; null comes first where it may be that. */
function alternatives(description: Description, schema: Schema): readonly Schema[] {
  const resolved = schema.$ref === undefined ? schema : description.schema(schema.$ref);
  const choices = resolved.anyOf ?? resolved.oneOf;
  return choices === undefined || resolved.properties !== undefined
    ? [resolved]
    : choices.flatMap((choice) => alternatives(description, choice));
}

interface ObjectParts {
  readonly required: readonly string[];
  readonly properties: Readonly<Record<string, Schema>>;
  readonly isObject: boolean;
}

function objectParts(description: Description, schema: Schema): ObjectParts {
  const resolved = schema.$ref === undefined ? schema : description.schema(schema.$ref);
  const parts = (resolved.allOf ?? []).map((part) => objectParts(description, part));
  return {
    required: [...(resolved.required ?? []), ...parts.flatMap(({ required }) => required)],
    properties: Object.assign({}, resolved.properties, ...parts.map(({ properties }) => properties)),
    isObject: resolved.properties !== undefined || parts.some(({ isObject }) => isObject),
  };
}
