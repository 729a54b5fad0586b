import { createPass, type PassRunner } from '../src/app/pass';
import type { Gateway } from '../src/model';
import { DirectorySource } from '../src/sources';

/** The plugin's passes between a folder and a gateway, without the proof. */
export function runnerFor(gateway: Gateway, certs: string): PassRunner {
  return createPass({
    sources: [new DirectorySource(certs, true)],
    gateway,
    verifier: null,
    allowDowngrade: false,
    rollback: false,
    takeover: { mode: 'force', graceMs: 0, nudger: null },
  });
}
