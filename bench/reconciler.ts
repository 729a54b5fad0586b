import { AdminClient, DatabaseGateway } from '../src/gateway';
import { Reconciler } from '../src/reconcile';
import { DirectorySource } from '../src/sources';

/** What the plugin runs, between a folder and a gateway with a database, without the proof. */
export function reconcilerFor(adminUrl: string, certs: string): Reconciler {
  return new Reconciler({
    sources: [new DirectorySource(certs, true)],
    gateway: new DatabaseGateway(new AdminClient({ url: adminUrl })),
    verifier: null,
    observe: false,
    allowDowngrade: false,
    rollback: false,
    takeover: { mode: 'force', graceMs: 0, nudger: null },
  });
}
