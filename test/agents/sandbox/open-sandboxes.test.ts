import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openSandboxes } from '../../../src/agents/sandbox/open-sandboxes.ts';
import { whyNot } from '../../../src/agents/sandbox/why-not.ts';
import { useFolder } from '../support.ts';

const folder = useFolder();
const open = (program: string, mode: 'auto' | 'off' = 'auto') =>
  openSandboxes({ mode, peerHome: folder.path, allowHosts: [], program });

it('says what to install', async () => {
  expect(await open(join(folder.path, 'bwrap'))).toEqual({
    type: 'none',
    reason: expect.stringMatching(/^bubblewrap is not installed: `sudo apt install bubblewrap`/),
  });
});

it('is tried once for real', async () => {
  const program = join(folder.path, 'bwrap');
  writeFileSync(program, '#!/bin/sh\necho "bwrap: Can\'t do that" >&2\nexit 1\n');
  chmodSync(program, 0o755);
  expect(await open(program)).toMatchObject({ type: 'none', reason: expect.stringContaining("Can't do that") });
  writeFileSync(program, '#!/bin/sh\nexit 0\n');
  expect(await open(program)).toMatchObject({ type: 'sandbox', sandboxes: { name: 'bubblewrap' } });
  expect(await open(program, 'off')).toEqual({ type: 'none', reason: expect.stringContaining('--sandbox auto') });
});

it.each([
  [
    'bwrap: setting up uid map: Permission denied',
    'kernel.apparmor_restrict_unprivileged_userns',
    '1',
    /=0`, or give bwrap/,
  ],
  ['bwrap: No permissions to create new namespace', 'kernel.unprivileged_userns_clone', '0', /userns_clone=1`$/],
  ['bwrap: Creating new namespace failed', 'user.max_user_namespaces', '0', /max_user_namespaces=10000`$/],
  ["bwrap: Can't mount proc on /newroot/proc: Operation not permitted", '', '', /a container's own restriction/],
  ['bwrap: something else', '', '', /does not work here: something else: try/],
])('%s: the reason names the mend', async (said, name, value, expected) => {
  expect(await whyNot(`warning\n${said}\n`, async (asked) => (asked === name ? value : null))).toMatch(expected);
});
