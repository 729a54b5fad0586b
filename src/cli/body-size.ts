import type { AdminClient } from '../gateway';

/** Kong's setting that limits the size of one request to the Admin API. */
export const BODY_SIZE = 'nginx_admin_client_max_body_size';
const DEFAULT_BODY_SIZE = '10m';

interface BodyRoom {
  /** Bytes of the whole configuration as it is posted, as a JSON string. */
  size: number;
  /** Bytes that the Admin API accepts; 0: no limit. */
  limit: number;
  /** Name and value of the setting. */
  setting: string;
}

/**
 * @param settings values of Kong's prefix; undefined: unknown
 * @throws AdminError
 */
export async function bodyRoom(
  client: AdminClient,
  settings: ReadonlyMap<string, string> | undefined,
): Promise<BodyRoom> {
  const { body } = await client.get('/config');
  const text = typeof body === 'object' && body !== null && 'config' in body ? String(body.config) : '';
  const setting = settings?.get(BODY_SIZE) ?? DEFAULT_BODY_SIZE;
  return { size: Buffer.byteLength(JSON.stringify({ config: text })), limit: bytesOf(setting), setting };
}

/** Ids, SNIs and line ends of an entity, as a factor on the characters of certificate and key. */
const OVERHEAD = 1.15;

/** Why new certificates do not fit; null: they do. */
export function whyTooLarge(room: BodyRoom, addedChars: number): string | null {
  const size = room.size + addedChars * OVERHEAD;
  if (room.limit === 0 || size < room.limit) return null;
  return (
    `too large: with what would be created the configuration has about ${megabytes(size)}, and the Admin API takes ` +
    `${megabytes(room.limit)}: ${raise(room)}`
  );
}

export const raise = ({ setting }: BodyRoom): string => `raise ${BODY_SIZE} (${setting}) in kong.conf`;

export const megabytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`;

/** Parses nginx's size notation. */
function bytesOf(size: string): number {
  const [, number = '0', unit = ''] = /^(\d+)([kmg]?)$/i.exec(size.trim()) ?? [];
  const units: Record<string, number> = { k: 1024, m: 1_048_576, g: 1_073_741_824 };
  return Number(number) * (units[unit.toLowerCase()] ?? 1);
}
