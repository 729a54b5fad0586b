import { compareText, textOf } from '../json';
import { ENTITY_TYPES } from './definitions';
import type { CertificateRow, Row, SniRow } from './rows';
import { Table } from './table';

/** A certificate or SNI was added, replaced or removed; `before` is undefined for an addition. */
export type ChangeListener = (table: 'certificates' | 'snis', key: string, before: Row | undefined) => void;

export type Contents = Map<string, Row[]>;

export const NO_CONFIGURATION = '0'.repeat(32);

/** Everything that a Kong stores, in memory. */
export class Store {
  #tables = new Map<string, Table>();
  #names = new Map<string, Set<string>>();
  readonly #listeners = new Set<ChangeListener>();
  /** MD5 of the declarative configuration; stays at zeros with a database. */
  configurationHash = NO_CONFIGURATION;
  #commits = 0;
  /** Told how often everything was swapped at once. */
  onCommit: (times: number) => void = () => undefined;

  constructor() {
    for (const type of ENTITY_TYPES) this.#tables.set(type.name, new Table(type));
  }

  onChange(listener: ChangeListener): void {
    this.#listeners.add(listener);
  }

  /** @throws Error for a type that does not exist */
  table(name: string): Table {
    const table = this.#tables.get(name);
    if (table === undefined) throw new Error(`stand-in gateway: no entity type ${name}`);
    return table;
  }

  certificate(id: string): CertificateRow | undefined {
    return this.table('certificates').get(id) as CertificateRow | undefined;
  }

  sni(name: string): SniRow | undefined {
    return this.table('snis').getBy('name', name) as SniRow | undefined;
  }

  /** The names that belong to a certificate, sorted. */
  snisOf(certificateId: string): string[] {
    return [...(this.#names.get(certificateId) ?? [])].sort(compareText);
  }

  put(type: string, row: Row): void {
    const table = this.table(type);
    const before = table.get(row.id);
    table.put(row);
    if (type === 'snis') {
      if (before !== undefined) this.#unlink(before as SniRow);
      this.#link(row as SniRow);
      if (before !== undefined && before['name'] !== row['name'])
        this.#changed('snis', textOf(before['name']), before);
      this.#changed('snis', textOf(row['name']), before?.['name'] === row['name'] ? before : undefined);
    } else if (type === 'certificates') this.#changed('certificates', row.id, before);
  }

  delete(type: string, id: string): void {
    const before = this.table(type).delete(id);
    if (before === undefined) return;
    if (type === 'snis') {
      this.#unlink(before as SniRow);
      this.#changed('snis', textOf(before['name']), before);
    } else if (type === 'certificates') this.#changed('certificates', id, before);
  }

  /** Swaps everything at once, as POST /config does. */
  replaceAll(contents: Contents, hash: string): void {
    const before = { certificates: this.table('certificates'), snis: this.table('snis') };
    this.#tables = new Map(ENTITY_TYPES.map((type) => [type.name, new Table(type, contents.get(type.name))]));
    this.#names = new Map();
    for (const row of this.table('snis').rows()) this.#link(row as SniRow);
    this.configurationHash = hash;
    this.onCommit(++this.#commits);
    if (this.#listeners.size === 0) return;
    const ids = new Set([...before.certificates.ids(), ...this.table('certificates').ids()]);
    for (const id of ids) this.#changed('certificates', id, before.certificates.get(id));
    const names = [...before.snis.rows(), ...this.table('snis').rows()].map((row) => textOf(row['name']));
    for (const name of new Set(names)) this.#changed('snis', name, before.snis.getBy('name', name));
  }

  #link(sni: SniRow): void {
    const names = this.#names.get(sni.certificate.id);
    if (names === undefined) this.#names.set(sni.certificate.id, new Set([sni.name]));
    else names.add(sni.name);
  }

  #unlink(sni: SniRow): void {
    this.#names.get(sni.certificate.id)?.delete(sni.name);
  }

  #changed(table: 'certificates' | 'snis', key: string, before: Row | undefined): void {
    for (const listener of this.#listeners) listener(table, key, before);
  }
}
