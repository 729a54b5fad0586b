import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/app/connection';
import type { Gateway, Written } from '../../src/model';
import {
  aged,
  creating,
  idOf,
  pairOf,
  send,
  updating,
  write,
  writtenOf,
} from '../integration/gateway/harness';
import { eventually } from '../support/eventually';
import { leafOf, servedLeaf } from '../support/tls';
import { gatewaysOf } from '../torture/gateways';
import type { LiveSettings } from './kong';

const [A, B] = [idOf(1), idOf(2)];
const old = aged(30, 'a.test', 'b.test');
const renewed = aged(1, 'a.test', 'b.test');

/** Writes something that is rolled back by a removal. */
type Write = (gateway: Gateway) => ReturnType<typeof write>;

const addsName: Write = (gateway) => {
  const stored = gateway.certificates.stored.get(A);
  if (stored === undefined) throw new Error('it is not stored');
  return write(gateway, [[updating(stored, renewed, { addSnis: ['b.test'] }), renewed]]);
};
const creates: Write = (gateway) => write(gateway, [[creating(B, renewed, ['b.test']), renewed]]);

/** Kong with a database that makes a removal, and whose answer Kong does not get. */
export function describeLostRemovals(settings: LiveSettings | null): void {
  it.for([
    ['name', addsName],
    ['certificate', creates],
  ] as const)(
    'a %s whose removal is not confirmed by the database is no longer served (database)',
    async ([, writes]) => {
      const { startKong, worlds, stop } = await gatewaysOf({
        ...{ mode: 'database', kong: settings?.kong, pg: settings?.pg },
      });
      onTestFinished(stop);
      const kong = await startKong({ mode: 'database' });
      onTestFinished(() => kong.stop());
      await send(kong.adminUrl, 'PUT', `/certificates/${A}`, { ...pairOf(old), snis: ['a.test'] });
      const { gateway, client } = await connect({ prefix: kong.prefix }, {});
      onTestFinished(() => client.close());
      await gateway.certificates.refresh();
      /** By each worker that answers; on a busy machine one hears later than another. */
      const isServed = (what: string, leaf: string) =>
        eventually(`${what} is served`, async () => {
          const shown = Array.from({ length: 16 }, () => servedLeaf(kong.tlsPort, 'b.test'));
          return (await Promise.all(shown)).every((one) => one === leaf);
        });
      const before = await servedLeaf(kong.tlsPort, 'b.test');
      const written: Written[] = writtenOf(await writes(gateway));
      await isServed('the new one', leafOf(renewed.cert));
      await worlds[0]?.database?.losingAnswers(1, async () => {
        expect((await gateway.restore(written)).map(({ kind }) => kind)).toEqual(['restored']);
      });
      await isServed('what there was', before);
      expect((await fetch(`${kong.adminUrl}/snis/b.test`)).status).toBe(404);
    },
  );
}
