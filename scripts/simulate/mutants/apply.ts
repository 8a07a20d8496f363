import { registerHooks } from 'node:module';
import type { Edit } from './mutant.ts';

const root = new URL('../../../', import.meta.url);

/** @throws where the text to be replaced does not stand there exactly once. */
export function edited(source: string, edits: readonly Edit[]): string {
  let text = source;
  for (const { file, find, replace } of edits) {
    const parts = text.split(find);
    if (parts.length !== 2) throw new Error(`${file} has \`${find.trim()}\` ${parts.length - 1} times, not once`);
    text = parts.join(replace);
  }
  return text;
}

/**
 * From now on this thread loads the edited sources. What it has loaded before stays as it is: call this first. Returns the
 * files that have not been loaded so far.
 */
export function mutate(edits: readonly Edit[]): () => readonly string[] {
  const missing = new Set(edits.map(({ file }) => file));
  const fileOf = new Map([...missing].map((file) => [new URL(file, root).href, file]));
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const file = fileOf.get(url);
      if (file === undefined) return loaded;
      missing.delete(file);
      const source = new TextDecoder().decode(Buffer.from(loaded.source as Uint8Array));
      return {
        ...loaded,
        source: edited(
          source,
          edits.filter((edit) => edit.file === file),
        ),
      };
    },
  });
  return () => [...missing];
}
