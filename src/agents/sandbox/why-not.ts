import { readFile } from 'node:fs/promises';

/** Reads a kernel's setting; null where it has none of that name. */
export type ReadSetting = (name: string) => Promise<string | null>;

export const kernelSetting: ReadSetting = async (name) => {
  const text = await readFile(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').catch(() => null);
  return text?.trim() ?? null;
};

/** Each with what bubblewrap fails by; the mend needs root, once. */
const switches = [
  [
    'kernel.apparmor_restrict_unprivileged_userns',
    '1',
    '0',
    ', or give bwrap an AppArmor profile that allows `userns`',
  ],
  ['kernel.unprivileged_userns_clone', '0', '1', ''],
  ['user.max_user_namespaces', '0', '10000', ''],
] as const;

/** Why bubblewrap does not run here, by what it said, with the mend. */
export async function whyNot(said: string, setting: ReadSetting = kernelSetting): Promise<string> {
  const words =
    said
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/^bwrap: /, '') ?? '';
  if (/proc on \/newroot\/proc|Can't mount proc/i.test(words)) {
    return `bubblewrap may not mount /proc here (${words}): a container's own restriction, to be lifted where it is started`;
  }
  for (const [name, bad, good, or] of switches) {
    if ((await setting(name)) === bad) {
      return `this system forbids user namespaces (${name} is ${bad}): \`sudo sysctl -w ${name}=${good}\`${or}`;
    }
  }
  return `bubblewrap does not work here: ${words || 'it says nothing'}: try \`bwrap --ro-bind / / true\``;
}
