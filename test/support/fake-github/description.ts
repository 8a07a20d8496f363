import { readFileSync } from 'node:fs';
import addFormats from 'ajv-formats';
import { type Document, OpenAPIBackend } from 'openapi-backend';

/** What the project was promised to send and to get: GitHub's own description of the operations it uses. */
const descriptionUrl = new URL('../openapi/github-cut.json', import.meta.url);

export interface ApiRequest {
  readonly method: string;
  /** Below the API's root. */
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface Matched {
  readonly operation: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** What is wrong with the request. */
  readonly faults: readonly string[];
}

/** GitHub answers these for any operation without saying so in its description. */
const Universal = new Set([401, 403, 404, 429, 500, 502, 503]);

export interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly $ref?: string;
}

interface DescribedResponse {
  readonly content?: unknown;
  readonly $ref?: string;
}

/** Checks requests and answers against GitHub's description. */
export class Description {
  readonly #api: OpenAPIBackend;
  readonly #schemas: Readonly<Record<string, Schema>>;

  private constructor(api: OpenAPIBackend, schemas: Readonly<Record<string, Schema>>) {
    this.#api = api;
    this.#schemas = schemas;
  }

  static #loaded: Promise<Description> | null = null;

  /** Once in a process: it has no state. */
  static load(): Promise<Description> {
    Description.#loaded ??= Description.#load();
    return Description.#loaded;
  }

  static async #load(): Promise<Description> {
    const definition = nullableForAjv(JSON.parse(readFileSync(descriptionUrl, 'utf8'))) as Document;
    const api = new OpenAPIBackend({
      definition,
      ajvOpts: { strict: false },
      // Each operation's schemas are compiled when it is first used.
      quick: true,
      customizeAjv: (ajv) => addFormats.default(ajv).addFormat('repo.nwo', /^[^/]+\/[^/]+$/),
    });
    await api.init();
    const { schemas } = definition.components as { readonly schemas: Readonly<Record<string, Schema>> };
    return new Description(api, schemas);
  }

  /** A schema by its name, or by a `$ref`. */
  schema(name: string): Schema {
    const schema = this.#schemas[name.slice(name.lastIndexOf('/') + 1)];
    if (schema === undefined) throw new Error(`the description has no schema ${name}`);
    return schema;
  }

  /** Null where the description has no such operation. */
  match(request: ApiRequest): Matched | null {
    const asked = { ...request, headers: { ...request.headers } };
    const operation = this.#api.matchOperation(asked);
    if (operation?.operationId === undefined) return null;
    const { params, query } = this.#api.router.parseRequest(asked, operation);
    const { errors } = this.#api.validateRequest(asked, operation);
    return { operation: operation.operationId, params, query, faults: (errors ?? []).map(describe) };
  }

  /** What is wrong with an answer. */
  faultsOf(operation: string, status: number, body: unknown): readonly string[] {
    const declared = this.#api.getOperation(operation)?.responses?.[String(status)] as DescribedResponse | undefined;
    if (declared === undefined) return Universal.has(status) ? [] : [`status ${status} is not declared`];
    if (declared.content === undefined) return body === null || status >= 400 ? [] : [`status ${status} has no body`];
    const { errors } = this.#api.validator.validateResponse(body, operation, status);
    return (errors ?? []).map(describe);
  }
}

const describe = (error: { readonly instancePath: string; readonly message?: string }): string =>
  `${error.instancePath || '/'} ${error.message ?? ''}`;

/** ajv understands `nullable` beside a `type` only, and not beside an `enum` without null. */
function nullableForAjv(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(nullableForAjv);
  if (typeof value !== 'object' || value === null) return value;
  const { nullable, ...rest } = value as Record<string, unknown>;
  const inner = Object.fromEntries(Object.entries(rest).map(([key, item]) => [key, nullableForAjv(item)]));
  return nullable === true
    ? { anyOf: [{ enum: [null] }, inner] }
    : { ...inner, ...(nullable === undefined ? {} : { nullable }) };
}
