import { afterEach, describe, expect, it } from 'vitest';
import { answerBeacon, type Beacon, listenForMeshes } from '../../../src/peer/network/beacon.ts';
import { waitFor } from '../../support/wait.ts';

const interfaces = ['127.0.0.1'];
const listenMs = 300;

describe('the beacon', () => {
  const beacons: Beacon[] = [];

  afterEach(() => {
    for (const beacon of beacons.splice(0)) beacon.stop();
  });

  const mesh = (meshName: string): void => {
    beacons.push(answerBeacon({ meshName, interfaces }));
  };

  /** What is heard of the meshes here, as soon as these are among them: a busy machine may answer too late. */
  const hear = (...names: readonly string[]): Promise<readonly string[]> =>
    waitFor(`hear of ${names.join(' and ')}`, async () => {
      const heard = await listenForMeshes(listenMs, { interfaces });
      return names.every((name) => heard.includes(name)) && heard;
    });

  it('tells the names of the meshes here, each once, sorted', async () => {
    for (const name of ['willow', 'maple', 'maple']) mesh(name);
    const heard = await hear('maple', 'willow');
    // A real mesh nearby may be heard too.
    expect(heard.filter((name) => ['maple', 'willow'].includes(name))).toEqual(['maple', 'willow']);
  });

  it('tells a long name whole', async () => {
    const name = 'ü'.repeat(100);
    mesh(name);
    expect(await hear(name)).toContain(name);
  });

  it('lets no name steer a terminal', async () => {
    mesh('evil\u001b[2J\u0007\nname');
    expect(await hear('evil[2Jname')).not.toContain('evil\u001b[2J\u0007\nname');
  });

  it('is silent once it has stopped', async () => {
    mesh('gone tomorrow');
    beacons.pop()?.stop();
    expect(await listenForMeshes(listenMs, { interfaces })).not.toContain('gone tomorrow');
  });

  it('hears nothing, and does not fail, where there is no interface', async () => {
    mesh('out of reach');
    const heard = await listenForMeshes(listenMs, { interfaces: [] });
    expect(heard).not.toContain('out of reach');
  });
});
