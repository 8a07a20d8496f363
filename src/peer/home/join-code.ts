import { createHash } from 'node:crypto';
import { z } from 'zod';
import { fromBytes, toBytes } from '../../protocol/cbor.ts';
import { nameSchema } from '../../protocol/hello.ts';
import { bytesSchema } from '../../protocol/record.ts';
import { HomeError } from './errors.ts';

/** What makes a PC a member: the key is the whole secret, the name is for people. */
export interface Mesh {
  readonly name: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** Multiaddrs where peers were when the code was made, for networks without multicast. */
  readonly addresses: readonly string[];
}

const meshKeySchema = bytesSchema.refine((key) => key.length === 32, 'not 32 bytes');
/** A few ways in are enough, and keep the code short. */
export const maxAddresses = 16;
export const addressesSchema = z.array(z.string().min(1).max(300)).max(maxAddresses);

const prefix = 'im1-';
const checksumBytes = 4;
const payloadSchema = z.tuple([meshKeySchema, nameSchema, addressesSchema]);

/** `im1-` and base64url of: CBOR [key, name, addresses], checksum. It holds the key: whoever has it is a member. */
export function inviteCode(mesh: Mesh, addresses: readonly string[] = mesh.addresses): string {
  const payload = toBytes([mesh.key, mesh.name, addresses.slice(0, maxAddresses)]);
  return prefix + Buffer.concat([payload, checksumOf(payload)]).toString('base64url');
}

/**
 * White space is dropped: a terminal or a mail may have broken the line.
 * @throws HomeError `bad-join-code`.
 */
export function parseJoinCode(text: string): Mesh {
  const code = text.replace(/\s+/g, '');
  const version = /^im(\d+)-/.exec(code)?.[1];
  if (version === undefined) {
    throw bad(`a join code begins with ${prefix}: run \`peer invite\` on a PC of the mesh and copy the whole of it`);
  }
  if (version !== '1') throw bad(`it is of another version (${version}) of this program: use the same one on both PCs`);
  if (!/^[\w-]*$/.test(code)) throw mistyped();
  const bytes = Buffer.from(code.slice(prefix.length), 'base64url');
  const payload = bytes.subarray(0, -checksumBytes);
  if (!bytes.subarray(-checksumBytes).equals(checksumOf(payload))) throw mistyped();
  const parsed = payloadSchema.safeParse(fromBytes(payload));
  if (!parsed.success) throw mistyped();
  const [key, name, addresses] = parsed.data;
  return { name, key, addresses };
}

const checksumOf = (payload: Uint8Array): Buffer =>
  createHash('sha256').update('issue-mesh join code\n').update(payload).digest().subarray(0, checksumBytes);

const mistyped = (): HomeError => bad('it was mistyped or cut short: copy the whole of what `peer invite` prints');
const bad = (reason: string): HomeError =>
  new HomeError('bad-join-code', 'the join code', `the join code is no good: ${reason}`);
