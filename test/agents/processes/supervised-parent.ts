/** A process that supervises a command, to be killed by a test: `supervised-parent.ts FOLDER MARK SCRIPT`. */
import { supervise } from '../../../src/agents/processes/supervised.ts';

const [, , folder = '', mark = '', script = ''] = process.argv;
await supervise(
  {
    file: '/bin/sh',
    args: ['-c', script],
    cwd: folder,
    env: { PATH: process.env.PATH ?? '' },
    mark,
    stdin: '/dev/null',
    folder,
  },
  (line) => console.log(line),
);
