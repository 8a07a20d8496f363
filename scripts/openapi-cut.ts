/**
 * Cuts GitHub's own description of its REST API down to the operations that the project uses, with nothing but what
 * validates. To bring it up to date, in a folder that is thrown away afterwards (the package unpacks to 385 MB):
 *
 *     npm pack @octokit/openapi && tar xzf octokit-openapi-*.tgz package/generated/api.github.com.json
 *     node scripts/openapi-cut.ts …/package/generated/api.github.com.json && npm run format
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const target = fileURLToPath(new URL('../test/support/openapi/github-cut.json', import.meta.url));

const operations = new Set([
  ...['repos/get', 'repos/get-content', 'users/get-authenticated'],
  ...['issues/get', 'issues/list-for-repo', 'issues/list-comments', 'issues/create-comment', 'issues/add-labels'],
  ...['pulls/list', 'pulls/create', 'pulls/get'],
  ...['git/get-ref', 'git/get-commit', 'git/create-ref', 'git/delete-ref'],
]);

/** Words for people, and GitHub's own extensions. */
const dropped = new Set(['description', 'summary', 'example', 'examples', 'externalDocs', 'tags', 'x-github', 'title']);

type Json = string | number | boolean | null | readonly Json[] | JsonObject;
interface JsonObject {
  readonly [key: string]: Json;
}
interface Operation extends JsonObject {
  readonly operationId: string;
}
interface Description {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, Json>>>>;
}

/** What an object's keys are: its own words, names that it gives away (a property called `title`), or status codes. */
type Keys = 'words' | 'names' | 'statuses';

function trim(value: Json, keys: Keys = 'words'): Json {
  if (Array.isArray(value)) return value.map((item: Json) => trim(item));
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => keys !== 'words' || !dropped.has(key));
  return Object.fromEntries(kept.map(([key, item]) => [key, trimItem(key, item, keys)]));
}

function trimItem(key: string, item: Json, keys: Keys): Json {
  if (keys === 'statuses') return trimResponse(item);
  if (keys === 'words' && key === 'properties') return trim(item, 'names');
  return trim(item, keys === 'words' && key === 'responses' ? 'statuses' : 'words');
}

/** OpenAPI wants a description in every response. */
const trimResponse = (response: Json): Json =>
  typeof response === 'object' && response !== null && !('$ref' in response)
    ? { description: '', ...(trim(response) as JsonObject) }
    : response;

/** Follows `$ref`s, so that each component needed is copied once. */
class Cut {
  readonly components: Record<string, Record<string, Json>> = {};
  readonly #source: Description;

  constructor(source: Description) {
    this.#source = source;
  }

  collect(value: Json): void {
    if (Array.isArray(value)) for (const item of value) this.collect(item);
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value)) {
      if (key === '$ref' && typeof item === 'string') this.#component(item);
      else this.collect(item);
    }
  }

  #component(reference: string): void {
    const [, , kind = '', name = ''] = reference.split('/');
    const group = this.components[kind] ?? {};
    if (name in group) return;
    this.components[kind] = group;
    const found = this.#source.components[kind]?.[name];
    if (found === undefined) throw new Error(`the description lacks ${reference}`);
    const component = kind === 'responses' ? trimResponse(found) : trim(found);
    group[name] = component;
    this.collect(component);
  }
}

function cut(source: Description): Json {
  const result = new Cut(source);
  const paths: Record<string, Record<string, Json>> = {};
  const found = new Set<string>();
  for (const [path, methods] of Object.entries(source.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (!operations.has(operation.operationId)) continue;
      found.add(operation.operationId);
      const trimmed = trim(operation);
      result.collect(trimmed);
      paths[path] = { ...paths[path], [method]: trimmed };
    }
  }
  const missing = [...operations].filter((id) => !found.has(id));
  if (missing.length > 0) throw new Error(`the description lacks ${missing.join(', ')}`);
  const title = 'GitHub REST API, cut by scripts/openapi-cut.ts from @octokit/openapi';
  return {
    openapi: source.openapi,
    info: { title, version: source.info.version },
    paths,
    components: result.components,
  };
}

const [from] = process.argv.slice(2);
if (from === undefined) {
  console.error('usage: node scripts/openapi-cut.ts PATH-OF-api.github.com.json');
  process.exitCode = 2;
} else {
  const source: Description = JSON.parse(readFileSync(from, 'utf8'));
  writeFileSync(target, `${JSON.stringify(cut(source), null, 2)}\n`);
  console.log(`${target}: ${operations.size} operations of @octokit/openapi ${source.info.version}`);
}
