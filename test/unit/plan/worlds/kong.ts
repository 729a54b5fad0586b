import type { Change, SourcedBundle, StoredCertificate, StoredHalf } from '../../../../src/model';

/** A Kong that carries changes out as a real one would; what no real one would take is an error. */
export class WorldKong {
  certificates = new Map<string, StoredCertificate>();

  /** Finds the certificate that Kong serves for a host. */
  lookUp(host: string): StoredCertificate | undefined {
    const dot = host.indexOf('.');
    for (const sni of [host, `*${host.slice(dot)}`]) {
      const found = [...this.certificates.values()].find(({ snis }) => snis.includes(sni));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  write(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind === 'create') this.create(change);
      else this.update(change);
    }
  }

  private create({ id, bundle, snis, moveSnis = [], handsOver }: Change & { kind: 'create' }): void {
    if (this.certificates.has(id)) throw new Error(`certificate ${id} is there`);
    const owner = handsOver === true ? 'ingress_controller' : 'us';
    this.put({ id, snis: [], owner, secret: null, main: halfOf(bundle), alt: null });
    for (const name of snis) this.add(id, name);
    for (const { name, from } of moveSnis) this.move(name, from, id);
  }

  private update({ certificate: { id }, half, bundle, ...names }: Change & { kind: 'update' }): void {
    const { addSnis, moveSnis = [], split } = names;
    const before = this.get(id);
    const lost = (split?.snis ?? []).filter((name) => before.snis.includes(name));
    if (split !== undefined && lost.length > 0) {
      if (before.owner !== 'us') throw new Error(`certificate ${id} is not ours to divide`);
      if (!this.certificates.has(split.id)) this.put({ ...before, id: split.id, snis: [], isPrevious: true });
      for (const name of lost) this.move(name, id, split.id);
    }
    this.put({ ...this.get(id), [half]: halfOf(bundle) });
    for (const name of addSnis) this.add(id, name);
    for (const { name, from } of moveSnis) this.move(name, from, id);
  }

  private add(id: string, name: string): void {
    const holder = [...this.certificates.values()].find(({ snis }) => snis.includes(name));
    if (holder !== undefined) throw new Error(`SNI ${name} belongs to ${holder.id} already`);
    this.put({ ...this.get(id), snis: [...this.get(id).snis, name] });
  }

  private move(name: string, from: string, to: string): void {
    const holder = this.get(from);
    // Another change has taken the name meanwhile: the next plan knows.
    if (!holder.snis.includes(name)) return;
    this.put({ ...holder, snis: holder.snis.filter((sni) => sni !== name) });
    this.put({ ...this.get(to), snis: [...this.get(to).snis, name] });
  }

  private get(id: string): StoredCertificate {
    const found = this.certificates.get(id);
    if (found === undefined) throw new Error(`there is no certificate ${id}`);
    return found;
  }

  put(certificate: StoredCertificate): void {
    this.certificates = new Map(this.certificates).set(certificate.id, certificate);
  }

  remove(id: string): void {
    this.certificates = new Map(this.certificates);
    this.certificates.delete(id);
  }
}

export const halfOf = ({ content, chain, leaf, reach }: SourcedBundle): StoredHalf => ({
  ...{ content, chain, leaf, reach, vaultReference: false },
});
