import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { nameSchema } from '../../protocol/hello.ts';
import { HomeError } from './errors.ts';
import { createAtomically, readSecret, writeAtomically } from './files.ts';
import type { Home } from './home.ts';
import { defaultName } from './host.ts';
import { addressesSchema, type Mesh, maxAddresses, parseJoinCode } from './join-code.ts';
import { type JsonFile, parseJsonFile } from './json-file.ts';

const keySchema = z.string().regex(/^[0-9a-fA-F]{64}$/, '64 hex digits expected');
const meshFileSchema = z.object({
  version: z.literal(1),
  name: nameSchema,
  key: keySchema,
  addresses: addressesSchema.default([]),
});

/** No value: it may be the key. */
const expected: Readonly<Record<string, string>> = {
  version: 'the version 1 expected',
  name: 'a name of 1 to 100 characters expected',
  key: '64 hex digits expected',
  addresses: 'a list of multiaddrs expected',
};

const meshFile: JsonFile<z.infer<typeof meshFileSchema>> = {
  code: 'bad-mesh',
  schema: meshFileSchema,
  trouble: ({ path: [field] }) => {
    const what = expected[String(field)];
    return what === undefined ? 'an object with the mesh expected' : `${String(field)}: ${what}`;
  },
  mend: 'mend it, or move it away and run `peer join CODE` with a code from another PC of the mesh',
};

/**
 * The mesh this home belongs to: that of `PEER_MESH_KEY` where it is set, else that of mesh.json, else null.
 * @throws HomeError `bad-mesh-key`, `bad-mesh`.
 */
export async function loadMesh(home: Home, env: Readonly<Record<string, string | undefined>>): Promise<Mesh | null> {
  const given = env.PEER_MESH_KEY ? parseKeyVariable(env.PEER_MESH_KEY) : null;
  const kept = await readMesh(home);
  if (given === null) return kept;
  if (kept !== null && sameKey(kept.key, given)) return kept;
  return { name: `mesh-${meshId(given).slice(0, 4)}`, key: given, addresses: [] };
}

/**
 * Makes a new mesh with this PC as its first.
 * @throws HomeError `mesh-exists`; `bad-mesh` for a name that is none.
 */
export async function initMesh(home: Home, options: { readonly name?: string | undefined } = {}): Promise<Mesh> {
  const name = nameSchema.safeParse(options.name ?? defaultName());
  if (!name.success) throw new HomeError('bad-mesh', 'name', 'a mesh has a name of 1 to 100 characters: give another');
  const mesh: Mesh = { name: name.data, key: randomBytes(32), addresses: [] };
  if (await createAtomically(home.mesh, textOf(mesh))) return mesh;
  const kept = await readMesh(home);
  const message = `this PC is in the mesh ${kept?.name ?? ''} already: add others by \`peer invite\`, or leave it by moving ${home.mesh} away`;
  throw new HomeError('mesh-exists', home.mesh, message);
}

/**
 * Enters the mesh of a join code. A code of the mesh this PC is in already only adds its addresses.
 * @throws HomeError `bad-join-code`, `other-mesh`.
 */
export async function joinMesh(home: Home, code: string): Promise<{ readonly mesh: Mesh; readonly already: boolean }> {
  const invited = parseJoinCode(code);
  if (await createAtomically(home.mesh, textOf(invited))) return { mesh: invited, already: false };
  const kept = await readMesh(home);
  if (kept === null) return joinMesh(home, code);
  if (!sameKey(kept.key, invited.key)) {
    const message = `this PC is in another mesh, ${kept.name}: to leave it for ${invited.name}, stop the peer and move ${home.mesh} away first`;
    throw new HomeError('other-mesh', home.mesh, message);
  }
  const addresses = [...new Set([...invited.addresses, ...kept.addresses])].slice(0, maxAddresses);
  const mesh = { ...kept, addresses };
  await writeAtomically(home.mesh, textOf(mesh));
  return { mesh, already: true };
}

/** A short name for a mesh that does not give its key away: for display, and to tell meshes apart. */
export const meshId = (key: Uint8Array): string =>
  createHash('sha256').update('issue-mesh mesh id\n').update(key).digest('hex').slice(0, 16);

async function readMesh(home: Home): Promise<Mesh | null> {
  const text = await readSecret(home.mesh);
  if (text === null) return null;
  const { name, key, addresses } = parseJsonFile(home.mesh, text, meshFile);
  return { name, key: Buffer.from(key, 'hex'), addresses };
}

function parseKeyVariable(text: string): Uint8Array {
  const key = keySchema.safeParse(text.trim());
  if (key.success) return Buffer.from(key.data, 'hex');
  // Not the value: it may be a good key with a slip in it.
  const isHex = /^[0-9a-f]*$/i.test(text.trim());
  const found = isHex ? `there are ${text.trim().length}` : 'there are other characters in it';
  const message = `PEER_MESH_KEY must be 64 hex digits, and ${found}: set it anew, or unset it`;
  throw new HomeError('bad-mesh-key', 'PEER_MESH_KEY', message);
}

const textOf = (mesh: Mesh): string =>
  `${JSON.stringify({ version: 1, name: mesh.name, key: Buffer.from(mesh.key).toString('hex'), addresses: mesh.addresses }, null, 2)}\n`;

const sameKey = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
