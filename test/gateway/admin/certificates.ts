import type { Row, SniRow } from '../entities/rows';
import { compareText, isObject, type Json, type JsonObject } from '../json';
import { plain, notFoundById, schemaViolation, unsupported } from '../refusal';
import { isUuid, newId } from '../uuid';
import type { EntityService } from './entity-service';

/** /certificates: the names that belong to a certificate are part of it here and entities of their own behind. */
export class CertificateService {
  constructor(private readonly entities: EntityService) {}

  /** Resolves an id, or the name of an SNI. @throws Refusal (404) */
  idOf(key: string): string {
    if (isUuid(key)) return key;
    const sni = this.entities.find('snis', key) as SniRow | undefined;
    if (sni === undefined) throw plain(404, 'SNI not found');
    return sni.certificate.id;
  }

  present = (row: Row): Row => ({ ...row, snis: this.entities.store.snisOf(row.id) });

  read(key: string): Row {
    const id = this.idOf(key);
    const row = this.entities.find('certificates', id);
    if (row === undefined) throw notFoundById(id);
    return this.present(row);
  }

  insert(body: JsonObject): Row {
    const names = nameList(body['snis']);
    this.#checkNew(names ?? [], null);
    const row = this.entities.insert('certificates', body);
    this.#attach(row.id, names ?? []);
    return this.present(row);
  }

  upsert(key: string, body: JsonObject): Row {
    const known = isUuid(key) ? undefined : (this.entities.find('snis', key) as SniRow | undefined);
    const id = isUuid(key) ? key : (known?.certificate.id ?? newId());
    const snis = isUuid(key) ? body['snis'] : withName(body['snis'], key);
    // Without `snis`, all names are detached.
    const names = nameList(snis ?? null) ?? [];
    this.#checkNew(names, id);
    const row = this.entities.upsert('certificates', id, { ...body, snis: snis ?? null });
    this.#replaceNames(id, names);
    return this.present(row);
  }

  update(key: string, body: JsonObject): Row {
    const id = this.idOf(key);
    const { snis, ...rest } = body;
    const names = nameList(typeof snis === 'string' ? [snis] : snis);
    this.#checkNew(names ?? [], id);
    const row = this.entities.update('certificates', id, snis === undefined ? rest : { ...rest, snis });
    if (names !== null) this.#replaceNames(id, names);
    return this.present(row);
  }

  remove(key: string): void {
    const id = this.idOf(key);
    const { store, mode } = this.entities;
    const names = store.snisOf(id);
    if (mode === 'dbless' && names.length > 0) throw unsupported('remove', 'snis', 'name');
    this.entities.remove('certificates', id);
    this.#detach(names);
  }

  #checkNew(names: readonly string[], ownId: string | null): void {
    for (const name of names) {
      const sni = this.entities.find('snis', name) as SniRow | undefined;
      if (sni === undefined || sni.certificate.id === ownId) continue;
      const other = sni.certificate.id;
      throw schemaViolation({ snis: `${name} already associated with existing certificate '${other}'` });
    }
  }

  #replaceNames(id: string, names: readonly string[]): void {
    const current = this.entities.store.snisOf(id);
    this.#attach(
      id,
      names.filter((name) => !current.includes(name)),
    );
    this.#detach(current.filter((name) => !names.includes(name)));
  }

  #attach(id: string, names: readonly string[]): void {
    for (const name of names) this.entities.insert('snis', { name, certificate: { id } });
  }

  #detach(names: readonly string[]): void {
    for (const name of names) this.entities.remove('snis', name);
  }
}

/** Null where the request has no (valid) list; whether its items are names is checked later. */
function nameList(snis: Json | undefined): string[] | null {
  if (snis === null) return [];
  if (!Array.isArray(snis) || snis.some(isObject)) return null;
  const names = snis.map(String).sort(compareText);
  const twice = names.find((name, index) => names[index + 1] === name);
  if (twice !== undefined) throw schemaViolation({ snis: `${twice} is duplicated` });
  return names;
}

/** PUT /certificates/{name} adds that name to a list, but does not make one. */
function withName(snis: Json | undefined, name: string): Json | undefined {
  const list = typeof snis === 'string' ? [snis] : snis;
  return Array.isArray(list) && !list.includes(name) ? [...list, name] : list;
}
