import { connect, createServer, type Socket } from 'node:net';

/**
 * Takes connections at HOST:PORT and passes them on to a Unix socket, which is the same file in every network namespace.
 * Ends with the process that holds its standard input.
 */
const [host = '', port = '', path = ''] = process.argv.slice(2);

function join(near: Socket, far: Socket): void {
  near.pipe(far).pipe(near);
  for (const [one, other] of [[near, far] as const, [far, near] as const]) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}

createServer((socket) => join(socket, connect(path))).listen(Number(port), host, () => process.stdout.write('ready\n'));
process.stdin.on('end', () => process.exit(0)).resume();
