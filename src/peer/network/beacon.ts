import type { ResponsePacket } from 'multicast-dns';
import { nameSchema } from '../../protocol/hello.ts';
import { byText } from '../../protocol/ids.ts';
import { LanSocket } from './multicast.ts';

/** The one name common to all meshes. Peers tell the mesh's display name there, and nothing more. */
const serviceName = '_issue-mesh._udp.local';
/** A string of a TXT record holds so much. */
const textBytes = 255;
const askAgainShare = 1 / 3;
const meshesHeard = 100;

export interface BeaconOptions {
  /** As for LanSocket. */
  readonly interfaces?: readonly string[] | null;
}

export interface Beacon {
  stop(): void;
}

/**
 * Tells whoever asks on the local network that a mesh of this name is here. Does nothing where multicast does not work.
 */
export function answerBeacon(options: BeaconOptions & { readonly meshName: string }): Beacon {
  const socket = openSocket(options);
  const data = chunks(Buffer.from(options.meshName));
  socket.on('query', ({ questions = [] }) => {
    if (!questions.some(({ name }) => name === serviceName)) return;
    socket.respond([{ name: serviceName, type: 'TXT', ttl: 10, data }]);
  });
  return { stop: () => socket.destroy() };
}

/** The display names of the meshes on the local network, sorted; empty where multicast does not work. */
export async function listenForMeshes(timeoutMs: number, options: BeaconOptions = {}): Promise<readonly string[]> {
  const names = new Set<string>();
  const socket = openSocket(options);
  socket.on('response', ({ answers = [] }) => {
    for (const name of answers.flatMap(meshNames)) if (names.size < meshesHeard) names.add(name);
  });
  socket.query(serviceName, 'TXT');
  await delay(timeoutMs * askAgainShare);
  socket.query(serviceName, 'TXT');
  await delay(timeoutMs * (1 - askAgainShare));
  socket.destroy();
  return [...names].sort(byText);
}

const openSocket = ({ interfaces }: BeaconOptions): LanSocket => new LanSocket(interfaces ?? null, () => {});

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function chunks(bytes: Buffer): Buffer[] {
  const count = Math.ceil(bytes.length / textBytes);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * textBytes, (index + 1) * textBytes));
}

/** Anybody on the local network can answer: a name is cut to size, and nothing in it can steer a terminal. */
function meshNames(answer: NonNullable<ResponsePacket['answers']>[number]): readonly string[] {
  if (answer.type !== 'TXT' || answer.name !== serviceName) return [];
  const parts = [answer.data].flat().map((part) => Buffer.from(part));
  const parsed = nameSchema.safeParse(Buffer.concat(parts).toString().replace(/\p{C}/gu, ''));
  return parsed.success ? [parsed.data] : [];
}
