import { AdminClient, DatabaseGateway } from '../src/gateway';
import { createPass, type PassRunner } from '../src/app/pass';
import { DirectorySource } from '../src/sources';

/** What the plugin runs, between a folder and a gateway with a database, without the proof. */
export function runnerFor(adminUrl: string, certs: string): PassRunner {
  return createPass({
    sources: [new DirectorySource(certs, true)],
    gateway: new DatabaseGateway(new AdminClient({ url: adminUrl })),
    verifier: null,
    allowDowngrade: false,
    rollback: false,
    takeover: { mode: 'force', graceMs: 0, nudger: null },
  });
}
