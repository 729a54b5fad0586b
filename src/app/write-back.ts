import type { Config } from '../config';
import { WriteBack } from '../gateway';
import type { StoredCertificate } from '../model';
import type { Reconciler } from '../reconcile';
import type { Connection } from './connection';
import type { Pass } from './default-certificate';

/** Null: it is not wanted, or there is a database, which a Kong starts from. */
export function createWriteBack(config: Config, kong: Connection): WriteBack | null {
  if (!config.write_back || !kong.gateway.traits.startsFromFile) return null;
  return new WriteBack(
    kong.gateway.certificates,
    config.write_back_file ?? kong.files?.declarativeConfig ?? null,
  );
}

/** Passes after which the declarative file is brought up to date where anything changed in Kong or in it. */
export function withWriteBack(
  pass: Pass,
  knowledge: () => Reconciler['knowledge'],
  writeBack: WriteBack | null,
  observe: boolean,
): Pass {
  if (writeBack === null || observe) return pass;
  return async (cause, touched) => {
    const report = await pass(cause, touched);
    const isChanged = report.events.some(
      ({ outcome }) => outcome.kind === 'swapped' || outcome.kind === 'rolled_back',
    );
    if (!isChanged && !writeBack.isDue) return report;
    const written = await writeBack.run(inStep(knowledge()));
    const unfinished = report.unfinished === 'no' && written.isOpen ? 'settling' : report.unfinished;
    return { ...report, unfinished, writeBack: written };
  };
}

/** What Kong has from a source, and what is proven as far as it can be: a file is not to hold anything else. */
function inStep({ plan, certificates }: Reconciler['knowledge']): StoredCertificate[] {
  const ids = new Set([...(plan?.inSync.values() ?? [])].flat());
  return [...ids].flatMap((id) => certificates.get(id) ?? []);
}
