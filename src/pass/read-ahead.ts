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
    if (touched.size > MOST_TOUCHED) return false;
    const { begun, renewed } = reader.renewedBy(touched);
    if (begun.length > FEW) return false;
    // The first file of a renewal is hint enough to ask Kong.
    for (const id of begun)
      for (const holder of plan?.inSync.get(id) ?? []) gateway.certificates.readAhead?.(holder);
    if (renewed === null || renewed.length === 0) return false;
    // The request is sent before anything is parsed.
    await new Promise<void>((resolve) => setImmediate(resolve));
    return isWaiting() && renewed.every((id) => reader.readAhead(id));
  }
}
