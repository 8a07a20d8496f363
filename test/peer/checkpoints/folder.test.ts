import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CheckpointFolder } from '../../../src/peer/checkpoints/folder.ts';
import type { BlobId, TaskId } from '../../../src/protocol/ids.ts';
import { Limits } from '../../../src/protocol/limits.ts';
import { checkpointContract } from '../../contracts/checkpoints.ts';

const task = 'a'.repeat(64) as TaskId;
const idOf = (text: string): BlobId => createHash('sha256').update(text).digest('hex') as BlobId;
async function* chunksOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

let home = '';
let folder: CheckpointFolder;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'checkpoints-'));
  folder = new CheckpointFolder(home);
});
afterEach(() => rmSync(home, { recursive: true }));

const made = (text: string): string => {
  const file = join(home, 'made');
  writeFileSync(file, text);
  return file;
};
const all = (): readonly string[] => readdirSync(join(home, 'checkpoints'), { recursive: true }).map(String).sort();

checkpointContract('the folder', async () => {
  const root = mkdtempSync(join(tmpdir(), 'checkpoints-'));
  const kept = new CheckpointFolder(root);
  // Which one came last is for the file system's clock to say.
  const later = async (content: string, keep: () => Promise<unknown>): Promise<BlobId> => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await keep();
    return idOf(content);
  };
  return {
    keep: (of, content) =>
      later(content, () => {
        writeFileSync(join(root, 'made'), content);
        return kept.keep(of, join(root, 'made'));
      }),
    receive: (of, content) => later(content, () => kept.receive(of, idOf(content), chunksOf(content))),
    has: async (of, blob) => (await kept.find(of, blob)) !== null,
    forget: (of) => kept.forget(of),
    restart: (open) => new CheckpointFolder(root).sweep((name) => open.includes(name as TaskId)),
    remove: async () => rmSync(root, { recursive: true }),
  };
});

describe('the folder of checkpoints', () => {
  it('names what it keeps by its content', async () => {
    expect(await folder.keep(task, made('work'))).toEqual({ blob: idOf('work'), bytes: 4 });
    const path = await folder.find(task, idOf('work'));
    expect(readFileSync(path ?? '', 'utf8')).toBe('work');
    expect(await folder.find(task, idOf('other'))).toBeNull();
  });

  it('takes a copy in pieces', async () => {
    await folder.receive(task, idOf('two parts'), chunksOf('two ', 'parts'));
    expect(readFileSync((await folder.find(task, idOf('two parts'))) ?? '', 'utf8')).toBe('two parts');
  });

  it('keeps nothing of a copy that is not what it says, is too large, or is cut short', async () => {
    await expect(folder.receive(task, idOf('one'), chunksOf('another'))).rejects.toMatchObject({ code: 'damaged' });
    const large = async function* (): AsyncGenerator<Uint8Array> {
      const chunk = new Uint8Array(16 * 1024 * 1024);
      for (let sent = 0; sent <= Limits.checkpoint; sent += chunk.length) yield chunk;
    };
    await expect(folder.receive(task, idOf('large'), large())).rejects.toMatchObject({ code: 'too-large' });
    const cut = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('on');
      throw new Error('the stream was reset');
    };
    await expect(folder.receive(task, idOf('one'), cut())).rejects.toThrow('the stream was reset');
    expect(all()).toEqual([]);
  });

  it('has nothing left of what it forgot, or found half done at a start', async () => {
    const other = 'b'.repeat(64) as TaskId;
    await folder.keep(task, made('1'));
    await folder.keep(other, made('2'));
    writeFileSync(join(home, 'checkpoints', '.half'), 'x');
    await folder.sweep((name) => name === other);
    expect(all()).toEqual([other, `${other}/${idOf('2')}`]);
    await folder.forget(other);
    expect(all()).toEqual([]);
  });
});
