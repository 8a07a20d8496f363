import { once } from 'node:events';
import { lstatSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { PeerService } from '../service.ts';
import { controlApp } from './app.ts';
import { ControlError } from './errors.ts';

export interface ControlServer {
  /** Ends every connection and removes the socket. */
  close(): Promise<void>;
}

/**
 * Serves the control API on a Unix socket that only this user can open. A socket that a killed peer has left is
 * replaced.
 * @throws ControlError `no-socket`.
 */
export async function serveControl(
  service: PeerService,
  socketPath: string,
  onStop: () => void,
): Promise<ControlServer> {
  const app = controlApp(service, onStop);
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  // A body of a few kilobytes, from this machine: whoever takes longer is stuck.
  server.requestTimeout = 30_000;
  await removeStale(socketPath);
  await listen(server, socketPath);
  return { close: () => close(server, socketPath) };
}

async function listen(server: Server, path: string): Promise<void> {
  // The socket is made within the call, with the mode that the mask leaves: at no moment is it open to others.
  const mask = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(mask);
  }
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw noSocket(path, cause instanceof Error ? cause.message : String(cause));
  }
}

async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw noSocket(path, 'there is something else of that name');
  if (await isServed(path)) throw noSocket(path, 'another peer serves it');
  rmSync(path, { force: true });
}

async function isServed(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function close(server: Server, path: string): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
  rmSync(path, { force: true });
}

const noSocket = (path: string, reason: string): ControlError =>
  new ControlError('no-socket', `the control socket ${path} cannot be served: ${reason}`);
