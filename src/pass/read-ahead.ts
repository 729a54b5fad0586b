import type { CertificateMemory } from './memory';

/** Renewals of more at once are read by their pass. */
const FEW = 4;
/** Most touched files: those of so many bundles, and the drafts that they were renamed from. */
const MOST_TOUCHED = 16;

/**
 * Prepares for a renewal as soon as a watch reports it: asks Kong for the certificate that it replaces, and opens the bundle
 * meanwhile. The pass that follows reads and decides everything again, and finds both at hand.
 */
export class ReadAhead {
  constructor(private readonly memory: CertificateMemory) {}

  /**
   * @param isWaiting false once the pass has begun
   * @returns whether only renewals were touched, all written whole, so that the pass need not wait
   */
  async read(touched: ReadonlySet<string>, isWaiting: () => boolean): Promise<boolean> {
    const { reader, gateway, plan } = this.memory;
    const renewed = touched.size > MOST_TOUCHED ? null : reader.renewedBy(touched);
    if (renewed === null || renewed.length === 0 || renewed.length > FEW) return false;
    for (const id of renewed)
      for (const holder of plan?.inSync.get(id) ?? []) gateway.certificates.readAhead?.(holder);
    // The request is sent before anything is parsed.
    await new Promise<void>((resolve) => setImmediate(resolve));
    return isWaiting() && renewed.every((id) => reader.readAhead(id));
  }
}
