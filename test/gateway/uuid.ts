import { createHash, randomUUID } from 'node:crypto';

export const newId = (): string => randomUUID();

export function isUuid(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** Kong's name space for the ids of entities that a declarative configuration gives none. */
const DECLARATIVE = 'fd02801f-0957-4a15-a55a-c8d9606f30b5';

const namespaces = new Map<string, string>();

/** The id that Kong derives from an entity's natural key: the same document always gives the same id. */
export function derivedId(entityType: string, key: string): string {
  let namespace = namespaces.get(entityType);
  if (namespace === undefined) {
    namespace = nameBased(DECLARATIVE, entityType);
    namespaces.set(entityType, namespace);
  }
  return nameBased(namespace, key);
}

/** RFC 9562, version 5. */
function nameBased(namespace: string, name: string): string {
  const bytes = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
    .subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
