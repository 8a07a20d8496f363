import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The text of a sound file. */
export const specialistFile = (name: string, prompt = `You are ${name}.`, more = ''): string =>
  `---\nname: ${name}\ndescription: For what ${name} is good at\n${more}---\n${prompt}\n`;

/** Puts files into a folder, which is made where it is missing. */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}
